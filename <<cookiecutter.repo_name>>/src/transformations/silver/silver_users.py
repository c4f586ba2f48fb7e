"""Cleaned users."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schema.tables import SILVER_USERS
from transformations.silver.deduplicate import latest


def silver_users(bronze_users: DataFrame) -> DataFrame:
    """Keep one row per user, with blank texts as null."""
    users = bronze_users.select(
        F.col("id").alias("user_id"),
        F.nullif(F.trim("display_name"), F.lit("")).alias("display_name"),
        F.nullif(F.trim("location"), F.lit("")).alias("location"),
        F.coalesce("reputation", F.lit(0)).alias("reputation"),
        "created_at",
    )
    return SILVER_USERS.check(latest(users, "user_id", F.col("reputation").desc()))
