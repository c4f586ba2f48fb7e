from datetime import UTC, date, datetime

from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from schema.tables import GOLD_DAILY_TAGS
from transformations.gold.daily_tags import daily_tags

DAY = date(2026, 1, 1)


def test_only_questions_of_the_day_count(spark: SparkSession) -> None:
    posts = spark.createDataFrame(
        [
            ("question", datetime(2026, 1, 1, tzinfo=UTC), ["spark", "xml"]),
            ("question", datetime(2026, 1, 1, 23, 59, 59, 999999, tzinfo=UTC), ["spark"]),
            ("question", datetime(2026, 1, 2, tzinfo=UTC), ["spark"]),
            ("answer", datetime(2026, 1, 1, 12, tzinfo=UTC), ["spark"]),
        ],
        "post_type string, created_at timestamp, tags array<string>",
    )
    assertDataFrameEqual(
        daily_tags(posts, DAY),
        spark.createDataFrame([(DAY, "spark", 2), (DAY, "xml", 1)], GOLD_DAILY_TAGS.schema),
    )
