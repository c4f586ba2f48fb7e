"""What the caller of a run gave for its tasks, put into their settings.

The fields are those of `jobs/run-now` in https://docs.databricks.com/api/workspace/jobs/runnow.
"""

from collections.abc import Mapping
from typing import Any

# Field of the call, the kinds of task it is for, their field, whether it adds to this or replaces it.
_OVERRIDES: tuple[tuple[str, tuple[str, ...], str, bool], ...] = (
    ("notebook_params", ("notebook_task",), "base_parameters", True),
    ("sql_params", ("sql_task",), "parameters", True),
    ("python_params", ("spark_python_task", "python_wheel_task"), "parameters", False),
    ("python_named_params", ("python_wheel_task",), "named_parameters", False),
)


def with_overrides(task: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a task with the parameters of the run's caller instead of its own.

    Args:
        task: The task's settings.
        given: The parameters of the call, as in `Run.parameters`.
    """
    result = dict(task)
    for field, kinds, target, adds in _OVERRIDES:
        for kind in kinds:
            if field in given and kind in result:
                own = result[kind].get(target) or {}
                result[kind] = {**result[kind], target: {**own, **given[field]} if adds else given[field]}
    if "pipeline_task" in result:
        result["pipeline_task"] = {**result["pipeline_task"], **(given.get("pipeline_params") or {})}
    return result


def parameters_of_child(
    child: Mapping[str, Any], task: Mapping[str, Any], parameters: Mapping[str, str]
) -> dict[str, Any]:
    """Return what a run-job task gives to the run it starts, as in `Run.parameters`.

    Job parameters are pushed down: for names that the child declares, a value of this run goes before one of
    the task.

    Args:
        child: The settings of the job to run.
        task: The `run_job_task`.
        parameters: The job parameters of this run.
    """
    given = {name: value for name, value in task.items() if name != "job_id" and value is not None}
    declared = {each["name"] for each in child.get("parameters", ())}
    pushed = {name: value for name, value in parameters.items() if name in declared}
    if "job_parameters" in given or pushed:
        given["job_parameters"] = {**given.get("job_parameters", {}), **pushed}
    return given
