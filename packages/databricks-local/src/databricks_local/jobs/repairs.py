"""Which tasks of an ended run a repair runs again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from databricks_local.engine.graph import downstream
from databricks_local.errors import invalid, wrong_state
from databricks_local.jobs.model import Run, Task
from databricks_local.jobs.parameters import check_keys

_NOT_FAILED = frozenset({"SUCCESS", "SUCCESS_WITH_FAILURES", "EXCLUDED", "DISABLED"})


def check_repairable(run: Run, latest_repair_id: int | None) -> None:
    """Refuse the repair of a run that is under way, or by a caller who has not seen the latest repair.

    Args:
        run: The run.
        latest_repair_id: What the caller takes for the latest repair; None for none.

    Raises:
        ApiError: 400.
    """
    if not run.state.ended:
        raise wrong_state(f"Run {run.run_id} is in progress: only a run that has ended can be repaired.")
    latest = run.history[-1].repair_id
    if latest and latest_repair_id is None:
        raise invalid("The latest repair ID needs to be provided in order to create a new repair")
    if latest_repair_id is not None and latest_repair_id != latest:
        raise invalid(f"{latest_repair_id} is not the ID of the latest repair of run {run.run_id}.")


def tasks_to_rerun(
    tasks: Sequence[Mapping[str, Any]], latest: Mapping[str, Task], values: Mapping[str, Any]
) -> set[str]:
    """Return the keys of the tasks to run again.

    Args:
        tasks: The settings of the run's tasks.
        latest: The latest attempt of each.
        values: The fields of `runs/repair`.

    Raises:
        ApiError: 400: the fields name no task, an unknown one, or exclude each other.
    """
    named, all_failed = values.get("rerun_tasks", []), values.get("rerun_all_failed_tasks", False)
    if named and all_failed:
        raise invalid("Only one of rerun_tasks or rerun_all_failed_tasks can be used.")
    if not named and not all_failed:
        raise invalid("One of rerun_tasks or rerun_all_failed_tasks must be specified.")
    if any(count > 1 for count in Counter(named).values()):
        raise invalid("rerun_tasks cannot contain duplicate task keys.")
    ran = [task for task in tasks if task["task_key"] in latest]
    check_keys(ran, named, "rerun_tasks")
    failed = {key for key, task in latest.items() if task.state.result not in _NOT_FAILED}
    keys = set(named) or failed & {task["task_key"] for task in ran}
    if not keys:
        raise invalid("The run has no failed task to repair.")
    return downstream(ran, keys) if values.get("rerun_dependent_tasks") else keys
