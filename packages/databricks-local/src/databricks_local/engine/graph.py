"""The graph of a job's tasks: which end a run, which hang on which."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

Settings = Mapping[str, Any]
"""A task's settings, as the API takes them."""


def dependencies(task: Settings) -> list[dict[str, str]]:
    """Return the dependencies of a task: ``task_key`` and perhaps ``outcome`` each."""
    return list(task.get("depends_on") or ())


def dependents(tasks: Iterable[Settings]) -> dict[str, list[str]]:
    """Return for the key of each task on which others depend the keys of those.

    Args:
        tasks: All tasks of a job.
    """
    found: dict[str, list[str]] = {}
    for task in tasks:
        for each in dependencies(task):
            found.setdefault(each["task_key"], []).append(task["task_key"])
    return found


def leaves(tasks: Iterable[Settings]) -> set[str]:
    """Return the keys of the tasks on which no other depends."""
    tasks = list(tasks)
    return {task["task_key"] for task in tasks} - dependents(tasks).keys()


def downstream(tasks: Iterable[Settings], keys: Collection[str]) -> set[str]:
    """Return the keys of all tasks that depend on some, directly or not, and those themselves.

    Args:
        tasks: All tasks of a job.
        keys: Where to begin.
    """
    after = dependents(tasks)
    found: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in found:
            found.add(key)
            waiting.extend(after.get(key, ()))
    return found
