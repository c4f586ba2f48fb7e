"""Expectations: what is counted, what is left out, and what keeps a table from being written."""

from unittest.mock import MagicMock

import pytest
from pyspark.sql import Observation
from pyspark.sql.functions import count, lit
from skyspark.pipeline.run.rules import _deliver_events, _observed

ROWS = "SELECT * FROM VALUES (1, 'a'), (2, 'b'), (3, NULL), (NULL, 'a') AS t(id, v)"


def table(query=ROWS, **fields):
    return {"name": "t", "transformation": {"type": "sql", "query": query}, **fields}


def counts(result):
    return {e.name: (e.broken, e.passed) for e in result.expectations}


def test_each_kind_of_rule_and_action_is_counted_as_rows_are_written(run_tables, rows):
    rules = [
        {"expression": "v = 'a'", "name": "is_a"},  # NULL breaks it
        {"type": "null_check", "columns": ["id", "v"], "action": "drop", "name": "complete"},
        {"type": "range_check", "column": "id", "min": 2},
        {"type": "accepted_values", "column": "v", "values": ["a"], "action": "drop"},
        {"type": "row_count", "min": 2},
        {"expression": "id < 9 OR id IS NULL", "name": "small", "action": "fail"},
    ]
    done = run_tables(table(expectations=rules))["t"]
    assert rows("t") == [(1, "a")]
    assert counts(done) == {
        "is_a": (2, 2),
        "complete": (2, 2),
        "range_check_id": (1, 3),
        "accepted_values_v": (1, 3),
        "row_count": (1, 0),
        "small": (0, 4),
    }
    assert done.rows_out == 1


def test_a_broken_fail_writes_nothing_and_is_counted(spark, run_tables, rows):
    fail = {"expression": "id > 1", "name": "big", "action": "fail"}
    run_tables(table("SELECT 7 AS id, 'x' AS v", expectations=[fail]))
    failed = run_tables(table(expectations=[fail]), status="failed")["t"]
    assert rows("t") == [(7, "x")]
    assert counts(failed) == {"big": (2, 2)}
    assert failed.rows_out is None
    assert failed.message == "broken expectations: 'big' (2 of 4 rows); none of these rows was written."
    merged = {"mode": "merge", "keys": "id"}
    failed = run_tables(
        table(f"SELECT * FROM ({ROWS}) WHERE id > 0", expectations=[fail], target=merged), status="failed"
    )
    assert counts(failed["t"]) == {"big": (1, 2)}
    assert rows("t") == [(7, "x")]


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ({"type": "unique", "columns": "v"}, "unique_v"),
        ({"type": "row_count", "min": 5}, "row_count"),
        ({"type": "row_count", "max": 3}, "row_count"),
    ],
)
def test_rules_about_the_whole_table(spark, run_tables, rule, name):
    failed = run_tables(table(expectations=[rule | {"action": "fail"}]), status="failed")["t"]
    assert counts(failed) == {name: (1, 0)}
    assert f"'{name}'" in failed.message
    assert not spark.catalog.tableExists("t")


def test_warnings_about_the_whole_table(run_tables):
    rules = [
        {"type": "unique", "columns": ["v"]},
        {"type": "unique", "columns": ["id"]},
        {"type": "row_count", "min": 4, "max": 4},
    ]
    done = run_tables(table(expectations=rules))["t"]
    assert counts(done) == {"unique_v": (1, 0), "unique_id": (0, 1), "row_count": (0, 1)}
    assert done.rows_out == 4


def test_dropped_rows_go_to_quarantine_once_with_all_they_broke(spark, run_tables, rows):
    rules = [
        {"type": "null_check", "columns": "id", "action": "drop"},
        {"expression": "v <> 'a'", "name": "not_a", "action": "drop"},
        {"expression": "id IS NOT NULL AND v IS NOT NULL", "name": "both"},
    ]
    done = run_tables(table(expectations=rules, target={"quarantine": True}))["t"]
    assert rows("t") == [(2, "b")]
    kept = rows("t_quarantine", "id", "v", "_broken_rules")
    assert sorted(kept, key=str) == sorted(
        [
            (1, "a", ["not_a"]),
            (3, None, ["not_a", "both"]),
            (None, "a", ["null_check_id", "not_a", "both"]),
        ],
        key=str,
    )
    assert spark.table("t_quarantine").schema["_quarantined_at"].dataType.simpleString() == "timestamp"
    assert counts(done) == {"null_check_id": (1, 3), "not_a": (3, 1), "both": (2, 2)}
    assert done.rows_out == 1


def test_no_quarantine_table_while_all_rows_are_good(spark, run_tables):
    rule = {"expression": "true", "name": "fine", "action": "drop"}
    run_tables(table(expectations=[rule], target={"quarantine": "bad_rows"}))
    assert not spark.catalog.tableExists("bad_rows")


def test_a_merge_counts_each_row_once(run_tables, rows):
    rule = {"expression": "v IS NOT NULL", "name": "named", "action": "drop"}
    query = f"SELECT * FROM ({ROWS}) WHERE id IS NOT NULL"
    target = {"mode": "merge", "keys": "id"}
    for _ in range(2):
        done = run_tables(table(query, expectations=[rule], target=target))["t"]
        assert counts(done) == {"named": (1, 2)}
        assert done.rows_out == 2
    assert rows("t") == [(1, "a"), (2, "b")]


def test_a_rule_that_does_not_fit_is_named(run_tables):
    rules = [{"expression": "id > 0"}, {"expression": "idd > 0", "name": "misspelt"}]
    failed = run_tables(table(expectations=rules), status="failed")["t"]
    assert failed.message.startswith("the expectation 'misspelt' does not fit the table: [UNRESOLVED_COLUMN")
    assert "idd" in failed.message


@pytest.mark.spark_matrix
def test_once_events_are_delivered_figures_are_there(spark):
    observation = Observation()
    spark.range(3).observe(observation, count(lit(1)).alias("rows")).collect()
    _deliver_events(spark)
    assert observation._jo.future().isCompleted()


def test_figures_that_come_late_are_there():
    # As on a machine under load: the time for them is over, and the event is still to be delivered.
    observation, session = MagicMock(get={"rows": 3}), MagicMock()
    deliver = session.sparkContext._jsc.sc().listenerBus().waitUntilEmpty
    observation._jo.future().isCompleted = lambda: deliver.called
    assert _observed(observation, session, 0) == {"rows": 3}


def test_rules_are_judged_in_the_pass_that_writes(spark, run_tables, functions):
    counter = spark.sparkContext.accumulator(0)

    def counted(spark):
        def each(part):
            for row in part:
                counter.add(1)
                yield row

        numbers = spark.sparkContext.parallelize([(1,), (2,)], 1).mapPartitions(each)
        return spark.createDataFrame(numbers, "id int")

    functions.counted = counted
    rules = [{"expression": "id > 1", "action": "drop"}, {"type": "row_count", "min": 1}]
    done = run_tables(
        {"name": "t", "transformation": {"type": "python", "function": "made.counted"}, "expectations": rules}
    )
    assert counter.value == 2
    assert counts(done["t"]) == {"id > 1": (1, 1), "row_count": (0, 1)}
