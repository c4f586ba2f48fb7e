"""How runs end, and what a task says of it: its state, its log, its XComs, its link."""

import os
import signal
import threading
import time
import uuid
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.models.xcom import XComModel
from airflow.sdk import DAG
from airflow.utils.session import create_session
from dag_runs import Finished, RunDag, demo
from databricks.sdk.service.jobs import Run, RunResultState
from databricks_local.process import LocalWorkspace
from scheduled import until
from sqlalchemy import select


def run_of(workspace: LocalWorkspace, finished: Finished) -> Run:
    return workspace.client().jobs.get_run(finished.xcom("demo", "run_id"))


def result(run: Run) -> RunResultState | None:
    assert run.state
    return run.state.result_state


def test_a_run_that_succeeds_is_shown_by_log_xcoms_and_link(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool
) -> None:
    with DAG(f"succeeds_{deferrable}", schedule=None) as dag:
        demo("succeed", "--day", "{{ dag_run.conf['day'] }}", deferrable=deferrable)
    finished = run_dag(dag, {"day": "2026-01-01"})

    assert finished.state == "success"
    run = run_of(workspace, finished)
    assert result(run) == RunResultState.SUCCESS
    assert run.run_name == f"succeeds_{deferrable}.demo"
    (task,) = run.tasks or ()
    output = workspace.client().jobs.get_run_output(task.run_id or 0)
    assert output.logs == "demo was called with ['--day', '2026-01-01']\n"
    assert task.cluster_instance
    assert task.cluster_instance.cluster_id
    page = run.run_page_url or ""
    assert page.startswith(workspace.host)
    assert finished.xcom("demo", "run_page_url") == page
    assert finished.xcom("demo", "_link_DatabricksJobRunLink") == page
    assert page in finished.log
    assert f"Run {run.run_id} has succeeded (cluster: {task.cluster_instance.cluster_id})" in finished.log


def test_a_run_that_fails_leaves_the_traceback_of_its_app_in_the_log(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool
) -> None:
    with DAG(f"fails_{deferrable}", schedule=None) as dag:
        demo("fail", deferrable=deferrable)
    finished = run_dag(dag)

    assert finished.state == "failed"
    run = run_of(workspace, finished)
    assert result(run) == RunResultState.FAILED
    assert "LookupError: there are no orders of 2026-01-01" in finished.log
    assert "in _read_orders" in finished.log
    assert f"demo: run {run.run_id} has ended as FAILED (cluster: " in finished.log
    assert f"See {run.run_page_url}" in finished.log


def test_a_run_that_takes_too_long_for_databricks_has_timed_out(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with DAG(f"times_out_{deferrable}", schedule=None) as dag:
        demo("count", tmp_path / "executions", gate, timeout=timedelta(seconds=1), deferrable=deferrable)
    finished = run_dag(dag)

    assert finished.state == "failed"
    assert result(run_of(workspace, finished)) == RunResultState.TIMEDOUT
    assert "has ended as TIMEDOUT" in finished.log


def test_a_run_that_takes_too_long_for_airflow_is_canceled(
    run_dag: RunDag,
    workspace: LocalWorkspace,
    deferrable: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = timedelta(hours=1)
    with DAG(f"is_late_{deferrable}", schedule=None) as dag:
        arguments = {"execution_timeout": late, "deferrable": deferrable}
        demo("count", tmp_path / "executions", tmp_path / "gate", **arguments)

    def sound_the_alarm() -> None:
        while not is_shown(dag.dag_id):
            assert not over.wait(0.05)
        os.kill(os.getpid(), signal.SIGALRM)

    # Not before the run is known, however long that takes here.
    clock = SimpleNamespace(monotonic=time.monotonic, time=lambda: time.time() + late.total_seconds())
    monkeypatch.setattr("alchemy.triggers.run.time", clock)
    over = threading.Event()
    alarm = threading.Thread(target=sound_the_alarm)
    if not deferrable:
        alarm.start()
    finished = run_dag(dag)
    over.set()
    if not deferrable:
        alarm.join()

    assert finished.state == "failed"
    assert ended_as(workspace, finished) == RunResultState.CANCELED


def test_a_run_that_somebody_cancels_has_failed_as_canceled(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool, tmp_path: Path
) -> None:
    name, executions = str(uuid.uuid4()), tmp_path / "executions"
    with DAG(f"is_canceled_{deferrable}", schedule=None) as dag:
        demo("count", executions, tmp_path / "gate", deferrable=deferrable, run_name=name)

    def cancel() -> None:
        while not executions.exists():
            assert not over.wait(0.05)
        jobs = workspace.client().jobs
        (run_id,) = (run.run_id for run in jobs.list_runs() if run.run_name == name)
        jobs.cancel_run(run_id or 0)

    over = threading.Event()
    somebody = threading.Thread(target=cancel)
    somebody.start()
    finished = run_dag(dag)
    over.set()
    somebody.join()

    assert finished.state == "failed"
    assert result(run_of(workspace, finished)) == RunResultState.CANCELED
    assert "has ended as CANCELED" in finished.log


def test_a_task_that_does_not_wait_ends_with_the_submit(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    arguments = {"wait_for_termination": False, "deferrable": deferrable}
    with DAG(f"goes_on_{deferrable}", schedule=None) as dag:
        demo("count", tmp_path / "executions", gate, **arguments)
    finished = run_dag(dag)
    run = run_of(workspace, finished)
    gate.touch()

    assert finished.state == "success"
    assert result(run) is None
    assert ended_as(workspace, finished) == RunResultState.SUCCESS


def is_shown(dag_id: str) -> bool:
    """Return whether a task has pushed the last of what it pushes of its run."""
    with create_session() as session:
        pushed = select(XComModel.key).filter_by(dag_id=dag_id, key="run_page_url")
        return session.scalars(pushed).first() is not None


def ended_as(workspace: LocalWorkspace, finished: Finished) -> RunResultState | None:
    return until(lambda: result(run_of(workspace, finished)), "the end of the run")
