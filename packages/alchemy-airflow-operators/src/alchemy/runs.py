"""What an answer of https://docs.databricks.com/api/workspace/jobs/getrun says of a run.

``run`` is that answer everywhere.
"""

from collections.abc import Mapping
from typing import Any

_ENDED = ("TERMINATED", "SKIPPED", "INTERNAL_ERROR")


def has_ended(run: Mapping[str, Any]) -> bool:
    """Return whether the run will change no more."""
    return bool(run["state"].get("life_cycle_state") in _ENDED)


def has_succeeded(run: Mapping[str, Any]) -> bool:
    """Return whether the run has ended well."""
    return bool(run["state"].get("result_state") == "SUCCESS")


def has_failed(run: Mapping[str, Any]) -> bool:
    """Return whether the run has ended otherwise: failed, timed out, canceled, skipped."""
    return has_ended(run) and not has_succeeded(run)


def state(run: Mapping[str, Any]) -> str:
    """Return the run's state in one word: its result once there is one."""
    found = run["state"]
    return str(found.get("result_state") or found.get("life_cycle_state"))


def reason(run: Mapping[str, Any]) -> str:
    """Return what the service says about the state, in one line; empty when it says nothing."""
    return " ".join(str(run["state"].get("state_message") or "").split())


def page(run: Mapping[str, Any]) -> str:
    """Return the address of the run's page."""
    return str(run.get("run_page_url") or "")


def clusters(run: Mapping[str, Any]) -> list[str]:
    """Return the ids of the clusters that the run's tasks have been given, each once, in the tasks' order."""
    found = (task.get("cluster_instance", {}).get("cluster_id") for task in _tasks(run))
    return list(dict.fromkeys(cluster for cluster in found if cluster))


def failed_tasks(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the last attempts of the tasks that have failed by themselves, not because of another."""
    last: dict[str, Mapping[str, Any]] = {}
    for task in sorted(_tasks(run), key=lambda task: task.get("attempt_number", 0)):
        last[task["task_key"]] = task
    return [task for task in last.values() if task["state"].get("result_state") in _FAILED]


def _tasks(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(run.get("tasks") or ())


_FAILED = ("FAILED", "TIMEDOUT", "INTERNAL_ERROR", "MAXIMUM_CONCURRENT_RUNS_REACHED")
