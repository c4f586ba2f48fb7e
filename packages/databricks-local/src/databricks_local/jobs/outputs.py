"""What a task run left behind: its error, its logs, its result."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from databricks_local.jobs.model import Run, Task
from databricks_local.jobs.shapes import task_run_fields
from databricks_local.jobs.tasks import kind_of

_MOST_BYTES = 5 * 2**20
_STREAMS = ("stdout", "stderr")
_WITH_LOGS = ("python_wheel_task", "spark_python_task")


async def output_fields(task: Task, run: Run, *, host: str, root: Path) -> dict[str, Any]:
    """Return what `runs/get-output` tells of a task run.

    Args:
        task: The task run.
        run: The run it belongs to.
        host: The workspace's address.
        root: The workspace's folder.
    """
    shown: dict[str, Any] = {"metadata": task_run_fields(task, run, host)}
    kind = kind_of(task.settings)
    if kind in _WITH_LOGS:
        folder = root / "runs" / str(task.run_id)
        shown["logs"], shown["logs_truncated"] = await asyncio.to_thread(_end_of_streams, folder)
    if kind == "notebook_task":
        shown["notebook_output"] = _notebook_output(task.result)
    if kind == "sql_task" and task.state.succeeded:
        # Rows are not part of the answer: the service links to the page that shows them.
        warehouse = task.settings["sql_task"]["warehouse_id"]
        link = shown["metadata"]["run_page_url"]
        shown["sql_output"] = {"query_output": {"warehouse_id": warehouse, "output_link": link}}
    if kind == "run_job_task" and task.started_run_id is not None:
        shown["run_job_output"] = {"run_id": task.started_run_id}
    if task.error is not None:
        shown["error"] = task.error
    elif task.state.ended and not task.state.succeeded:
        shown["error"] = task.state.message
    if task.error_trace is not None:
        shown["error_trace"] = task.error_trace
    return shown


def _notebook_output(result: str | None) -> dict[str, Any]:
    if result is None:
        return {}
    start = result.encode()[:_MOST_BYTES].decode(errors="ignore")
    return {"result": start, "truncated": start != result}


def _end_of_streams(folder: Path) -> tuple[str, bool]:
    """Return what a task wrote to its standard streams, from the end, and whether the start is left out."""
    room, truncated, parts = _MOST_BYTES, False, list[bytes]()
    for name in reversed(_STREAMS):
        try:
            with (folder / name).open("rb") as stream:
                size = stream.seek(0, 2)
                stream.seek(max(0, size - room))
                part = stream.read(room)
        except FileNotFoundError:
            continue
        parts.append(part)
        truncated = truncated or size > len(part)
        room -= len(part)
    return b"".join(reversed(parts)).decode(errors="replace"), truncated
