# Databricks notebook source
# MAGIC %md
# MAGIC # gold_popular_tags
# MAGIC The ten tags with the most questions.
# MAGIC
# MAGIC Each run replaces the table.

# COMMAND ----------

import json

from schema.tables import GOLD_POPULAR_TAGS, SILVER_POSTS
from skyspark import Settings
from skyspark.load import save_delta_table, save_table_metadata
from transformations.gold.gold_popular_tags import gold_popular_tags

dbutils.widgets.text("catalog", "main")
dbutils.widgets.text("schema", "stack_exchange")
settings = Settings(
    catalog=dbutils.widgets.get("catalog"), schema_name=dbutils.widgets.get("schema")
)
table = settings.table(GOLD_POPULAR_TAGS.name)

# COMMAND ----------

tags = gold_popular_tags(spark.table(settings.table(SILVER_POSTS.name)), limit=10)
save_delta_table(tags, table)
save_table_metadata(table, comment=GOLD_POPULAR_TAGS.comment)

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"table": table, "rows": spark.table(table).count()}))
