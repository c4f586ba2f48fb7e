"""Airflow's own Databricks hook, operators and trigger at work on the workspace."""

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
from databricks.sdk.service.pipelines import NotebookLibrary, PipelineLibrary
from databricks_local.process import LocalWorkspace

AIRFLOW = Path(__file__).parent / "airflow"
REPOSITORY = Path(__file__).parents[3]
PYTHON = REPOSITORY / ".venvs/airflow/bin/python"

NAME = f"airflow {uuid.uuid4()}"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def pipeline_id(databricks_local: LocalWorkspace) -> str:
    notebook = PipelineLibrary(notebook=NotebookLibrary(f"/Shared/{NAME}"))
    client = databricks_local.client()
    client.pipelines.create(name=f"{NAME} other", catalog="main")
    made = client.pipelines.create(name=NAME, catalog="main", libraries=[notebook]).pipeline_id
    assert made
    return made


@pytest.fixture(scope="module")
def said(
    databricks_local: LocalWorkspace, pipeline_id: str, tmp_path_factory: pytest.TempPathFactory
) -> Json:
    """What the hook said of all it was asked; one process, because Airflow takes seconds to be imported."""
    subprocess.run([REPOSITORY / "scripts/airflow.sh", "newest"], check=True)
    host, _, port = databricks_local.host.removeprefix("http://").partition(":")
    connection = {
        "conn_type": "databricks",
        "host": host,
        "port": int(port),
        "schema": "http",
        "password": databricks_local.token,
    }
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(connection),
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    }
    done = subprocess.run(
        [PYTHON, AIRFLOW / "drive_hook.py", NAME],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    answer: Json = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_jobs_are_made_changed_found_and_listed(said: Json) -> None:
    jobs = said["jobs"]
    assert jobs["found"] == jobs["job_id"]
    assert jobs["nothing"] is None
    assert {jobs["job_id"], *jobs["others"]} <= set(jobs["listed"])
    assert len(jobs["listed"]) == len(set(jobs["listed"]))
    settings = jobs["settings"]
    assert settings["tasks"][0]["condition_task"]["left"] == "2"
    assert (settings["tags"], settings["max_concurrent_runs"]) == ({"from": "airflow"}, 5)
    assert jobs["permission"] == ""


def test_runs_are_started_followed_repaired_and_deleted(databricks_local: LocalWorkspace, said: Json) -> None:
    runs = said["runs"]
    assert (runs["state"]["life_cycle_state"], runs["state"]["result_state"]) == ("TERMINATED", "SUCCESS")
    for word, text in zip(["SUCCESS", "TERMINATED", "SUCCESS", "failed"], runs["states"], strict=True):
        assert word in text
    assert runs["job_id"] == said["jobs"]["job_id"]
    assert runs["page"].startswith(databricks_local.host)
    assert [(each["name"], each["value"]) for each in runs["parameters"]] == [("right", "1")]
    assert runs["failed"]["result_state"] == "FAILED"
    assert "not a number" in runs["error"]
    repaired, latest, attempts = runs["repair"]
    assert (repaired, attempts) == (latest, 2)
    assert runs["same"] == 1
    assert "does not exist" in runs["deleted"]


def test_runs_are_canceled(said: Json) -> None:
    assert said["cancellations"]["results"] == ["CANCELED"] * 4


def test_pipelines_are_found_by_name_and_notebook(pipeline_id: str, said: Json) -> None:
    pipelines = said["pipelines"]
    assert pipelines["found"] == pipeline_id
    assert pipelines["nothing"] is None
    assert pipeline_id in pipelines["listed"]
    assert len(pipelines["listed"]) >= 2
    assert pipelines["by_notebook"] == [NAME]


def test_a_deferred_run_is_followed_by_the_trigger(databricks_local: LocalWorkspace, said: Json) -> None:
    deferred = said["deferred"]
    event = deferred["event"]
    assert event["run_id"] == deferred["run_id"]
    assert deferred["url"].startswith(databricks_local.host)
    assert json.loads(event["run_state"])["result_state"] == "FAILED"
    assert [each["task_key"] for each in event["errors"]] == ["bad"]
    assert event["errors"][0]["error"] == deferred["error"]


def test_operators_run_to_their_end_and_fail_with_the_run(said: Json) -> None:
    assert "failed with terminal state" in said["operators"]["failed"]


def test_the_rest_works_or_says_that_it_is_not_imitated(said: Json) -> None:
    others = said["others"]
    assert others["connection"] == [True, "Connection successfully tested"]
    assert others["repo"] is None
    assert "501 Server Error: Not Implemented" in others["warehouse"]
    assert others["cluster"]
