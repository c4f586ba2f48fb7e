"""Contracts of tables, and describing tables."""

import pytest
from pyspark.sql.types import IntegerType, StringType, StructField, StructType
from skyspark import TableContract
from skyspark.errors import ColumnNotFoundError, SchemaMismatchError, TableNotFoundError
from skyspark.load import save_delta_table, save_table_metadata

pytestmark = pytest.mark.spark_matrix

SCHEMA = StructType(
    [
        StructField("id", IntegerType(), metadata={"comment": "it's the id"}),
        StructField(
            "place", StructType([StructField("city", StringType(), metadata={"comment": "the city"})])
        ),
    ]
)
PLACES = TableContract("places", SCHEMA, keys=("id",), comment="Where things are")


def test_a_fitting_frame_is_put_in_order(spark):
    frame = spark.createDataFrame([(("x",), 1)], "place struct<city: string>, id int")
    assert PLACES.check(frame).columns == ["id", "place"]


def test_all_that_is_wrong_is_named(spark):
    with pytest.raises(SchemaMismatchError) as raised:
        PLACES.check(spark.createDataFrame([("1", "x")], "id string, plaze string"))
    for words in ("'place' is missing", "'plaze' is not in the contract", "'id' is string and must be int"):
        assert words in str(raised.value)


def test_keys_are_columns():
    with pytest.raises(ColumnNotFoundError, match="the key 'idd' is no column"):
        TableContract("t", SCHEMA, keys=("idd",))


def test_a_table_is_described_once(spark, warehouse):
    save_delta_table(spark.createDataFrame([(1, ("x",))], SCHEMA), "places")
    before = spark.sql("DESCRIBE HISTORY places").count()
    for _ in range(2):
        save_table_metadata(
            f"{warehouse}.places", schema=SCHEMA, comment="it's", properties={"team.owner": "x"}, owner="me"
        )
        changes = spark.sql("DESCRIBE HISTORY places").count() - before
    stored = spark.table("places").schema
    assert stored["id"].metadata["comment"] == "it's the id"
    assert stored["place"].dataType["city"].metadata["comment"] == "the city"
    detail = spark.sql("DESCRIBE DETAIL places").first()
    assert (detail.description, detail.properties["team.owner"]) == ("it's", "x")
    # The comments of the columns came with the frame: what is left is the table's comment and property.
    assert changes == 2


def test_columns_get_comments_later(spark, warehouse):
    save_delta_table(spark.createDataFrame([(1, ("x",))], "id int, place struct<city: string>"), "places")
    save_table_metadata("places", schema=SCHEMA)
    assert spark.table("places").schema["place"].dataType["city"].metadata["comment"] == "the city"


def test_mistakes_are_said_in_words(spark, warehouse):
    with pytest.raises(TableNotFoundError, match="table nowhere: it does not exist"):
        save_table_metadata("nowhere", comment="x")
    save_delta_table(spark.createDataFrame([(1,)], "id int"), "places")
    with pytest.raises(ColumnNotFoundError, match="the schema describes '`place`'"):
        save_table_metadata("places", schema=SCHEMA)
