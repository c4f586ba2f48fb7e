"""The request that starts a run: of a task of its own, or of a job that is there."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from alchemy.errors import PayloadError
from alchemy.payload.notifications import notifications as notification_fields
from alchemy.payload.text import text_map

_MOST_SECONDS = 2**31 - 1
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def submit_run(
    name: str,
    task: Mapping[str, Any],
    *,
    run_as: str | None = None,
    notifications: Mapping[str, Sequence[str]] | None = None,
    timeout: timedelta | float | None = None,
) -> dict[str, Any]:
    """Return the body of https://docs.databricks.com/api/workspace/jobs/submit.

    Args:
        name: ``run_name``.
        task: The one item of ``tasks``.
        run_as: ``run_as``: a user's e-mail address or a service principal's application id.
        notifications: Who is told of what, see ``notifications``.
        timeout: ``timeout_seconds``: a span of time, or seconds; None: no limit.

    Raises:
        PayloadError: An argument cannot become its field.
    """
    payload: dict[str, Any] = {"run_name": name, "tasks": [dict(task)]}
    if run_as:
        payload["run_as"] = _identity(run_as)
    if timeout is not None:
        payload["timeout_seconds"] = _seconds(timeout)
    return payload | notification_fields(notifications or {})


def run_now(job_id: int, job_parameters: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return the body of https://docs.databricks.com/api/workspace/jobs/runnow.

    Args:
        job_id: ``job_id``.
        job_parameters: ``job_parameters``; values are texts, numbers or bools.

    Raises:
        PayloadError: A parameter is something else.
    """
    return {"job_id": job_id, **_parameters(job_parameters)}


def repair_run(
    run_id: int, latest_repair_id: int | None, job_parameters: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Return the body of https://docs.databricks.com/api/workspace/jobs/repairrun for all failed tasks.

    Args:
        run_id: ``run_id``.
        latest_repair_id: ``latest_repair_id``: the repair before this one; None: it is the first.
        job_parameters: ``job_parameters``, as for ``run_now``.

    Raises:
        PayloadError: A parameter is neither text, a number nor a bool.
    """
    before = {} if latest_repair_id is None else {"latest_repair_id": latest_repair_id}
    return {"run_id": run_id, "rerun_all_failed_tasks": True, **before, **_parameters(job_parameters)}


def _parameters(job_parameters: Mapping[str, object] | None) -> dict[str, Any]:
    return {"job_parameters": text_map(job_parameters, "job_parameters")} if job_parameters else {}


def _identity(run_as: str) -> dict[str, str]:
    given = run_as if isinstance(run_as, str) else ""
    if "@" in given:
        return {"user_name": run_as}
    if _UUID.fullmatch(given):
        return {"service_principal_name": run_as}
    raise PayloadError(
        f"run_as is {run_as!r}: give a user's e-mail address or a service principal's application id."
    )


def _seconds(timeout: object) -> int:
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if isinstance(seconds, str) and seconds.isdecimal():
        seconds = int(seconds)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 1 <= seconds <= _MOST_SECONDS:
        raise PayloadError(f"timeout is {timeout!r}: give a timedelta or seconds from 1 to {_MOST_SECONDS}.")
    return round(seconds)
