"""Jobs, runs and task runs: what the routes, the engine and the run page tell each other of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from databricks_local.jobs.states import PENDING, State

Kind = Literal["JOB_RUN", "SUBMIT_RUN", "WORKFLOW_RUN"]


@dataclass(frozen=True)
class Job:
    """A job.

    Attributes:
        job_id: Never given twice.
        creator: Name of the user who created it.
        created_ms: Epoch milliseconds.
        settings: As the API takes them, defaults filled in.
    """

    job_id: int
    creator: str
    created_ms: int
    settings: dict[str, Any]


@dataclass(frozen=True)
class QueueReason:
    """Why a run or a task run waits: a value of the API's `QueueDetailsCodeCode`, and a sentence."""

    code: str
    message: str


@dataclass
class Repair:
    """One entry of a run's history: the original run or a repair.

    Attributes:
        repair_id: 0 for the original run.
        start_ms: When it began, in epoch milliseconds.
        end_ms: When it ended; 0 while it runs.
        state: How it ended; what it is doing while it runs.
        parameters: The parameters given with it, as in `Run.parameters`.
    """

    repair_id: int
    start_ms: int
    end_ms: int = 0
    state: State = PENDING
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """A run of a job, or a one-time run.

    Attributes:
        run_id: Never given twice; task runs draw from the same numbers.
        job_id: The job it is a run of; None for a one-time run.
        shown_job_id: What the API says its job is: a one-time run has a number of its own there.
        kind: `JOB_RUN`, `SUBMIT_RUN` (`runs/submit`) or `WORKFLOW_RUN` (started by a notebook).
        name: The job's name when it began, or `run_name`.
        creator: Name of the user who started it.
        trigger: A value of the API's `TriggerType`.
        trigger_run_id: The task run that started it, for the trigger `RUN_JOB_TASK`.
        settings: The job's settings when it began, or those of `runs/submit`.
        parameters: What the caller gave: `job_parameters`, `notebook_params`, `python_params`,
            `python_named_params`, `jar_params`, `sql_params`, `pipeline_params`, … Absent when not given.
        start_ms: When it was created, in epoch milliseconds.
        triggered_ms: When its schedule was to fire, in epoch milliseconds; 0 for runs that callers start.
        run_started_ms: When it left the queue; 0 until then. A repair does not change it.
        end_ms: When it ended; 0 until then and while a repair runs.
        state: What it is doing, or how it ended.
        queue: Why it waits or waited; None if it never had to.
        history: The original run and its repairs, oldest first. The last one's state is kept equal to the
            run's by `JobRecords.save_run`.
    """

    run_id: int
    job_id: int | None
    shown_job_id: int
    kind: Kind
    name: str
    creator: str
    trigger: str
    settings: dict[str, Any]
    start_ms: int
    trigger_run_id: int | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    triggered_ms: int = 0
    run_started_ms: int = 0
    end_ms: int = 0
    state: State = PENDING
    queue: QueueReason | None = None
    history: list[Repair] = field(default_factory=list)

    @property
    def job_parameters(self) -> dict[str, str]:
        """The job's parameters with their values in this run: defaults, replaced by what the caller gave."""
        values: dict[str, str] = {
            each["name"]: each["default"] for each in self.settings.get("parameters", ())
        }
        values.update(self.parameters.get("job_parameters", {}))
        return values


@dataclass
class Task:
    """One attempt of one task in a run.

    Attributes:
        run_id: The number of this attempt.
        job_run_id: The run it belongs to.
        key: Its `task_key`. All iterations of a for-each task bear the key of the nested task.
        settings: The task's settings, references in braces as they were written.
        attempt: 0 for the first; retries and repairs count on.
        original_run_id: `run_id` of attempt 0.
        repair_id: The repair it belongs to; 0 for the original run.
        parent_run_id: The task run of the for-each task whose iteration this is; else None.
        iteration: The position of an iteration among its inputs, from 0; None for others.
        input: The iteration's value, as `{{input}}` shows it.
        resolved: The settings with references replaced; None until it starts.
        state: What it is doing, or how it ended.
        queue: Why it waits or waited; None if it never had to.
        start_ms: When its dependencies were met, in epoch milliseconds; 0 until then.
        end_ms: When it ended; 0 until then.
        setup_ms: How long libraries and compute took.
        execution_ms: How long the user's code took.
        error: The error's own sentence; None for a success.
        error_trace: The stack trace that goes with it.
        result: What a notebook handed to `dbutils.notebook.exit`, or what a SQL task returned.
        values: Task values it set, by key.
        condition: `"true"` or `"false"`: what a condition task came to.
        started_run_id: The run that a run-job task started.
    """

    run_id: int
    job_run_id: int
    key: str
    settings: dict[str, Any]
    attempt: int = 0
    original_run_id: int = 0
    repair_id: int = 0
    parent_run_id: int | None = None
    iteration: int | None = None
    input: str | None = None
    resolved: dict[str, Any] | None = None
    state: State = PENDING
    queue: QueueReason | None = None
    start_ms: int = 0
    end_ms: int = 0
    setup_ms: int = 0
    execution_ms: int = 0
    error: str | None = None
    error_trace: str | None = None
    result: Any = None
    values: dict[str, Any] = field(default_factory=dict)
    condition: str | None = None
    started_run_id: int | None = None


@dataclass(frozen=True)
class RunFilter:
    """Which runs a list shows.

    Attributes:
        job_id: Only runs of this job (or the one-time run with this number).
        ended: True for ended ones, False for those still under way, None for both.
        kind: Only runs of this kind.
        start_from: Not older than this, in epoch milliseconds.
        start_to: Not newer than this.
    """

    job_id: int | None = None
    ended: bool | None = None
    kind: str | None = None
    start_from: int | None = None
    start_to: int | None = None


Position = tuple[int, int]
"""Where a run stands in a list: `(start_ms, run_id)`."""
