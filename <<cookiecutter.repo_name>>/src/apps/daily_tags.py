"""Counts the questions of one day by tag."""

import argparse
from datetime import UTC, date, datetime

from pyspark.sql import SparkSession
from skyspark import SparkApp
from skyspark.load import save_delta_table

from common.settings import StackExchangeSettings
from schema.tables import GOLD_DAILY_TAGS, SILVER_POSTS
from transformations.gold.daily_tags import daily_tags


class DailyTags(SparkApp):
    """Replaces one day of the table, so a day can be run again at any time."""

    name = "daily_tags"
    settings_type = StackExchangeSettings

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the day."""
        parser.add_argument(
            "--date",
            type=date.fromisoformat,
            default=datetime.now(UTC).date(),
            help="the day to count, such as 2026-01-31 (default: today, UTC)",
        )

    def run(
        self, spark: SparkSession, settings: StackExchangeSettings, args: argparse.Namespace
    ) -> None:
        """Count the day."""
        counts = daily_tags(spark.table(settings.table(SILVER_POSTS.name)), args.date)
        save_delta_table(
            GOLD_DAILY_TAGS.check(counts),
            settings.table(GOLD_DAILY_TAGS.name),
            partitions=["day"],
            replaceWhere=f"day = '{args.date.isoformat()}'",
        )


def main() -> None:
    """Run the app on the arguments of this process."""
    DailyTags().main()


if __name__ == "__main__":
    main()
