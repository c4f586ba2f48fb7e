"""The most popular tags."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.silver.posts import QUESTION


def popular_tags(posts: DataFrame, limit: int) -> DataFrame:
    """Find the tags that most questions carry.

    Args:
        posts: silver posts.
        limit: how many tags to keep. Of tags with equal counts, the first by name wins.
    """
    return (
        posts.where(F.col("post_type") == QUESTION)
        .select(F.explode("tags").alias("tag"), "view_count")
        .groupBy("tag")
        .agg(F.count("*").alias("questions"), F.sum("view_count").alias("views"))
        .orderBy(F.col("questions").desc(), "tag")
        .limit(limit)
    )
