"""Spark in tasks: tables that stay, in catalogs, and paths as on a cluster.

A start of Spark is dear: there are few tests.
"""

import io
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from databricks.sdk.service.compute import ClusterSpec
from databricks.sdk.service.jobs import (
    NotebookTask,
    Run,
    RunOutput,
    SparkPythonTask,
    SqlTask,
    SqlTaskFile,
    SubmitTask,
    TaskDependency,
)
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace
from listening import listening
from running_tasks import begin

CLUSTER = ClusterSpec(
    spark_version="17.3.x-scala2.13",
    num_workers=1,
    spark_conf={"spark.app.unit": "eur", "spark.master": "yarn"},
)

WRITES = """
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf
import doubling

spark = SparkSession.builder.appName("writes").getOrCreate()
assert spark.conf.get("spark.app.unit") == "eur"
spark.sql("CREATE SCHEMA IF NOT EXISTS main.sales")
spark.range(1).write.saveAsTable("finance.by_api.years")
double = udf(doubling.double_in_a_worker, "long")
spark.range(3).withColumn("twice", double("id")).write.saveAsTable("main.sales.orders")
news = spark.createDataFrame([(2, 40), (3, 60)], "id long, twice long")
target = DeltaTable.forName(spark, "main.sales.orders")
merge = target.alias("o").merge(news.alias("n"), "o.id = n.id")
merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
spark.sql("CREATE VIEW main.sales.big AS SELECT * FROM main.sales.orders WHERE twice > 10")
spark.table("main.sales.orders").coalesce(1).write.parquet("/Volumes/main/default/out")
spark.range(2).write.format("delta").save("dbfs:/of_dbfs")
print(spark.read.format("delta").load("/of_dbfs").count())


def also(batch, number):
    batch.createOrReplaceTempView("news")
    batch.sparkSession.sql(
        "MERGE INTO main.sales.streamed s USING news n ON s.id = n.id WHEN NOT MATCHED THEN INSERT *"
    )


spark.sql("CREATE TABLE main.sales.streamed (id LONG, twice LONG)")
stream = spark.readStream.table("main.sales.orders").writeStream.trigger(availableNow=True)
stream = stream.option("checkpointLocation", "/Volumes/main/default/checkpoint")
stream.foreachBatch(also).start().awaitTermination()
"""

# Python workers of Spark see the cluster's paths and the file's folder too.
DOUBLING = """
import os

def double_in_a_worker(number):
    assert os.path.isdir("/Volumes/main/default")
    return number * 2
"""

READS = """# Databricks notebook source
# MAGIC %sql
# MAGIC -- a comment; with a semicolon
# MAGIC SELECT count(*) AS n FROM main.sales.orders WHERE id < :most;
# MAGIC SELECT * FROM main.sales.big ORDER BY id

# COMMAND ----------

rows = [tuple(row) for row in _sqldf.collect()]
n = spark.sql("SELECT max(twice) FROM dev.sales.orders").first()[0]
streamed = sorted(row.id for row in spark.table("main.sales.streamed").collect())
display(_sqldf)
dbutils.notebook.exit(f"{rows} {n} {streamed}")
"""

SQL = """
CREATE OR REPLACE TABLE main.sales.copied AS
SELECT id, :unit AS unit FROM main.sales.orders WHERE id >= :least;
SELECT unit, count(*) AS n FROM main.sales.copied GROUP BY unit;
"""


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory("--catalog", "main", "--catalog", "dev", "--max-parallel-tasks", "2")


def upload(workspace: LocalWorkspace, path: str, text: str) -> str:
    client = workspace.client()
    client.workspace.mkdirs("/Workspace/Shared")
    client.workspace.upload(path, io.BytesIO(text.encode()), format=ImportFormat.AUTO, overwrite=True)
    return path


def ended(workspace: LocalWorkspace, run_id: int) -> Run:
    deadline = time.monotonic() + 1200
    while not (run := workspace.client().jobs.get_run(run_id)).end_time:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return run


def output(workspace: LocalWorkspace, run: Run, key: str) -> RunOutput:
    number = next(task.run_id for task in run.tasks or () if task.task_key == key)
    told = workspace.client().jobs.get_run_output(number or 0)
    assert not told.error, told.error_trace or told.error
    return told


def test_tables_paths_and_catalogs_are_shared_by_tasks_of_all_kinds(
    workspace: LocalWorkspace, delta_rows: Callable[[Path], list[dict[str, object]]]
) -> None:
    (workspace.root / "volumes/main/default").mkdir(parents=True)
    workspace.client().catalogs.create("finance")
    workspace.client().schemas.create("by_api", "finance")
    upload(workspace, "/Workspace/Shared/doubling.py", DOUBLING)
    writes = SparkPythonTask(upload(workspace, "/Workspace/Shared/writes.py", WRITES))
    upload(workspace, "/Workspace/Shared/reads.py", READS)
    file = SqlTaskFile(upload(workspace, "/Workspace/Shared/copy.sql", SQL))
    after = [TaskDependency("writes")]
    tasks = [
        SubmitTask(task_key="writes", new_cluster=CLUSTER, spark_python_task=writes),
        SubmitTask(
            task_key="reads",
            depends_on=after,
            new_cluster=CLUSTER,
            notebook_task=NotebookTask("/Shared/reads", {"most": "2"}),
        ),
        SubmitTask(
            task_key="copies",
            depends_on=after,
            sql_task=SqlTask(warehouse_id="w", file=file, parameters={"unit": "eur", "least": "1"}),
        ),
    ]
    client = workspace.client()
    run = ended(workspace, client.jobs.submit(run_name="spark", tasks=tasks).run_id)
    assert (output(workspace, run, "writes").logs or "").startswith("2\n")
    orders = [{"id": number, "twice": twice} for number, twice in ((0, 0), (1, 2), (2, 40), (3, 60))]
    assert delta_rows(workspace.root / "warehouse/sales.db/orders") == orders
    assert workspace.client().tables.exists("finance.by_api.years").table_exists
    notebook = output(workspace, run, "reads").notebook_output
    assert notebook
    assert notebook.result == "[(2, 40), (3, 60)] 60 [0, 1, 2, 3]"
    output(workspace, run, "copies")
    copied = [{"id": number, "unit": "eur"} for number in (1, 2, 3)]
    assert delta_rows(workspace.root / "warehouse/sales.db/copied") == copied
    assert list((workspace.root / "volumes/main/default/out").glob("*.parquet"))
    assert (workspace.root / "dbfs/of_dbfs/_delta_log").is_dir()


def test_a_session_and_its_metastore_listen_on_this_machine_only(workspace: LocalWorkspace) -> None:
    code = """
import time
from pyspark.sql import SparkSession
# The metastore is started by who asks for a table.
SparkSession.builder.getOrCreate().sql("SHOW TABLES").collect()
print("begun")
time.sleep(900)
"""
    run_id = begin(workspace, code)
    programs = listening(workspace)
    assert programs.keys() == {"127.0.0.1"}
    assert "java" in programs["127.0.0.1"]
    workspace.client().jobs.cancel_run_and_wait(run_id)


def test_a_cancelled_session_takes_java_and_its_workers_along(workspace: LocalWorkspace) -> None:
    code = """
import time
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print("begun")
spark.sparkContext.parallelize([1, 2], 2).foreach(lambda _: time.sleep(900))
"""
    client = workspace.client()
    client.dbfs.upload("dbfs:/slow.py", io.BytesIO(code.encode()), overwrite=True)
    task = SubmitTask(
        task_key="slow", new_cluster=CLUSTER, spark_python_task=SparkPythonTask("dbfs:/slow.py")
    )
    run_id = client.jobs.submit(run_name="slow", tasks=[task]).run_id
    number = (client.jobs.get_run(run_id).tasks or [])[0].run_id
    deadline = time.monotonic() + 600
    # The supervisor, the driver, Spark's daemon and its two workers.
    while (found := processes_of(f"{workspace.root}//{number}")).count("java") != 1 or (
        len([name for name in found if name.startswith("python")]) < 5
    ):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    client.jobs.cancel_run(run_id)
    ended(workspace, run_id)
    assert processes_of(f"{workspace.root}//{number}") == []


def processes_of(mark: str) -> list[str]:
    """Return the names of a task's processes: supervisor, Python, Java, Spark's daemon and its workers."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("DATABRICKS_LOCAL_PROCESS") == mark:
                found.append(process.name())
        except (psutil.Error, OSError):
            continue
    return found
