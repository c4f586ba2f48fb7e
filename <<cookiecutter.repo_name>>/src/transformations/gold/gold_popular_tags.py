"""The most popular tags."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schema.tables import GOLD_POPULAR_TAGS
from transformations.silver.silver_posts import QUESTION


def gold_popular_tags(silver_posts: DataFrame, limit: int) -> DataFrame:
    """Find the tags that most questions carry.

    Args:
        silver_posts: the table.
        limit: how many tags to keep. Of tags with equal counts, the first by name wins.
    """
    counted = (
        silver_posts.where(F.col("post_type") == QUESTION)
        .select(F.explode("tags").alias("tag"), "view_count")
        .groupBy("tag")
        .agg(F.count("*").alias("questions"), F.sum("view_count").alias("views"))
        .orderBy(F.col("questions").desc(), "tag")
        .limit(limit)
    )
    return GOLD_POPULAR_TAGS.check(counted)
