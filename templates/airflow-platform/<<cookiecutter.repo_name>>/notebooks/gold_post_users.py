# Databricks notebook source
# MAGIC %md
# MAGIC # gold_posts_with_users
# MAGIC Posts with who wrote them. A post whose user is unknown is kept, without one.
# MAGIC
# MAGIC Each run replaces the table.

# COMMAND ----------

import json

from schema.tables import GOLD_POSTS_WITH_USERS, SILVER_POSTS, SILVER_USERS
from skyspark import Settings
from skyspark.load import save_delta_table_clustered, save_table_metadata
from transformations.gold.gold_posts_with_users import gold_posts_with_users

dbutils.widgets.text("catalog", "main")
dbutils.widgets.text("schema", "stack_exchange")
settings = Settings(
    catalog=dbutils.widgets.get("catalog"), schema_name=dbutils.widgets.get("schema")
)
table = settings.table(GOLD_POSTS_WITH_USERS.name)

# COMMAND ----------

posts = gold_posts_with_users(
    spark.table(settings.table(SILVER_POSTS.name)), spark.table(settings.table(SILVER_USERS.name))
)
save_delta_table_clustered(posts, table, cluster_by=["created_at"])
save_table_metadata(table, comment=GOLD_POSTS_WITH_USERS.comment)

# COMMAND ----------

dbutils.notebook.exit(json.dumps({"table": table, "rows": spark.table(table).count()}))
