"""Runs the notebooks here as the job does: in its order, with its parameters as widgets."""

import json
import runpy
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "databricks-workflows" / "medallion.yml"

(JOB,) = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["resources"]["jobs"].values()
TASKS = {task["task_key"]: task for task in JOB["tasks"]}

RunNotebook = Callable[[str, Path], dict[str, Any]]
RunJob = Callable[[Path], dict[str, int]]


class NotebookExit(BaseException):
    """What `dbutils.notebook.exit` does; no `except Exception` of a notebook holds it up."""


class Widgets:
    """The parameters of a notebook."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._defaults: dict[str, str] = {}

    def text(self, name: str, default: str) -> None:
        self._defaults[name] = default

    def get(self, name: str) -> str:
        return self._given.get(name, self._defaults[name])


def leave(value: str) -> None:
    raise NotebookExit(value)


@pytest.fixture
def run_notebook(spark: SparkSession, warehouse: str) -> RunNotebook:
    """Return a function that runs the notebook of a task on a dump and returns what it says."""
    parameters = {parameter["name"] for parameter in JOB["parameters"]}

    def run(task: str, landing: Path) -> dict[str, Any]:
        given = {"catalog": "spark_catalog", "schema": warehouse, "landing": str(landing)}
        assert given.keys() == parameters
        notebook = SimpleNamespace(exit=leave)
        dbutils = SimpleNamespace(widgets=Widgets(given), notebook=notebook)
        path = WORKFLOW.parent / TASKS[task]["notebook_task"]["notebook_path"]
        try:
            runpy.run_path(str(path), init_globals={"spark": spark, "dbutils": dbutils})
        except NotebookExit as end:
            return json.loads(str(end))
        raise AssertionError(f"{path.name} says nothing at its end")

    return run


@pytest.fixture
def run_job(run_notebook: RunNotebook) -> RunJob:
    """Return a function that runs all tasks on a dump and returns the number of rows by table."""
    before = {
        key: [other["task_key"] for other in task.get("depends_on", [])]
        for key, task in TASKS.items()
    }

    def run(landing: Path) -> dict[str, int]:
        order = TopologicalSorter(before).static_order()
        said = [run_notebook(task, landing) for task in order]
        return {one["table"].rpartition(".")[2]: one["rows"] for one in said}

    return run
