"""Updates that really run: Python and SQL on Spark 4.1, as far as a triggered pipeline goes."""

import io
import time
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import ResourceConflict
from databricks.sdk.service.catalog import VolumeType
from databricks.sdk.service.jobs import PipelineTask, SubmitTask
from databricks.sdk.service.pipelines import (
    EventLevel,
    PathPattern,
    PipelineLibrary,
    PipelinesEnvironment,
    PipelineState,
    UpdateInfo,
    UpdateInfoState,
)
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace
from listening import listening

SPARK_FOR_PIPELINES = Path(__file__).parents[3] / ".venvs/spark41/bin/python"
HOME = "/Workspace/Shared/orders"
LANDING = "/Volumes/main/raw/landing"
LONG = timedelta(minutes=20)

PYTHON = """
from pyspark import pipelines as dp
from pyspark.sql.functions import udf
from shop.rates import RATE
from tariff import with_tax

@dp.table(comment="as it came", cluster_by=["id"])
@dp.expect_or_drop("has an id", "id IS NOT NULL")
@dp.expect("cheap", "price < 100")
def orders():
    schema = "id INT, price INT"
    return spark.readStream.format("csv").schema(schema).load(spark.conf.get("orders.landing"))

tax = udf(lambda price: with_tax(price, RATE), "int")

@dp.materialized_view
def taxed():
    return spark.read.table("orders").select("id", tax("price").alias("price"))
"""
SQL = """-- Databricks notebook source
CREATE OR REFRESH PRIVATE MATERIALIZED VIEW dear (
  CONSTRAINT `dear enough` EXPECT (price > 15) ON VIOLATION DROP ROW
) CLUSTER BY AUTO AS SELECT * FROM LIVE.taxed

-- COMMAND ----------

CREATE OR REFRESH STREAMING TABLE main.archive.orders_copy AS SELECT id FROM STREAM(orders)
"""


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory(f"--pipelines-python={SPARK_FOR_PIPELINES}", "--offline")


@pytest.fixture(scope="module")
def client(workspace: LocalWorkspace) -> WorkspaceClient:
    client = workspace.client()
    for schema in ("raw", "archive"):
        client.schemas.create(schema, "main")
    client.volumes.create("main", "raw", "landing", VolumeType.MANAGED)
    return client


def put(client: WorkspaceClient, path: str, content: str | bytes) -> None:
    client.workspace.mkdirs(path.rpartition("/")[0])
    data = content.encode() if isinstance(content, str) else content
    client.workspace.upload(path, io.BytesIO(data), format=ImportFormat.AUTO, overwrite=True)


def wheel(**files: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"{name}.py", text)
        info = "tariff-1.0.dist-info"
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tariff\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return held.getvalue()


def made(client: WorkspaceClient, name: str, **settings: Any) -> str:
    source = PipelineLibrary(glob=PathPattern(include=f"{HOME}/{name}/**"))
    created = client.pipelines.create(
        name=name, catalog="main", schema=name, libraries=[source], root_path=HOME, **settings
    )
    assert created.pipeline_id
    return created.pipeline_id


def updated(client: WorkspaceClient, pipeline_id: str, **asked: Any) -> UpdateInfo:
    update_id = client.pipelines.start_update(pipeline_id, **asked).update_id
    assert update_id
    until = time.monotonic() + LONG.total_seconds()
    while time.monotonic() < until:
        update = client.pipelines.get_update(pipeline_id, update_id).update
        assert update
        if update.state in (UpdateInfoState.COMPLETED, UpdateInfoState.FAILED, UpdateInfoState.CANCELED):
            return update
        time.sleep(0.05)
    raise TimeoutError(f"update {update_id} did not end")


def messages(client: WorkspaceClient, update: UpdateInfo) -> list[str]:
    events = client.pipelines.list_pipeline_events(update.pipeline_id or "", order_by=["timestamp asc"])
    return [e.message or "" for e in events if e.origin and e.origin.update_id == update.update_id]


def test_python_and_sql_are_run_and_run_again_on_what_is_new(
    client: WorkspaceClient, delta_rows: Callable[..., list[dict[str, Any]]], workspace: LocalWorkspace
) -> None:
    put(client, f"{HOME}/shop/rates.py", "RATE = 2\n")
    put(client, f"{HOME}/orders/tables.py", PYTHON)
    put(client, f"{HOME}/orders/more.sql", SQL)
    whl = "/Workspace/Shared/wheels/tariff-1.0-py3-none-any.whl"
    put(client, whl, wheel(tariff="def with_tax(price, rate):\n    return price * rate\n"))
    client.files.upload(f"{LANDING}/1.csv", io.BytesIO(b"1,5\n2,10\n,7\n3,200\n"))
    pipeline_id = made(
        client,
        "orders",
        environment=PipelinesEnvironment(dependencies=[whl]),
        configuration={"orders.landing": LANDING},
    )
    update = updated(client, pipeline_id)
    said = messages(client, update)
    assert update.state is UpdateInfoState.COMPLETED, said

    def rows(table: str, schema: str = "orders") -> list[dict[str, Any]]:
        return delta_rows(workspace.root / "warehouse" / f"{schema}.db" / table)

    assert [row["id"] for row in rows("orders")] == [1, 2, 3]
    assert [row["price"] for row in rows("dear")] == [20, 400]
    assert [row["id"] for row in rows("orders_copy", "archive")] == [1, 2, 3]
    states = [text.split(" is ")[1] for text in said if text.startswith("Update ") and " is " in text]
    assert states == [
        "WAITING_FOR_RESOURCES.",
        "INITIALIZING.",
        "SETTING_UP_TABLES.",
        "RUNNING.",
        "COMPLETED.",
    ]
    assert "Flow 'main.orders.taxed' is RUNNING." in said
    assert "Flow 'main.archive.orders_copy' has COMPLETED." in said
    assert any("cluster_by has no effect" in text for text in said)
    assert any("expectation 'cheap' only warns" in text for text in said)

    client.files.upload(f"{LANDING}/2.csv", io.BytesIO(b"4,30\n"))
    run = client.jobs.submit(
        run_name="again", tasks=[SubmitTask("t", pipeline_task=PipelineTask(pipeline_id))]
    ).result(timeout=LONG)
    assert run.state
    assert run.state.result_state
    assert run.state.result_state.value == "SUCCESS"
    assert [row["id"] for row in rows("orders_copy", "archive")] == [1, 2, 3, 4]
    assert [row["price"] for row in rows("taxed")] == [10, 20, 400, 60]


def test_a_broken_expectation_fails_its_flow_and_the_update(client: WorkspaceClient) -> None:
    put(
        client,
        f"{HOME}/strict/t.sql",
        "CREATE OR REFRESH MATERIALIZED VIEW strict (\n"
        "  CONSTRAINT small EXPECT (id < 2) ON VIOLATION FAIL UPDATE\n"
        ") AS SELECT * FROM range(3);\n"
        "CREATE OR REFRESH MATERIALIZED VIEW below AS SELECT * FROM strict;\n",
    )
    # Spark waits 5 s and then 10 s before it tries a flow again.
    pipeline_id = made(client, "strict", configuration={"spark.sql.pipelines.maxFlowRetryAttempts": "0"})
    update = updated(client, pipeline_id)
    assert update.state is UpdateInfoState.FAILED
    assert client.pipelines.get(pipeline_id).state is PipelineState.FAILED
    errors = list(client.pipelines.list_pipeline_events(pipeline_id, filter="level = 'ERROR'"))
    flows = [e for e in errors if e.event_type == "flow_progress"]
    assert {e.origin.flow_name for e in flows if e.origin} == {"main.strict.strict"}
    assert errors[0].event_type == "update_progress"
    assert "Violated expectations: 'small'" in (client.pipelines.get(pipeline_id).cause or "")


def test_an_error_in_a_file_is_told_with_its_place(client: WorkspaceClient) -> None:
    put(client, f"{HOME}/wrong/bad.py", "import json\n\ndef read():\n    json.loads('{')\n\nread()\n")
    pipeline_id = made(client, "wrong")
    update = updated(client, pipeline_id, validate_only=True)
    assert update.state is UpdateInfoState.FAILED
    (event,) = client.pipelines.list_pipeline_events(pipeline_id, filter="level = 'ERROR'")
    assert event.level is EventLevel.ERROR
    assert event.error
    assert event.error.exceptions
    exception = event.error.exceptions[0]
    assert exception.class_name == "json.decoder.JSONDecodeError"
    places = [(f.file_name, f.method_name, f.line_number) for f in exception.stack or []]
    assert (f"{HOME}/wrong/bad.py", "read", 4) in places


def test_stopping_an_update_ends_all_its_processes(
    client: WorkspaceClient, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    begun = tmp_path / "begun"
    put(
        client,
        f"{HOME}/slow/slow.py",
        f"import time, pathlib\npathlib.Path({str(begun)!r}).touch()\ntime.sleep(1800)\n",
    )
    pipeline_id = made(client, "slow")
    update_id = client.pipelines.start_update(pipeline_id).update_id or ""
    while not begun.exists():
        assert state(client, pipeline_id, update_id) is not UpdateInfoState.FAILED
        time.sleep(0.05)
    # What the process told of itself before is read a little later.
    while state(client, pipeline_id, update_id) is UpdateInfoState.WAITING_FOR_RESOURCES:
        time.sleep(0.05)
    assert state(client, pipeline_id, update_id) is UpdateInfoState.INITIALIZING
    assert processes(update_id)
    programs = listening(workspace)
    assert programs.keys() == {"127.0.0.1"}
    assert "java" in programs["127.0.0.1"]
    with pytest.raises(ResourceConflict, match=f"An active update {update_id} already exists"):
        client.pipelines.start_update(pipeline_id)
    client.pipelines.stop(pipeline_id).result(timeout=LONG)
    assert state(client, pipeline_id, update_id) is UpdateInfoState.CANCELED
    assert not processes(update_id)


def state(client: WorkspaceClient, pipeline_id: str, update_id: str) -> UpdateInfoState | None:
    update = client.pipelines.get_update(pipeline_id, update_id).update
    return update.state if update else None


def processes(update_id: str) -> list[psutil.Process]:
    """The processes that hold the update's files, by their command lines."""
    running = psutil.process_iter(["cmdline"])
    return [process for process in running if update_id in " ".join(process.info["cmdline"] or ())]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("cdc.sql", "CREATE FLOW f AS AUTO CDC INTO t FROM STREAM s KEYS (id)", "AUTO CDC is not imitated"),
        ("files.sql", "CREATE MATERIALIZED VIEW t AS SELECT * FROM read_files('/x')", "read_files is not"),
        ("when.sql", "CREATE MATERIALIZED VIEW t SCHEDULE EVERY 1 DAY AS SELECT 1", "SCHEDULE is not"),
        ("pip.py", "# Databricks notebook source\n# MAGIC %pip install x", "%pip install x is not imitated"),
        ("readme.md", "nothing", "name no Python or SQL file"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_sentence(
    client: WorkspaceClient, name: str, content: str, said: str
) -> None:
    folder = name.replace(".", "_")
    put(client, f"{HOME}/{folder}/{name}", content)
    pipeline_id = made(client, folder)
    update = updated(client, pipeline_id)
    assert update.state is UpdateInfoState.FAILED
    assert said in (client.pipelines.get(pipeline_id).cause or "")
