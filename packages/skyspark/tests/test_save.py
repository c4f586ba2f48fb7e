"""Saving frames as Delta tables."""

import pytest
from pyspark.sql import SparkSession
from skyspark.errors import (
    ColumnNotFoundError,
    ConstraintViolationError,
    ReplaceWhereError,
    SchemaMismatchError,
    TableExistsError,
    TableLayoutError,
    TableNameError,
    WriteModeError,
)
from skyspark.identifiers import TableName
from skyspark.load import save_delta_table, save_delta_table_clustered, save_table_metadata
from skyspark.load.layout import read_layout
from skyspark.testing import assert_frame_equal

pytestmark = pytest.mark.spark_matrix


def rows(spark: SparkSession, table: str) -> list[tuple]:
    return sorted(map(tuple, spark.table(table).collect()), key=str)


def layout(spark: SparkSession, table: str):
    return read_layout(spark, TableName.parse(table))


@pytest.fixture
def days(spark):
    return spark.createDataFrame([(1, "mon"), (2, "tue")], "id int, day string")


def test_creates_the_table_and_its_schema(spark, warehouse, days):
    save_delta_table(days, f"{warehouse}.t", ["day"])
    assert_frame_equal(spark.table("t"), days)
    assert layout(spark, "t").partitions == ("day",)


def test_a_missing_schema_is_created(spark, warehouse, days):
    other = f"{warehouse}_other"
    save_delta_table(days, f"{other}.t")
    assert rows(spark, f"{other}.t") == [(1, "mon"), (2, "tue")]
    spark.sql(f"DROP SCHEMA {other} CASCADE")


def test_overwrite_twice_is_the_same_as_once(spark, warehouse, days):
    for _ in range(2):
        save_delta_table(days, "t", ["day"])
    assert rows(spark, "t") == [(1, "mon"), (2, "tue")]
    assert layout(spark, "t").partitions == ("day",)


def test_overwrite_keeps_what_describes_the_table(spark, warehouse, days):
    save_delta_table(days, "t")
    save_table_metadata("t", comment="days", properties={"team": "x"})
    spark.sql("ALTER TABLE t ALTER COLUMN id COMMENT 'the id'")
    spark.sql("ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0)")
    for frame in (days, days.selectExpr("id", "day", "1 AS n"), days.select("id")):
        save_delta_table(frame, "t")
        assert_frame_equal(spark.table("t"), frame)
        detail = spark.sql("DESCRIBE DETAIL t").first()
        assert detail.description == "days"
        assert detail.properties["team"] == "x"
        assert spark.table("t").schema["id"].metadata["comment"] == "the id"
    with pytest.raises(ConstraintViolationError):
        save_delta_table(spark.createDataFrame([(-1,)], "id int"), "t")


def test_overwrite_may_change_types_and_partitions(spark, warehouse, days):
    save_delta_table(days, "t", ["day"])
    save_delta_table(days.selectExpr("cast(id AS string) AS id", "day"), "t")
    assert (layout(spark, "t").partitions, dict(spark.table("t").dtypes)["id"]) == (("day",), "string")
    save_delta_table(days, "t", ["id"])
    assert layout(spark, "t").partitions == ("id",)
    save_delta_table(days, "t", [])
    assert layout(spark, "t").partitions == ()


def test_append_adds_columns_and_matches_by_name(spark, warehouse, days):
    save_delta_table(days, "t")
    save_delta_table(
        spark.createDataFrame([("wed", 3, True)], "day string, id int, new boolean"), "t", mode="append"
    )
    save_delta_table(spark.createDataFrame([(4,)], "id int"), "t", mode="append")
    assert rows(spark, "t") == [(1, "mon", None), (2, "tue", None), (3, "wed", True), (4, None, None)]


def test_append_of_another_type_names_the_column(spark, warehouse, days):
    save_delta_table(days, "t")
    wrong = spark.createDataFrame([("5", "thu")], "id string, day string")
    with pytest.raises(SchemaMismatchError, match="t: mode append: 'id' is string and the table has int"):
        save_delta_table(wrong, "t", mode="append")
    save_delta_table(spark.createDataFrame([(1, "fri")], "id smallint, day string"), "t", mode="append")
    assert len(rows(spark, "t")) == 3


def test_overwrite_partitions_leaves_other_partitions(spark, warehouse, days):
    save_delta_table(days, "t", ["day"])
    monday = spark.createDataFrame([(10, "mon"), (11, "mon")], "id int, day string")
    for _ in range(2):
        save_delta_table(monday, "t", mode="overwrite_partitions")
    assert rows(spark, "t") == [(10, "mon"), (11, "mon"), (2, "tue")]


def test_overwrite_partitions_needs_partitions(spark, warehouse, days):
    save_delta_table(days, "t")
    with pytest.raises(WriteModeError, match="has no partitions"):
        save_delta_table(days, "t", mode="overwrite_partitions")


def test_replace_where_replaces_what_meets_it(spark, warehouse, days):
    save_delta_table(days, "t")
    new = spark.createDataFrame([(5, "mon")], "id int, day string")
    for _ in range(2):
        save_delta_table(new, "t", replaceWhere="day = 'mon' AND id < 100")
    assert rows(spark, "t") == [(2, "tue"), (5, "mon")]


@pytest.mark.parametrize("exists", [True, False])
def test_replace_where_refuses_rows_outside(spark, warehouse, days, exists):
    if exists:
        save_delta_table(days, "t")
    with pytest.raises(ReplaceWhereError, match="does not meet replaceWhere"):
        save_delta_table(days, "t", replaceWhere="day = 'mon'")
    assert spark.catalog.tableExists("t") == exists


def test_replace_where_that_is_no_condition(spark, warehouse, days):
    with pytest.raises(ReplaceWhereError, match="'dya = 1' is no condition"):
        save_delta_table(days, "t", replaceWhere="dya = 1")
    with pytest.raises(WriteModeError, match="mode append: replaceWhere goes with"):
        save_delta_table(days, "t", mode="append", replaceWhere="id = 1")


def test_modes_error_and_ignore(spark, warehouse, days):
    save_delta_table(days, "t", mode="error")
    save_delta_table(days.limit(0), "t", mode="ignore")
    assert len(rows(spark, "t")) == 2
    with pytest.raises(TableExistsError, match="table t: mode error: it exists already"):
        save_delta_table(days, "t", mode="error")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"mode": "overwirte"}, WriteModeError, "mode 'overwirte' is unknown (did you mean 'overwrite'?)"),
        (
            {"partitions": ["dya"]},
            ColumnNotFoundError,
            "the partition column 'dya' does not exist (did you mean 'day'?)",
        ),
        ({"table_name": "a..b"}, TableNameError, "a part of the name is empty"),
    ],
)
def test_mistakes_are_said_in_words(spark, warehouse, days, arguments, error, words):
    with pytest.raises(error) as raised:
        save_delta_table(days, **{"table_name": "t"} | arguments)
    assert words in str(raised.value)


def test_partitioning_of_an_existing_table_is_not_changed_by_append(spark, warehouse, days):
    save_delta_table(days, "t", ["day"])
    with pytest.raises(TableLayoutError, match=r"is partitioned by \['day'\], not by \['id'\]"):
        save_delta_table(days, "t", ["id"], mode="append")


def test_frames_no_table_can_hold(spark, warehouse, days):
    with pytest.raises(SchemaMismatchError, match="two columns 'id' and 'ID'"):
        save_delta_table(days.selectExpr("id", "id AS ID"), "t")
    with pytest.raises(SchemaMismatchError, match="no columns"):
        save_delta_table(days.select(), "t")


def test_not_null_violation_names_the_column(spark, warehouse):
    spark.sql("CREATE TABLE t (id int NOT NULL) USING delta")
    with pytest.raises(ConstraintViolationError, match="column 'id' is NOT NULL"):
        save_delta_table(spark.createDataFrame([(None,)], "id int"), "t", mode="append")


def test_check_violation_names_the_constraint_and_shows_no_values(spark, warehouse, days):
    save_delta_table(days, "t")
    spark.sql("ALTER TABLE t ADD CONSTRAINT positive CHECK (id > 0)")
    with pytest.raises(ConstraintViolationError, match=r"CHECK constraint positive \(id > 0\)") as raised:
        save_delta_table(spark.createDataFrame([(-77, "mon")], "id int, day string"), "t", mode="append")
    assert "-77" not in str(raised.value)
    assert len(rows(spark, "t")) == 2


def test_a_table_that_is_not_delta_is_refused(spark, warehouse, days):
    days.write.format("parquet").saveAsTable("t")
    with pytest.raises(TableLayoutError, match="it is not a Delta table"):
        save_delta_table(days, "t")


def test_a_table_may_be_replaced_by_rows_read_from_it(spark, warehouse, days):
    save_delta_table(days, "t")
    save_delta_table(spark.table("t").where("id = 1"), "t")
    assert rows(spark, "t") == [(1, "mon")]


@pytest.mark.parametrize("mode", ["overwrite", "append"])
def test_clustering_survives_every_write(spark, warehouse, days, mode):
    save_delta_table_clustered(days, "t", ["id"])
    assert layout(spark, "t").clustering == ("id",)
    save_delta_table_clustered(days.selectExpr("*", "1 AS n"), "t", ["id"], mode=mode)
    assert layout(spark, "t").clustering == ("id",)
    save_delta_table(days.selectExpr("*", "1 AS n"), "t", mode=mode)
    assert layout(spark, "t").clustering == ("id",)
    save_delta_table_clustered(days.selectExpr("cast(id AS string) AS id", "day"), "t", ["id"])
    assert layout(spark, "t").clustering == ("id",)


def test_clustering_can_be_changed_and_replaced_in_part(spark, warehouse, days):
    save_delta_table_clustered(days, "t", ["id"])
    save_delta_table_clustered(days, "t", ["day", "id"], mode="append")
    assert layout(spark, "t").clustering == ("day", "id")
    save_delta_table_clustered(days.where("id = 1"), "t", ["day"], replaceWhere="id = 1")
    assert layout(spark, "t").clustering == ("day",)
    assert rows(spark, "t") == [(1, "mon"), (2, "tue"), (2, "tue")]


def test_clustering_and_partitions_exclude_each_other(spark, warehouse, days):
    save_delta_table(days, "t", ["day"])
    with pytest.raises(TableLayoutError, match="partitions or clustering, not both"):
        save_delta_table_clustered(days, "t", ["id"])
    with pytest.raises(TableLayoutError, match="one to four columns"):
        save_delta_table_clustered(days, "u", [])
    with pytest.raises(WriteModeError, match="a clustered table has no partitions"):
        save_delta_table_clustered(days, "u", ["id"], mode="overwrite_partitions")
