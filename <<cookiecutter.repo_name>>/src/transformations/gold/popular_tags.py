"""The most popular tags."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from transformations.silver.posts import QUESTION


def popular_tags(posts: DataFrame, limit: int) -> DataFrame:
    """Rank the tags of questions by how many questions carry them.

    Args:
        posts: silver posts.
        limit: how many tags to keep. Tags with equal counts rank by name.
    """
    tags = (
        posts.where(F.col("post_type") == QUESTION)
        .select(F.explode("tags").alias("tag"), "view_count")
        .groupBy("tag")
        .agg(F.count("*").alias("questions"), F.sum("view_count").alias("views"))
    )
    # One window over all rows: there are far fewer tags than posts.
    by_popularity = Window.orderBy(F.col("questions").desc(), F.col("tag"))
    return (
        tags.select(F.row_number().over(by_popularity).alias("position"), "*")
        .where(F.col("position") <= limit)
        .select("position", "tag", "questions", "views")
    )
