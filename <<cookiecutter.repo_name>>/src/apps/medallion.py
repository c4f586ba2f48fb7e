"""Loads the whole dump: XML to bronze, bronze to silver, silver to gold."""

import argparse

from pyspark.sql import DataFrame, SparkSession
from skyspark import SparkApp
from skyspark.load import merge_delta_table, save_delta_table
from skyspark.schema import TableContract

from common.settings import StackExchangeSettings
from common.xml import read_rows
from schema.stack_exchange import POSTS_XML, USERS_XML
from schema.tables import (
    BRONZE_POSTS,
    BRONZE_USERS,
    GOLD_POPULAR_TAGS,
    GOLD_POSTS_WITH_USERS,
    SILVER_POSTS,
    SILVER_USERS,
)
from transformations.bronze.posts import bronze_posts
from transformations.bronze.users import bronze_users
from transformations.gold.popular_tags import popular_tags
from transformations.gold.posts_with_users import posts_with_users
from transformations.silver.posts import silver_posts
from transformations.silver.users import silver_users


class Medallion(SparkApp):
    """Runs the three layers one after the other. Running it again changes nothing."""

    name = "medallion"
    settings_type = StackExchangeSettings

    def run(
        self, spark: SparkSession, settings: StackExchangeSettings, args: argparse.Namespace
    ) -> None:
        """Run all layers."""
        self.bronze(spark, settings)
        self.silver(spark, settings)
        self.gold(spark, settings)

    def bronze(self, spark: SparkSession, settings: StackExchangeSettings) -> None:
        """Replace the bronze tables by what the dump holds."""
        posts = bronze_posts(read_rows(spark, settings.posts_path, POSTS_XML))
        users = bronze_users(read_rows(spark, settings.users_path, USERS_XML))
        self.replace(posts, BRONZE_POSTS, settings)
        self.replace(users, BRONZE_USERS, settings)

    def silver(self, spark: SparkSession, settings: StackExchangeSettings) -> None:
        """Merge the bronze rows into the silver tables: what an older dump held stays."""
        posts = silver_posts(spark.table(settings.table(BRONZE_POSTS.name)))
        users = silver_users(spark.table(settings.table(BRONZE_USERS.name)))
        self.merge(posts, SILVER_POSTS, settings)
        self.merge(users, SILVER_USERS, settings)

    def gold(self, spark: SparkSession, settings: StackExchangeSettings) -> None:
        """Compute the gold tables from all of silver."""
        posts = spark.table(settings.table(SILVER_POSTS.name))
        users = spark.table(settings.table(SILVER_USERS.name))
        self.replace(popular_tags(posts, settings.popular_tags), GOLD_POPULAR_TAGS, settings)
        self.replace(posts_with_users(posts, users), GOLD_POSTS_WITH_USERS, settings)

    def replace(
        self, df: DataFrame, contract: TableContract, settings: StackExchangeSettings
    ) -> None:
        """Write a whole table anew."""
        save_delta_table(contract.check(df), settings.table(contract.name))

    def merge(
        self, df: DataFrame, contract: TableContract, settings: StackExchangeSettings
    ) -> None:
        """Update the rows whose keys are there and insert the others."""
        merge_delta_table(contract.check(df), settings.table(contract.name), contract.keys)


def main() -> None:
    """Run the app on the arguments of this process."""
    Medallion().main()


if __name__ == "__main__":
    main()
