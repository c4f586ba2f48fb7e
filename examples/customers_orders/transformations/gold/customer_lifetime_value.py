"""What customers are worth."""

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - as everybody calls it


def customer_lifetime_value(
    silver_customers: DataFrame, silver_orders: DataFrame, lost: Sequence[str], valuable_from: int
) -> DataFrame:
    """Return one row for each customer, with those who never ordered.

    Args:
        silver_customers: One row for each customer.
        silver_orders: One row for each order.
        lost: States of orders that brought nothing.
        valuable_from: The value from which a customer is valuable.
    """
    orders = (
        silver_orders.where(~F.col("status").isin(*lost))
        .groupBy("customer_id")
        .agg(
            F.count("*").alias("orders"),
            F.sum("amount").alias("value"),
            F.min("order_date").alias("first_order"),
            F.max("order_date").alias("last_order"),
        )
    )
    value = F.coalesce("value", F.lit(0).cast("decimal(22,2)"))
    return silver_customers.join(orders, "customer_id", "left").select(
        "customer_id",
        "name",
        "country",
        F.coalesce("orders", F.lit(0)).alias("orders"),
        value.alias("value"),
        "first_order",
        "last_order",
        F.when(value >= valuable_from, "valuable")
        .when(value > 0, "active")
        .otherwise("new")
        .alias("segment"),
    )
