from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertDataFrameEqual

from schema.tables import GOLD_POPULAR_TAGS
from transformations.gold.popular_tags import popular_tags


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


def test_tags_rank_by_questions_and_then_by_name(spark: SparkSession) -> None:
    expected = [(1, "spark", 2, 15), (2, "delta", 1, 1), (3, "xml", 1, 10)]
    assertDataFrameEqual(
        popular_tags(posts(spark), limit=10),
        spark.createDataFrame(expected, GOLD_POPULAR_TAGS.schema),
    )


def test_only_the_first_are_kept(spark: SparkSession) -> None:
    assert [row["tag"] for row in popular_tags(posts(spark), limit=1).collect()] == ["spark"]
