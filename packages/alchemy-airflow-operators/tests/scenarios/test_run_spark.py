"""A run on real Spark, whose rows are found in a Delta table without Spark."""

import io
import json
import zipfile
from pathlib import Path

import pyarrow.parquet
from airflow.sdk import DAG
from dag_runs import RunDag, demo
from databricks.sdk.service.catalog import VolumeType
from databricks_local.process import LocalWorkspace

APPS = "/Volumes/main/default/apps"
LIBRARY = """
def order(number):
    return f"order {number}"
"""
PROGRAM = """
import sys

from pyspark.sql import SparkSession

spark = SparkSession.builder.getOrCreate()
from orders import order

rows = [(order(number),) for number in range(int(sys.argv[2]))]
spark.createDataFrame(rows, "name string").coalesce(1).write.format("delta").saveAsTable(sys.argv[1])
"""


def test_a_python_file_with_its_zips_leaves_rows_in_a_delta_table(
    run_dag: RunDag, workspace: LocalWorkspace
) -> None:
    client = workspace.client()
    client.volumes.create("main", "default", "apps", VolumeType.MANAGED)
    client.files.upload(f"{APPS}/write_orders.py", io.BytesIO(PROGRAM.encode()))
    client.files.upload(f"{APPS}/orders.zip", io.BytesIO(zipped("orders.py", LIBRARY)))
    with DAG("writes_orders", schedule=None) as dag:
        demo(f"{APPS}/write_orders.py", "main.default.orders", 3, py_files=[f"dbfs:{APPS}/orders.zip"])
    finished = run_dag(dag)

    assert finished.state == "success", finished.log
    (table,) = workspace.root.glob("warehouse/**/orders")
    assert rows(table) == [{"name": f"order {number}"} for number in range(3)]


def zipped(name: str, code: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, code)
    return stream.getvalue()


def rows(table: Path) -> list[dict[str, str]]:
    """Return the rows of a Delta table that was written once."""
    (commit,) = (table / "_delta_log").glob("*.json")
    added = [json.loads(line).get("add") for line in commit.read_text().splitlines()]
    return [
        row
        for add in added
        if add
        for row in pyarrow.parquet.read_table(table / add["path"], partitioning=None).to_pylist()
    ]
