from datetime import datetime
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from schema.tables import BRONZE_POSTS, SILVER_POSTS
from transformations.silver.silver_posts import silver_posts

EARLY = datetime(2026, 1, 1)
LATE = datetime(2026, 1, 2)


def bronze(spark: SparkSession, *posts: dict[str, Any]):
    """Make bronze rows of the given columns; the others get plain values."""
    plain = dict.fromkeys(BRONZE_POSTS.schema.names) | {
        "id": 1,
        "post_type_id": 1,
        "created_at": EARLY,
        "last_activity_at": EARLY,
        "score": 0,
    }
    return spark.createDataFrame([plain | post for post in posts], BRONZE_POSTS.schema)


def test_a_question_is_cleaned(spark: SparkSession) -> None:
    post = {"owner_user_id": 5, "title": "  Why? ", "tags": "<spark><xml>", "view_count": 3}
    actual = silver_posts(bronze(spark, post))
    cleaned = (1, "question", None, EARLY, EARLY, 5, "Why?", ["spark", "xml"], 0, 3)
    assertDataFrameEqual(actual, spark.createDataFrame([cleaned], SILVER_POSTS.schema))


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("<spark><xml>", ["spark", "xml"]),
        ("|spark|xml|", ["spark", "xml"]),
        ("<c++><c#><.net>", ["c++", "c#", ".net"]),
        ("<spark><spark>", ["spark"]),
        ("", []),
        (None, []),
    ],
)
def test_tags_are_split(spark: SparkSession, text: str | None, tags: list[str]) -> None:
    assert silver_posts(bronze(spark, {"tags": text})).first()["tags"] == tags


def test_other_post_types_and_rows_without_a_key_are_dropped(spark: SparkSession) -> None:
    posts = bronze(spark, {"id": 1}, {"id": 2, "post_type_id": 5}, {"id": None})
    assert [row["post_id"] for row in silver_posts(posts).collect()] == [1]


def test_the_latest_version_of_a_post_wins(spark: SparkSession) -> None:
    posts = bronze(
        spark,
        {"title": "old"},
        {"title": "new", "last_activity_at": LATE},
        {"title": "undated", "last_activity_at": None},
    )
    assert [row["title"] for row in silver_posts(posts).collect()] == ["new"]
