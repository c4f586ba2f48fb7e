"""Whatever ends a task, nothing of it goes on."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from databricks.sdk.service.jobs import Run
from databricks_local.execution.processes import MARK, end_marked, mark
from databricks_local.process import LocalWorkspace
from running_tasks import PATIENCE_S, begin
from waiting import until

# A child, a grandchild in a session of its own whose parent is gone, and one that does not listen to SIGTERM.
FAMILY = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "1300"])
subprocess.run(["sh", "-c", "setsid sleep 1301 & setsid -f sleep 1302"])
print("begun")
"""


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory()


def processes_of(root: Path) -> list[str]:
    """Return the command lines of all processes that work for a workspace, the server's aside."""
    found = []
    for process in psutil.process_iter():
        try:
            text = " ".join(process.cmdline())
            marked = process.environ().get("DATABRICKS_LOCAL_PROCESS", "")
        except (psutil.Error, OSError):
            continue
        if marked.startswith(f"{root}//") or (str(root) in text and "databricks_local serve" not in text):
            found.append(text)
    return found


def begin_family(workspace: LocalWorkspace, timeout_seconds: int | None = None) -> int:
    """Start a run with a family that stays, and return its number once all of the family are there."""
    run_id = begin(workspace, FAMILY + "time.sleep(1800)", timeout_seconds)
    # A process that has not yet become another program bears no mark for a moment.
    children = {"sleep 1300", "sleep 1301", "sleep 1302"}
    until(lambda: children <= set(processes_of(workspace.root)), "the family is not there")
    return run_id


def supervisor(workspace: LocalWorkspace) -> psutil.Process:
    children = psutil.Process(workspace.pid).children()
    return next(each for each in children if "supervisor.py" in " ".join(each.cmdline()))


def ended(workspace: LocalWorkspace, run_id: int) -> Run:
    jobs = workspace.client().jobs
    until(lambda: jobs.get_run(run_id).end_time, f"run {run_id} does not end")
    return jobs.get_run(run_id)


def test_a_cancelled_run_leaves_no_process(workspace: LocalWorkspace) -> None:
    run_id = begin_family(workspace)
    assert len(processes_of(workspace.root)) >= 5
    workspace.client().jobs.cancel_run(run_id)
    run = ended(workspace, run_id)
    assert run.state and run.state.result_state and run.state.result_state.value == "CANCELED"
    assert processes_of(workspace.root) == []


def test_a_run_that_takes_too_long_leaves_no_process(workspace: LocalWorkspace) -> None:
    run_id = begin_family(workspace, timeout_seconds=3600)
    workspace.advance(3601)
    run = ended(workspace, run_id)
    assert run.tasks and run.tasks[0].state and run.tasks[0].state.result_state
    assert run.tasks[0].state.result_state.value == "TIMEDOUT"
    assert processes_of(workspace.root) == []


def test_what_a_task_leaves_in_the_background_ends_with_it(workspace: LocalWorkspace) -> None:
    run_id = begin(workspace, FAMILY)
    run = ended(workspace, run_id)
    assert run.state and run.state.result_state and run.state.result_state.value == "SUCCESS"
    assert processes_of(workspace.root) == []


def test_a_killed_supervisor_fails_the_task_and_leaves_no_process(workspace: LocalWorkspace) -> None:
    run_id = begin_family(workspace)
    supervisor(workspace).kill()
    run = ended(workspace, run_id)
    assert run.state and run.state.result_state and run.state.result_state.value == "FAILED"
    assert processes_of(workspace.root) == []


def test_a_killed_server_takes_its_tasks_along(workspace: LocalWorkspace) -> None:
    begin_family(workspace)
    workspace.kill()
    until(lambda: processes_of(workspace.root) == [], "a process is left")
    workspace.start()


def test_a_restart_ends_what_outlived_server_and_supervisor(workspace: LocalWorkspace) -> None:
    begin_family(workspace)
    server = psutil.Process(workspace.pid)
    watching = supervisor(workspace)
    server.suspend()
    watching.kill()
    workspace.kill()
    assert processes_of(workspace.root) != []
    workspace.start()
    assert processes_of(workspace.root) == []


def test_a_stopped_server_takes_its_tasks_along(workspace: LocalWorkspace) -> None:
    begin_family(workspace)
    workspace.stop()
    assert processes_of(workspace.root) == []
    workspace.start()


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Callable[[str], subprocess.Popen[bytes]]]:
    """Start a process that belongs to a task run of the workspace in ``tmp_path``."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(name: str) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(["sleep", "1305"], env={**os.environ, MARK: mark(tmp_path, name)}))
        # It is there a moment before it shows its variables.
        until(lambda: MARK in psutil.Process(begun[-1].pid).environ(), "it shows no mark")
        return begun[-1]

    yield start
    for process in begun:
        process.kill()
        process.wait()


def test_who_is_born_while_others_are_ended_ends_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sleeper: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    born = [sleeper("1")]
    listed = psutil.process_iter

    def and_one_is_born() -> Iterator[psutil.Process]:
        processes = list(listed())
        if len(born) < 3:
            born.append(sleeper("1"))
        return iter(processes)

    monkeypatch.setattr(psutil, "process_iter", and_one_is_born)
    end_marked(mark(tmp_path))
    assert [process.wait(PATIENCE_S) for process in born] == [-signal.SIGKILL] * 3


def test_the_end_of_one_task_run_is_not_that_of_another(
    tmp_path: Path, sleeper: Callable[[str], subprocess.Popen[bytes]]
) -> None:
    first, eleventh = sleeper("1"), sleeper("11")
    end_marked(mark(tmp_path, "1"))
    assert (first.wait(PATIENCE_S), eleventh.poll()) == (-signal.SIGKILL, None)
    end_marked(mark(tmp_path))
    assert eleventh.wait(PATIENCE_S) == -signal.SIGKILL
