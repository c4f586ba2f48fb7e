"""A project of the dab template at work: cut, built, deployed as a bundle, run as a job and as a pipeline."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.catalog import VolumeType
from databricks.sdk.service.jobs import PythonWheelTask, RunResultState, SubmitTask
from databricks.sdk.service.pipelines import UpdateInfoState
from databricks_local.process import LocalWorkspace

REPOSITORY = Path(__file__).parents[3]
BIN = REPOSITORY / ".venv/bin"
DEPLOY = Path(__file__).parent / "bundle/deploy.py"
SPARK_FOR_PIPELINES = REPOSITORY / ".venvs/spark41/bin/python"
PRINCIPAL = "1b2c3d4e-0000-4000-8000-0123456789a"
ROWS = {
    "bronze_posts": 6,
    "bronze_users": 3,
    "silver_posts": 5,
    "silver_users": 3,
    "gold_popular_tags": 3,
    "gold_posts_with_users": 5,
}
LONG = timedelta(minutes=20)

Json = dict[str, Any]
Rows = Callable[[Path], list[Json]]


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory(f"--pipelines-python={SPARK_FOR_PIPELINES}", "--offline")


@pytest.fixture(scope="module")
def client(workspace: LocalWorkspace) -> WorkspaceClient:
    return workspace.client()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new project with what `make build-dev package-dependencies` gives it, but without a network."""
    folder = tmp_path_factory.mktemp("projects")
    answers = {
        "repo_name": "demo",
        "type_of_task": "dab",
        "service_principal_application_id_dev": f"{PRINCIPAL}b",
        "service_principal_application_id_prod": f"{PRINCIPAL}c",
    }
    given = [f"--set={name}={value}" for name, value in answers.items()]
    command = [BIN / "mshell-cut", "cut", f"--template={REPOSITORY}", f"--output-dir={folder}"]
    subprocess.run([*command, "--no-input", "--no-git", *given], check=True, capture_output=True)
    made = folder / "demo"
    (made / ".venv").symlink_to(REPOSITORY / ".venv")
    (made / "dependency_wheels").mkdir()
    for wheel in (made / "vendor").glob("skyspark-*.whl"):
        shutil.copy(wheel, made / "dependency_wheels")
    return made


@pytest.fixture(scope="module")
def landed(client: WorkspaceClient, project: Path) -> None:
    """The dump in the volume where the settings of `dev` have it."""
    client.schemas.create("stack_exchange", "main")
    client.volumes.create("main", "stack_exchange", "landing", VolumeType.MANAGED)
    for name in ("Posts.xml", "Users.xml"):
        with (project / "tests/data" / name).open("rb") as content:
            client.files.upload(f"/Volumes/main/stack_exchange/landing/{name}", content, overwrite=True)


@pytest.fixture(scope="module")
def deployed(workspace: LocalWorkspace, project: Path, landed: None) -> Json:
    """The ids of what the bundle deployed."""
    environment = {"DATABRICKS_HOST": workspace.host, "DATABRICKS_TOKEN": workspace.token}
    done = subprocess.run(
        [sys.executable, DEPLOY, project, "dev"],
        env=os.environ | environment | {"DATABRICKS_CONFIG_FILE": os.devnull},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    ids: Json = json.loads(done.stdout.splitlines()[-1])
    return ids


@pytest.fixture(scope="module")
def job_tables(
    workspace: LocalWorkspace, client: WorkspaceClient, deployed: Json, delta_rows: Rows
) -> dict[str, list[Json]]:
    """The rows that the bundle's job leaves."""
    waiting = client.jobs.run_now(deployed["jobs"]["medallion"], job_parameters={"date": "2026-01-01"})
    run = waiting.result(timeout=LONG)
    assert run.state
    assert run.state.result_state is RunResultState.SUCCESS
    return tables(workspace, "stack_exchange", delta_rows)


def tables(workspace: LocalWorkspace, schema: str, rows: Rows) -> dict[str, list[Json]]:
    folder = workspace.root / "warehouse" / f"{schema}.db"
    return {table.name: rows(table) for table in folder.iterdir() if (table / "_delta_log").is_dir()}


def test_the_job_of_the_bundle_leaves_the_tables(job_tables: dict[str, list[Json]]) -> None:
    assert {name: len(found) for name, found in job_tables.items()} == {**ROWS, "gold_daily_tags": 3}
    authors = {row["post_id"]: row["display_name"] for row in job_tables["gold_posts_with_users"]}
    assert authors == {1: "Ada", 2: "Grace", 3: "Ada", 4: "José", 5: None}
    assert {row["day"] for row in job_tables["gold_daily_tags"]} == {"2026-01-01"}


def test_the_pipeline_of_the_bundle_gives_the_same_rows(
    workspace: LocalWorkspace,
    client: WorkspaceClient,
    deployed: Json,
    job_tables: dict[str, list[Json]],
    delta_rows: Rows,
) -> None:
    pipeline_id = deployed["pipelines"]["medallion_pipeline"]
    update_id = client.pipelines.start_update(pipeline_id).update_id
    assert update_id
    client.pipelines.wait_get_pipeline_idle(pipeline_id, timeout=LONG)
    update = client.pipelines.get_update(pipeline_id, update_id).update
    assert update
    assert update.state is UpdateInfoState.COMPLETED
    made = tables(workspace, "stack_exchange_lakeflow", delta_rows)
    assert {name: len(found) for name, found in made.items()} == ROWS
    assert made == {name: job_tables[name] for name in made}


def test_a_failing_app_tells_its_own_reason(client: WorkspaceClient, deployed: Json) -> None:
    settings = client.jobs.get(deployed["jobs"]["medallion"]).settings
    assert settings
    assert settings.tasks
    assert settings.job_clusters
    task = SubmitTask(
        "t",
        python_wheel_task=PythonWheelTask("demo", "medallion", parameters=["--env", "nowhere"]),
        libraries=settings.tasks[0].libraries,
        new_cluster=settings.job_clusters[0].new_cluster,
    )
    submitted = client.jobs.submit(run_name="fails", tasks=[task])
    run_id = submitted.bind()["run_id"]
    while (run := client.jobs.get_run(run_id)).state and run.state.result_state is None:
        time.sleep(0.1)
    assert run.state
    assert run.state.result_state is RunResultState.FAILED
    assert run.tasks
    output = client.jobs.get_run_output(run.tasks[0].run_id or 0)
    assert "nowhere" in (output.error or "")
