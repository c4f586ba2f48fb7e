"""The same tables in three ways: run, registered with spark-pipelines, and as SQL with spark-pipelines."""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from pyarrow import parquet
from skyspark.cli import main
from skyspark.local import JAVA_OPTIONS, spark_defaults
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.run.engine import run_plan
from skyspark.pipeline.run.options import RunOptions

pytestmark = pytest.mark.spark_matrix

EXAMPLES = Path(__file__).parents[4] / "examples"
FILE = """\
from pyspark.sql import SparkSession
from skyspark.lakeflow import register
register(SparkSession.active(), "config.yml")
"""
PIPELINE = """
name: shop
schema: ${SCHEMA}
tables:
  - name: orders_raw
    source:
      format: csv
      path: ${DATA}/orders.csv
      options: {header: true}
      schema: id INT, customer STRING, amount DECIMAL(12,2), rate DOUBLE, placed_at TIMESTAMP, note STRING
  - name: customers
    description: It's who buys
    source: {format: json, path: "${DATA}/customers.json", schema: "customer STRING, born DATE, vip BOOLEAN"}
    expectations:
      - {type: null_check, columns: [customer], action: fail}
      - {type: unique, columns: [customer], action: fail}
      - {type: row_count, min: 1, max: 100, action: fail}
  - name: prices
    source: {format: parquet, path: "${DATA}/prices.parquet"}
  - name: orders
    depends_on: [orders_raw]
    transformation:
      type: sql
      query: |
        -- amounts in cents
        WITH known AS (SELECT * FROM orders_raw WHERE id IS NOT NULL)
        SELECT id, customer, amount, CAST(amount * 100 AS BIGINT) AS cents, rate, placed_at,
          date(placed_at) AS day, coalesce(note, 'it''s {none}') AS note
        FROM known
    expectations:
      - {name: has an amount, expression: amount >= 0, action: drop}
      - {type: range_check, column: rate, max: 2, action: drop}
      - {type: accepted_values, column: customer, values: [a, b, "c'd"], action: warn}
    target: {partition_by: [day], quarantine: true, properties: {delta.appendOnly: false}}
  - name: big
    temporary: true
    depends_on: [orders]
    transformation: {type: filter, condition: amount > 5, columns: [id, customer, amount, day]}
  - name: named
    depends_on: [big, customers]
    transformation: {type: join, left: big, right: customers, on: [customer], how: left}
    expectations:
      # Of the customers on the right only those that come through the join are asked.
      - {name: born early, expression: born IS NULL OR born < DATE '2000-01-01', action: fail}
  - name: by_customer
    depends_on: [named]
    transformation:
      type: aggregate
      group_by: [customer, vip]
      aggregations: {orders: count(*), amount: sum(amount), last_day: max(day), mean: avg(amount)}
      having: count(*) >= 1
  - name: events
    mode: streaming
    source: {table: "raw.events"}
    transformation: {type: sql, query: "SELECT id, kind, value, at FROM source WHERE kind <> 'noise'"}
    expectations:
      - {type: null_check, columns: [id], action: drop}
      - {name: known kind, expression: "kind IN ('view', 'buy')", action: fail}
  - name: priced_events
    mode: streaming
    depends_on: [events, prices]
    transformation:
      type: sql
      query: |
        SELECT e.id, e.at, e.value * p.price AS paid
        FROM events AS e LEFT JOIN prices AS p ON e.kind = p.kind
  - name: daily
    mode: batch
    depends_on: [priced_events]
    transformation:
      type: sql
      query: |
        SELECT date(at) AS day, count(DISTINCT id) AS ids, sum(paid) AS paid FROM priced_events GROUP BY 1
"""
RAW = """
CREATE OR REPLACE TABLE raw.events USING delta AS SELECT * FROM VALUES
  (1, 'view', 1.50BD, TIMESTAMP '2024-02-29 23:59:59.123456'),
  (2, 'buy', NULL, TIMESTAMP '2024-03-01 00:00:00'),
  (NULL, 'buy', 2.25BD, NULL),
  (3, 'noise', 9BD, NULL),
  (1, 'buy', 4BD, TIMESTAMP '1969-12-31 23:59:59')
AS t(id, kind, value, at)
"""
PREPARE = """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[1]").getOrCreate()
for schema in ("raw", "registered", "generated"):
    spark.sql(f"CREATE SCHEMA {schema}")
spark.sql(sys.argv[1])
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory, spark):
    folder = tmp_path_factory.mktemp("data")
    (folder / "orders.csv").write_text(
        "id,customer,amount,rate,placed_at,note\n"
        "1,a,10.10,1.5,2024-02-29T12:00:00,first\n"
        "2,b,,0.1,2024-03-01T00:00:00,\n"
        "3,c'd,5.55,,,$x\n"
        "4,nobody,7.00,2,2024-03-01T23:59:59.999999,\n"
        "5,a,1000000000.99,2.01,2024-03-02T00:00:00,too dear\n"
        "6,a,99.99,-1e300,2024-03-01T08:00:00,\n"
        ",b,1,1,,no id\n"
        "7,b,-3,1,,owes\n"
    )
    customers = [
        {"customer": "a", "born": "1990-01-01", "vip": True},
        {"customer": "b", "born": "1980-05-05"},
        {"customer": "c'd"},
        {"customer": "buys nothing", "born": "2010-01-01"},
    ]
    (folder / "customers.json").write_text("".join(json.dumps(row) + "\n" for row in customers))
    prices = spark.sql("SELECT * FROM VALUES ('view', 0.10BD), ('buy', 2.00BD) AS t(kind, price)")
    prices.write.parquet(str(folder / "prices.parquet"))
    for example in ("customers_orders", "user_analytics"):
        subprocess.run(
            [sys.executable, EXAMPLES / example / "generate.py", folder / example, "--rows", "200"],
            check=True,
        )
    return folder


def pipelines(data, folder, schema):
    """Return the three pipelines' files, with their variables."""
    (folder / "config.yml").write_text(PIPELINE)
    return {
        folder / "config.yml": {"SCHEMA": schema, "DATA": str(data)},
        EXAMPLES / "user_analytics" / "config.yml": {"SCHEMA": schema, "DATA": str(data / "user_analytics")},
        EXAMPLES / "customers_orders" / "config.yml": {
            "SCHEMA": schema,
            "DATA": str(data / "customers_orders"),
        },
    }


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """A folder with a catalog in which the outside table and the schemas are."""
    home = tmp_path_factory.mktemp("engine")
    (home / "conf").mkdir()
    # As in skyspark.testing: compiling what runs once costs more than it gives.
    quick = f"{JAVA_OPTIONS} -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC "
    (home / "conf" / "spark-defaults.conf").write_text(
        spark_defaults(home / "warehouse").replace(f"{JAVA_OPTIONS} ", quick)
        + "spark.sql.codegen.wholeStage false\nspark.sql.adaptive.enabled false\n"
        + "spark.sql.codegen.cache.maxEntries 1000\n"
        + "spark.sql.catalogImplementation hive\n"
        + "spark.hadoop.javax.jdo.option.ConnectionURL "
        + f"jdbc:derby:;databaseName={home}/metastore;create=true\n"
    )
    call(home, sys.executable, "-c", PREPARE, RAW)
    return home


def call(home, *command):
    environment = os.environ | {
        "SPARK_CONF_DIR": str(home / "conf"),
        "PYSPARK_PYTHON": sys.executable,
        # An own port: 15002 may be taken on this machine.
        "SPARK_TESTING": "1",
    }
    done = subprocess.run(
        list(map(str, command)),
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stderr[-5000:]


def run_pipelines(home, folder, configuration):
    """Run what is in a folder with the real program."""
    spec = {
        "name": folder.name,
        "storage": (home / f"storage-{folder.name}").as_uri(),
        "configuration": {"spark.sql.shuffle.partitions": "1", **configuration},
        "libraries": [{"glob": {"include": f"{folder.name}/**"}}],
    }
    (home / f"{folder.name}.yml").write_text(yaml.safe_dump(spec))
    program = Path(sys.executable).with_name("spark-pipelines")
    call(home, program, "run", "--spec", home / f"{folder.name}.yml")


@pytest.fixture(scope="module")
def batch(data, tmp_path_factory, spark):
    """The columns and rows of each stored table, by pipeline and table, as `skyspark run` makes them."""
    spark.sql("CREATE SCHEMA raw")
    spark.sql("CREATE SCHEMA batch")
    spark.sql(RAW)
    found = {}
    for config, variables in pipelines(data, tmp_path_factory.mktemp("batch"), "batch").items():
        pipeline = load_pipeline(config, variables=variables)
        pipeline = pipeline.model_copy(update={"storage": str(tmp_path_factory.mktemp("storage"))})
        done = run_plan(make_plan(pipeline, Selection()), spark, RunOptions())
        assert done.status == "succeeded", [table.message for table in done.tables]
        stored = [t for t in pipeline.tables if not t.temporary]
        names = [t.name for t in stored] + [f"{t.name}_quarantine" for t in stored if t.target.quarantine]
        tables = Path(spark.conf.get("spark.sql.warehouse.dir").removeprefix("file:"), "batch.db")
        found |= {(pipeline.name, name): content(tables / name) for name in names}
    return found


def content(table):
    """Return a Delta table's columns with their types, and its rows in an order of their own.

    They are read from its files: sixty queries of Spark took longer than the runs that are compared.
    """
    files = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for action in map(json.loads, commit.read_text().splitlines()):
            if "metaData" in action:
                fields = json.loads(action["metaData"]["schemaString"])["fields"]
            elif "add" in action:
                assert not action["add"].get("deletionVector"), table
                files[unquote(action["add"]["path"])] = action["add"]["partitionValues"]
            elif "remove" in action:
                del files[unquote(action["remove"]["path"])]
    # When rows were dropped is all that may differ.
    columns = {field["name"]: field["type"] for field in fields if field["name"] != "_quarantined_at"}
    rows = [
        tuple((row | partition)[name] for name in columns)
        for name, partition in files.items()
        for row in parquet.read_table(
            table / name, partitioning=None, coerce_int96_timestamp_unit="us"
        ).to_pylist()
    ]
    return list(columns.items()), sorted(rows, key=str)


def assert_equal(engine, schema, batch, *names):
    tables = [key for key in batch if key[0] in names]
    assert tables
    for key in tables:
        columns, rows = batch[key]
        assert rows, key
        assert content(engine / "warehouse" / f"{schema}.db" / key[1]) == (columns, rows), key


def test_registered_tables_equal_a_run(data, engine, batch):
    folder = engine / "registered"
    folder.mkdir()
    shop, *others = pipelines(data, folder, "registered").items()
    (folder / "config.yml").rename(engine / "config.yml")
    (folder / "shop.py").write_text(FILE)
    for config, variables in others:
        call = f"register(SparkSession.active(), {str(config)!r}, variables={variables!r})"
        (folder / f"{config.parent.name}.py").write_text(FILE.replace(FILE.splitlines()[-1], call))
    run_pipelines(engine, folder, {f"skyspark.var.{name}": value for name, value in shop[1].items()})
    assert_equal(engine, "registered", batch, "shop", "user_analytics", "customers_orders")


def test_generated_sql_gives_tables_that_equal_a_run(data, engine, batch, capsys, tmp_path):
    folder = engine / "generated"
    folder.mkdir()
    for config, variables in list(pipelines(data, tmp_path, "generated").items())[:2]:
        given = [part for name, value in variables.items() for part in ("--var", f"{name}={value}")]
        main(["sql", str(config), *given, "--dialect", "spark", "-o", str(folder)])
    run_pipelines(engine, folder, {})
    assert_equal(engine, "generated", batch, "shop", "user_analytics")
