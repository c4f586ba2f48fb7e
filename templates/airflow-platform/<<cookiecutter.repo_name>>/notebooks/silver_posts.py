# Databricks notebook source
# MAGIC %md
# MAGIC # silver_posts
# MAGIC Questions and answers, one row each: the latest version of a post, its tags as a list.
# MAGIC
# MAGIC Each run replaces the table.

# COMMAND ----------

import json

from schema.tables import BRONZE_POSTS, SILVER_POSTS
from skyspark import Settings
from skyspark.load import save_delta_table, save_table_metadata
from transformations.silver.silver_posts import silver_posts

dbutils.widgets.text("catalog", "main")
dbutils.widgets.text("schema", "stack_exchange")
settings = Settings(
    catalog=dbutils.widgets.get("catalog"), schema_name=dbutils.widgets.get("schema")
)
table = settings.table(SILVER_POSTS.name)

# COMMAND ----------

posts = silver_posts(spark.table(settings.table(BRONZE_POSTS.name)))
save_delta_table(posts, table)
save_table_metadata(table, comment=SILVER_POSTS.comment)

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"table": table, "rows": spark.table(table).count()}))
