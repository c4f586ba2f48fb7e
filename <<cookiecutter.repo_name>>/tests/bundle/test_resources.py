"""The bundle's jobs and pipelines: their shape, and what the Databricks CLI does not check."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from databricks.bundles.jobs import Job
from databricks.bundles.pipelines import Pipeline

ROOT = Path(__file__).parents[2]
BUNDLE = yaml.safe_load((ROOT / "databricks.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INCLUDED = sorted(file for pattern in BUNDLE["include"] for file in ROOT.glob(pattern))
RESOURCES = [
    yaml.safe_load(file.read_text(encoding="utf-8")).get("resources", {}) for file in INCLUDED
]
JOBS = {name: job for found in RESOURCES for name, job in found.get("jobs", {}).items()}
PIPELINES = {name: one for found in RESOURCES for name, one in found.get("pipelines", {}).items()}
every_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())
every_pipeline = pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES.keys())

# second minute hour, then either a day of the month or a weekday
QUARTZ = re.compile(
    r"[0-9,*/-]+ [0-9,*/-]+ [0-9,*/-]+ "
    r"([0-9LW,*/-]+ [0-9A-Z,*/-]+ \?|\? [0-9A-Z,*/-]+ [0-9A-Z,#-]+)"
)


def test_every_workflow_file_is_included() -> None:
    # An include pattern that matches nothing is no error for the CLI.
    files = sorted(file for file in (ROOT / "databricks-workflows").iterdir())
    assert files == INCLUDED != []


def test_no_key_names_two_resources() -> None:
    keys = [key for found in RESOURCES for kind in found.values() for key in kind]
    assert len(keys) == len(set(keys))


@every_job
def test_the_job_loads(job: dict[str, Any]) -> None:
    Job.from_dict(job)


@every_pipeline
def test_the_pipeline_loads(pipeline: dict[str, Any]) -> None:
    Pipeline.from_dict(pipeline)


@every_pipeline
def test_the_pipeline_reads_what_is_there(pipeline: dict[str, Any]) -> None:
    for library in pipeline["libraries"]:
        # A pattern that matches nothing is no error for the CLI, either.
        assert list((ROOT / "databricks-workflows").glob(f"{library['glob']['include']}/*.py"))


@every_job
def test_task_keys_are_unique(job: dict[str, Any]) -> None:
    keys = [task["task_key"] for task in job["tasks"]]
    assert len(keys) == len(set(keys))


@every_job
def test_tasks_name_what_exists(job: dict[str, Any]) -> None:
    keys = {task["task_key"] for task in job["tasks"]}
    clusters = {cluster["job_cluster_key"] for cluster in job.get("job_clusters", [])}
    for task in job["tasks"]:
        others = keys - {task["task_key"]}
        assert {before["task_key"] for before in task.get("depends_on", [])} <= others
        if "job_cluster_key" in task:
            assert task["job_cluster_key"] in clusters
        if "python_wheel_task" in task:
            assert task["python_wheel_task"]["package_name"] == PROJECT["name"]
            assert task["python_wheel_task"]["entry_point"] in PROJECT["scripts"]


@every_job
def test_tasks_do_one_thing(job: dict[str, Any]) -> None:
    for task in job["tasks"]:
        assert len([key for key in task if key.endswith("_task")]) == 1, task["task_key"]


@every_job
def test_the_schedule_is_quartz(job: dict[str, Any]) -> None:
    if "schedule" in job:
        assert QUARTZ.fullmatch(job["schedule"]["quartz_cron_expression"])


@every_job
def test_somebody_hears_of_a_failure(job: dict[str, Any]) -> None:
    assert job["email_notifications"]["on_failure"]


def test_production_runs_as_a_service_principal_of_its_own() -> None:
    dev, prod = (BUNDLE["targets"][target] for target in ("dev", "prod"))
    assert dev["run_as"]["service_principal_name"] != prod["run_as"]["service_principal_name"]
    assert prod["mode"] == "production"
