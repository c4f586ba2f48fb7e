"""What a task's settings must be like: one kind of work, compute that exists, dependencies without a cycle.

The sentences follow those of the service where they are known from public reports of its clients.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from databricks_local.errors import invalid, not_imitated

IMITATED = (
    "condition_task",
    "for_each_task",
    "notebook_task",
    "pipeline_task",
    "python_wheel_task",
    "run_job_task",
    "spark_python_task",
    "sql_task",
)
"""The kinds of work that this workspace does; any other field that ends in `_task` is refused."""

_ON_SPARK = ("notebook_task", "python_wheel_task", "spark_python_task")
_NEED_ENVIRONMENT = ("python_wheel_task", "spark_python_task")
_COMPUTE = ("existing_cluster_id", "job_cluster_key", "new_cluster")
_RETRIES = ("max_retries", "min_retry_interval_millis", "retry_on_timeout")
_KEY = re.compile(r"[\w-]{1,100}", re.ASCII)
_REQUIRED = {
    "condition_task": ("op", "left", "right"),
    "for_each_task": ("inputs", "task"),
    "notebook_task": ("notebook_path",),
    "pipeline_task": ("pipeline_id",),
    "python_wheel_task": ("package_name", "entry_point"),
    "run_job_task": ("job_id",),
    "spark_python_task": ("python_file",),
    "sql_task": ("warehouse_id",),
}
_MOST_ITERATIONS = 5000
_MOST_PARALLEL_ITERATIONS = 100


def kind_of(task: Mapping[str, Any]) -> str:
    """Return the field that says what a task does, such as `notebook_task`."""
    return next(name for name in task if name.endswith("_task"))


def check_tasks(
    tasks: Sequence[Mapping[str, Any]], *, cluster_keys: Collection[str], environment_keys: Collection[str]
) -> None:
    """Refuse tasks that the service would refuse, and those that this workspace cannot run.

    Args:
        tasks: The settings of all tasks of a job or of a one-time run.
        cluster_keys: The `job_cluster_key` of each of the job's clusters.
        environment_keys: The `environment_key` of each of its environments.

    Raises:
        ApiError: 400: a setting is not accepted; 501: a kind of task is not imitated.
    """
    by_key: dict[str, Mapping[str, Any]] = {}
    for task in tasks:
        _check_key(task)
        if task["task_key"] in by_key:
            raise invalid(f"Task key '{task['task_key']}' is used by more than one task of the job.")
        by_key[task["task_key"]] = task
    for task in tasks:
        _check_work(task)
        _check_compute(task, cluster_keys, environment_keys)
        _check_numbers(task)
        for dependency in task.get("depends_on", ()):
            _check_dependency(task, dependency, by_key)
        if "for_each_task" in task:
            _check_for_each(task, cluster_keys, environment_keys)
    _check_acyclic(by_key)


def _check_key(task: Mapping[str, Any]) -> None:
    key = task.get("task_key")
    if not key:
        raise invalid("Missing required field: settings.tasks.task_key.")
    if not _KEY.fullmatch(key):
        raise invalid(
            f"Task key '{key}' is not accepted: it must have 1 to 100 characters, "
            "letters, digits, '_' and '-' only."
        )


def _check_work(task: Mapping[str, Any]) -> None:
    key = task["task_key"]
    kinds = [name for name in task if name.endswith("_task")]
    if not kinds:
        raise invalid(f"No task defined for {key}")
    if len(kinds) > 1:
        raise invalid(f"Task '{key}' defines more than one task: {' and '.join(sorted(kinds))}.")
    kind = kinds[0]
    if kind not in IMITATED:
        raise not_imitated(f"{kind} (task '{key}')")
    for name in _REQUIRED[kind]:
        if task[kind].get(name) in (None, ""):
            raise invalid(f"Missing required field: settings.tasks.{kind}.{name} (task '{key}').")
    if kind == "sql_task" and "file" not in task[kind]:
        raise not_imitated(f"queries, alerts and dashboards of sql_task (task '{key}'): name a file")
    if kind == "sql_task" and not task[kind]["file"].get("path"):
        raise invalid(f"Missing required field: settings.tasks.sql_task.file.path (task '{key}').")
    source = task[kind].get("file", task[kind]).get("source") if kind != "for_each_task" else None
    if source == "GIT":
        raise not_imitated(f"source GIT (task '{key}'): use files of the workspace")


def _check_compute(
    task: Mapping[str, Any], cluster_keys: Collection[str], environment_keys: Collection[str]
) -> None:
    key, kind = task["task_key"], kind_of(task)
    named = [name for name in _COMPUTE if name in task]
    if len(named) > 1:
        raise invalid(f"Only one of {' and '.join(named)} can be specified for task '{key}'.")
    if task.get("job_cluster_key", "") and task["job_cluster_key"] not in cluster_keys:
        raise invalid(
            f"Job cluster '{task['job_cluster_key']}' of task '{key}' is not defined in field 'job_clusters'."
        )
    environment = task.get("environment_key")
    if environment is not None and environment not in environment_keys:
        raise invalid(f"Environment '{environment}' of task '{key}' is not defined in field 'environments'.")
    if "new_cluster" in task:
        check_cluster(task["new_cluster"])
    if named or kind not in _ON_SPARK:
        return
    if kind in _NEED_ENVIRONMENT and environment is None:
        raise invalid(
            f"An environment is required for serverless task {key}. "
            "Please define one using `environments` and `environment_key`."
        )
    if task.get("libraries"):
        raise invalid(
            f"Libraries field is not supported for serverless task {key}, "
            "please specify libraries in environment."
        )


def check_cluster(cluster: Mapping[str, Any]) -> None:
    """Refuse a new cluster that lacks its runtime or its size.

    Args:
        cluster: The settings of a `new_cluster`.

    Raises:
        ApiError: 400.
    """
    # A policy or a single node gives what the cluster itself does not say.
    if cluster.get("policy_id") or cluster.get("is_single_node"):
        return
    if not cluster.get("spark_version"):
        raise invalid("Missing required field: settings.cluster_spec.new_cluster.spark_version")
    if cluster.get("num_workers") is None and not cluster.get("autoscale"):
        raise invalid("Missing required field: settings.cluster_spec.new_cluster.size")


def _check_numbers(task: Mapping[str, Any]) -> None:
    for name, least in (("timeout_seconds", 0), ("max_retries", -1), ("min_retry_interval_millis", 0)):
        if task.get(name, least) < least:
            raise invalid(f"{name} of task '{task['task_key']}' is {task[name]}, but the least is {least}.")
    if "condition_task" in task and any(task.get(name) for name in _RETRIES):
        raise invalid(f"Task '{task['task_key']}' is a condition_task, which cannot be retried.")


def _check_dependency(
    task: Mapping[str, Any], dependency: Mapping[str, Any], by_key: Mapping[str, Mapping[str, Any]]
) -> None:
    key, upstream = task["task_key"], dependency.get("task_key")
    if not upstream:
        raise invalid("Missing required field: settings.tasks.depends_on.task_key.")
    if upstream not in by_key:
        raise invalid(f"Task '{key}' depends on '{upstream}', which is no task of the job.")
    outcome = dependency.get("outcome")
    if outcome is None:
        return
    if "condition_task" not in by_key[upstream]:
        raise invalid(f"Task '{key}' asks for an outcome of '{upstream}', which is no condition_task.")
    if outcome not in ("true", "false"):
        raise invalid(
            f"Task '{key}' asks for outcome '{outcome}' of '{upstream}': it can be 'true' or 'false'."
        )


def _check_for_each(
    task: Mapping[str, Any], cluster_keys: Collection[str], environment_keys: Collection[str]
) -> None:
    key, loop = task["task_key"], task["for_each_task"]
    nested = loop["task"]
    if any(name in task for name in _RETRIES):
        raise invalid(f"Task '{key}' is a for_each_task: set retries in its nested task.")
    if nested.get("depends_on"):
        raise invalid(f"The nested task of for_each_task '{key}' cannot depend on other tasks.")
    for kind in ("for_each_task", "condition_task"):
        if kind in nested:
            raise invalid(f"The nested task of for_each_task '{key}' cannot be a {kind}.")
    if not 1 <= loop.get("concurrency", 1) <= _MOST_PARALLEL_ITERATIONS:
        raise invalid(
            f"concurrency of for_each_task '{key}' is {loop['concurrency']}, "
            f"but must be between 1 and {_MOST_PARALLEL_ITERATIONS}."
        )
    if "{{" not in loop["inputs"]:
        try:
            inputs = json.loads(loop["inputs"])
        except ValueError:
            inputs = None
        if not isinstance(inputs, list):
            raise invalid(f"inputs of for_each_task '{key}' must be a JSON array or a reference to one.")
        if len(inputs) > _MOST_ITERATIONS:
            raise invalid(f"inputs of for_each_task '{key}' has more than {_MOST_ITERATIONS} elements.")
    check_tasks([nested], cluster_keys=cluster_keys, environment_keys=environment_keys)


def _check_acyclic(by_key: Mapping[str, Mapping[str, Any]]) -> None:
    upstream = {
        key: {each["task_key"] for each in task.get("depends_on", ())} for key, task in by_key.items()
    }
    try:
        TopologicalSorter(upstream).prepare()
    except CycleError as error:
        cycle = " -> ".join(error.args[1])
        raise invalid(f"Task dependency graph contains a cycle: {cycle}.") from None
