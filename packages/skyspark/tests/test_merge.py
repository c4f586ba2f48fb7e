"""Merging frames into Delta tables."""

import pytest
from skyspark.errors import (
    ColumnNotFoundError,
    ConstraintViolationError,
    MergeKeyError,
    SchemaMismatchError,
    WriteModeError,
)
from skyspark.load import merge_delta_table, save_delta_table

pytestmark = pytest.mark.spark_matrix


def stored(spark, table="t"):
    return sorted(map(tuple, spark.table(table).collect()), key=str)


def last_metrics(spark, table="t"):
    return spark.sql(f"DESCRIBE HISTORY {table} LIMIT 1").first().operationMetrics


def test_creates_then_updates_and_inserts(spark, warehouse):
    merge_delta_table(spark.createDataFrame([(1, "a"), (2, "b")], "id int, v string"), "t", ["id"])
    merge_delta_table(spark.createDataFrame([(2, "B"), (3, "c")], "id int, v string"), "t", ["id"])
    assert stored(spark) == [(1, "a"), (2, "B"), (3, "c")]


def test_again_changes_no_row(spark, warehouse):
    columns = "id int, v string, m map<string,int>, s struct<a: int>"
    frame = spark.createDataFrame([(1, "a", {"k": 1}, (1,)), (2, None, None, None)], columns)
    merge_delta_table(frame, "t", ["id"])
    merge_delta_table(frame, "t", ["id"])
    changed = ("numTargetRowsUpdated", "numTargetRowsInserted", "numTargetRowsDeleted")
    assert [last_metrics(spark)[metric] for metric in changed] == ["0", "0", "0"]


def test_null_is_a_value_like_others(spark, warehouse):
    merge_delta_table(spark.createDataFrame([(1, None), (2, "b")], "id int, v string"), "t", ["id"])
    merge_delta_table(spark.createDataFrame([(1, "a"), (2, None)], "id int, v string"), "t", ["id"])
    assert stored(spark) == [(1, "a"), (2, None)]


def test_delete_where(spark, warehouse):
    columns = "id int, v string, op string"
    merge_delta_table(
        spark.createDataFrame([(1, "a", "I"), (9, "z", "D")], columns),
        "t",
        ["id"],
        delete_where="op = 'D'",
        exclude_columns=["op"],
    )
    assert stored(spark) == [(1, "a")]
    changes = spark.createDataFrame([(1, None, "D"), (2, "b", None), (7, "x", "D")], columns)
    for _ in range(2):
        merge_delta_table(changes, "t", ["id"], delete_where="op = 'D'", exclude_columns=["op"])
        assert stored(spark) == [(2, "b")]


def test_new_columns_are_added_and_missing_ones_kept(spark, warehouse):
    merge_delta_table(spark.createDataFrame([(1, "a")], "id int, v string"), "t", ["id"])
    merge_delta_table(spark.createDataFrame([(1, 5), (2, 6)], "id int, n int"), "t", ["id"])
    assert sorted(map(tuple, spark.table("t").select("id", "v", "n").collect())) == [
        (1, "a", 5),
        (2, None, 6),
    ]


def test_sequence_by_keeps_the_last_and_ignores_the_late(spark, warehouse):
    columns = "id int, v string, at int"
    merge_delta_table(
        spark.createDataFrame([(1, "old", 1), (1, "new", 5)], columns), "t", ["id"], sequence_by="at"
    )
    merge_delta_table(spark.createDataFrame([(1, "late", 3)], columns), "t", ["id"], sequence_by="at")
    assert stored(spark) == [(1, "new", 5)]


def test_keys_of_several_columns_with_strange_names(spark, warehouse):
    spark.sql(
        "CREATE TABLE t (`a b` int, `c.d` int, `e``f` string) USING delta"
        " TBLPROPERTIES ('delta.columnMapping.mode' = 'name')"
    )
    frame = spark.createDataFrame([(1, 2, "x")], "`a b` int, `c.d` int, `e``f` string")
    merge_delta_table(frame, "t", ["a b", "c.d"])
    merge_delta_table(frame.selectExpr("`a b`", "`c.d`", "'y' AS `e``f`"), "t", ["a b", "c.d"])
    assert stored(spark) == [(1, 2, "y")]


def test_only_keys(spark, warehouse):
    for _ in range(2):
        merge_delta_table(spark.createDataFrame([(1,), (2,)], "id int"), "t", ["id"])
    assert stored(spark) == [(1,), (2,)]


@pytest.mark.parametrize("scd_type", [1, 2])
@pytest.mark.parametrize(
    ("rows", "sequence_by", "words"),
    [
        ([(None, 1, "a"), (None, 1, "b")], None, "'id' is NULL in 2 row"),
        ([(1, 1, "a"), (1, 2, "b"), (2, 1, "c")], None, "several rows for id=1: deduplicate"),
        ([(1, 3, "a"), (1, 3, "b")], "at", "several rows for id=1, at=3: these rows cannot be put in order"),
        ([(1, None, "a")], "at", "'at' is NULL in 1 row"),
    ],
)
def test_null_and_repeated_keys_are_refused(spark, warehouse, scd_type, rows, sequence_by, words):
    frame = spark.createDataFrame(rows, "id int, at int, v string")
    with pytest.raises(MergeKeyError, match=words):
        merge_delta_table(frame, "t", ["id"], scd_type=scd_type, sequence_by=sequence_by)
    assert not spark.catalog.tableExists("t")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"keys": []}, WriteModeError, "keys is a list of at least one column"),
        ({"keys": "id"}, WriteModeError, "keys is a list of at least one column"),
        ({"keys": ["idd"]}, ColumnNotFoundError, "the key column 'idd' does not exist (did you mean 'id'?)"),
        ({"scd_type": 3}, WriteModeError, "scd_type is 1 or 2, not 3"),
        ({"sequence_by": "att"}, ColumnNotFoundError, "the sequence_by column 'att' does not exist"),
        ({"delete_where": "op = 1"}, ColumnNotFoundError, "delete_where 'op = 1' is no condition"),
        ({"delete_where": "v"}, ColumnNotFoundError, "delete_where 'v' is no condition"),
    ],
)
def test_mistakes_are_said_in_words(spark, warehouse, arguments, error, words):
    frame = spark.createDataFrame([(1, "a")], "id int, v string")
    with pytest.raises(error) as raised:
        merge_delta_table(frame, **{"table_name": "t", "keys": ["id"]} | arguments)
    assert words in str(raised.value)


def test_another_type_names_the_column(spark, warehouse):
    merge_delta_table(spark.createDataFrame([(1, 5)], "id int, n int"), "t", ["id"])
    with pytest.raises(SchemaMismatchError, match="'n' is string and the table has int"):
        merge_delta_table(spark.createDataFrame([(1, "5")], "id int, n string"), "t", ["id"])


def test_a_constraint_stops_the_merge(spark, warehouse):
    save_delta_table(spark.createDataFrame([(1, 5)], "id int, n int"), "t")
    spark.sql("ALTER TABLE t ADD CONSTRAINT positive CHECK (n > 0)")
    with pytest.raises(ConstraintViolationError, match="CHECK constraint positive"):
        merge_delta_table(spark.createDataFrame([(1, -5), (2, 1)], "id int, n int"), "t", ["id"])
    assert stored(spark) == [(1, 5)]


def test_history_of_one_key(spark, warehouse):
    columns = "id int, v string, at int"

    def merge(*rows):
        how = {"sequence_by": "at", "exclude_columns": ["at"], "delete_where": "v = 'gone'"}
        merge_delta_table(spark.createDataFrame(list(rows), columns), "t", ["id"], scd_type=2, **how)
        return stored(spark)

    assert merge((1, "a", 1)) == [(1, "a", 1, None)]
    assert merge((1, "a", 2)) == [(1, "a", 1, None)]
    assert merge((1, "b", 5), (1, "c", 7)) == [(1, "a", 1, 5), (1, "b", 5, 7), (1, "c", 7, None)]
    late = [(1, "a", 1, 3), (1, "late", 3, 5), (1, "b", 5, 7), (1, "c", 7, None)]
    assert merge((1, "late", 3)) == sorted(late, key=str)
    ended = [*late[:3], (1, "c", 7, 9)]
    assert merge((1, "gone", 9)) == sorted(ended, key=str)
    assert merge((1, "back", 11), (2, "x", 1)) == sorted(
        [*ended, (1, "back", 11, None), (2, "x", 1, None)], key=str
    )


def test_history_without_a_sequence_uses_the_time_of_the_merge(spark, warehouse):
    for value in ("a", "a", None):
        merge_delta_table(spark.createDataFrame([(1, value)], "id int, v string"), "t", ["id"], scd_type=2)
    versions = spark.table("t").orderBy("__START_AT").collect()
    assert [row.v for row in versions] == ["a", None]
    assert [row["__END_AT"] for row in versions] == [versions[1]["__START_AT"], None]


def test_history_gets_new_columns(spark, warehouse):
    def merge(columns, *rows):
        merge_delta_table(
            spark.createDataFrame(list(rows), columns), "t", ["id"], scd_type=2, sequence_by="at"
        )

    merge("id int, at int", (1, 1), (2, 1))
    merge("id int, at int, n int", (1, 2, 7))
    table = spark.table("t").select("id", "at", "n", "__START_AT", "__END_AT")
    assert sorted(map(tuple, table.collect()), key=str) == [
        (1, 1, None, 1, 2),
        (1, 2, 7, 2, None),
        (2, 1, None, 1, None),
    ]
    with pytest.raises(SchemaMismatchError, match="the frame lacks n"):
        merge("id int, at int", (1, 3))


def test_kinds_of_tables_are_not_mixed(spark, warehouse):
    frame = spark.createDataFrame([(1, "a")], "id int, v string")
    merge_delta_table(frame, "one", ["id"])
    merge_delta_table(frame, "two", ["id"], scd_type=2)
    with pytest.raises(SchemaMismatchError, match="keeps no history"):
        merge_delta_table(frame, "one", ["id"], scd_type=2)
    with pytest.raises(SchemaMismatchError, match="keeps a history"):
        merge_delta_table(frame, "two", ["id"])
    with pytest.raises(SchemaMismatchError, match="name '__START_AT' is taken"):
        merge_delta_table(spark.table("two"), "three", ["id"])
