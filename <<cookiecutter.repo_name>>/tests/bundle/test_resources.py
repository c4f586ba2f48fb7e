"""The bundle's jobs and pipelines: their shape, and what the Databricks CLI does not check."""

import re
import tomllib
from pathlib import Path

import yaml
from databricks.bundles.jobs import Job
from databricks.bundles.pipelines import Pipeline

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / "databricks-workflows"
BUNDLE = yaml.safe_load((ROOT / "databricks.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
INCLUDED = sorted(file for pattern in BUNDLE["include"] for file in ROOT.glob(pattern))
RESOURCES = [
    yaml.safe_load(file.read_text(encoding="utf-8")).get("resources", {}) for file in INCLUDED
]
JOBS = {name: job for found in RESOURCES for name, job in found.get("jobs", {}).items()}
PIPELINES = {name: one for found in RESOURCES for name, one in found.get("pipelines", {}).items()}

# second minute hour, then either a day of the month or a weekday
QUARTZ = re.compile(
    r"[0-9,*/-]+ [0-9,*/-]+ [0-9,*/-]+ "
    r"([0-9LW,*/-]+ [0-9A-Z,*/-]+ \?|\? [0-9A-Z,*/-]+ [0-9A-Z,#-]+)"
)


def test_every_workflow_file_is_included() -> None:
    # An include pattern that matches nothing is no error for the CLI.
    assert sorted(WORKFLOWS.iterdir()) == INCLUDED != []


def test_no_key_names_two_resources() -> None:
    keys = [key for found in RESOURCES for kind in found.values() for key in kind]
    assert len(keys) == len(set(keys))


def test_jobs_and_pipelines_load() -> None:
    for job in JOBS.values():
        Job.from_dict(job)
    for pipeline in PIPELINES.values():
        Pipeline.from_dict(pipeline)


def test_pipelines_read_what_is_there() -> None:
    for name, pipeline in PIPELINES.items():
        for library in pipeline.get("libraries", []):
            if "glob" in library:
                # A pattern that matches nothing is no error for the CLI, either.
                pattern = library["glob"]["include"]
                found = [*WORKFLOWS.glob(pattern), *WORKFLOWS.glob(f"{pattern}/*")]
                assert any(file.is_file() for file in found), f"{name}: {pattern}"


def test_task_keys_are_unique() -> None:
    for name, job in JOBS.items():
        keys = [task["task_key"] for task in job["tasks"]]
        assert len(keys) == len(set(keys)), name


def test_tasks_name_what_exists() -> None:
    for name, job in JOBS.items():
        keys = {task["task_key"] for task in job["tasks"]}
        clusters = {cluster["job_cluster_key"] for cluster in job.get("job_clusters", [])}
        for task in job["tasks"]:
            where = f"{name}: {task['task_key']}"
            others = keys - {task["task_key"]}
            assert {before["task_key"] for before in task.get("depends_on", [])} <= others, where
            if "job_cluster_key" in task:
                assert task["job_cluster_key"] in clusters, where
            if "python_wheel_task" in task:
                assert task["python_wheel_task"]["package_name"] == PROJECT["name"], where
                assert task["python_wheel_task"]["entry_point"] in PROJECT["scripts"], where


def test_tasks_do_one_thing() -> None:
    for name, job in JOBS.items():
        for task in job["tasks"]:
            kinds = [key for key in task if key.endswith("_task")]
            assert len(kinds) == 1, f"{name}: {task['task_key']}"


def test_schedules_are_quartz() -> None:
    for name, job in JOBS.items():
        if "schedule" in job:
            assert QUARTZ.fullmatch(job["schedule"]["quartz_cron_expression"]), name


def test_somebody_hears_of_a_failure() -> None:
    for name, job in JOBS.items():
        told = [job.get(way, {}) for way in ("email_notifications", "webhook_notifications")]
        assert any(way.get("on_failure") for way in told), name


def test_production_runs_as_a_service_principal_of_its_own() -> None:
    dev, prod = (BUNDLE["targets"][target] for target in ("dev", "prod"))
    assert dev["run_as"]["service_principal_name"] != prod["run_as"]["service_principal_name"]
    assert prod["mode"] == "production"
