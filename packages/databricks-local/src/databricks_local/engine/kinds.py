"""What an attempt does, by the kind of task: compare, loop, run a job, update a pipeline, start a process."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from databricks_local.engine import loop
from databricks_local.engine.conditions import ConditionError, compare
from databricks_local.engine.overrides import parameters_of_child
from databricks_local.engine.task_course import TaskCourse
from databricks_local.execution.work import Outcome, Work
from databricks_local.jobs.model import Run

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace


async def carry_out(course: TaskCourse, on_started: Callable[[], None]) -> Outcome:
    """Do the work of an attempt.

    Args:
        course: The task, whose attempt has its references replaced.
        on_started: Called once it really begins.

    Raises:
        asyncio.CancelledError: It was stopped; nothing of it is left.
    """
    settings = course.task.resolved or {}
    if "condition_task" in settings:
        on_started()
        return _compare(course, settings["condition_task"])
    if "for_each_task" in settings:
        on_started()
        return await loop.iterate(course)
    if "run_job_task" in settings:
        return await _run_job(course, settings["run_job_task"], on_started)
    if "pipeline_task" in settings:
        return await _update_pipeline(course, settings["pipeline_task"], on_started)
    return await course.run.workspace.launcher.run(_work(course, settings), on_started)


def _compare(course: TaskCourse, condition: Mapping[str, Any]) -> Outcome:
    try:
        holds = compare(condition["op"], condition["left"], condition["right"])
    except ConditionError as error:
        return Outcome(ok=False, code="INVALID_RUN_CONFIGURATION", message=str(error), error=str(error))
    course.task.condition = "true" if holds else "false"
    return Outcome(ok=True)


async def _run_job(course: TaskCourse, task: Mapping[str, Any], on_started: Callable[[], None]) -> Outcome:
    workspace, run = course.run.workspace, course.run.run
    job = workspace.jobs.job(int(task["job_id"]))
    if job is None:
        return _not_found(f"Job {task['job_id']} does not exist.")
    if job.job_id in _jobs_above(workspace, run):
        return Outcome(
            ok=False,
            code="INVALID_RUN_CONFIGURATION",
            message=f"Job {job.job_id} would run itself: run-job tasks must not form a circle.",
        )
    child = workspace.jobs.new_run(
        job.settings,
        job_id=job.job_id,
        kind="JOB_RUN",
        name=job.settings["name"],
        creator=run.creator,
        trigger="RUN_JOB_TASK",
        trigger_run_id=course.task.run_id,
        parameters=parameters_of_child(job.settings, task, course.run.parameters),
    )
    course.task.started_run_id = child.run_id
    workspace.jobs.save_task(course.task)
    on_started()
    workspace.engine.submit(child)
    try:
        end = await workspace.engine.end_of(child.run_id)
    except asyncio.CancelledError:
        await workspace.engine.cancel(child.run_id)
        await workspace.engine.end_of(child.run_id)
        raise
    if end.succeeded:
        return Outcome(ok=True)
    message = f"Run {child.run_id} of job {job.job_id} did not succeed: {end.message}"
    if end.result == "CANCELED":
        return Outcome(ok=False, code="USER_CANCELED", message=message)
    return Outcome(ok=False, code="RUN_EXECUTION_ERROR", message=message, error=message)


def _jobs_above(workspace: "Workspace", run: Run | None) -> Iterator[int]:
    while run is not None:
        if run.job_id is not None:
            yield run.job_id
        caller = workspace.jobs.task(run.trigger_run_id) if run.trigger_run_id is not None else None
        run = workspace.jobs.run(caller.job_run_id) if caller else None


async def _update_pipeline(
    course: TaskCourse, task: Mapping[str, Any], on_started: Callable[[], None]
) -> Outcome:
    on_started()
    return await course.run.workspace.pipelines.run_update(
        task["pipeline_id"],
        full_refresh=bool(task.get("full_refresh")),
        refresh_selection=list(task.get("refresh_selection") or ()),
        full_refresh_selection=list(task.get("full_refresh_selection") or ()),
    )


def _not_found(message: str) -> Outcome:
    return Outcome(ok=False, code="RESOURCE_NOT_FOUND", message=message, error=message)


def _work(course: TaskCourse, settings: Mapping[str, Any]) -> Work:
    workspace, run, task = course.run.workspace, course.run.run, course.task
    return Work(
        task_run_id=task.run_id,
        run_id=run.run_id,
        job_id=run.job_id,
        task_key=task.key,
        attempt=task.attempt,
        task=settings,
        folder=workspace.root / "runs" / str(task.run_id),
        user=next(iter(run.settings.get("run_as", {}).values()), run.creator),
        cluster=_cluster(settings, run.settings),
        environment=_named(run.settings, "environments", "environment_key", settings, "spec"),
        job_parameters=course.run.parameters,
        task_values={key: each.values for key, each in course.run.tasks.items() if each.values},
        job_name=run.name,
    )


def _cluster(task: Mapping[str, Any], job: Mapping[str, Any]) -> Mapping[str, Any]:
    own: Mapping[str, Any] | None = task.get("new_cluster")
    return own or _named(job, "job_clusters", "job_cluster_key", task, "new_cluster") or {}


def _named(
    job: Mapping[str, Any], field: str, key: str, task: Mapping[str, Any], content: str
) -> Mapping[str, Any] | None:
    """Return the content of the entry in one of a job's lists that a task names; None when it names none."""
    for each in job.get(field, ()):
        if key in task and each[key] == task[key]:
            found: Mapping[str, Any] | None = each.get(content)
            return found
    return None
