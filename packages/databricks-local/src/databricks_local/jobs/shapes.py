"""What the API shows of jobs, runs and task runs, in the fields of versions 2.1 and 2.2."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from databricks_local.identity import WORKSPACE_ID
from databricks_local.jobs.model import Job, QueueReason, Repair, Run, Task
from databricks_local.jobs.states import State
from databricks_local.jobs.tasks import kind_of

_STATES_OF_STATUS = {
    "INTERNAL_ERROR": "TERMINATED",
    "SKIPPED": "TERMINATED",
    "WAITING_FOR_RETRY": "WAITING",
}
_CLUSTERS = ("existing_cluster_id", "job_cluster_key", "new_cluster", "libraries")
_PARAMETERS = {
    "condition_task": ("left", "right"),
    "notebook_task": ("base_parameters",),
    "pipeline_task": ("parameters",),
    "python_wheel_task": ("named_parameters", "parameters"),
    "run_job_task": ("job_parameters",),
    "spark_python_task": ("parameters",),
    "sql_task": ("parameters",),
}
"""What of each kind of task is shown among `resolved_values`."""
_ERRORS_SHOWN = 3


def job_fields(job: Job) -> dict[str, Any]:
    """Return a job without its settings."""
    run_as = job.settings.get("run_as", {})
    return {
        "job_id": job.job_id,
        "creator_user_name": job.creator,
        "run_as_user_name": next(iter(run_as.values()), job.creator),
        "created_time": job.created_ms,
    }


def run_fields(run: Run, host: str) -> dict[str, Any]:
    """Return a run without the lists it holds.

    Args:
        run: The run.
        host: The workspace's address.
    """
    shown: dict[str, Any] = {
        "job_id": run.shown_job_id,
        "run_id": run.run_id,
        "number_in_job": run.run_id,
        "original_attempt_run_id": run.run_id,
        "job_run_id": run.run_id,
        "attempt_number": 0,
        "creator_user_name": run.creator,
        "run_name": run.name,
        "run_type": run.kind,
        "run_page_url": run_page_url(run, host),
        "format": "MULTI_TASK",
        "trigger": run.trigger,
        "start_time": run.start_ms,
        "end_time": run.end_ms,
        "setup_duration": 0,
        "execution_duration": 0,
        "cleanup_duration": 0,
        "run_duration": sum(each.end_ms - each.start_ms for each in run.history if each.end_ms),
        **_state_fields(run.state, run.queue),
    }
    if run.queue is not None and run.run_started_ms:
        shown["queue_duration"] = run.run_started_ms - run.start_ms
    if run.trigger == "PERIODIC" and "schedule" in run.settings:
        shown["schedule"] = run.settings["schedule"]
    if run.trigger_run_id is not None:
        shown["trigger_info"] = {"run_id": run.trigger_run_id}
    if "description" in run.settings:
        shown["description"] = run.settings["description"]
    overriding = {name: value for name, value in run.parameters.items() if name != "job_parameters"}
    if overriding:
        shown["overriding_parameters"] = overriding
    return shown


def run_lists(run: Run, tasks: Sequence[Mapping[str, Any]], *, history: Sequence[Any]) -> dict[str, Any]:
    """Return the lists of a run, by the names of their fields; those that are empty are left out.

    Args:
        run: The run.
        tasks: What is shown of its tasks.
        history: What is shown of its repairs.
    """
    defaults = {each["name"]: each["default"] for each in run.settings.get("parameters", ())}
    parameters = [
        {"name": name, "value": value, **({"default": defaults[name]} if name in defaults else {})}
        for name, value in run.job_parameters.items()
    ]
    lists = {
        "tasks": tasks,
        "job_clusters": run.settings.get("job_clusters", ()),
        "job_parameters": parameters,
        "repair_history": history,
    }
    return {name: each for name, each in lists.items() if each}


def single_task_fields(task: Task, run: Run) -> dict[str, Any]:
    """Return what the run itself tells of its compute when it has one task only."""
    spec = {name: task.settings[name] for name in _CLUSTERS if name in task.settings}
    shown = {
        "cluster_spec": spec,
        "cluster_instance": _cluster_instance(task, run),
        "setup_duration": task.setup_ms,
        "execution_duration": task.execution_ms,
    }
    return {name: value for name, value in shown.items() if value not in ({}, None)}


def task_fields(
    task: Task,
    run: Run,
    host: str,
    *,
    iterations: Mapping[int, tuple[State, str | None]] | None = None,
    resolved: bool = False,
) -> dict[str, Any]:
    """Return a task run, as an entry of `tasks` or `iterations`.

    Args:
        task: The task run.
        run: The run it belongs to.
        host: The workspace's address.
        iterations: State and error of each iteration of a for-each task run, by position.
        resolved: Whether to show parameters with their references replaced.
    """
    settings = {name: value for name, value in task.settings.items() if name != "health"}
    shown: dict[str, Any] = {
        **settings,
        "run_id": task.run_id,
        "attempt_number": task.attempt,
        "run_page_url": run_page_url(run, host, task),
        "start_time": task.start_ms,
        "end_time": task.end_ms,
        "setup_duration": task.setup_ms,
        "execution_duration": task.execution_ms,
        "cleanup_duration": 0,
        **_state_fields(task.state, task.queue),
    }
    if task.end_ms:
        shown["run_duration"] = task.end_ms - task.start_ms if task.start_ms else 0
    instance = _cluster_instance(task, run)
    if instance:
        shown["cluster_instance"] = instance
    if task.condition is not None:
        shown["condition_task"] = {**settings["condition_task"], "outcome": task.condition}
    if "for_each_task" in settings:
        shown["for_each_task"] = {**settings["for_each_task"], "stats": _stats(task, iterations or {})}
    kind = kind_of(settings)
    if resolved and task.resolved is not None and kind in _PARAMETERS:
        values = {name: task.resolved[kind].get(name) for name in _PARAMETERS[kind]}
        shown["resolved_values"] = {
            kind: {name: value for name, value in values.items() if value is not None}
        }
    return shown


def task_run_fields(task: Task, run: Run, host: str) -> dict[str, Any]:
    """Return a task run as `runs/get` shows it when asked for its own number: like a run."""
    return run_fields(run, host) | {
        "run_id": task.run_id,
        "number_in_job": task.run_id,
        "original_attempt_run_id": task.original_run_id,
        "attempt_number": task.attempt,
        "run_page_url": run_page_url(run, host, task),
        "start_time": task.start_ms,
        "end_time": task.end_ms,
        "run_duration": task.end_ms - task.start_ms if task.end_ms and task.start_ms else 0,
        **single_task_fields(task, run),
        **_state_fields(task.state, task.queue),
    }


def history_fields(repair: Repair, task_run_ids: Iterable[int]) -> dict[str, Any]:
    """Return an entry of a run's `repair_history`.

    Args:
        repair: The original run or a repair.
        task_run_ids: The task runs that are part of it.
    """
    shown: dict[str, Any] = {
        "type": "REPAIR" if repair.repair_id else "ORIGINAL",
        "start_time": repair.start_ms,
        "end_time": repair.end_ms,
        "task_run_ids": list(task_run_ids),
        **_state_fields(repair.state, None),
    }
    return shown | ({"id": repair.repair_id} if repair.repair_id else {})


def run_page_url(run: Run, host: str, task: Task | None = None) -> str:
    """Return the address of the page of a run or of one of its task runs."""
    return f"{host}/?o={WORKSPACE_ID}#job/{run.shown_job_id}/run/{task.run_id if task else run.run_id}"


def _state_fields(state: State, queue: QueueReason | None) -> dict[str, Any]:
    old: dict[str, Any] = {
        "life_cycle_state": state.life_cycle,
        "state_message": state.message,
        "user_cancelled_or_timedout": state.canceled_or_timed_out,
    }
    new: dict[str, Any] = {"state": _STATES_OF_STATUS.get(state.life_cycle, state.life_cycle)}
    if state.result is not None:
        old["result_state"] = state.result
    if state.code is not None:
        new["termination_details"] = {
            "code": state.code,
            "type": state.termination_type,
            "message": state.message,
        }
    if queue is not None:
        old["queue_reason"] = queue.message
        new["queue_details"] = {"code": queue.code, "message": queue.message}
    return {"state": old, "status": new}


def _cluster_instance(task: Task, run: Run) -> dict[str, str] | None:
    existing = task.settings.get("existing_cluster_id")
    job_cluster = task.settings.get("job_cluster_key")
    if not task.start_ms or not (existing or job_cluster or "new_cluster" in task.settings):
        return None
    # Tasks of one run that name the same job cluster share it; a new cluster is one task run's own.
    digest = hashlib.blake2b(f"{job_cluster or task.run_id}/{run.run_id}".encode(), digest_size=5).digest()
    began = datetime.fromtimestamp(run.start_ms / 1000, UTC)
    name = f"{began:%m%d-%H%M%S}-{base64.b32encode(digest).decode().lower()}"
    return {"cluster_id": existing or name, "spark_context_id": str(task.run_id)}


def _stats(task: Task, iterations: Mapping[int, tuple[State, str | None]]) -> dict[str, Any]:
    ended = [(state, error) for state, error in iterations.values() if state.ended]
    failed = [(state, error) for state, error in ended if not state.succeeded]
    messages = Counter((error or state.message, state.code) for state, error in failed)
    return {
        "task_run_stats": {
            "total_iterations": max(len(iterations), _count_of_inputs(task)),
            "scheduled_iterations": len(iterations),
            "active_iterations": len(iterations) - len(ended),
            "completed_iterations": len(ended),
            "succeeded_iterations": len(ended) - len(failed),
            "failed_iterations": len(failed),
        },
        "error_message_stats": [
            {"error_message": message, "termination_category": code, "count": count}
            for (message, code), count in messages.most_common(_ERRORS_SHOWN)
        ],
    }


def _count_of_inputs(task: Task) -> int:
    inputs = (task.resolved or task.settings)["for_each_task"]["inputs"]
    try:
        return len(json.loads(inputs))
    except (TypeError, ValueError):
        return 0
