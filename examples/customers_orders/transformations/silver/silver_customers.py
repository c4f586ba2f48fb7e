"""Customers, cleaned."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it


def silver_customers(bronze_customers: DataFrame) -> DataFrame:
    """Return one row for each customer: the newest version, trimmed.

    Args:
        bronze_customers: All versions of all customers.
    """
    # The email decides between versions of the same moment, so that every run decides alike.
    newest = Window.partitionBy("customer_id").orderBy(F.desc("updated_at"), F.desc("email"))
    return (
        bronze_customers.withColumn("place", F.row_number().over(newest))
        .where("place = 1")
        .select(
            "customer_id",
            F.initcap(F.trim("name")).alias("name"),
            F.lower(F.trim("email")).alias("email"),
            F.upper("country").alias("country"),
            "signed_up",
            "updated_at",
        )
    )
