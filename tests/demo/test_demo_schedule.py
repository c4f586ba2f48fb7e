"""What the demo says of a run that does not go as it should."""

import importlib
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from databricks.sdk.service.jobs import (
    Run,
    RunLifeCycleState,
    RunOutput,
    RunResultState,
    RunState,
    RunTask,
)
from template.projects import ROOT

RUN = {"dag_id": "popular-tags", "dag_run_id": "run1"}
PAGE = "http://127.0.0.1:1/#job/1/run/8"

Json = dict[str, Any]


class Airflow:
    """An Airflow whose only task goes through given states, one at each look."""

    host = "http://127.0.0.1:2"
    log = "standalone.log"

    def __init__(self, *states: str) -> None:
        self._states = list(states)
        self._submitted = False

    def get(self, path: str) -> Json:
        if path.endswith("/xcomEntries"):
            return {"xcom_entries": [{"key": "run_id"}] if self._submitted else []}
        if path.endswith("/xcomEntries/run_id"):
            return {"value": "7"}
        ended = {"success": "success", "failed": "failed"}
        return {"state": ended.get(self._states[0], "running")}

    def tasks(self, run: Json) -> list[Json]:
        state = self._states.pop(0) if len(self._states) > 1 else self._states[0]
        self._submitted |= state == "deferred"
        return [{"task_id": "medallion", "state": state}]

    def task_log(self, task: Json) -> list[str]:
        return ["12:00:00 The connection databricks_default is not defined"]


def workspace(state: RunState | None) -> Any:
    """Return a workspace with one run of one task."""
    task = RunTask(run_id=8, task_key="medallion", state=state, run_page_url=PAGE)
    run = Run(run_id=7, run_name="popular-tags.medallion", run_page_url=PAGE, tasks=[task])
    jobs = SimpleNamespace(
        get_run=lambda run_id: run if run_id == 7 else None,
        get_run_output=lambda run_id: RunOutput(error="Posts.xml is not there." if run_id == 8 else None),
    )
    return SimpleNamespace(client=lambda: SimpleNamespace(jobs=jobs))


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, whose neighbours are imported by their names alone."""
    monkeypatch.syspath_prepend(ROOT / "demo")
    module = importlib.import_module("schedule")
    monkeypatch.setattr(module, "_EVERY_S", 0.0)
    return module


@pytest.fixture
def follow(schedule: ModuleType) -> Callable[..., str]:
    """Follow a run until it has ended, and return what the step says, or why it failed."""

    def follow(airflow: Airflow, state: RunState | None) -> str:
        said: list[str] = []
        step = SimpleNamespace(say=said.append, progress="")
        following = schedule._Follow(workspace(state), airflow, RUN)
        try:
            following.until(step, following.is_deferred)
            following.until(step, following.has_ended)
        except schedule.DemoError as error:
            return str(error)
        return "\n".join([*said, *(line for line, _ in following.executed())])

    return follow


def test_each_state_is_told_once_and_then_what_the_workspace_executed(follow: Callable[..., str]) -> None:
    done = RunState(life_cycle_state=RunLifeCycleState.TERMINATED, result_state=RunResultState.SUCCESS)
    *states, executed = follow(
        Airflow("queued", "running", "deferred", "deferred", "running", "success"), done
    ).splitlines()
    said = [line.split(" is ")[1] for line in states]
    assert said == ["queued", "running", "deferred", "running", "success"]
    assert executed.startswith("popular-tags.medallion, medallion: SUCCESS")


def test_a_run_that_failed_is_told_in_the_words_of_the_workspace(follow: Callable[..., str]) -> None:
    failed = RunState(life_cycle_state=RunLifeCycleState.TERMINATED, result_state=RunResultState.FAILED)
    told = follow(Airflow("running", "deferred", "failed", "failed"), failed)
    assert told == f"medallion failed on the workspace: Posts.xml is not there. See {PAGE}"


def test_a_task_that_failed_before_its_run_is_told_in_the_words_of_airflow(
    follow: Callable[..., str],
) -> None:
    told = follow(Airflow("running", "failed", "failed"), None)
    assert told.startswith(
        "medallion of popular-tags failed, see http://127.0.0.1:2/dags/popular-tags/runs/run1"
    )
    assert "databricks_default is not defined" in told


def test_a_task_that_was_not_deferred_is_a_failure(follow: Callable[..., str]) -> None:
    assert follow(Airflow("running", "success"), None).startswith("No task of popular-tags was deferred")
