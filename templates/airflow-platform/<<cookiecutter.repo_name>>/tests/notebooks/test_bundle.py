"""The bundle: its shape, and what the Databricks CLI does not check."""

import re
from pathlib import Path

import pytest
import yaml
from databricks.bundles.jobs import Job
from databricks.bundles.schemas import Schema
from databricks.bundles.volumes import Volume

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / "databricks-workflows"
BUNDLE = yaml.safe_load((ROOT / "databricks.yaml").read_text(encoding="utf-8"))
INCLUDED = sorted(file for pattern in BUNDLE["include"] for file in ROOT.glob(pattern))
RESOURCES = [
    yaml.safe_load(file.read_text(encoding="utf-8")).get("resources", {}) for file in INCLUDED
]
KINDS = {"jobs": Job, "schemas": Schema, "volumes": Volume}
FOUND = [
    (kind, key, settings)
    for resources in RESOURCES
    for kind, of_kind in resources.items()
    for key, settings in of_kind.items()
]
JOBS = {key: settings for kind, key, settings in FOUND if kind == "jobs"}
TASKS = [
    pytest.param(job, task, id=f"{key}-{task['task_key']}")
    for key, job in JOBS.items()
    for task in job["tasks"]
]
BEFORE = {
    "bronze_posts": set(),
    "bronze_users": set(),
    "silver_posts": {"bronze_posts"},
    "silver_users": {"bronze_users"},
    "gold_post_users": {"silver_posts", "silver_users"},
    "gold_most_popular_tags": {"silver_posts"},
}


def test_every_workflow_file_is_included() -> None:
    # An include pattern that matches nothing is no error for the CLI.
    assert sorted(WORKFLOWS.iterdir()) == INCLUDED != []


def test_no_key_names_two_resources() -> None:
    keys = [key for _, key, _ in FOUND]
    assert len(keys) == len(set(keys))


def test_resources_load() -> None:
    for kind, _, settings in FOUND:
        KINDS[kind].from_dict(settings)


def test_references_name_what_exists() -> None:
    known = {f"var.{name}" for name in BUNDLE["variables"]}
    known |= {f"resources.{kind}.{key}.name" for kind, key, _ in FOUND}
    known |= {"bundle.target"}
    for file in INCLUDED:
        assert set(re.findall(r"\$\{([^}]*)\}", file.read_text(encoding="utf-8"))) <= known


def test_task_keys_are_unique() -> None:
    for name, job in JOBS.items():
        keys = [task["task_key"] for task in job["tasks"]]
        assert len(keys) == len(set(keys)), name


def test_each_table_is_made_after_those_it_reads() -> None:
    assert {
        task["task_key"]: {before["task_key"] for before in task.get("depends_on", [])}
        for task in JOBS["medallion"]["tasks"]
    } == BEFORE


@pytest.mark.parametrize(("job", "task"), TASKS)
def test_a_task_runs_a_notebook_that_there_is(job: dict, task: dict) -> None:
    assert [key for key in task if key.endswith("_task")] == ["notebook_task"]
    notebook = WORKFLOWS / task["notebook_task"]["notebook_path"]
    text = notebook.read_text(encoding="utf-8")
    # The CLI and the workspace know a notebook by this line.
    assert text.startswith("# Databricks notebook source\n")
    widgets = set(re.findall(r'dbutils\.widgets\.text\("(\w+)"', text))
    assert widgets
    assert widgets <= {parameter["name"] for parameter in job["parameters"]}
    assert task["job_cluster_key"] in [each["job_cluster_key"] for each in job["job_clusters"]]


def test_a_task_is_tried_again_and_has_the_wheels() -> None:
    for job in JOBS.values():
        for task in job["tasks"]:
            assert task["max_retries"] > 0, task["task_key"]
            assert task["libraries"] == [{"whl": "../dependency_wheels/*.whl"}], task["task_key"]


def test_every_notebook_is_run() -> None:
    run = {
        (WORKFLOWS / task["notebook_task"]["notebook_path"]).resolve()
        for job in JOBS.values()
        for task in job["tasks"]
    }
    assert run == {path.resolve() for path in (ROOT / "notebooks").glob("*.py")}


def test_only_airflow_starts_a_job() -> None:
    for job in JOBS.values():
        assert not {"schedule", "trigger", "continuous"} & job.keys()
        assert job["max_concurrent_runs"] == 1
        assert job["timeout_seconds"] > 0


def test_no_target_changes_the_name_that_airflow_runs_the_job_by() -> None:
    for target in BUNDLE["targets"].values():
        assert target.get("mode") != "development"
        assert "name_prefix" not in target.get("presets", {})


def test_somebody_hears_of_a_failure() -> None:
    for name, job in JOBS.items():
        assert job["email_notifications"]["on_failure"], name


def test_what_holds_data_is_not_destroyed() -> None:
    for kind, key, settings in FOUND:
        if kind in ("schemas", "volumes"):
            assert settings["lifecycle"] == {"prevent_destroy": True}, key
