"""The routes that start runs: https://docs.databricks.com/api/workspace/jobs, versions 2.1 and 2.2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from databricks.sdk.service.compute import ClusterSpec, Library
from databricks.sdk.service.jobs import (
    DbtTask,
    JobsAPI,
    NotebookTask,
    PipelineTask,
    PythonWheelTask,
    SparkJarTask,
    SparkPythonTask,
    SparkSubmitTask,
    SqlTask,
)

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid
from databricks_local.fields import fields_of
from databricks_local.jobs.api import VERSIONS, entries_of, job_of, version_of
from databricks_local.jobs.parameters import run_parameters, selected
from databricks_local.jobs.settings import check_token, run_settings

_OLD_TASK = {
    "dbt_task": DbtTask,
    "existing_cluster_id": str,
    "libraries": list[Library],
    "new_cluster": ClusterSpec,
    "notebook_task": NotebookTask,
    "pipeline_task": PipelineTask,
    "python_wheel_task": PythonWheelTask,
    "spark_jar_task": SparkJarTask,
    "spark_python_task": SparkPythonTask,
    "spark_submit_task": SparkSubmitTask,
    "sql_task": SqlTask,
}
"""The fields of the one task that `runs/submit` took before it took `tasks`, and still takes."""


async def run_now(call: Call) -> object:
    """Start a run of a job."""
    job, values = job_of(call), call.values
    check_token(values.get("idempotency_token"))
    known = _run_of_token(call, job.job_id)
    if known is not None:
        return known
    settings = dict(job.settings)
    if "queue" in values:
        settings["queue"] = values["queue"]
    run = call.workspace.jobs.new_run(
        settings,
        job_id=job.job_id,
        kind="JOB_RUN",
        name=settings["name"],
        creator=call.workspace.config.user,
        parameters=run_parameters(values),
        token=values.get("idempotency_token") or None,
        only=selected(settings["tasks"], values["only"]) if values.get("only") else None,
    )
    call.workspace.engine.submit(run)
    return {"run_id": run.run_id, "number_in_job": run.run_id}


async def submit(call: Call) -> object:
    """Start a one-time run."""
    values = call.values
    check_token(values.get("idempotency_token"))
    known = _run_of_token(call, None)
    if known is not None:
        return {"run_id": known["run_id"]}
    # Nobody can be kept from a run here, but a list that the service refuses is a mistake here too.
    entries_of(call)
    apart = ("access_control_list", "idempotency_token", *_OLD_TASK)
    given = {name: value for name, value in values.items() if name not in apart}
    given["tasks"] = _tasks(values)
    settings = run_settings(given, version_of(call))
    run = call.workspace.jobs.new_run(
        settings,
        job_id=None,
        kind="SUBMIT_RUN",
        name=settings["run_name"],
        creator=call.workspace.config.user,
        token=values.get("idempotency_token") or None,
    )
    call.workspace.engine.submit(run)
    return {"run_id": run.run_id}


def _run_of_token(call: Call, job_id: int | None) -> dict[str, int] | None:
    given = call.values.get("idempotency_token")
    run_id = call.workspace.jobs.run_of_token(job_id, given) if given else None
    if run_id is None:
        return None
    if call.workspace.jobs.run(run_id) is None:
        raise invalid(f"Run {run_id}, which was started with this idempotency token, has been deleted.")
    return {"run_id": run_id, "number_in_job": run_id}


def _tasks(values: Mapping[str, Any]) -> list[dict[str, Any]]:
    old = {name: values[name] for name in _OLD_TASK if name in values}
    tasks: list[dict[str, Any]] = values.get("tasks", [])
    if old and tasks:
        raise invalid(f"tasks and {' and '.join(old)} cannot be specified together.")
    if not old:
        return tasks
    key = re.sub(r"[^\w-]", "_", values.get("run_name", "Untitled"), flags=re.ASCII)[:100]
    return [{"task_key": key or "Untitled", **old}]


def _endpoints(version: str) -> tuple[Endpoint, ...]:
    path = f"/api/{version}/jobs"
    return (
        Endpoint("POST", f"{path}/run-now", run_now, fields_of(JobsAPI.run_now, required=["job_id"])),
        Endpoint("POST", f"{path}/runs/submit", submit, fields_of(JobsAPI.submit, extra=_OLD_TASK)),
    )


ENDPOINTS = tuple(endpoint for version in VERSIONS for endpoint in _endpoints(version))
