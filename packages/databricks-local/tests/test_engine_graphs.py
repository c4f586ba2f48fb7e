"""Runs of random graphs of tasks, against the rules of `run_if` read a second time."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks_local.process import LocalWorkspace
from hypothesis import given, settings
from hypothesis import strategies as st

FAILED = {"FAILED", "UPSTREAM_FAILED"}
RUN_IFS = (
    "ALL_SUCCESS",
    "ALL_DONE",
    "NONE_FAILED",
    "AT_LEAST_ONE_SUCCESS",
    "ALL_FAILED",
    "AT_LEAST_ONE_FAILED",
)


@pytest.fixture(scope="module")
def client(databricks_local_factory: Callable[..., LocalWorkspace]) -> WorkspaceClient:
    return databricks_local_factory().client()


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    tasks: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from(["true", "false", "fails"]))
        work: dict[str, Any] = {"run_job_task": {"job_id": 987654321}}
        if kind != "fails":
            right = "1" if kind == "true" else "2"
            work = {"condition_task": {"op": "EQUAL_TO", "left": "1", "right": right}}
        before = draw(st.sets(st.integers(0, number - 1), max_size=4)) if number else set()
        depends_on = []
        for each in before:
            outcomes = [None, "true", "false"] if "condition_task" in tasks[each] else [None]
            outcome = draw(st.sampled_from(outcomes))
            depends_on.append({"task_key": f"t{each}"} | ({"outcome": outcome} if outcome else {}))
        run_if = draw(st.sampled_from(RUN_IFS))
        tasks.append({"task_key": f"t{number}", "depends_on": depends_on, "run_if": run_if, **work})
    return tasks


def expected(tasks: list[dict[str, Any]]) -> dict[str, str]:
    results: dict[str, str] = {}
    outcomes: dict[str, str] = {}
    for task in tasks:
        key = task["task_key"]
        found = []
        for each in task["depends_on"]:
            upstream = each["task_key"]
            missed = "outcome" in each and outcomes.get(upstream, each["outcome"]) != each["outcome"]
            found.append("EXCLUDED" if missed else results[upstream])
        results[key] = skipped(task["run_if"], found) or "FAILED"
        if results[key] == "FAILED" and "condition_task" in task:
            results[key] = "SUCCESS"
            condition = task["condition_task"]
            outcomes[key] = "true" if condition["left"] == condition["right"] else "false"
    return results


def skipped(run_if: str, found: list[str]) -> str | None:
    """The result of a task that does not run; None for one that does."""
    if not found:
        return None
    if set(found) == {"EXCLUDED"}:
        return "EXCLUDED"
    failures = sum(each in FAILED for each in found)
    successes = found.count("SUCCESS")
    if run_if == "ALL_FAILED":
        return None if failures == len(found) else "EXCLUDED"
    if run_if == "AT_LEAST_ONE_FAILED":
        return None if failures else "EXCLUDED"
    if run_if == "ALL_DONE":
        return None
    if run_if == "AT_LEAST_ONE_SUCCESS":
        return None if successes else "UPSTREAM_FAILED"
    if failures:
        return "UPSTREAM_FAILED"
    return "EXCLUDED" if run_if == "ALL_SUCCESS" and successes < len(found) else None


def expected_result(tasks: list[dict[str, Any]], results: dict[str, str]) -> str:
    inner = {each["task_key"] for task in tasks for each in task["depends_on"]}
    if any(results[task["task_key"]] in FAILED for task in tasks if task["task_key"] not in inner):
        return "FAILED"
    return "SUCCESS_WITH_FAILURES" if FAILED & set(results.values()) else "SUCCESS"


@settings(max_examples=40)
@given(graphs(), st.randoms(use_true_random=False))
def test_random_graphs(client: WorkspaceClient, tasks: list[dict[str, Any]], random: Any) -> None:
    shuffled = list(tasks)
    random.shuffle(shuffled)
    run_id = client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body={"tasks": shuffled})["run_id"]
    limit = time.monotonic() + 300
    while not (run := client.api_client.do("GET", "/api/2.2/jobs/runs/get", query={"run_id": run_id}))[
        "end_time"
    ]:
        assert time.monotonic() < limit
        time.sleep(0.005)
    results = expected(tasks)
    assert {each["task_key"]: each["state"]["result_state"] for each in run["tasks"]} == results
    assert run["state"]["result_state"] == expected_result(tasks, results)
    starts = {each["task_key"]: each["start_time"] for each in run["tasks"]}
    ends = {each["task_key"]: each["end_time"] for each in run["tasks"]}
    for task in tasks:
        assert all(ends[each["task_key"]] <= starts[task["task_key"]] for each in task["depends_on"])
