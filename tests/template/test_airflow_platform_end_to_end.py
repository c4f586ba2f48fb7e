"""A platform as it is cut, from the archive to the gold tables: real Airflow, real Spark and Delta, no cloud.

What is not here has a stand-in with the same protocol: the archive's host and S3 are servers on loopback,
Databricks is databricks-local, and the external volume is a folder that follows the bucket.
"""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from airflow_process import Airflow
from databricks.sdk.service.jobs import Run, RunResultState
from databricks_local.process import LocalWorkspace
from skyspark.jars import jar_dir
from skyspark.versions import SPARK_LINES
from template.airflow_platform import answers
from template.made_site import POSTS, USERS, Post, User, popular_tags, posts_with_users, publish
from template.projects import ROOT, Render, make_environment, path_with_uv, run

pytestmark = pytest.mark.slow

ANSWERS = answers()
BUCKET, SITE, JOB = (ANSWERS[name] for name in ("s3_bucket", "stack_exchange_site", "databricks_job_name"))
PREFIX = f"stack_exchange/{SITE}"
ASSETS = {f"s3://{BUCKET}/{PREFIX}/{member}" for member in ("Posts.xml", "Users.xml")}
PRODUCER, TRIGGER = "produce_data_assets", "trigger_databricks_workflow"
DEPLOY = ROOT / "packages/databricks-local/tests/bundle/deploy.py"
# Task to the tasks that it has to wait for.
ORDER = {
    "bronze_posts": [],
    "bronze_users": [],
    "silver_posts": ["bronze_posts"],
    "silver_users": ["bronze_users"],
    "gold_post_users": ["silver_posts", "silver_users"],
    "gold_most_popular_tags": ["silver_posts"],
}
# Compiling queries of a few rows takes longer than running them.
SMALL_DATA = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.shuffle.partitions": "1",
}
START_S, RUN_S = 600.0, 900.0

Json = dict[str, Any]


@contextmanager
def host(folder: Path) -> Iterator[str]:
    """Serve a folder on loopback, and give the address of the archive in it."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/download/stackexchange/{SITE}.7z"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def bucket(project: Path, volume: Path) -> Iterator[str]:
    """Serve S3 with the bucket, whose landing prefix the volume shows."""
    command = [
        project / ".venv/bin/python",
        ROOT / "tests/template/landing_bucket.py",
        BUCKET,
        PREFIX,
        volume,
    ]
    # It says each request on its standard error.
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdin
        assert server.stdout
        yield server.stdout.readline().strip()
        server.stdin.close()


@contextmanager
def databricks(root: Path) -> Iterator[LocalWorkspace]:
    jars = sorted(jar_dir(SPARK_LINES["4.0"]).glob("*.jar"))
    workspace = LocalWorkspace(root, ["--offline", *(f"--jar={jar}" for jar in jars)])
    workspace.start()
    try:
        yield workspace
    finally:
        workspace.stop()


@pytest.fixture(scope="module")
def project(render_airflow_platform: Render, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with its environment, and with the wheels that its bundle uploads."""
    folder = tmp_path_factory.mktemp("platform")
    project = shutil.copytree(render_airflow_platform(), folder / "project")
    make_environment(project, PATH=path_with_uv(folder / "bin"))
    shutil.copytree(project / "vendor", project / "dependency_wheels")
    yield project
    shutil.rmtree(folder)


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file.write_text(text.replace(before, after), encoding="utf-8")


def deploy(project: Path, workspace: LocalWorkspace) -> None:
    """Deploy the bundle by the Databricks CLI where there is one, else by what does the same with the SDK."""
    workflows = project / "databricks-workflows"
    # databricks-local has managed volumes only.
    edit(workflows / "landing.yml", "volume_type: EXTERNAL", "volume_type: MANAGED")
    edit(workflows / "landing.yml", "      storage_location: ${var.landing_url}\n", "")
    version = "spark_version: 17.3.x-scala2.13"
    edit(workflows / "medallion.yml", version, f"{version}\n            spark_conf: {json.dumps(SMALL_DATA)}")
    cli = shutil.which("databricks")
    command = [cli, "bundle", "deploy", "--target", "prod"] if cli else [sys.executable, DEPLOY, ".", "prod"]
    environment = {
        "DATABRICKS_HOST": workspace.host,
        "DATABRICKS_TOKEN": workspace.token,
        "DATABRICKS_CONFIG_FILE": os.devnull,
        "DATABRICKS_BUNDLE_ENGINE": "direct",
    }
    run(*command, cwd=project, **environment)


def keep_from_midnight(project: Path) -> None:
    """Have the schedule be due now and not again in this test, whose runs another one would forestall."""
    edit(project / "dags/produce_data_assets.py", 'schedule="@daily"', 'schedule="@yearly"')


def variables(
    folder: Path, project: Path, workspace: LocalWorkspace, s3: str, archive: str
) -> dict[str, str]:
    """Return Airflow's environment: connections, the archive's address, and a pace for a test."""
    address, _, port = workspace.host.removeprefix("http://").partition(":")
    connections = {
        "AWS": {
            "conn_type": "aws",
            "login": "testing",
            "password": "testing",
            "extra": {"endpoint_url": s3, "region_name": "us-east-1"},
        },
        "DATABRICKS": {
            "conn_type": "databricks",
            "schema": "http",
            "host": address,
            "port": int(port),
            "password": workspace.token,
        },
    }
    # The archive is unpacked below the folder for temporary files.
    temporary = folder / "tmp"
    temporary.mkdir()
    return {
        **{f"AIRFLOW_CONN_{name}_DEFAULT": json.dumps(content) for name, content in connections.items()},
        "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
        "STACK_EXCHANGE_ARCHIVE_URL": archive,
        "TMPDIR": str(temporary),
    }


def until(look: Callable[[], Json | None], what: str, seconds: float = RUN_S) -> Json:
    """Look again and again until there is something, and return it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (found := look()) is not None:
            return found
        time.sleep(1)
    raise AssertionError(f"{what}: not within {seconds:.0f} s")


def ended(airflow: Airflow, dag_id: str, other_than: Collection[str] = (), run_id: str | None = None) -> Json:
    """Wait for the end of a run of a DAG, and return its only task.

    Args:
        airflow: where it runs.
        dag_id: the DAG.
        other_than: runs that are known already.
        run_id: the run; by default the first one that is not known.
    """

    def look() -> Json | None:
        for each in sorted(airflow.runs(dag_id), key=lambda each: each["run_after"]):
            wanted = each["dag_run_id"] == run_id if run_id else each["dag_run_id"] not in other_than
            if wanted:
                return each if each["state"] in ("success", "failed") else None
        return None

    finished = until(look, f"the end of {run_id or 'a run'} of {dag_id}")
    (task,) = airflow.tasks(finished)
    assert finished["state"] == "success", "\n".join(airflow.task_log(task))
    return task | {"run": finished}


def events(airflow: Airflow) -> list[Json]:
    found: list[Json] = airflow.get("/api/v2/assets/events?order_by=timestamp&limit=100")["asset_events"]
    return found


def started(airflow: Airflow, dag_id: str) -> Json:
    """Start a run by hand and wait for its end."""
    run_id = airflow.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None})["dag_run_id"]
    return ended(airflow, dag_id, run_id=run_id)


def job_runs(workspace: LocalWorkspace) -> list[Run]:
    """Return the runs of the job with their tasks, in the order in which they began."""
    client = workspace.client()
    (job,) = client.jobs.list(name=JOB)
    listed = client.jobs.list_runs(job_id=job.job_id, expand_tasks=True)
    return sorted(listed, key=lambda each: each.start_time or 0)


def assert_in_order(job_run: Run) -> None:
    assert job_run.state
    assert job_run.state.result_state is RunResultState.SUCCESS
    tasks = {task.task_key: task for task in job_run.tasks or []}
    assert tasks.keys() == ORDER.keys()
    for key, others in ORDER.items():
        for other in others:
            assert (tasks[key].start_time or 0) >= (tasks[other].end_time or sys.maxsize), (key, other)


def table(workspace: LocalWorkspace, name: str) -> list[Json]:
    """Return the rows of a table as its log says they are now."""
    folder = workspace.root / "warehouse/stack_exchange.db" / name
    files: set[str] = set()
    for commit in sorted((folder / "_delta_log").glob("*.json")):
        actions = [json.loads(line) for line in commit.read_text(encoding="utf-8").splitlines()]
        files -= {action["remove"]["path"] for action in actions if "remove" in action}
        files |= {action["add"]["path"] for action in actions if "add" in action}
    return [row for file in sorted(files) for row in pyarrow.parquet.read_table(folder / file).to_pylist()]


def assert_gold(workspace: LocalWorkspace, posts: list[Post], users: list[User]) -> None:
    tags = sorted(table(workspace, "gold_popular_tags"), key=lambda row: (-row["questions"], row["tag"]))
    assert tags == popular_tags(posts)
    found = sorted(table(workspace, "gold_posts_with_users"), key=lambda row: row["post_id"])
    assert found == posts_with_users(posts, users)


def after(moment: str) -> int:
    """Return a moment of Airflow's in milliseconds, as Databricks has them."""
    return int(datetime.fromisoformat(moment).timestamp() * 1000)


def test_an_archive_becomes_gold_once_and_again_when_it_changes(project: Path, tmp_path: Path) -> None:
    python = project / ".venv/bin/python"
    volume = tmp_path / "workspace/volumes/main/stack_exchange/landing"
    keep_from_midnight(project)
    with (
        databricks(tmp_path / "workspace") as workspace,
        host(tmp_path / "host") as archive,
        bucket(project, volume) as s3,
        Airflow(
            tmp_path / "airflow", project / ".venv/bin", variables(tmp_path, project, workspace, s3, archive)
        ) as airflow,
    ):
        # Airflow takes its time to start.
        publish(python, tmp_path / "host", SITE, POSTS, USERS)
        deploy(project, workspace)
        airflow.wait_for_dags([PRODUCER, TRIGGER], START_S)

        # One of the two assets starts nothing.
        airflow.call("PATCH", f"/api/v2/dags/{TRIGGER}", {"is_paused": False})
        listed = airflow.get("/api/v2/assets?limit=100")["assets"]
        assert {asset["uri"] for asset in listed} == ASSETS
        posts_asset = next(asset for asset in listed if asset["uri"].endswith("/Posts.xml"))
        airflow.call("POST", "/api/v2/assets/events", {"asset_id": posts_asset["id"], "extra": {}})
        time.sleep(3)
        assert airflow.runs(TRIGGER) == []

        # Its schedule is due at once.
        airflow.call("PATCH", f"/api/v2/dags/{PRODUCER}", {"is_paused": False})
        produced = ended(airflow, PRODUCER)
        assert produced["state"] == "success"
        by_hand, *told = events(airflow)
        assert by_hand["source_dag_id"] is None
        assert {event["uri"] for event in told} == ASSETS
        rows = {event["uri"].rpartition("/")[2]: event["extra"]["rows"] for event in told}
        assert rows == {"Posts.xml": len(POSTS) + 1, "Users.xml": len(USERS)}
        for event in told:
            file = volume / event["uri"].rpartition("/")[2]
            assert event["extra"]["bytes"] == file.stat().st_size

        triggered = ended(airflow, TRIGGER)
        assert triggered["run"]["run_type"] == "asset_triggered"
        assert triggered["run"]["queued_at"] > max(event["timestamp"] for event in told)
        assert any("DEFERRED" in line for line in airflow.task_log(triggered))
        (first,) = job_runs(workspace)
        assert (first.start_time or 0) > max(after(event["timestamp"]) for event in told)
        assert_in_order(first)
        assert_gold(workspace, POSTS, USERS)

        # The archive has not changed.
        assert started(airflow, PRODUCER)["state"] == "skipped"
        assert len(events(airflow)) == 3

        # Now it has: a question more, one less, and another name.
        posts = [*POSTS[1:], replace(POSTS[0], id=200, tags=("xml",), views=1)]
        users = [replace(USERS[0], name="Countess"), *USERS[1:]]
        publish(python, tmp_path / "host", SITE, posts, users)
        assert started(airflow, PRODUCER)["state"] == "success"
        assert {event["uri"] for event in events(airflow)[3:]} == ASSETS
        known = [triggered["run"]["dag_run_id"]]
        assert ended(airflow, TRIGGER, known)["run"]["run_type"] == "asset_triggered"
        assert len(airflow.runs(TRIGGER)) == 2
        _, second = job_runs(workspace)
        assert_in_order(second)
        assert_gold(workspace, posts, users)
