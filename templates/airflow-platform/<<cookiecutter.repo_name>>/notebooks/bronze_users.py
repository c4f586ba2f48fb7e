# Databricks notebook source
# MAGIC %md
# MAGIC # bronze_users
# MAGIC The users of the site as they came: a row for each `<row>` of `Users.xml`, named and typed.
# MAGIC
# MAGIC Each run replaces the table. A file with a broken row fails the run, and the table stays.

# COMMAND ----------

import json

from schema.tables import BRONZE_USERS
from skyspark import Settings
from skyspark.load import save_delta_table, save_table_metadata
from transformations.bronze.bronze_users import bronze_users

dbutils.widgets.text("catalog", "main")
dbutils.widgets.text("schema", "stack_exchange")
dbutils.widgets.text("landing", "/Volumes/main/stack_exchange/landing")
settings = Settings(
    catalog=dbutils.widgets.get("catalog"), schema_name=dbutils.widgets.get("schema")
)
table = settings.table(BRONZE_USERS.name)

# COMMAND ----------

source = (
    spark.read.format("xml")
    .options(rowTag="row", attributePrefix="", mode="FAILFAST")
    .schema(
        "Id BIGINT, DisplayName STRING, Location STRING, Reputation BIGINT, CreationDate TIMESTAMP"
    )
    .load(f"{dbutils.widgets.get('landing')}/Users.xml")
)
save_delta_table(bronze_users(source), table)
save_table_metadata(table, comment=BRONZE_USERS.comment)

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"table": table, "rows": spark.table(table).count()}))
