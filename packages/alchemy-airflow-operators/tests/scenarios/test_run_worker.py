"""Runs whose workers die, are told to stop, or come back: the app is executed as often as it should be."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from databricks_local.process import LocalWorkspace
from scheduled import ScheduledTask, Workers, kill, until

GET_RUN = "/api/2.?/jobs/runs/get"
FAULTS = "/api/databricks-local/faults"


@pytest.fixture(scope="module")
def workers(airflow: None) -> Iterator[Workers]:
    with Workers() as workers:
        yield workers


@pytest.fixture(scope="module")
def triggerer(workers: Workers) -> None:
    workers.fork("triggerer")


class Counted:
    """A task whose app adds a line to a file and then waits for a gate."""

    def __init__(self, workers: Workers, workspace: LocalWorkspace, mode: str, folder: Path) -> None:
        self._file, self._gate = folder / "executions", folder / "gate"
        self._workers, self._workspace = workers, workspace
        self._dag_id, self._run_id = f"counted_{mode}", str(uuid.uuid4())
        self.task = self.triggered()

    def triggered(self) -> ScheduledTask:
        """Trigger a run of the DAG and return its task."""
        conf = {"file": str(self._file), "gate": str(self._gate)}
        return ScheduledTask(self._workers, self._dag_id, self._run_id, conf)

    def executions(self) -> int:
        """Return how often the app began."""
        return len(self._file.read_text().splitlines()) if self._file.exists() else 0

    def results(self) -> list[str]:
        """Return how the runs ended, the oldest first."""
        found = self._workspace.client().jobs.list_runs()
        states = [run.state for run in found if run.run_name == self._run_id and run.state]
        return [state.result_state.value if state.result_state else "-" for state in reversed(states)]

    def open_gate(self) -> None:
        """Let the app end."""
        self._gate.touch()

    def close_gate(self) -> None:
        """Let the next app wait."""
        self._gate.unlink()

    def finish(self) -> None:
        """Open the gate and let the task end well, whoever waits for it."""
        self.open_gate()
        self.task.wait("success", "scheduled")
        if self.task.state == "scheduled":
            self.task.start()
            self.task.wait("success")


@pytest.fixture(params=["deferred", "polled"])
def counted(
    workers: Workers,
    workspace: LocalWorkspace,
    triggerer: None,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> Iterator[Counted]:
    found = Counted(workers, workspace, request.param, tmp_path)
    yield found
    workspace.clear_faults()
    found.open_gate()


def submitted_and_stuck(workspace: LocalWorkspace, counted: Counted) -> psutil.Process:
    """Return a worker that has submitted the run, which is being executed, and is told nothing about it."""
    workspace.fault(route=GET_RUN, status=503)
    worker = counted.task.start()
    until(lambda: counted.executions() == 1, "an execution")
    return worker


def submitted_and_asking(workspace: LocalWorkspace, counted: Counted) -> psutil.Process:
    """Return a worker that has submitted the run, which is being executed, and waits for its next answer."""
    worker = submitted_and_stuck(workspace, counted)

    def faults() -> list[dict[str, Any]]:
        return list(workspace.call("GET", FAULTS)["faults"])

    (without_answer,) = faults()
    workspace.fault(route=GET_RUN, latency_ms=10_000)
    workspace.call("DELETE", f"{FAULTS}/{without_answer['fault_id']}")
    until(lambda: faults()[0]["happened"], "a request that waits")
    return worker


def find_the_one_run(counted: Counted) -> None:
    """Try the task once more, and see that it waits for the run of the try before and starts no other."""
    counted.task.start()
    until(lambda: "of an earlier try is RUNNING: waiting for it" in counted.task.log, "a run that is found")
    counted.finish()
    assert counted.executions() == 1
    assert counted.results() == ["SUCCESS"]


def test_a_task_is_run_by_worker_and_triggerer(counted: Counted) -> None:
    counted.task.start()
    counted.finish()
    assert counted.executions() == 1
    assert counted.results() == ["SUCCESS"]


def test_a_run_whose_worker_died_after_the_submit_is_found_by_the_next_try(
    workspace: LocalWorkspace, counted: Counted
) -> None:
    kill(submitted_and_stuck(workspace, counted))
    workspace.clear_faults()
    assert counted.task.state == "running"
    counted.task.is_lost()
    assert counted.task.state == "up_for_retry"
    find_the_one_run(counted)
    assert counted.task.try_number == 2


def test_a_run_whose_task_process_alone_died_is_found_by_the_next_try(
    workspace: LocalWorkspace, counted: Counted
) -> None:
    worker = submitted_and_stuck(workspace, counted)
    (process,) = worker.children()
    process.kill()
    worker.wait()
    workspace.clear_faults()
    counted.task.is_lost()
    assert counted.task.state == "up_for_retry"
    find_the_one_run(counted)
    assert counted.task.try_number == 2


def test_a_task_that_is_terminated_cancels_its_run_and_the_next_try_submits_anew(
    workspace: LocalWorkspace, counted: Counted
) -> None:
    # Not while it logs: what handles the signal logs too.
    worker = submitted_and_asking(workspace, counted)
    (process,) = worker.children()
    process.terminate()
    until(lambda: counted.results() == ["CANCELED"], "the cancellation")
    workspace.clear_faults()
    counted.task.wait("up_for_retry", "scheduled")
    if counted.task.state == "scheduled":
        counted.task.start()
        counted.task.wait("up_for_retry")

    counted.task.start()
    counted.finish()
    assert counted.executions() == 2
    assert counted.results() == ["CANCELED", "SUCCESS"]


@pytest.mark.parametrize("counted", ["polled"], indirect=True)
def test_a_task_that_a_person_marks_as_failed_cancels_its_run(counted: Counted) -> None:
    counted.task.start()
    until(lambda: counted.executions() == 1, "an execution")
    counted.task.mark("failed")
    until(lambda: counted.results() == ["CANCELED"], "the cancellation")
    assert counted.task.state == "failed"


@pytest.mark.newest("a triggerer cancels what a person ended from Airflow 3.3 on")
@pytest.mark.parametrize("counted", ["deferred"], indirect=True)
def test_a_deferred_task_that_a_person_marks_as_failed_cancels_its_run(counted: Counted) -> None:
    counted.task.start()
    until(lambda: counted.executions() == 1, "an execution")
    # Before a triggerer has taken it, nobody could cancel it.
    until(counted.task.is_watched, "a trigger")
    counted.task.mark("failed")
    until(lambda: counted.results() == ["CANCELED"], "the cancellation")
    assert counted.task.state == "failed"


@pytest.mark.parametrize("counted", ["polled"], indirect=True)
def test_a_cleared_task_runs_again_and_its_tries_count_from_there(
    workspace: LocalWorkspace, counted: Counted
) -> None:
    counted.task.start()
    counted.finish()
    counted.close_gate()
    counted.task.clear()

    worker = counted.task.start()
    until(lambda: counted.executions() == 2, "the second execution")
    kill(worker)
    counted.task.is_lost()
    counted.task.start()
    counted.finish()
    assert counted.task.try_number == 3
    assert counted.executions() == 2
    assert counted.results() == ["SUCCESS", "SUCCESS"]


@pytest.mark.newest("Airflow remembers a run beyond a clear from 3.3 on")
def test_a_run_that_goes_on_is_found_by_a_task_that_was_cleared_meanwhile(
    workspace: LocalWorkspace, counted: Counted
) -> None:
    kill(submitted_and_stuck(workspace, counted))
    workspace.clear_faults()
    counted.task.is_lost()
    counted.task.clear()
    find_the_one_run(counted)


@pytest.mark.parametrize("counted", ["polled"], indirect=True)
def test_a_run_of_a_dag_that_was_deleted_and_made_anew_runs_again(counted: Counted) -> None:
    counted.task.start()
    counted.finish()
    counted.task.delete_run()

    counted.task = counted.triggered()
    counted.task.start()
    counted.finish()
    assert counted.task.try_number == 1
    assert counted.executions() == 2
    assert counted.results() == ["SUCCESS", "SUCCESS"]
