"""How jobs, runs and task runs become rows of SQLite, and rows those again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from databricks_local.jobs.model import Job, QueueReason, Repair, Run, Task
from databricks_local.jobs.states import State


def where(*conditions: tuple[str, Any]) -> tuple[str, list[Any]]:
    """Return the WHERE of all conditions whose value is not None, and the values to bind.

    Args:
        conditions: SQL with placeholders, and the value for it, or a tuple of values.
    """
    given = [(condition, value) for condition, value in conditions if value is not None]
    values = [part for _, value in given for part in (value if isinstance(value, tuple) else (value,))]
    return "WHERE " + " AND ".join(condition for condition, _ in given) if given else "", values


def folded_name(settings: Mapping[str, Any]) -> str:
    """Return a job's name as it is searched: upper and lower case alike."""
    return str(settings.get("name", "")).casefold()


def text(value: object) -> str:
    """Return a value as JSON; dataclasses become objects."""
    return json.dumps(value, separators=(",", ":"), default=vars)


def body(record: Run | Task) -> str:
    """Return all of a run or a task run but its settings."""
    return text({name: value for name, value in vars(record).items() if name != "settings"})


def opened_job(row: sqlite3.Row) -> Job:
    """Return the job in a row."""
    return Job(row["job_id"], row["creator"], row["created_ms"], json.loads(row["settings"]))


def _opened(row: sqlite3.Row) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(row["body"])
    body["settings"] = json.loads(row["settings"])
    body["state"] = State(**body["state"])
    if body["queue"] is not None:
        body["queue"] = QueueReason(**body["queue"])
    return body


def opened_run(row: sqlite3.Row) -> Run:
    """Return the run in a row."""
    body = _opened(row)
    body["history"] = [Repair(**{**each, "state": State(**each["state"])}) for each in body["history"]]
    return Run(**body)


def opened_task(row: sqlite3.Row) -> Task:
    """Return the task run in a row."""
    return Task(**_opened(row))


def opened_state(text: str) -> State:
    """Return the state in a part of a row."""
    return State(**json.loads(text))
