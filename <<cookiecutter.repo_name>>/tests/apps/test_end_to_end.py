"""The apps on real files and real Delta tables, over all three layers."""

from datetime import date

import pytest
from pyspark.sql import SparkSession
from pyspark.sql.types import Row
from pyspark.testing import assertDataFrameEqual

from apps.daily_tags import DailyTags
from apps.medallion import Medallion
from schema import tables

DAY = date(2026, 1, 1)
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
    monkeypatch: pytest.MonkeyPatch, warehouse: str, posts_xml: str, users_xml: str
) -> None:
    """Point the apps at the made dump and at a schema of this test's own."""
    monkeypatch.setenv("SKYSPARK_SCHEMA_NAME", warehouse)
    monkeypatch.setenv("SKYSPARK_POSTS_PATH", posts_xml)
    monkeypatch.setenv("SKYSPARK_USERS_PATH", users_xml)


def run_day(spark: SparkSession, day: date = DAY) -> None:
    """Run both apps as the schedule does."""
    Medallion().execute(["--env", "local"], spark=spark)
    DailyTags().execute(["--env", "local", "--date", day.isoformat()], spark=spark)


def rows(spark: SparkSession) -> dict[str, list[Row]]:
    """Return what all tables hold, in a fixed order."""
    return {
        contract.name: sorted(spark.table(contract.name).collect(), key=str)
        for contract in CONTRACTS
    }


def test_every_table_keeps_its_contract(spark: SparkSession) -> None:
    run_day(spark)
    for contract in CONTRACTS:
        contract.check(spark.table(contract.name))
    assert {name: len(found) for name, found in rows(spark).items()} == {
        "bronze_posts": 6,
        "bronze_users": 3,
        "silver_posts": 5,
        "silver_users": 3,
        "gold_popular_tags": 3,
        "gold_posts_with_users": 5,
        "gold_daily_tags": 3,
    }


def test_gold_answers_what_people_ask(spark: SparkSession) -> None:
    run_day(spark)
    popular = spark.table("gold_popular_tags").orderBy("position").select("tag", "questions")
    expected = [("apache-spark", 3), ("xml", 2), ("delta-lake", 1)]
    assertDataFrameEqual(popular, spark.createDataFrame(expected, popular.schema), True)
    authors = {row["post_id"]: row["display_name"] for row in rows(spark)["gold_posts_with_users"]}
    assert authors == {1: "Ada", 2: "Grace", 3: "Ada", 4: "José", 5: None}


def test_running_a_day_again_changes_nothing(spark: SparkSession) -> None:
    run_day(spark)
    before = rows(spark)
    run_day(spark)
    assert rows(spark) == before


def test_another_day_leaves_the_first_alone(spark: SparkSession) -> None:
    run_day(spark)
    first_day = rows(spark)["gold_daily_tags"]
    run_day(spark, date(2026, 1, 2))
    run_day(spark)
    days = spark.table("gold_daily_tags")
    assert sorted(days.where(days["day"] == DAY).collect(), key=str) == first_day
    assert {row["day"] for row in days.collect()} == {DAY, date(2026, 1, 2)}
