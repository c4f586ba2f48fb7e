"""Runs of DAGs whose tasks are run by processes, scheduled step by step as Airflow's scheduler does it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from airflow.api.common.trigger_dag import trigger_dag
from airflow.configuration import conf
from airflow.executors.workloads import ExecuteTask
from airflow.models.dagbag import DBDagBag
from airflow.models.dagrun import DagRun
from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.sdk import timezone
from airflow.utils.session import create_session
from airflow.utils.state import DagRunState, TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select
from sqlalchemy.orm import Session

_WORKERS = Path(__file__).with_name("worker_pool.py")
_LONGEST_S = 300


def until(happened: Callable[[], Any], what: str) -> Any:
    """Wait until something is true and return it.

    Raises:
        TimeoutError: It did not happen.
    """
    latest = time.monotonic() + _LONGEST_S
    while not (found := happened()):
        if time.monotonic() > latest:
            raise TimeoutError(f"{what} did not happen")
        time.sleep(0.05)
    return found


class Workers:
    """Processes that are forked from one that has imported Airflow."""

    def __init__(self) -> None:
        """Start that one."""
        # A worker is told by its heartbeats that its task is to end.
        environment = os.environ | {"AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1"}
        self._pool = subprocess.Popen(
            [sys.executable, str(_WORKERS)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._forked: list[psutil.Process] = []
        self._answer()

    def fork(self, asked: str) -> psutil.Process:
        """Start a worker for a workload, or a triggerer."""
        assert self._pool.stdin
        print(asked, file=self._pool.stdin, flush=True)
        self._forked.append(psutil.Process(int(self._answer())))
        # It waits for this: it could have ended before it was looked up.
        print(file=self._pool.stdin, flush=True)
        return self._forked[-1]

    def _answer(self) -> str:
        assert self._pool.stdout
        return self._pool.stdout.readline()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes."""
        for process in self._forked:
            kill(process)
        self._pool.kill()
        self._pool.wait()
        for stream in (self._pool.stdin, self._pool.stdout):
            if stream:
                stream.close()


def kill(process: psutil.Process) -> None:
    """Kill a process and those below it at once, as when a machine is lost."""
    family = [process]
    # Any of them may be ending by itself.
    with suppress(psutil.NoSuchProcess):
        family += process.children(recursive=True)
    # Stopped first: the supervisor would still report that its task is gone.
    for sent in (signal.SIGSTOP, signal.SIGKILL):
        for one in family:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(sent)
    psutil.wait_procs(family, timeout=60)


class ScheduledTask:
    """The only task of a run of a DAG of the folder ``dags``."""

    def __init__(self, workers: Workers, dag_id: str, run_id: str, conf: dict[str, str]) -> None:
        """Trigger a run of the DAG.

        Args:
            workers: Who runs the task.
            dag_id: The DAG.
            run_id: The id of its run.
            conf: The configuration of its run.
        """
        self._workers = workers
        self._of = {"dag_id": dag_id, "run_id": run_id}
        self._log_path = ""
        trigger_dag(dag_id, triggered_by=DagRunTriggeredByType.TEST, run_id=run_id, conf=conf)

    def start(self) -> psutil.Process:
        """Schedule the task and give it to a worker: its first try, the next one, or after its trigger."""
        with create_session() as session:
            run = self._run(session)
            if run.state == DagRunState.QUEUED:
                run.state = DagRunState.RUNNING
                run.start_date = timezone.utcnow()
            session.flush()
            instance = self._instance(session)
            if instance.state != TaskInstanceState.SCHEDULED:
                run.dag = DBDagBag().get_dag_for_run(dag_run=run, session=session)
                (instance,), _ = run.update_state(session=session)
                instance.try_number += 1
            instance.state = TaskInstanceState.QUEUED
            session.flush()
            workload = ExecuteTask.make(instance)
            self._log_path = workload.log_path or ""
            asked = workload.model_dump_json()
        return self._workers.fork(asked)

    @property
    def state(self) -> str:
        """The state in the database."""
        with create_session() as session:
            return str(self._instance(session).state)

    @property
    def try_number(self) -> int:
        """The number of the try in the database."""
        with create_session() as session:
            return int(self._instance(session).try_number)

    @property
    def log(self) -> str:
        """What the latest try wrote into its log."""
        file = Path(conf.get("logging", "base_log_folder")) / self._log_path
        return file.read_text() if file.exists() else ""

    def is_watched(self) -> bool:
        """Return whether a triggerer has begun to write what it sees of the run."""
        folder = Path(conf.get("logging", "base_log_folder"))
        return any(log.stat().st_size for log in folder.glob(f"{self._log_path}.trigger.*"))

    def wait(self, *states: str) -> None:
        """Wait until the task is in one of the states."""
        until(lambda: self.state in states, f"the state {' or '.join(states)} (it is {self.state})")

    def is_lost(self) -> None:
        """Take note that there have been no heartbeats for long: the try has failed."""
        with create_session() as session:
            self._instance(session).handle_failure("there are no heartbeats", session=session)

    def mark(self, state: TaskInstanceState) -> None:
        """Mark the task as a person does."""
        with create_session() as session:
            self._instance(session).set_state(state, session=session)

    def clear(self) -> None:
        """Clear the task, and with it the run of its DAG, as a person does."""
        with create_session() as session:
            clear_task_instances([self._instance(session)], session)

    def delete_run(self) -> None:
        """Delete the run of the DAG as a person does."""
        with create_session() as session:
            session.delete(self._run(session))

    def _instance(self, session: Session) -> TaskInstance:
        return session.scalars(select(TaskInstance).filter_by(**self._of)).one()

    def _run(self, session: Session) -> DagRun:
        return session.scalars(select(DagRun).filter_by(**self._of)).one()
