"""What a caller gives a run: job parameters, those of older kinds, and which tasks to run."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from databricks_local.engine.graph import downstream
from databricks_local.errors import invalid

_BY_KIND = (
    "dbt_commands",
    "jar_params",
    "notebook_params",
    "pipeline_params",
    "python_named_params",
    "python_params",
    "spark_submit_params",
    "sql_params",
)
_LATIN = ("python_params", "spark_submit_params")
_MOST_BYTES = 10_000


def run_parameters(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters among the fields of `run-now` and `runs/repair`, as `Run.parameters` keeps them.

    Args:
        values: The fields of the request.

    Raises:
        ApiError: 400: they are too large, or exclude each other.
    """
    given = {name: values[name] for name in ("job_parameters", *_BY_KIND) if name in values}
    if "notebook_params" in given and "jar_params" in given:
        raise invalid("notebook_params cannot be specified in conjunction with jar_params.")
    for name, value in given.items():
        text = json.dumps({name: value}, ensure_ascii=False)
        if len(text.encode()) > _MOST_BYTES and name != "job_parameters":
            raise invalid(f"The JSON representation of {name} cannot exceed {_MOST_BYTES} bytes.")
        if name in _LATIN and not text.isascii():
            raise invalid(f"{name} can have ASCII characters only.")
    return given


def selected(tasks: Sequence[Mapping[str, Any]], only: Sequence[str]) -> set[str]:
    """Return the keys of the tasks that the `only` of `run-now` names.

    Args:
        tasks: The settings of all tasks.
        only: Keys; a `+` before one adds all tasks it depends on, one after it all that depend on it.

    Raises:
        ApiError: 400: there is no such task.
    """
    upstream = _reversed(tasks)
    found: set[str] = set()
    for entry in only:
        key = entry.removeprefix("+").removesuffix("+")
        check_keys(tasks, [key], "only")
        found.add(key)
        if entry.startswith("+"):
            found |= downstream(upstream, [key])
        if entry.endswith("+"):
            found |= downstream(tasks, [key])
    return found


def check_keys(tasks: Sequence[Mapping[str, Any]], keys: Collection[str], field: str) -> None:
    """Refuse keys that no task has.

    Args:
        tasks: The settings of all tasks.
        keys: The keys.
        field: The request's field that holds them.

    Raises:
        ApiError: 400.
    """
    known = {task["task_key"] for task in tasks}
    for key in keys:
        if key not in known:
            raise invalid(f"{field} names '{key}', which is no task of the job.")


def _reversed(tasks: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    edges: dict[str, list[dict[str, str]]] = {task["task_key"]: [] for task in tasks}
    for task in tasks:
        for each in task.get("depends_on", ()):
            edges[each["task_key"]].append({"task_key": task["task_key"]})
    return [{"task_key": key, "depends_on": after} for key, after in edges.items()]
