"""The apps on real files and real Delta tables, over all three layers."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import Row
from pyspark.testing import assertDataFrameEqual
from skyspark.load import save_delta_table

from apps.daily_tags import DailyTags
from apps.medallion import Medallion
from schema import tables

FIRST = date(2026, 1, 1)
SECOND = date(2026, 1, 2)
CONTRACTS = [
    tables.BRONZE_POSTS,
    tables.BRONZE_USERS,
    tables.SILVER_POSTS,
    tables.SILVER_USERS,
    tables.GOLD_POPULAR_TAGS,
    tables.GOLD_POSTS_WITH_USERS,
    tables.GOLD_DAILY_TAGS,
]


@pytest.fixture(autouse=True)
def settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, warehouse: str, posts_xml: str, users_xml: str
) -> None:
    """Point the apps at the made dump, and at a schema and a folder of this test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SKYSPARK_SCHEMA_NAME", warehouse)
    monkeypatch.setenv("SKYSPARK_POSTS_PATH", posts_xml)
    monkeypatch.setenv("SKYSPARK_USERS_PATH", users_xml)


def run_day(spark: SparkSession, day: date) -> None:
    """Run both apps as the schedule does."""
    results = Medallion().execute(["--env", "local"], spark=spark)
    assert results.status == "succeeded"
    count_day(spark, day)


def count_day(spark: SparkSession, day: date) -> None:
    DailyTags().execute(["--env", "local", "--date", day.isoformat()], spark=spark)


def rows(spark: SparkSession, table: str) -> list[Row]:
    """Return what a table holds, in a fixed order."""
    return sorted(spark.table(table).collect(), key=str)


def test_all_layers_and_running_the_day_again(spark: SparkSession) -> None:
    run_day(spark, FIRST)

    for contract in CONTRACTS:
        contract.check(spark.table(contract.name))
    found = {contract.name: rows(spark, contract.name) for contract in CONTRACTS}
    assert {name: len(of_table) for name, of_table in found.items()} == {
        "bronze_posts": 6,
        "bronze_users": 3,
        "silver_posts": 5,
        "silver_users": 3,
        "gold_popular_tags": 3,
        "gold_posts_with_users": 5,
        "gold_daily_tags": 3,
    }
    popular = [("apache-spark", 3, 350), ("delta-lake", 1, 250), ("xml", 2, 107)]
    assertDataFrameEqual(
        spark.table("gold_popular_tags"),
        spark.createDataFrame(popular, tables.GOLD_POPULAR_TAGS.schema),
    )
    authors = {row["post_id"]: row["display_name"] for row in found["gold_posts_with_users"]}
    assert authors == {1: "Ada", 2: "Grace", 3: "Ada", 4: "José", 5: None}

    run_day(spark, FIRST)

    assert {contract.name: rows(spark, contract.name) for contract in CONTRACTS} == found


def test_counting_a_day_leaves_the_others_alone(spark: SparkSession) -> None:
    plain = dict.fromkeys(tables.SILVER_POSTS.schema.names) | {"post_type": "question"}
    posts = [
        plain | {"post_id": 1, "created_at": datetime(2026, 1, 1, tzinfo=UTC), "tags": ["spark"]},
        plain
        | {"post_id": 2, "created_at": datetime(2026, 1, 2, tzinfo=UTC), "tags": ["spark", "xml"]},
    ]
    save_delta_table(spark.createDataFrame(posts, tables.SILVER_POSTS.schema), "silver_posts")

    count_day(spark, FIRST)
    count_day(spark, SECOND)
    count_day(spark, FIRST)

    expected = [(FIRST, "spark", 1), (SECOND, "spark", 1), (SECOND, "xml", 1)]
    assertDataFrameEqual(
        spark.table("gold_daily_tags"),
        spark.createDataFrame(expected, tables.GOLD_DAILY_TAGS.schema),
    )
