"""The routes of runs that are there: https://docs.databricks.com/api/workspace/jobs, versions 2.1 and 2.2."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath
from typing import Any

from databricks.sdk.service.jobs import JobsAPI

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid, wrong_state
from databricks_local.fields import fields_of
from databricks_local.jobs import start_api
from databricks_local.jobs.api import VERSIONS, job_of, version_of
from databricks_local.jobs.export import notebook_page
from databricks_local.jobs.model import Run, Task
from databricks_local.jobs.outputs import output_fields
from databricks_local.jobs.paging import ELEMENTS, opened, page_of_answers, page_of_elements, token
from databricks_local.jobs.parameters import run_parameters
from databricks_local.jobs.records import RunFilter
from databricks_local.jobs.repairs import check_repairable, tasks_to_rerun
from databricks_local.jobs.shapes import (
    history_fields,
    run_fields,
    run_lists,
    single_task_fields,
    task_fields,
    task_run_fields,
)
from databricks_local.jobs.tasks import kind_of

_MOST_RUNS = 25
_DEFAULT_RUNS = 20


async def get(call: Call) -> object:
    """Show one run, or one task run and the iterations of a for-each task."""
    workspace, values = call.workspace, call.values
    found = _found(call)
    resolved = values.get("include_resolved_values", False)
    if isinstance(found, Run):
        run = found
        tasks = workspace.jobs.tasks(run.run_id)
        shown = run_fields(run, workspace.host)
        if len({task.key for task in tasks}) == 1:
            shown |= single_task_fields(tasks[-1], run)
        history = _history(call, run) if values.get("include_history") else []
        lists = run_lists(run, [_task(call, task, run, resolved) for task in tasks], history=history)
    else:
        run, task = _run_of(call, found), found
        shown = task_run_fields(task, run, workspace.host)
        iterations = [_task(call, each, run, resolved) for each in workspace.jobs.iterations(task)]
        lists = run_lists(run, [_task(call, task, run, resolved)], history=[])
        if iterations:
            lists["iterations"] = iterations
    page, following = page_of_elements(lists, version_of(call), values.get("page_token"))
    if isinstance(found, Task):
        # Each page of iterations names the for-each task itself.
        page["tasks"] = lists["tasks"]
    return {**shown, **page} | ({"next_page_token": following, "has_more": True} if following else {})


def _task(call: Call, task: Task, run: Run, resolved: bool) -> dict[str, Any]:
    loops = "for_each_task" in task.settings
    iterations = call.workspace.jobs.iteration_states(task) if loops else None
    return task_fields(task, run, call.workspace.host, iterations=iterations, resolved=resolved)


def _history(call: Call, run: Run) -> list[dict[str, Any]]:
    tasks = call.workspace.jobs.tasks(run.run_id)
    return [
        history_fields(each, [task.run_id for task in tasks if task.repair_id == each.repair_id])
        for each in run.history
    ]


def _found(call: Call) -> Run | Task:
    run_id = call.values["run_id"]
    found = call.workspace.jobs.run(run_id) or call.workspace.jobs.task(run_id)
    if found is None:
        raise invalid(f"Run {run_id} does not exist.")
    return found


def _run_of(call: Call, task: Task) -> Run:
    run = call.workspace.jobs.run(task.job_run_id)
    if run is None:
        raise invalid(f"Run {task.job_run_id} does not exist.")
    return run


def _job_run(call: Call) -> Run:
    run_id = call.values["run_id"]
    run = call.workspace.jobs.run(run_id)
    if run is None:
        raise invalid(f"Run {run_id} does not exist.")
    return run


async def list_runs(call: Call) -> object:
    """Show the runs of one or all jobs, newest first, by pages."""
    values, records = call.values, call.workspace.jobs
    if values.get("active_only") and values.get("completed_only"):
        raise invalid("active_only and completed_only cannot both be true.")
    # By the API's documentation a limit of 0 stands for the largest.
    limit = values.get("limit", _DEFAULT_RUNS) or _MOST_RUNS
    if not 1 <= limit <= _MOST_RUNS:
        raise invalid(f"limit is {limit}, but must be between 1 and {_MOST_RUNS}.")
    ended = {"active_only": False, "completed_only": True}
    only = RunFilter(
        job_id=values.get("job_id"),
        ended=next((value for name, value in ended.items() if values.get(name)), None),
        kind=values.get("run_type"),
        start_from=values.get("start_time_from"),
        start_to=values.get("start_time_to"),
    )
    start: dict[str, Any] = {"offset": values.get("offset", 0)}
    if values.get("page_token"):
        direction, position = opened(values["page_token"], {"older_than": 2, "newer_than": 2})
        start = {direction: position}
    found = records.runs(only, limit=limit, **start)
    answer: dict[str, Any] = {}
    if found:
        first, last = ((run.start_ms, run.run_id) for run in (found[0], found[-1]))
        answer["runs"] = [_listed(call, run) for run in found]
        if records.runs(only, limit=1, older_than=last):
            answer["next_page_token"] = token("older_than", *last)
        if records.runs(only, limit=1, newer_than=first):
            answer["prev_page_token"] = token("newer_than", *first)
    return page_of_answers(answer, version_of(call))


def _listed(call: Call, run: Run) -> dict[str, Any]:
    shown = run_fields(run, call.workspace.host)
    if not call.values.get("expand_tasks"):
        return shown
    tasks = [_task(call, task, run, False) for task in call.workspace.jobs.tasks(run.run_id)]
    lists = run_lists(run, tasks, history=[])
    if version_of(call) != "2.1":
        shown["has_more"] = any(len(each) > ELEMENTS for each in lists.values())
        lists = {name: each[:ELEMENTS] for name, each in lists.items()}
    return shown | lists


async def get_output(call: Call) -> object:
    """Show what a task run left, or the only task of a run."""
    task, run = _single_task(
        call,
        "Retrieving the output of runs with multiple tasks is not supported. "
        "Please retrieve the output of each individual task run instead.",
    )
    return await output_fields(task, run, host=call.workspace.host, root=call.workspace.root)


def _single_task(call: Call, several: str) -> tuple[Task, Run]:
    found = _found(call)
    if isinstance(found, Task):
        return found, _run_of(call, found)
    tasks = call.workspace.jobs.tasks(found.run_id)
    if len({task.key for task in tasks}) != 1:
        raise invalid(several)
    return tasks[-1], found


async def export(call: Call) -> object:
    """Show the code of a notebook task as a page."""
    task, _ = _single_task(
        call, "Exporting runs with multiple tasks is not supported. Please export each task run instead."
    )
    if kind_of(task.settings) != "notebook_task":
        raise invalid(f"Run {task.run_id} is no notebook task: only notebooks can be exported.")
    if call.values.get("views_to_export", "CODE") == "DASHBOARDS":
        return {"views": []}
    path = (task.resolved or task.settings)["notebook_task"]["notebook_path"]
    tree = call.workspace.tree
    language, source = tree.get(path).language or "PYTHON", await asyncio.to_thread(tree.read, path)
    name = PurePosixPath(path).name
    page = notebook_page(name, language, source)
    return {"views": [{"type": "NOTEBOOK", "name": name, "content": page}]}


async def cancel(call: Call) -> object:
    """Cancel a run or a task run; what has ended stays as it is."""
    _found(call)
    await call.workspace.engine.cancel(call.values["run_id"])
    return {}


async def cancel_all(call: Call) -> object:
    """Cancel all active runs of a job, or all queued ones of the workspace."""
    queued = call.values.get("all_queued_runs", False)
    if "job_id" in call.values:
        job_of(call)
    elif not queued:
        raise invalid("Missing required field: job_id")
    call.workspace.engine.cancel_all(call.values.get("job_id"), queued_only=queued)
    return {}


async def delete(call: Call) -> object:
    """Delete a run that has ended."""
    run = _job_run(call)
    if not run.state.ended:
        raise wrong_state(f"Run {run.run_id} is still active: cancel it first.")
    call.workspace.jobs.delete_run(run.run_id)
    return {}


async def repair(call: Call) -> object:
    """Run some tasks of an ended run again, by the job's settings of today."""
    run, records = _job_run(call), call.workspace.jobs
    check_repairable(run, call.values.get("latest_repair_id"))
    latest = {task.key: task for task in records.tasks(run.run_id)}
    job = records.job(run.job_id) if run.job_id is not None else None
    settings = job.settings if job else run.settings
    keys = tasks_to_rerun(settings["tasks"], latest, call.values)
    parameters = run_parameters(call.values)
    if "job_parameters" in parameters:
        # Those that are not given again stay what they were in the run.
        parameters["job_parameters"] = {
            **run.parameters.get("job_parameters", {}),
            **parameters["job_parameters"],
        }
    begun = records.new_repair(run, keys, parameters=parameters, settings=settings)
    call.workspace.engine.submit(run)
    return {"repair_id": begun.repair_id}


def _endpoints(version: str) -> tuple[Endpoint, ...]:
    path = f"/api/{version}/jobs"
    one_run = ["run_id"]
    return (
        Endpoint("GET", f"{path}/runs/get", get, fields_of(JobsAPI.get_run, required=one_run)),
        Endpoint("GET", f"{path}/runs/list", list_runs, fields_of(JobsAPI.list_runs)),
        Endpoint(
            "GET", f"{path}/runs/get-output", get_output, fields_of(JobsAPI.get_run_output, required=one_run)
        ),
        Endpoint("GET", f"{path}/runs/export", export, fields_of(JobsAPI.export_run, required=one_run)),
        Endpoint("POST", f"{path}/runs/cancel", cancel, fields_of(JobsAPI.cancel_run, required=one_run)),
        Endpoint("POST", f"{path}/runs/cancel-all", cancel_all, fields_of(JobsAPI.cancel_all_runs)),
        Endpoint("POST", f"{path}/runs/delete", delete, fields_of(JobsAPI.delete_run, required=one_run)),
        Endpoint("POST", f"{path}/runs/repair", repair, fields_of(JobsAPI.repair_run, required=one_run)),
    )


ENDPOINTS = (
    *start_api.ENDPOINTS,
    *(endpoint for version in VERSIONS for endpoint in _endpoints(version)),
)
