from pyspark.sql import SparkSession

from schema.stack_exchange import POSTS_XML, USERS_XML
from schema.tables import BRONZE_POSTS, BRONZE_USERS
from transformations.bronze.posts import bronze_posts
from transformations.bronze.users import bronze_users


def test_bronze_tables_keep_their_contracts(spark: SparkSession) -> None:
    BRONZE_POSTS.check(bronze_posts(spark.createDataFrame([], POSTS_XML)))
    BRONZE_USERS.check(bronze_users(spark.createDataFrame([], USERS_XML)))


def test_values_pass_unchanged(spark: SparkSession) -> None:
    user = (7, " Ada ", "", 3, None)
    rows = spark.createDataFrame([user], USERS_XML)
    assert [tuple(row) for row in bronze_users(rows).collect()] == [user]
