"""Cleaned users."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from transformations.silver.deduplicate import latest


def silver_users(bronze: DataFrame) -> DataFrame:
    """Keep one row per user, with blank texts as null."""
    users = bronze.select(
        F.col("id").alias("user_id"),
        F.nullif(F.trim("display_name"), F.lit("")).alias("display_name"),
        F.nullif(F.trim("location"), F.lit("")).alias("location"),
        F.coalesce("reputation", F.lit(0)).alias("reputation"),
        "created_at",
    )
    return latest(users, "user_id", F.col("reputation").desc())
