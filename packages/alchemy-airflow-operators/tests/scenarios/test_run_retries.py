"""What a retry does with the run of the try before it."""

import uuid
from pathlib import Path

from airflow.sdk import DAG
from dag_runs import RunDag, demo
from databricks.sdk.service.jobs import RunResultState
from databricks_local.process import LocalWorkspace


def results(workspace: LocalWorkspace, name: str) -> list[RunResultState | None]:
    """Return how the runs of a name ended, the oldest first."""
    found = [run for run in workspace.client().jobs.list_runs() if run.run_name == name]
    return [run.state.result_state if run.state else None for run in reversed(found)]


def test_a_retry_after_a_failure_submits_anew(
    run_dag: RunDag, workspace: LocalWorkspace, deferrable: bool, tmp_path: Path
) -> None:
    name, executions = str(uuid.uuid4()), tmp_path / "executions"
    with DAG(f"flaky_{deferrable}", schedule=None) as dag:
        demo("flaky", executions, 3, retries=3, run_name=name, deferrable=deferrable)
    finished = run_dag(dag)

    assert finished.state == "success", finished.log
    assert finished.tries("demo") == 3
    failed, success = RunResultState.FAILED, RunResultState.SUCCESS
    assert results(workspace, name) == [failed, failed, success]
    assert executions.read_text() == "executed\n" * 3


def test_a_retry_after_success_of_the_run_does_not_run_it_again(
    run_dag: RunDag, workspace: LocalWorkspace, tmp_path: Path
) -> None:
    def fails_once(context: object, result: object) -> None:
        marker = tmp_path / "marker"
        if not marker.exists():
            marker.touch()
            raise RuntimeError("after the run")

    name, executions = str(uuid.uuid4()), tmp_path / "executions"
    with DAG("fails_afterwards", schedule=None) as dag:
        demo("count", executions, retries=1, run_name=name, post_execute=fails_once)
    finished = run_dag(dag)

    assert finished.state == "success", finished.log
    assert finished.tries("demo") == 2
    assert results(workspace, name) == [RunResultState.SUCCESS]
    assert executions.read_text() == "executed\n"


def test_each_run_of_a_dag_runs_the_app(run_dag: RunDag, workspace: LocalWorkspace, tmp_path: Path) -> None:
    executions = tmp_path / "executions"
    with DAG("runs_twice", schedule=None) as dag:
        demo("count", executions)
    runs = [run_dag(dag).xcom("demo", "run_id") for _ in range(2)]

    assert len(set(runs)) == 2
    assert executions.read_text() == "executed\n" * 2
