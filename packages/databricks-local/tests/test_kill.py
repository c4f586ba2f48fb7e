"""kill -9 of the server: what ran ends as INTERNAL_ERROR, no process stays behind, nothing else is lost."""

import contextlib
import io
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    ConditionTask,
    ConditionTaskOp,
    JobEnvironment,
    QueueSettings,
    Run,
    RunLifeCycleState,
    RunResultState,
    SparkPythonTask,
    SubmitTask,
    Task,
    TaskDependency,
)
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace
from requests.exceptions import ChunkedEncodingError
from waiting import has_ended, until

FOLDER = "/Users/local@databricks.local/kill"
ENVIRONMENTS = [JobEnvironment(environment_key="default", spec=Environment(environment_version="4"))]
PATIENCE_S = 300

# A program with a child in a session of its own, as a Java virtual machine or a shell may start one.
HOLD = """
import os, pathlib, subprocess, sys, time
folder = pathlib.Path(sys.argv[1])
if not (folder / "open").exists():
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print("holding", flush=True)
    (folder / "pids").write_text(f"{os.getpid()} {child.pid}\\n")
    time.sleep(600)
"""


@pytest.fixture
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory()


def ended(client: WorkspaceClient, run_id: int) -> Run:
    def is_over() -> bool:
        state = client.jobs.get_run(run_id).state
        return state is not None and state.life_cycle_state in (
            RunLifeCycleState.TERMINATED,
            RunLifeCycleState.INTERNAL_ERROR,
            RunLifeCycleState.SKIPPED,
        )

    until(is_over, f"run {run_id} did not end", seconds=PATIENCE_S)
    return client.jobs.get_run(run_id)


def results(run: Run) -> tuple[str, dict[str, str]]:
    assert run.state
    assert run.state.life_cycle_state
    tasks = {
        task.task_key or "": task.state.life_cycle_state.value
        for task in run.tasks or []
        if task.state and task.state.life_cycle_state
    }
    return run.state.life_cycle_state.value, tasks


def test_a_killed_server_leaves_no_process_and_no_run_that_runs_for_ever(workspace: LocalWorkspace) -> None:
    client = workspace.client()
    held = workspace.root.with_name("held")
    held.mkdir()
    client.workspace.mkdirs(FOLDER)
    client.workspace.upload(f"{FOLDER}/hold.py", io.BytesIO(HOLD.encode()), format=ImportFormat.RAW)
    job_id = client.jobs.create(
        name="hold",
        max_concurrent_runs=1,
        queue=QueueSettings(enabled=True),
        environments=ENVIRONMENTS,
        tasks=[
            Task(
                task_key="hold",
                environment_key="default",
                spark_python_task=SparkPythonTask(f"/Workspace{FOLDER}/hold.py", [str(held)]),
            ),
            Task(
                task_key="after",
                depends_on=[TaskDependency("hold")],
                condition_task=ConditionTask(left="1", op=ConditionTaskOp.EQUAL_TO, right="1"),
            ),
        ],
    ).job_id
    assert job_id
    running = client.jobs.run_now(job_id, idempotency_token="first").run_id
    queued = [client.jobs.run_now(job_id).run_id for _ in range(2)]
    until((held / "pids").exists, "the program did not start", seconds=PATIENCE_S)
    until(lambda: (held / "pids").read_text().endswith("\n"), "its child did not start", seconds=PATIENCE_S)
    processes = [int(pid) for pid in (held / "pids").read_text().split()]
    assert not any(map(has_ended, processes))

    workspace.kill()

    until(lambda: all(map(has_ended, processes)), "the program or its child did not end", seconds=PATIENCE_S)
    (held / "open").touch()
    workspace.start()
    assert results(ended(client, running)) == (
        "INTERNAL_ERROR",
        {"hold": "INTERNAL_ERROR", "after": "SKIPPED"},
    )
    # Those that waited go on, one after the other.
    for run_id in queued:
        assert results(ended(client, run_id)) == ("TERMINATED", {"hold": "TERMINATED", "after": "TERMINATED"})
        assert client.jobs.get_run(run_id).state.result_state is RunResultState.SUCCESS  # type: ignore[union-attr]
    assert [job.job_id for job in client.jobs.list(name="hold")] == [job_id]
    assert client.workspace.download(f"{FOLDER}/hold.py").read().decode() == HOLD
    assert client.jobs.run_now(job_id, idempotency_token="first").run_id == running
    failed = next(task for task in client.jobs.get_run(running).tasks or [] if task.task_key == "hold")
    assert "holding" in (client.jobs.get_run_output(failed.run_id or 0).logs or "")
    client.jobs.repair_run(running, rerun_all_failed_tasks=True)
    assert results(ended(client, running))[0] == "TERMINATED"


def test_runs_that_are_submitted_while_the_server_is_killed_again_and_again_exist_once(
    workspace: LocalWorkspace,
) -> None:
    client = workspace.client()
    client.workspace.mkdirs(FOLDER)
    code = b"import time\ntime.sleep(0.2)\n"
    client.workspace.upload(f"{FOLDER}/short.py", io.BytesIO(code), format=ImportFormat.RAW)
    clients = [workspace.client() for _ in range(13)]
    randomly = random.Random(6)

    def submit(number: int) -> int:
        # The client itself calls again when the connection breaks or is refused, but not in the midst of an
        # answer.
        with contextlib.suppress(ChunkedEncodingError):
            return submit_once(number)
        return submit(number)

    def submit_once(number: int) -> int:
        waiter = clients[number].jobs.submit(
            run_name=f"run {number}",
            idempotency_token=f"token {number}",
            environments=ENVIRONMENTS,
            tasks=[
                SubmitTask(
                    task_key="short",
                    environment_key="default",
                    spark_python_task=SparkPythonTask(f"/Workspace{FOLDER}/short.py"),
                )
            ],
        )
        return int(waiter.run_id)

    with ThreadPoolExecutor(4) as pool:
        submitted = [pool.submit(submit, number) for number in range(12)]
        for _ in range(3):
            time.sleep(randomly.uniform(0.2, 0.8))
            workspace.kill()
            workspace.start()
        run_ids = [each.result(PATIENCE_S) for each in submitted]

    runs = list(client.jobs.list_runs())
    assert sorted(run.run_name or "" for run in runs) == sorted(f"run {number}" for number in range(12))
    assert {run.run_id for run in runs} == set(run_ids)
    assert {results(ended(client, run_id))[0] for run_id in run_ids} <= {"TERMINATED", "INTERNAL_ERROR"}
    # Those that a kill met are found by their token, and a new one runs.
    assert [submit(number) for number in range(12)] == run_ids
    assert results(ended(client, submit(12)))[0] == "TERMINATED"
