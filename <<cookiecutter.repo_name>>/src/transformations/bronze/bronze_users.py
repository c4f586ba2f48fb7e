"""Users as they came."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from schema.tables import BRONZE_USERS


def bronze_users(source: DataFrame) -> DataFrame:
    """Give the attributes of Users.xml the column names of the tables."""
    users = source.select(
        F.col("Id").alias("id"),
        F.col("DisplayName").alias("display_name"),
        F.col("Location").alias("location"),
        F.col("Reputation").alias("reputation"),
        F.col("CreationDate").alias("created_at"),
    )
    return BRONZE_USERS.check(users)
