"""Lakeflow's SQL in Spark's words."""

import pytest
from databricks_local.pipelines.lakeflow_sql import LakeflowSqlError, translated


@pytest.mark.parametrize(
    ("lakeflow", "spark"),
    [
        ("create or refresh streaming table t as select 1", "CREATE STREAMING TABLE t\nAS\nselect 1"),
        (
            "CREATE MATERIALIZED VIEW IF NOT EXISTS t AS SELECT 1",
            "CREATE MATERIALIZED VIEW IF NOT EXISTS t\nAS\nSELECT 1",
        ),
        ("CREATE LIVE TABLE t AS SELECT * FROM LIVE.s", "CREATE MATERIALIZED VIEW t\nAS\nSELECT * FROM s"),
        (
            "CREATE OR REFRESH STREAMING TABLE t (id INT, name STRING)",
            "CREATE STREAMING TABLE t\n(id INT, name STRING)",
        ),
        (
            "CREATE FLOW f AS INSERT INTO t BY NAME SELECT 1",
            "CREATE FLOW f AS INSERT INTO t BY NAME SELECT 1",
        ),
        ("SET a.b = c", "SET a.b = c"),
        (
            "CREATE OR REFRESH MATERIALIZED VIEW t COMMENT 'as; (select)' AS SELECT ';' -- ;\n",
            "CREATE MATERIALIZED VIEW t\nCOMMENT 'as; (select)'\nAS\nSELECT ';' -- ;",
        ),
        (
            "CREATE MATERIALIZED VIEW t "
            "(CONSTRAINT c EXPECT (f(a, ')') > 0) ON VIOLATION DROP ROW) AS SELECT 1 a",
            "CREATE MATERIALIZED VIEW t\nAS\nSELECT *\nFROM (\nSELECT 1 a\n) AS `rows`\n"
            "WHERE ((f(a, ')') > 0\n) IS TRUE)",
        ),
    ],
)
def test_a_statement_says_the_same_to_spark(lakeflow: str, spark: str) -> None:
    assert translated(lakeflow).text == f"{spark};\n\n"


def test_statements_and_cells_are_kept_apart() -> None:
    text = translated(
        "-- Databricks notebook source\nSET a = 1\n-- COMMAND ----------\nSET b = 2; ; SET c = 3"
    ).text
    assert [part.split("\n")[-1] for part in text.split(";\n\n")] == [
        "SET a = 1",
        "SET b = 2",
        "SET c = 3",
        "",
    ]


def test_what_has_no_effect_is_said() -> None:
    found = translated(
        "CREATE OR REFRESH PRIVATE STREAMING TABLE t (CONSTRAINT c EXPECT (a)) CLUSTER BY (a) AS SELECT 1 a"
    )
    assert [("PRIVATE" in w, "'c' only warns" in w, "CLUSTER BY" in w) for w in found.warnings] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert "WHERE" not in found.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s KEYS (id)", "AUTO CDC is not imitated"),
        ("APPLY CHANGES INTO t FROM s", "APPLY CHANGES is not imitated"),
        ("CREATE MATERIALIZED VIEW t AS SELECT * FROM read_files ('/x')", "read_files is not imitated"),
        ("CREATE MATERIALIZED VIEW t SCHEDULE EVERY 1 DAY AS SELECT 1", "SCHEDULE is not imitated"),
        (
            "CREATE STREAMING TABLE t (a INT, CONSTRAINT c EXPECT (a > 0) ON VIOLATION DROP ROW)",
            "without a query",
        ),
        (
            "CREATE MATERIALIZED VIEW t (CONSTRAINT c EXPECT (a) ON VIOLATION IGNORE) AS SELECT 1 a",
            "DROP ROW or",
        ),
        ("CREATE MATERIALIZED VIEW t (CONSTRAINT c EXPECT (a", "not closed"),
    ],
)
def test_what_has_no_equal_is_refused(text: str, said: str) -> None:
    with pytest.raises(LakeflowSqlError, match=said):
        translated(text)
