# Databricks notebook source
# MAGIC %md
# MAGIC # silver_users
# MAGIC Users, one row each, with blank texts as null.
# MAGIC
# MAGIC Each run replaces the table.

# COMMAND ----------

import json

from schema.tables import BRONZE_USERS, SILVER_USERS
from skyspark import Settings
from skyspark.load import save_delta_table, save_table_metadata
from transformations.silver.silver_users import silver_users

dbutils.widgets.text("catalog", "main")
dbutils.widgets.text("schema", "stack_exchange")
settings = Settings(
    catalog=dbutils.widgets.get("catalog"), schema_name=dbutils.widgets.get("schema")
)
table = settings.table(SILVER_USERS.name)

# COMMAND ----------

users = silver_users(spark.table(settings.table(BRONZE_USERS.name)))
save_delta_table(users, table)
save_table_metadata(table, comment=SILVER_USERS.comment)

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"table": table, "rows": spark.table(table).count()}))
