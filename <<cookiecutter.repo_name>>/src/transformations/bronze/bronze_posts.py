"""Posts as they came."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schema.tables import BRONZE_POSTS


def bronze_posts(source: DataFrame) -> DataFrame:
    """Give the attributes of Posts.xml the column names of the tables."""
    posts = source.select(
        F.col("Id").alias("id"),
        F.col("PostTypeId").alias("post_type_id"),
        F.col("ParentId").alias("parent_id"),
        F.col("CreationDate").alias("created_at"),
        F.col("LastActivityDate").alias("last_activity_at"),
        F.col("OwnerUserId").alias("owner_user_id"),
        F.col("Title").alias("title"),
        F.col("Tags").alias("tags"),
        F.col("Score").alias("score"),
        F.col("ViewCount").alias("view_count"),
    )
    return BRONZE_POSTS.check(posts)
