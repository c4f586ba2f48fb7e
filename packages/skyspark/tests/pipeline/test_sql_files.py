"""Files as open-source Spark's SQL reads them, beside what Spark's reader makes of them."""

import pytest
from skyspark.errors import QueryError
from skyspark.pipeline.model import Source
from skyspark.pipeline.sql import databricks
from skyspark.pipeline.sql import spark as spark_sql

CSV = {
    "1.csv": 'id,name,at\n1,"a, b",2024-01-01 00:00:00\n\n2,,2024-01-01 01:00:00\n',
    "2.csv": "\r\nID,other,at\r\n3,'q''z',x\r\nx,d\r\n \t\r\n4,e,2024-01-01 00:00:00,more\r\n",
    "3.txt": "id,name,at\n9,not read,x\n",
    "4.csv": "id,name,at",
    "5.csv": "",
}
JSON = {
    "1.json": '{"id":1,"t":{"a":[1,2]}}\n\n{"id":2\n{"id":"3","more":1}\n'
    '[{"id":4},{"id":5}]\n[]\n  \nnull\n"text"\n',
    "2.json": '{"ID": 6, "t": null}\r\n{"id": 7.5}',
}
XML = {
    "1.xml": '<?xml version="1.0"?>\n<rows>\n<row Id="1" Name="a &gt; b"/>\n'
    '<row Id="2" Name="x>y"><t>1</t></row>\n'
    "<rows2 Id='8'/>\n<row\n Id='3'\n Name='it\"s'></row><row><t>x</t></row></rows>",
    "2.xml": '<rows><row Id="4" Name="é &#10; z"/><other><row Id="5"/></other></rows>',
}
SOURCES = {
    "csv with header": (
        CSV,
        "csv",
        {"header": "true", "pathGlobFilter": "*.csv"},
        "id INT, name STRING, at TIMESTAMP",
    ),
    "csv without header": (CSV, "csv", {"pathGlobFilter": "[12].csv"}, "id INT, name STRING, at STRING"),
    "csv with options": (
        {"1.csv": "a;b\n'x;y';1.1.2024\nNULL;2.1.2024\n"},
        "csv",
        {"HEADER": "True", "sep": ";", "quote": "'", "dateFormat": "d.M.yyyy", "nullValue": "NULL"},
        "a STRING, b DATE",
    ),
    "csv with the bad rows": (
        {"1.csv": "1,a\nx,b\n2\n"},
        "csv",
        {"columnNameOfCorruptRecord": "bad", "mode": "PERMISSIVE"},
        "id INT, k STRING, bad STRING",
    ),
    "csv without schema": ({"1.csv": "a,b\n1,x\n"}, "csv", {"header": "true", "inferSchema": "true"}, None),
    "json": (JSON, "json", {}, "id INT, t STRUCT<a: ARRAY<INT>>"),
    "json with options": (
        {"1.json": "{'at': '01/02/2024', n: 01}\n"},
        "json",
        {"dateFormat": "dd/MM/yyyy", "allowUnquotedFieldNames": "true", "allowNumericLeadingZeros": "true"},
        "at DATE, n INT",
    ),
    "xml": (XML, "xml", {"rowTag": "row"}, "_Id INT, _Name STRING, t INT"),
    "xml without prefix": (XML, "xml", {"rowTag": "row", "attributePrefix": ""}, "Id INT, Name STRING"),
}


@pytest.mark.parametrize("case", SOURCES.values(), ids=SOURCES)
def test_the_same_rows_come_out_of_files(spark, tmp_path, case):
    files, form, options, columns = case
    for name, text in files.items():
        (tmp_path / name).write_bytes(text.encode())
    source = Source(format=form, path=str(tmp_path), options=options, schema=columns)
    reader = spark.read.format(form).options(**options)
    expected = (reader.schema(columns) if columns else reader).load(str(tmp_path))
    found = spark.sql(f"SELECT * FROM {spark_sql.files(source, False)} AS source")
    assert found.dtypes == expected.dtypes
    assert sorted(map(repr, found.collect())) == sorted(map(repr, expected.collect()))
    assert expected.count()


def test_parquet_gets_its_columns_and_types(spark, tmp_path):
    path = str(tmp_path / "p")
    spark.sql("SELECT 1 AS id, named_struct('a', 2) AS s, 'x' AS more").write.parquet(path)
    source = Source(format="parquet", path=path, schema="s STRUCT<a: INT>, id BIGINT")
    rows = spark.sql(f"SELECT * FROM {spark_sql.files(source, False)} AS source")
    assert rows.dtypes == [("s", "struct<a:int>"), ("id", "bigint")]
    assert [row.asDict(recursive=True) for row in rows.collect()] == [{"s": {"a": 2}, "id": 1}]


@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("csv", {"multiLine": "true"}),
        ("csv", {"mode": "dropMalformed"}),
        ("csv", {"comment": "#"}),
        ("csv", {"enforceSchema": "false"}),
        ("json", {"encoding": "UTF-16"}),
        ("json", {"lineSep": ";"}),
        ("xml", {}),
    ],
)
def test_what_has_no_equal_is_refused(form, options):
    with pytest.raises(QueryError, match="'in'"):
        spark_sql.files(Source(format=form, path="in", options=options, schema="a INT"), False)


def test_a_path_cannot_be_followed_in_open_source_sql():
    with pytest.raises(QueryError, match="register"):
        spark_sql.files(Source(path="in"), True)


def test_lakeflow_adds_no_column_and_infers_no_type_that_spark_would_not():
    inferred = databricks.files(Source(format="csv", path="in", options={"header": "true"}), True)
    assert inferred.startswith("STREAM read_files(")
    assert "schemaEvolutionMode => 'none'" in inferred
    assert "inferColumnTypes => 'false'" in inferred
    asked = databricks.files(Source(format="csv", path="in", options={"inferSchema": "true"}), False)
    assert "inferColumnTypes => 'true'" in asked
    assert "inferSchema" not in asked
    declared = databricks.files(Source(format="csv", path="in", schema="a INT"), False)
    assert "Evolution" not in declared
