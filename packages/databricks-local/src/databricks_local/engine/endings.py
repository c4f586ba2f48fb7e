"""The states in which runs and their tasks end, each with its sentence."""

from databricks_local.engine.conditions import Decision
from databricks_local.execution.work import Outcome
from databricks_local.jobs.states import SUCCESS, State

CANCELED = State("TERMINATED", "CANCELED", "Run cancelled.", "USER_CANCELED", canceled_or_timed_out=True)
STOPPED = State(
    "INTERNAL_ERROR",
    "FAILED",
    "The workspace was stopped while this was under way: start it again, then repair or start the run anew.",
    "INTERNAL_ERROR",
)
DISABLED = State("SKIPPED", "DISABLED", "The task is disabled.", "DISABLED")

_SKIPPED = {
    Decision.EXCLUDED: State("SKIPPED", "EXCLUDED", "Dependency type condition was not met.", "SKIPPED"),
    Decision.UPSTREAM_FAILED: State("SKIPPED", "UPSTREAM_FAILED", "An upstream task failed.", "SKIPPED"),
    Decision.UPSTREAM_CANCELED: State(
        "SKIPPED", "UPSTREAM_CANCELED", "An upstream task was canceled.", "SKIPPED"
    ),
}
_WORKLOAD_FAILED = "Workload failed, see run output for details"


def skipped(decision: Decision) -> State:
    """Return the end of a task that does not run.

    Args:
        decision: Why; anything but RUN.
    """
    return _SKIPPED[decision]


def timed_out(seconds: int) -> State:
    """Return the end of what took too long.

    Args:
        seconds: Its timeout.
    """
    # The service keeps CANCELED for what it stops itself, such as a run over its time.
    message = f"Run timed out: it took longer than {seconds} seconds."
    return State("TERMINATED", "TIMEDOUT", message, "CANCELED", canceled_or_timed_out=True)


def failed(code: str, message: str = "") -> State:
    """Return the end of a task that failed.

    Args:
        code: A value of `TerminationCodeCode`.
        message: The sentence; empty for user code that failed, whose output says more.
    """
    # The older vocabulary keeps TERMINATED for tasks whose code was run.
    life_cycle = "TERMINATED" if code == "RUN_EXECUTION_ERROR" else "INTERNAL_ERROR"
    return State(life_cycle, "FAILED", message or _WORKLOAD_FAILED, code)


def ended(outcome: Outcome) -> State:
    """Return the end of a task whose work has ended.

    Args:
        outcome: How it did.
    """
    if outcome.ok:
        return SUCCESS
    return CANCELED if outcome.code == "USER_CANCELED" else failed(outcome.code, outcome.message)


def too_many_runs(limit: int) -> State:
    """Return the end of a run that came while as many as may were active.

    Args:
        limit: The job's `max_concurrent_runs`.
    """
    return State(
        "SKIPPED",
        "MAXIMUM_CONCURRENT_RUNS_REACHED",
        f"Skipping this run because the limit of {limit} maximum concurrent runs has been reached.",
        "MAX_CONCURRENT_RUNS_EXCEEDED",
    )


def run_ended(result: str, culprit: tuple[str, State] | None) -> State:
    """Return the end of a run.

    Args:
        result: What `result_of_run` says.
        culprit: Key and end of the task that failed first; None when tasks were canceled only.
    """
    if result == "SUCCESS":
        return SUCCESS
    if result == "CANCELED":
        return CANCELED
    message, code = "", "RUN_EXECUTION_ERROR"
    if culprit:
        key, end = culprit
        message = f"Task {key} failed with message: {end.message.rstrip('.')}."
        code = "INTERNAL_ERROR" if end.code == "INTERNAL_ERROR" else code
    if result == "SUCCESS_WITH_FAILURES":
        return State("TERMINATED", result, message, result)
    # Clients know failed runs with several tasks by this life cycle state, odd as it is.
    message += " This caused all downstream tasks to get skipped."
    return State("INTERNAL_ERROR", "FAILED", message, code)
