"""What the engine asks of the launcher, and what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Work:
    """One attempt of one task.

    Attributes:
        task_run_id: The number of this attempt.
        run_id: The run it belongs to.
        job_id: The job of that run; None for a one-time run.
        task_key: The task's key.
        attempt: 0 for the first.
        task: The task's settings, references in braces replaced, parameters of the caller put in.
        folder: Its own folder (``<root>/runs/<task run id>``); ``stdout`` and ``stderr`` grow there.
        user: Who it runs as.
        cluster: Settings of its cluster, as ``new_cluster`` takes them; empty without one.
        environment: The ``spec`` of its serverless environment, if it has one.
        job_parameters: The job's parameters with their values in this run.
        task_values: What the tasks before it set: ``{task key: {key: value}}``.
        job_name: Name of the job or of the one-time run.
    """

    task_run_id: int
    run_id: int
    job_id: int | None
    task_key: str
    attempt: int
    task: Mapping[str, Any]
    folder: Path
    user: str
    cluster: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] | None = None
    job_parameters: Mapping[str, str] = field(default_factory=dict)
    task_values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    job_name: str = ""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended.

    Attributes:
        ok: Whether the user's code ran to its end without an error.
        code: A value of the API's ``TerminationCodeCode``: ``SUCCESS``, ``RUN_EXECUTION_ERROR``,
            ``LIBRARY_INSTALLATION_ERROR``, ``INVALID_RUN_CONFIGURATION``, ``RESOURCE_NOT_FOUND``,
            ``INTERNAL_ERROR``.
        message: The state message; empty for a success.
        error: The last line of the exception, as ``runs/get-output`` shows it.
        error_trace: The traceback that goes with it.
        result: What a notebook handed to ``dbutils.notebook.exit``, or the last rows of a SQL file.
        values: Task values it set.
        setup_ms: How long it took until user code began, without the wait for a free slot.
        execution_ms: How long the user's code took.
    """

    ok: bool
    code: str = "SUCCESS"
    message: str = ""
    error: str | None = None
    error_trace: str | None = None
    result: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)
    setup_ms: int = 0
    execution_ms: int = 0
