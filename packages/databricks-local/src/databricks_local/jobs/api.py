"""The routes of jobs: https://docs.databricks.com/api/workspace/jobs, versions 2.1 and 2.2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from databricks.sdk.service.jobs import JobAccessControlRequest, JobsAPI, JobSettings

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid
from databricks_local.fields import fields_of
from databricks_local.identity import is_service_principal
from databricks_local.jobs.model import Job
from databricks_local.jobs.paging import ELEMENTS, opened, page_of_answers, page_of_elements, token
from databricks_local.jobs.settings import KEYS, job_settings, updated
from databricks_local.jobs.shapes import job_fields
from databricks_local.permissions import check_entries

VERSIONS = ("2.1", "2.2")

_PERMISSIONS = "access_control_list"
_MOST_JOBS = 100
_DEFAULT_JOBS = 20
_DETAILS = ("tasks", "job_clusters")
"""What a list of jobs shows with `expand_tasks` only."""


@dataclass
class _NewSettings(JobSettings):
    """Settings with what Airflow sends along, and what the service has a route of its own for."""

    access_control_list: list[JobAccessControlRequest] | None = None


def version_of(call: Call) -> str:
    """Return the version of the Jobs API that a call names in its path."""
    return call.request.url.path.split("/")[2]


def job_of(call: Call) -> Job:
    """Return the job whose number is the call's `job_id`.

    Raises:
        ApiError: 400, which clients turn into "not found": there is none.
    """
    job = call.workspace.jobs.job(call.values["job_id"])
    if job is None:
        raise invalid(f"Job {call.values['job_id']} does not exist.")
    return job


def _complete(values: Mapping[str, Any], call: Call) -> dict[str, Any]:
    version = version_of(call)
    given = {name: value for name, value in values.items() if name != _PERMISSIONS}
    # Since 2.2 the runs of a job wait for each other unless it says otherwise.
    return job_settings(given, version, queued=version != "2.1")


def entries_of(call: Call) -> list[dict[str, str]]:
    """Return the permissions that the caller names, and the caller as the owner unless another one is.

    Raises:
        ApiError: 400: one of them cannot be.
    """
    given: list[dict[str, str]] = call.values.get(_PERMISSIONS, [])
    if given and not any(entry.get("permission_level") == "IS_OWNER" for entry in given):
        user = call.workspace.config.user
        principal = "service_principal_name" if is_service_principal(user) else "user_name"
        given = [{principal: user, "permission_level": "IS_OWNER"}, *given]
    if given:
        check_entries("jobs", given)
    return given


async def create(call: Call) -> object:
    """Create a job."""
    workspace = call.workspace
    settings, entries = _complete(call.values, call), entries_of(call)
    with workspace.store.transaction():
        job = workspace.jobs.new_job(settings, workspace.config.user)
        if entries:
            workspace.permissions.set(f"/jobs/{job.job_id}", entries)
    workspace.engine.job_changed(job.job_id)
    return {"job_id": job.job_id}


async def get(call: Call) -> object:
    """Show one job."""
    job = job_of(call)
    lists = {name: job.settings[name] for name in KEYS if name in job.settings}
    page, following = page_of_elements(lists, version_of(call), call.values.get("page_token"))
    shown = {**job_fields(job), "settings": {**job.settings, **page}}
    return shown | ({"next_page_token": following, "has_more": True} if following else {})


async def list_jobs(call: Call) -> object:
    """Show the jobs, newest first, by pages."""
    values, records = call.values, call.workspace.jobs
    limit = values.get("limit", _DEFAULT_JOBS)
    if not 1 <= limit <= _MOST_JOBS:
        raise invalid(f"limit is {limit}, but must be between 1 and {_MOST_JOBS}.")
    name = values.get("name")
    start: dict[str, Any] = {"offset": values.get("offset", 0)}
    if values.get("page_token"):
        direction, (position,) = opened(values["page_token"], {"below": 1, "above": 1})
        start = {direction: position}
    found = records.jobs(name=name, limit=limit, **start)
    answer: dict[str, Any] = {}
    if found:
        first, last = found[0].job_id, found[-1].job_id
        expanded = values.get("expand_tasks", False)
        answer["jobs"] = [_listed(job, version_of(call), expanded) for job in found]
        if records.jobs(name=name, limit=1, below=last):
            answer["next_page_token"] = token("below", last)
        if records.jobs(name=name, limit=1, above=first):
            answer["prev_page_token"] = token("above", first)
    return page_of_answers(answer, version_of(call))


def _listed(job: Job, version: str, expanded: bool) -> dict[str, Any]:
    settings = dict(job.settings)
    shown = {**job_fields(job), "settings": settings}
    if not expanded:
        for name in _DETAILS:
            settings.pop(name, None)
        return shown
    if version == "2.1":
        return shown
    shown["has_more"] = any(len(settings.get(name, ())) > ELEMENTS for name in KEYS)
    settings |= {name: settings[name][:ELEMENTS] for name in KEYS if name in settings}
    return shown


async def reset(call: Call) -> object:
    """Give a job wholly new settings."""
    job = job_of(call)
    given = dict(call.values["new_settings"])
    # The service keeps the identity that a job runs as until another one is named.
    if "run_as" in job.settings:
        given.setdefault("run_as", job.settings["run_as"])
    call.workspace.jobs.save_settings(job.job_id, _complete(given, call))
    call.workspace.engine.job_changed(job.job_id)
    return {}


async def update(call: Call) -> object:
    """Change, add or remove some settings of a job."""
    job = job_of(call)
    new = dict(call.values.get("new_settings", {}))
    new.pop(_PERMISSIONS, None)
    changed = updated(job.settings, new, call.values.get("fields_to_remove", []))
    settings = job_settings(changed, version_of(call), queued=False)
    call.workspace.jobs.save_settings(job.job_id, settings)
    call.workspace.engine.job_changed(job.job_id)
    return {}


async def delete(call: Call) -> object:
    """Delete a job; its active runs are canceled, its past ones stay."""
    job = job_of(call)
    call.workspace.engine.cancel_all(job.job_id, queued_only=False)
    call.workspace.jobs.delete_job(job.job_id)
    call.workspace.engine.job_changed(job.job_id)
    return {}


def _endpoints(version: str) -> tuple[Endpoint, ...]:
    path = f"/api/{version}/jobs"
    new_settings = {"new_settings": _NewSettings}
    return (
        Endpoint("POST", f"{path}/create", create, fields_of(JobsAPI.create)),
        Endpoint("GET", f"{path}/get", get, fields_of(JobsAPI.get, required=["job_id"])),
        # Airflow asks for names of users, which are always shown here.
        Endpoint(
            "GET", f"{path}/list", list_jobs, fields_of(JobsAPI.list, extra={"include_user_names": bool})
        ),
        Endpoint(
            "POST",
            f"{path}/reset",
            reset,
            fields_of(JobsAPI.reset, extra=new_settings, required=["job_id", "new_settings"]),
        ),
        Endpoint(
            "POST",
            f"{path}/update",
            update,
            fields_of(JobsAPI.update, extra=new_settings, required=["job_id"]),
        ),
        Endpoint("POST", f"{path}/delete", delete, fields_of(JobsAPI.delete, required=["job_id"])),
    )


ENDPOINTS = tuple(endpoint for version in VERSIONS for endpoint in _endpoints(version))
