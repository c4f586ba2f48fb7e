"""Keeping one row per key."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F


def latest(df: DataFrame, key: str, *order: Column) -> DataFrame:
    """Keep the first row of each key in the given order; rows without a key are dropped."""
    window = Window.partitionBy(key).orderBy(*order)
    return (
        df.where(F.col(key).isNotNull())
        .withColumn("_row", F.row_number().over(window))
        .where(F.col("_row") == 1)
        .drop("_row")
    )
