from pyspark.sql import SparkSession
from skyspark.pipeline.model import Pipeline

from schema.tables import BRONZE_POSTS, BRONZE_USERS
from transformations.bronze.bronze_posts import bronze_posts
from transformations.bronze.bronze_users import bronze_users


def columns(pipeline: Pipeline, table: str) -> str:
    """Return the columns of a table's source."""
    return pipeline.by_name[table].source.columns


def test_bronze_tables_keep_their_contracts(spark: SparkSession, pipeline: Pipeline) -> None:
    posts = spark.createDataFrame([], columns(pipeline, "bronze_posts"))
    users = spark.createDataFrame([], columns(pipeline, "bronze_users"))
    assert bronze_posts(posts).schema == BRONZE_POSTS.schema
    assert bronze_users(users).schema == BRONZE_USERS.schema


def test_values_pass_unchanged(spark: SparkSession, pipeline: Pipeline) -> None:
    user = (7, " Ada ", "", 3, None)
    rows = spark.createDataFrame([user], columns(pipeline, "bronze_users"))
    assert [tuple(row) for row in bronze_users(rows).collect()] == [user]
