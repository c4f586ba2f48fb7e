from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertDataFrameEqual

from schema.tables import GOLD_POPULAR_TAGS
from transformations.gold.gold_popular_tags import gold_popular_tags


def posts(spark: SparkSession) -> DataFrame:
    """Make the columns of silver posts that count here."""
    return spark.createDataFrame(
        [
            ("question", ["spark", "xml"], 10),
            ("question", ["spark"], 5),
            ("question", ["delta"], 1),
            ("question", [], 100),
            ("answer", ["spark"], 1000),
        ],
        "post_type string, tags array<string>, view_count bigint",
    )


def test_questions_and_their_views_are_counted(spark: SparkSession) -> None:
    expected = [("spark", 2, 15), ("delta", 1, 1), ("xml", 1, 10)]
    assertDataFrameEqual(
        gold_popular_tags(posts(spark), limit=10),
        spark.createDataFrame(expected, GOLD_POPULAR_TAGS.schema),
    )


def test_the_most_popular_are_kept_and_of_equals_the_first_by_name(spark: SparkSession) -> None:
    kept = gold_popular_tags(posts(spark), limit=2).collect()
    assert {row["tag"] for row in kept} == {"spark", "delta"}
