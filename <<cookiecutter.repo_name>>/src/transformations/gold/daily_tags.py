"""Questions asked per tag and day."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.silver.silver_posts import QUESTION


def daily_tags(posts: DataFrame, day: date) -> DataFrame:
    """Count the questions of one day by tag.

    Args:
        posts: silver posts.
        day: the day (UTC) on which the questions were asked.
    """
    return (
        posts.where((F.col("post_type") == QUESTION) & (F.to_date("created_at") == F.lit(day)))
        .select(F.lit(day).alias("day"), F.explode("tags").alias("tag"))
        .groupBy("day", "tag")
        .agg(F.count("*").alias("questions"))
    )
