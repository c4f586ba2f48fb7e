"""Starting, following and deleting a job."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skyspark.pipeline.deploy.polling import looks
from skyspark.pipeline.deploy.workspace import Workspace, explained, only

_ENDED = {"TERMINATED", "SKIPPED", "INTERNAL_ERROR"}


@dataclass(frozen=True)
class JobResult:
    """What became of a run of a job.

    Attributes:
        run_id: The run.
        state: The Jobs API's result, such as ``SUCCESS`` or ``FAILED``.
        message: What it says of it.
    """

    run_id: int
    state: str
    message: str | None


def save_job(workspace: Workspace, job_id: int | None, settings: dict[str, Any]) -> int:
    """Create a job, or bring the one that is there to its settings; return its id.

    Args:
        workspace: The workspace.
        job_id: The job, or ``None`` where there is none.
        settings: What it shall be.
    """
    if job_id is None:
        return workspace.create(
            "/api/2.2/jobs/create",
            settings,
            lambda: job_named(workspace, settings["name"]),
            lambda answer: int(answer["job_id"]),
        )
    workspace.call("POST", "/api/2.2/jobs/update", {"job_id": job_id, "new_settings": settings})
    return job_id


def job_named(workspace: Workspace, name: str) -> int | None:
    """Return the id of the job with a name, or ``None``.

    Args:
        workspace: The workspace.
        name: Its name.

    Raises:
        DeployError: There are several.
    """
    found = [j for j in workspace.client.jobs.list(name=name) if j.settings and j.settings.name == name]
    one = only([str(job.job_id) for job in found], "jobs", name)
    return None if one is None else int(one)


def start_job(workspace: Workspace, job_id: int, *, full_refresh: bool = False) -> int:
    """Start a job and return the id of the run.

    Args:
        workspace: The workspace.
        job_id: The job.
        full_refresh: Whether the tables of its pipeline are made anew.

    Raises:
        DeployError: The workspace refused it.
    """
    body: dict[str, Any] = {"job_id": job_id}
    if full_refresh:
        body["pipeline_params"] = {"full_refresh": True}
    with explained(f"starting job {job_id} in {workspace.host}"):
        return int(workspace.call("POST", "/api/2.2/jobs/run-now", body)["run_id"])


def follow_job(workspace: Workspace, run_id: int, *, say: Callable[[str], None]) -> JobResult:
    """Wait for the end of a run.

    Args:
        workspace: The workspace.
        run_id: The run.
        say: Is told each state.

    Raises:
        DeployError: The workspace cannot be asked.
    """
    shown = ""
    for _ in looks():
        with explained(f"following run {run_id} in {workspace.host}"):
            run = workspace.call("GET", "/api/2.2/jobs/runs/get", run_id=run_id)
        state = run.get("state", {})
        now = str(state.get("life_cycle_state", ""))
        if now != shown:
            shown = now
            page = f" ({run['run_page_url']})" if run.get("run_page_url") else ""
            say(f"run {run_id}: {now.lower().replace('_', ' ')}{page}")
        if now in _ENDED:
            break
    return JobResult(run_id, str(state.get("result_state", now)), state.get("state_message") or None)


def delete_job(workspace: Workspace, job_id: int) -> None:
    """Delete a job.

    Args:
        workspace: The workspace.
        job_id: The job.

    Raises:
        DeployError: The workspace refused it.
    """
    with explained(f"deleting job {job_id} in {workspace.host}"):
        workspace.call("POST", "/api/2.2/jobs/delete", {"job_id": job_id})
