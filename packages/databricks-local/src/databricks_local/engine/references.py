"""Dynamic value references: the `{{…}}` in a task's settings and in job parameters.

https://docs.databricks.com/jobs/dynamic-value-references lists them. What is no reference at all stays text,
as on the service; a wrong one that begins with a known name (`job`, `task`, `tasks`, …) is an error.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

_REFERENCE = re.compile(r"\{\{([^{}]*)\}\}")
_SEGMENT = r"(?:\w+|`[^`]+`)"
_PATH = re.compile(rf"\s*{_SEGMENT}(?:\.{_SEGMENT})*\s*", re.ASCII)
_SEGMENTS = re.compile(r"(\w+)|`([^`]+)`", re.ASCII)

_NAMESPACES = frozenset({"job", "task", "tasks", "workspace", "backfill"})

# What the older forms, which still work, are called now.
_OLD_FORMS = {
    "job_id": ("job", "id"),
    "run_id": ("task", "run_id"),
    "parent_run_id": ("job", "run_id"),
    "task_key": ("task", "name"),
    "start_date": ("job", "start_time", "iso_date"),
    "start_time": ("job", "start_time", "timestamp_ms"),
    "task_retry_count": ("task", "retry_count"),
}


class DynamicReferenceError(ValueError):
    """A reference that leads nowhere; the text is the sentence for the run's message."""


@dataclass(frozen=True)
class TaskFacts:
    """What references can say of a task run.

    Attributes:
        name: Its key.
        run_id: Its number.
        execution_count: How often the task was run by now, retries and repairs counted.
        retry_count: Which retry this is; 0 for the first attempt.
        result_state: A value of the API's `RunResultState`; None until it has ended.
        error_code: A value of `TerminationCodeCode`, empty for a success; None until it has ended.
        notebook_path: Of a notebook task; None for others.
        values: Task values it set.
        rows: What a SQL task returned, a mapping for each row; None for others.
    """

    name: str
    run_id: int
    execution_count: int = 1
    retry_count: int = 0
    result_state: str | None = None
    error_code: str | None = None
    notebook_path: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Scope:
    """What the references in one place can refer to.

    Attributes:
        job_id: The job's number.
        job_name: Its name when the run began.
        run_id: The run's number.
        repair_count: How often the run was repaired by now.
        started_ms: When the run began, in epoch milliseconds.
        triggered_ms: When it was triggered, in epoch milliseconds.
        trigger: A value of the API's `TriggerType`.
        workspace_id: The workspace's number.
        workspace_url: Its address.
        parameters: Job parameters.
        task: The task whose settings these are; None where there is none, as in a job's parameters.
        tasks: The task runs that have ended, by key.
        inputs: The element of an iteration, alone in a tuple; empty outside of a for-each task.
    """

    job_id: int
    job_name: str
    run_id: int
    repair_count: int
    started_ms: int
    triggered_ms: int
    trigger: str
    workspace_id: str
    workspace_url: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    task: TaskFacts | None = None
    tasks: Mapping[str, TaskFacts] = field(default_factory=dict)
    inputs: tuple[Any, ...] = ()


def resolve(value: Any, scope: Scope) -> Any:
    """Return a value with the references in its texts replaced, at any depth; names of fields stay.

    Args:
        value: A JSON value.
        scope: What can be referred to.

    Raises:
        DynamicReferenceError: A reference begins with a known name and leads nowhere.
    """
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _replacement(match, scope), value)
    if isinstance(value, Mapping):
        return {name: resolve(each, scope) for name, each in value.items()}
    if isinstance(value, list):
        return [resolve(each, scope) for each in value]
    return value


def as_text(value: Any) -> str:
    """Return a task value or an input as it stands in a text: a string itself, all else as JSON.

    Args:
        value: A JSON value.
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _replacement(match: re.Match[str], scope: Scope) -> str:
    if not _PATH.fullmatch(match[1]):
        return match[0]
    path = tuple(plain or quoted for plain, quoted in _SEGMENTS.findall(match[1]))
    if len(path) == 1:
        path = _OLD_FORMS.get(path[0], path)
    if path[0] == "input" and scope.inputs:
        return _input(path, scope.inputs[0])
    if path[0] not in _NAMESPACES:
        return match[0]
    found = _found(path, scope)
    if found is None:
        raise DynamicReferenceError(f"The reference {match[0]} leads to nothing.")
    return found


def _found(path: tuple[str, ...], scope: Scope) -> str | None:
    match path:
        case ("job", *rest):
            return _job(tuple(rest), scope)
        case ("task", *rest) if scope.task:
            return _task(tuple(rest), scope.task)
        case ("tasks", key, *rest):
            if key not in scope.tasks:
                raise DynamicReferenceError(
                    f"A reference names task '{key}', but no task of this name has ended in this run."
                )
            return _other_task(tuple(rest), scope.tasks[key])
        case ("workspace", "id"):
            return scope.workspace_id
        case ("workspace", "url"):
            return scope.workspace_url
        case ("backfill", *_):
            raise DynamicReferenceError(
                "databricks-local does not imitate backfills, nor references to them."
            )
    return None


def _job(path: tuple[str, ...], scope: Scope) -> str | None:
    match path:
        case ("id",):
            return str(scope.job_id)
        case ("name",):
            return scope.job_name
        case ("run_id",):
            return str(scope.run_id)
        case ("repair_count",):
            return str(scope.repair_count)
        case ("parameters", name):
            return scope.parameters.get(name)
        case ("start_time", form):
            return _time(scope.started_ms, form)
        case ("trigger", "time", form):
            # Schedules fire on the minute, and runs must say so even if they were a little late.
            whole = scope.triggered_ms // 60_000 * 60_000
            return _time(whole if scope.trigger == "PERIODIC" else scope.triggered_ms, form)
        case ("trigger", "type"):
            return {"ONE_TIME": "onetime"}.get(scope.trigger, scope.trigger.lower())
    return None


def _task(path: tuple[str, ...], task: TaskFacts) -> str | None:
    match path:
        case ("name",):
            return task.name
        case ("run_id",):
            return str(task.run_id)
        case ("execution_count",):
            return str(task.execution_count)
        case ("retry_count",):
            return str(task.retry_count)
        case ("notebook_path",):
            return task.notebook_path
    return None


def _other_task(path: tuple[str, ...], task: TaskFacts) -> str | None:
    match path:
        case ("run_id",):
            return str(task.run_id)
        case ("result_state",):
            return (task.result_state or "").lower()
        case ("error_code",):
            return "".join(word.capitalize() for word in (task.error_code or "").split("_"))
        case ("execution_count",):
            return str(task.execution_count)
        case ("notebook_path",):
            return task.notebook_path
        case ("values", name):
            if name not in task.values:
                raise DynamicReferenceError(f"Task '{task.name}' set no task value '{name}'.")
            return as_text(task.values[name])
        case ("output", "rows") if task.rows is not None:
            return as_text(list(task.rows))
        case ("output", "first_row") if task.rows:
            return as_text(task.rows[0])
        case ("output", "first_row", column) if task.rows and column in task.rows[0]:
            return as_text(task.rows[0][column])
    return None


def _input(path: tuple[str, ...], value: Any) -> str:
    for name in path[1:]:
        if not isinstance(value, Mapping) or name not in value:
            raise DynamicReferenceError(f"The input {as_text(value)} has no '{name}'.")
        value = value[name]
    return as_text(value)


def _time(moment_ms: int, form: str) -> str | None:
    moment = datetime.fromtimestamp(moment_ms // 1000, UTC)
    forms = {
        "iso_weekday": str(moment.isoweekday()),
        "is_weekday": as_text(moment.isoweekday() < 6),
        "iso_date": moment.date().isoformat(),
        "iso_datetime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "year": str(moment.year),
        "month": str(moment.month),
        "day": str(moment.day),
        "hour": str(moment.hour),
        "minute": str(moment.minute),
        "second": str(moment.second),
        "timestamp_ms": str(moment_ms),
    }
    return forms.get(form)
