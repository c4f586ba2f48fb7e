"""The engine with tasks that are processes: task values, retries, timeouts, cancellation."""

import io
import textwrap
import time
from collections.abc import Callable
from typing import Any

import psutil
import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs
from databricks.sdk.service import workspace as files
from databricks.sdk.service.jobs import RunLifeCycleState
from databricks_local.process import LocalWorkspace
from waiting import has_ended

# A process that has a child in a session of its own, tells both numbers, and does not end by itself.
STUBBORN = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    with open(sys.argv[1] + ".new", "w") as file:
        file.write(f"{os.getpid()} {child.pid}")
    os.rename(sys.argv[1] + ".new", sys.argv[1])
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory()


@pytest.fixture(scope="module")
def client(workspace: LocalWorkspace) -> WorkspaceClient:
    return workspace.client()


def script(client: WorkspaceClient, name: str, text: str) -> str:
    path = f"/Shared/{name}.py"
    client.workspace.mkdirs("/Shared")
    client.workspace.upload(
        path, io.BytesIO(textwrap.dedent(text).encode()), format=files.ImportFormat.AUTO, overwrite=True
    )
    return f"/Workspace{path}"


def python(key: str, file: str, *parameters: str, **settings: Any) -> dict[str, Any]:
    return {
        "task_key": key,
        "spark_python_task": {"python_file": file, "parameters": list(parameters)},
        "environment_key": "default",
        **settings,
    }


def submit(client: WorkspaceClient, *tasks: dict[str, Any], **settings: Any) -> int:
    environments = [{"environment_key": "default", "spec": {"environment_version": "4"}}]
    body = {"tasks": list(tasks), "environments": environments, **settings}
    return int(client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body)["run_id"])


def until(client: WorkspaceClient, run_id: int, reached: Callable[[jobs.Run], bool]) -> jobs.Run:
    limit = time.monotonic() + 600
    while not reached(run := client.jobs.get_run(run_id)):
        assert time.monotonic() < limit, f"run {run_id} stays {run.state}: {states(run)}"
        time.sleep(0.05)
    return run


def ended(client: WorkspaceClient, run_id: int) -> jobs.Run:
    return until(client, run_id, lambda run: run.end_time > 0)


def states(run: jobs.Run) -> list[tuple[str, str]]:
    return [
        (each.task_key, (each.state.result_state or each.state.life_cycle_state).value) for each in run.tasks
    ]


def pids(client: WorkspaceClient, run_id: int, file: Any) -> list[int]:
    """Wait until the stubborn process of a run and its child are there, and return their numbers."""
    until(client, run_id, lambda _: file.exists())
    found = [int(pid) for pid in file.read_text().split()]
    assert all(psutil.pid_exists(pid) for pid in found)
    file.unlink()
    return found


def test_task_values_reach_later_tasks(client: WorkspaceClient) -> None:
    first = script(
        client,
        "first",
        """
        from pyspark.dbutils import DBUtils
        dbutils = DBUtils()
        dbutils.jobs.taskValues.set("count", 3)
        dbutils.jobs.taskValues.set("names", ["x", "y"])
        """,
    )
    second = script(
        client,
        "second",
        """
        import sys
        from pyspark.dbutils import DBUtils
        print(sys.argv[1:], DBUtils().jobs.taskValues.get("first", "count") + 1)
        """,
    )
    after = [{"task_key": "first"}]
    run_id = submit(
        client,
        python("first", first),
        {
            "task_key": "enough",
            "depends_on": after,
            "condition_task": {
                "op": "GREATER_THAN",
                "left": "{{tasks.first.values.count}}",
                "right": "2",
            },
        },
        {
            "task_key": "loop",
            "depends_on": [{"task_key": "enough", "outcome": "true"}],
            "for_each_task": {
                "inputs": "{{tasks.first.values.names}}",
                "concurrency": 2,
                "task": python("second", second, "{{input}}", "{{tasks.first.values.count}}"),
            },
        },
    )
    run = ended(client, run_id)
    assert states(run) == [("first", "SUCCESS"), ("enough", "SUCCESS"), ("loop", "SUCCESS")]
    iterations = client.jobs.get_run(run.tasks[-1].run_id).iterations
    logs = [client.jobs.get_run_output(each.run_id).logs.strip() for each in iterations]
    assert logs == ["['x', '3'] 4", "['y', '3'] 4"]


def test_a_retry_of_a_process_begins_anew(client: WorkspaceClient) -> None:
    flaky = script(
        client,
        "flaky",
        """
        import sys
        print("attempt", sys.argv[1])
        if sys.argv[1] == "1":
            raise ValueError("not yet")
        """,
    )
    run_id = submit(client, python("a", flaky, "{{task.execution_count}}", max_retries=2))
    run = ended(client, run_id)
    assert states(run) == [("a", "FAILED"), ("a", "SUCCESS")]
    outputs = [client.jobs.get_run_output(each.run_id) for each in run.tasks]
    assert [each.logs.splitlines()[0] for each in outputs] == ["attempt 1", "attempt 2"]
    assert "ValueError: not yet" in outputs[0].error
    assert 'raise ValueError("not yet")' in outputs[0].error_trace
    assert run.tasks[0].state.state_message == "Workload failed, see run output for details"
    assert run.tasks[0].state.life_cycle_state is RunLifeCycleState.TERMINATED
    assert run.tasks[0].execution_duration > 0


def test_the_callers_parameters_reach_the_process(client: WorkspaceClient) -> None:
    show = script(client, "show", "import sys; print(sys.argv[1:])")
    body = {
        "name": "show",
        "tasks": [python("a", show, "own")],
        "environments": [{"environment_key": "default", "spec": {"environment_version": "4"}}],
    }
    job_id = client.api_client.do("POST", "/api/2.2/jobs/create", body=body)["job_id"]
    run = ended(client, client.jobs.run_now(job_id, python_params=["{{job.name}}", "x y"]).run_id)
    assert client.jobs.get_run_output(run.tasks[0].run_id).logs.strip() == "['show', 'x y']"


@pytest.mark.parametrize("stopped_by", ["cancel", "task timeout", "run timeout"])
def test_what_is_stopped_leaves_no_process(
    workspace: LocalWorkspace, client: WorkspaceClient, tmp_path: Any, stopped_by: str
) -> None:
    stubborn = script(client, "stubborn", STUBBORN)
    file = tmp_path / "pids"
    task_settings = {"timeout_seconds": 3600} if stopped_by == "task timeout" else {}
    run_settings = {"timeout_seconds": 3600} if stopped_by == "run timeout" else {}
    run_id = submit(client, python("a", stubborn, str(file), **task_settings), **run_settings)
    found = pids(client, run_id, file)
    if stopped_by == "cancel":
        client.jobs.cancel_run(client.jobs.get_run(run_id).tasks[0].run_id)
        # Who is in a hurry does not break off what goes on.
        client.jobs.cancel_run(run_id)
        client.jobs.cancel_run(run_id)
    else:
        workspace.advance(3601)
    run = ended(client, run_id)
    assert not any(psutil.pid_exists(pid) for pid in found)
    assert states(run) == [("a", "CANCELED" if stopped_by == "cancel" else "TIMEDOUT")]


def test_a_workspace_that_stops_leaves_no_process(
    databricks_local_factory: Callable[..., LocalWorkspace], tmp_path: Any
) -> None:
    own = databricks_local_factory()
    client = own.client()
    file = tmp_path / "pids"
    run_id = submit(client, python("a", script(client, "stubborn", STUBBORN), str(file)))
    found = pids(client, run_id, file)
    own.stop()
    assert not any(psutil.pid_exists(pid) for pid in found)
    own.start()
    run = client.jobs.get_run(run_id)
    assert run.state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
    client.jobs.repair_run(run_id, rerun_all_failed_tasks=True)
    found = pids(client, run_id, file)
    own.kill()
    own.start()
    until(client, run_id, lambda _: all(map(has_ended, found)))
    assert client.jobs.get_run(run_id).state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
    own.stop()
