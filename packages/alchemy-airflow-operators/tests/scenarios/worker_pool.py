"""Airflow's own supervisors, task runners and triggerers as processes that can be killed.

Run as a program it imports Airflow once and forks a process for each line on its standard input, as
LocalExecutor does: for a worker the line is an ``ExecuteTask`` as JSON, for a triggerer a word. It answers
with the process id, and the process goes on after one more line.
"""

import asyncio
import os
import signal
import sys
import uuid
from functools import partialmethod
from typing import TYPE_CHECKING
from unittest.mock import patch

import httpx

if TYPE_CHECKING:
    from airflow.api_fastapi.execution_api.app import InProcessExecutionAPI
    from fastapi import FastAPI

_BASE_URL = "http://in-process.invalid./"


def main() -> None:
    """Fork what is asked for until the standard input ends."""
    # Ended processes need not be waited for here: who asked for them looks at the database.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    api = _execution_api()
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        go_on, told = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(told)
            os.read(go_on, 1)
            _child(line, api)
        print(child, file=answers, flush=True)
        sys.stdin.readline()
        os.close(told)
        os.close(go_on)


def _execution_api() -> "InProcessExecutionAPI":
    """Build what takes seconds, without starting a thread, so that forks have it."""
    import alchemy.operators.skyspark_operator  # noqa: F401
    from airflow.jobs.triggerer_job_runner import TriggererJobRunner  # noqa: F401
    from airflow.sdk.execution_time.supervisor import in_process_api_server

    api = in_process_api_server()
    asyncio.run(_ask(api.app))
    return api


async def _ask(app: "FastAPI") -> None:
    """Have the API make its routes, which it does when it is first asked, even if it cannot answer yet."""
    from airflow.sdk.api.client import API_VERSION

    body = {"state": "running", "hostname": "", "unixname": "", "pid": 1, "start_date": "2026-01-01T00:00Z"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url=_BASE_URL,
        headers={"Airflow-API-Version": API_VERSION},
    ) as client:
        await client.patch(f"task-instances/{uuid.uuid4()}/run", json=body)


def _child(line: str, api: "InProcessExecutionAPI") -> None:
    from airflow.settings import reconfigure_orm

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    # A connection to the database belongs to one process.
    reconfigure_orm()
    code = 1
    try:
        if line.strip() == "triggerer":
            _watch_triggers()
        else:
            code = _supervise(line, api)
    finally:
        os._exit(code)


def _supervise(workload: str, api: "InProcessExecutionAPI") -> int:
    from airflow.executors.workloads import ExecuteTask
    from airflow.sdk.api.client import Client
    from airflow.sdk.execution_time import supervisor

    asked = ExecuteTask.model_validate_json(workload)
    client = Client(base_url=None, token="", dry_run=True, transport=api.transport)
    client.base_url = _BASE_URL
    run = getattr(supervisor, "supervise_task", None) or supervisor.supervise
    # A task that is to end is killed after 5 seconds, in which a busy machine may not come to cancel its run.
    patiently = partialmethod(supervisor.WatchedSubprocess.kill, escalation_delay=120.0)
    with patch.object(supervisor.WatchedSubprocess, "kill", patiently):
        return int(
            run(
                ti=asked.ti,
                dag_rel_path=asked.dag_rel_path,
                bundle_info=asked.bundle_info,
                token=asked.token,
                log_path=asked.log_path,
                client=client,
            )
        )


def _watch_triggers() -> None:
    from airflow.jobs.job import Job, run_job
    from airflow.jobs.triggerer_job_runner import TriggererJobRunner

    runner = TriggererJobRunner(job=Job(heartrate=1), capacity=20)
    run_job(job=runner.job, execute_callable=runner._execute)


if __name__ == "__main__":
    main()
