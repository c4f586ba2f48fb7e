"""Cleaned posts."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schema.tables import SILVER_POSTS
from transformations.silver.deduplicate import latest

QUESTION = "question"
ANSWER = "answer"


def silver_posts(bronze_posts: DataFrame) -> DataFrame:
    """Keep questions and answers, the latest version of each, with their tags as a list."""
    posts = bronze_posts.select(
        F.col("id").alias("post_id"),
        F.when(F.col("post_type_id") == 1, QUESTION)
        .when(F.col("post_type_id") == 2, ANSWER)
        .alias("post_type"),
        "parent_id",
        "created_at",
        "last_activity_at",
        "owner_user_id",
        F.trim("title").alias("title"),
        _split_tags(F.col("tags")).alias("tags"),
        "score",
        F.coalesce("view_count", F.lit(0)).alias("view_count"),
    ).where(F.col("post_type").isNotNull())
    return SILVER_POSTS.check(latest(posts, "post_id", F.col("last_activity_at").desc_nulls_last()))


def _split_tags(tags: Column) -> Column:
    """Split both forms of the dumps, `<python><spark>` and `|python|spark|`."""
    words = F.split(F.regexp_replace(F.coalesce(tags, F.lit("")), "[<>|]+", " "), " ")
    return F.array_distinct(F.filter(words, lambda word: word != ""))
