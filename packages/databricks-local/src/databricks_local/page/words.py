"""How states, times and kinds of tasks are written for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from databricks_local.jobs.model import Run
from databricks_local.jobs.states import State


@dataclass(frozen=True)
class Shown:
    """A state for people: colour, sign and words say the same.

    Attributes:
        tone: The colour's name in the style sheet.
        sign: One character.
        words: What a screen reader reads.
    """

    tone: str
    sign: str
    words: str


_RESULTS: Mapping[str, Shown] = {
    "SUCCESS": Shown("good", "✓", "Succeeded"),
    "SUCCESS_WITH_FAILURES": Shown("fair", "✓", "Succeeded with failures"),
    "FAILED": Shown("bad", "✕", "Failed"),
    "TIMEDOUT": Shown("bad", "✕", "Timed out"),
    "CANCELED": Shown("off", "⊘", "Canceled"),
    "UPSTREAM_FAILED": Shown("off", "⊘", "Upstream failed"),
    "UPSTREAM_CANCELED": Shown("off", "⊘", "Upstream canceled"),
    "EXCLUDED": Shown("off", "⊘", "Excluded"),
    "DISABLED": Shown("off", "⊘", "Disabled"),
    "MAXIMUM_CONCURRENT_RUNS_REACHED": Shown("off", "⊘", "Skipped: too many runs"),
}
_LIFE_CYCLES: Mapping[str, Shown] = {
    "RUNNING": Shown("busy", "▸", "Running"),
    "PENDING": Shown("wait", "…", "Pending"),
    "QUEUED": Shown("wait", "…", "Queued"),
    "BLOCKED": Shown("wait", "…", "Blocked"),
    "WAITING_FOR_RETRY": Shown("wait", "↻", "Waiting for retry"),
    "TERMINATING": Shown("wait", "…", "Terminating"),
    "SKIPPED": Shown("off", "⊘", "Skipped"),
    "INTERNAL_ERROR": Shown("bad", "✕", "Internal error"),
}

_KINDS: Mapping[str, str] = {
    "spark_python_task": "Python file",
    "python_wheel_task": "Python wheel",
    "notebook_task": "Notebook",
    "sql_task": "SQL file",
    "pipeline_task": "Pipeline",
    "condition_task": "Condition",
    "for_each_task": "For each",
    "run_job_task": "Run job",
}


def state(of: State) -> Shown:
    """Return a state for people."""
    # The life cycle of a run whose program failed is INTERNAL_ERROR too.
    if of.result and of.result in _RESULTS and of.code != "INTERNAL_ERROR":
        return _RESULTS[of.result]
    return _LIFE_CYCLES.get(of.life_cycle) or Shown("wait", "…", of.life_cycle)


def kind(settings: Mapping[str, Any]) -> str:
    """Return what kind of task it is.

    Args:
        settings: The task's, as the API takes them.
    """
    return next((words for name, words in _KINDS.items() if settings.get(name) is not None), "Task")


def duration(milliseconds: int) -> str:
    """Return a length of time, exact enough for its size."""
    if milliseconds < 10_000:
        return f"{max(0, milliseconds) / 1000:.1f} s"
    if milliseconds < 60_000:
        return f"{milliseconds // 1000} s"
    if milliseconds < 3_600_000:
        return f"{milliseconds // 60_000} min {milliseconds // 1000 % 60:02} s"
    return minutes(milliseconds)


def minutes(milliseconds: int) -> str:
    """Return a length of time in hours and minutes."""
    hours, rest = divmod(milliseconds // 60_000, 60)
    return f"{hours} h {rest:02} min" if hours else f"{rest} min"


def lasted(run: Run, now_ms: int) -> str:
    """Return how long a run took, or takes: without the time between its end and a repair.

    Args:
        run: The run.
        now_ms: The time of the workspace.
    """
    return duration(sum((each.end_ms or now_ms) - each.start_ms for each in run.history))


def iso(milliseconds: int) -> str:
    """Return a moment as the attribute ``datetime`` has it: in UTC, to the second."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(milliseconds: int) -> str:
    """Return a moment for people, in UTC."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def schedule(settings: Mapping[str, Any]) -> str:
    """Return what starts a job by itself; empty when nothing does.

    Args:
        settings: The job's, as the API takes them.
    """
    if cron := settings.get("schedule"):
        paused = ", paused" if cron.get("pause_status") == "PAUSED" else ""
        return f"{cron.get('quartz_cron_expression')} ({cron.get('timezone_id')}{paused})"
    if settings.get("continuous"):
        return "continuous"
    return "trigger" if settings.get("trigger") or settings.get("triggers") else ""
