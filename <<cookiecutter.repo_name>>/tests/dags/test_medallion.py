<% if cookiecutter.type_of_task == "docker" %>
"""The sample's DAG: its shape, and a run of it on Airflow that leaves rows in Delta tables."""
<% else %>
"""The sample's DAG: its shape, and a run of it on Airflow that starts the job and leaves rows."""
<% endif %>

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.sdk import DAG
from databricks.sdk.service.catalog import VolumeType
from databricks_local.process import LocalWorkspace

PROJECT = "<< cookiecutter.repo_name >>"
<% if cookiecutter.type_of_task == "docker" %>
SCHEDULE = "<< cookiecutter.schedule >>"
<% endif %>
CATALOG = "<< cookiecutter.catalog >>"
SCHEMA = "stack_exchange"
DATA = Path(__file__).parents[1] / "data"
GOLD = {"gold_popular_tags", "gold_posts_with_users", "gold_daily_tags"}
# What the dump in tests/data/ gives; of the questions, two were asked on the first day.
ROWS = {
    "bronze_posts": 6,
    "bronze_users": 3,
    "silver_posts": 5,
    "silver_users": 3,
    "gold_popular_tags": 3,
    "gold_posts_with_users": 5,
    "gold_daily_tags": 3,
}


@pytest.fixture
def dag(dags: dict[str, DAG]) -> DAG:
    return dags[PROJECT]


@pytest.fixture
def landed(workspace: LocalWorkspace) -> None:
    """Put the dump where the settings of prod have it."""
    client = workspace.client()
    client.schemas.create(SCHEMA, CATALOG)
    client.volumes.create(CATALOG, SCHEMA, "landing", VolumeType.MANAGED)
    for file in DATA.glob("*.*"):
        with file.open("rb") as content:
            client.files.upload(f"/Volumes/{CATALOG}/{SCHEMA}/landing/{file.name}", content)


def rows(table: Path) -> int:
    """Count the rows of a Delta table as it is now, from its log."""
    found = {}
    for commit in sorted((table / "_delta_log").glob("*.json")):
        for action in map(json.loads, commit.read_text(encoding="utf-8").splitlines()):
            if "add" in action:
                found[action["add"]["path"]] = json.loads(action["add"]["stats"])["numRecords"]
            elif "remove" in action:
                found.pop(action["remove"]["path"], None)
    return sum(found.values())


<% if cookiecutter.type_of_task == "docker" %>
def test_days_are_counted_once_the_tables_are_made(dag: DAG) -> None:
    after = {task.task_id: task.downstream_task_ids for task in dag.tasks}
    assert after == {"medallion": {"daily_tags"}, "daily_tags": set()}


def test_it_runs_by_the_clock_and_when_the_dump_is_new(dag: DAG) -> None:
    assert dag.timetable.summary == f"Asset or {SCHEDULE}"
    (dump,) = dag.timetable.asset_condition.objects
    assert dump.name == f"{CATALOG}.{SCHEMA}.landing"


@pytest.mark.parametrize("environment", ["dev", "staging", "prod"])
def test_each_environment_has_its_image_and_its_settings(dag: DAG, environment: str) -> None:
    context = {"var": {"value": {"environment": environment}}}
    for task in dag.tasks:
        assert task.render_template(task.docker_image, context).endswith(f":{environment}")
        assert task.render_template(task.cmd_params[:2], context) == ["--env", environment]
<% else %>
def test_it_starts_the_job_of_the_bundle(dag: DAG) -> None:
    (task,) = dag.tasks
    assert task.job_name == PROJECT


def test_it_runs_when_the_dump_is_new_and_leaves_the_clock_to_the_job(dag: DAG) -> None:
    (dump,) = dag.timetable.asset_condition.objects
    assert dump.name == f"{CATALOG}.{SCHEMA}.landing"


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_each_environment_has_its_connection(dag: DAG, environment: str) -> None:
    context = {"var": {"value": {"environment": environment}}}
    for task in dag.tasks:
        assert task.render_template(task.databricks_conn_id, context).endswith(f"_{environment}")
<% endif %>


def test_a_failure_is_retried_and_then_mailed(dag: DAG) -> None:
    for task in dag.tasks:
        assert task.retries == 2
        (mail,) = task.on_failure_callback
        assert mail.to == [
            "<< cookiecutter.contact_email >>",
        ]


def test_other_dags_can_run_after_each_gold_table(dag: DAG) -> None:
    outlets = [asset.name for task in dag.tasks for asset in task.outlets]
    assert sorted(outlets) == sorted(f"{CATALOG}.{SCHEMA}.{table}" for table in GOLD)


@pytest.mark.usefixtures("database", "landed")
def test_a_run_without_a_logical_date_leaves_the_rows_of_the_dump(
    dag: DAG, workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for task in dag.tasks:
        # On localhost a run is over in seconds, and a failure is none of the network.
        monkeypatch.setattr(task, "polling_period_seconds", 1)
        monkeypatch.setattr(task, "retries", 0)
    run = dag.test(run_after=datetime(2026, 1, 1, 2, tzinfo=UTC), logical_date=None)
    assert run.state == "success"
    tables = workspace.root / "warehouse" / f"{SCHEMA}.db"
    assert {name: rows(tables / name) for name in ROWS} == ROWS
