"""Bringing a workspace to what a pipeline's file says: what has to change, and doing it.

The files of a release are uploaded into a folder of their own before the pipeline is pointed at them, and the
releases before it are deleted after that: whatever breaks on the way, the pipeline reads whole files.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from skyspark.pipeline.deploy.jobs import job_named, save_job
from skyspark.pipeline.deploy.release import Release
from skyspark.pipeline.deploy.resources import (
    PipelineOptions,
    differences,
    job_settings,
    pipeline_spec,
    resource_name,
)
from skyspark.pipeline.deploy.schedule import Schedule
from skyspark.pipeline.deploy.workspace import State, Workspace, explained, only
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.run.state import safe_name

Action = Literal["create", "update", "upload", "delete", "keep"]


@dataclass(frozen=True)
class Change:
    """Something a deployment does.

    Attributes:
        action: What is done; ``keep`` is nothing.
        what: To what.
        details: How it differs, one sentence each.
    """

    action: Action
    what: str
    details: tuple[str, ...] = ()


@dataclass
class Deployment:
    """A pipeline on its way into a workspace.

    Attributes:
        changes: What is done by ``apply``, in this order.
        state: What the workspace remembers.
    """

    workspace: Workspace
    pipeline: Pipeline
    release: Release
    options: PipelineOptions
    schedule: Schedule | None = None
    changes: list[Change] = field(default_factory=list)
    state: State = field(default_factory=State)

    @property
    def folder(self) -> str:
        """The deployment's folder in the workspace."""
        return folder_of(self.workspace, self.pipeline, self.options.env)

    @property
    def release_folder(self) -> str:
        """The folder of the release."""
        return f"{self.folder}/releases/{self.release.name}"

    @property
    def pending(self) -> bool:
        """Whether anything has to be done."""
        return any(change.action != "keep" for change in self.changes)

    def plan(self) -> None:
        """Find out what has to be done, without doing any of it.

        Raises:
            DeployError: The workspace cannot be asked, or several pipelines or jobs have the name.
        """
        name = resource_name(self.pipeline, self.options.env)
        with explained(f"pipeline '{name}' in {self.workspace.host}"):
            self.state = find(self.workspace, self.pipeline, self.options.env)
            self._plan_release()
            self._plan_pipeline(name)
            if self.schedule is not None:
                self._plan_job(name, self.schedule)
            self._plan_stale()

    def apply(self, say: Callable[[str], None]) -> None:
        """Do what has to be done.

        Args:
            say: Is told what was done.

        Raises:
            DeployError: The workspace refused something; what was done before stays and is remembered.
        """
        for change in self.changes:
            if change.action == "keep":
                continue
            with explained(f"{change.action} {change.what} in {self.workspace.host}"):
                self._do(change)
            say(f"{_DONE[change.action]} {change.what}")

    def _plan_release(self) -> None:
        if self.state.release == self.release.name:
            self.changes.append(Change("keep", "files"))
        else:
            self.changes.append(Change("upload", "files", tuple(sorted(self.release.files))))

    def _plan_pipeline(self, name: str) -> None:
        self._spec = pipeline_spec(self.pipeline, self.release, self.release_folder, self.options)
        what = f"pipeline '{name}'"
        if self.state.pipeline_id is None:
            self.changes.append(Change("create", what))
            return
        self._found = self.workspace.call("GET", f"/api/2.0/pipelines/{self.state.pipeline_id}").get(
            "spec", {}
        )
        details = tuple(differences(self._spec, self._found))
        self.changes.append(Change("update" if details else "keep", what, details))

    def _plan_job(self, name: str, schedule: Schedule) -> None:
        what = f"job '{name}'"
        if self.state.job_id is None:
            self.changes.append(Change("create", what, (f"runs at {schedule.quartz} ({schedule.timezone})",)))
            return
        found = self.workspace.call("GET", "/api/2.2/jobs/get", job_id=self.state.job_id).get("settings", {})
        details = tuple(differences(self._job_settings(), found))
        self.changes.append(Change("update" if details else "keep", what, details))

    def _plan_stale(self) -> None:
        stale = [f for f in self.workspace.folders(f"{self.folder}/releases") if f != self.release_folder]
        if stale:
            self.changes.append(Change("delete", "files of earlier releases", tuple(stale)))

    def _job_settings(self) -> dict[str, Any]:
        return job_settings(self.pipeline, self.state.pipeline_id or "", self.schedule, self.options.env)

    def _do(self, change: Change) -> None:
        match change.action, change.what.split()[0]:
            case "upload", _:
                for path, content in self.release.files.items():
                    self.workspace.write(f"{self.release_folder}/{path}", content)
                self._remember(replace(self.state, release=self.release.name))
            case "create", "pipeline":
                name = self._spec["name"]
                pipeline_id = self.workspace.create(
                    "/api/2.0/pipelines",
                    self._spec,
                    lambda: pipeline_named(self.workspace, name),
                    lambda answer: str(answer["pipeline_id"]),
                )
                self._remember(replace(self.state, pipeline_id=pipeline_id))
            case "update", "pipeline":
                # The workspace takes a description as a whole: what only it knows goes back to it.
                body = {**self._found, **self._spec}
                self.workspace.call("PUT", f"/api/2.0/pipelines/{self.state.pipeline_id}", body)
            case _, "job":
                job_id = save_job(self.workspace, self.state.job_id, self._job_settings())
                if job_id != self.state.job_id:
                    self._remember(replace(self.state, job_id=job_id))
            case _:
                for folder in change.details:
                    self.workspace.delete(folder)

    def _remember(self, state: State) -> None:
        self.state = state
        self.workspace.write_state(self.folder, state)


_DONE = {"create": "created", "update": "updated", "upload": "uploaded", "delete": "deleted"}


def folder_of(workspace: Workspace, pipeline: Pipeline, env: str) -> str:
    """Return the folder of a deployment in a workspace.

    Args:
        workspace: The workspace.
        pipeline: The pipeline.
        env: The environment.
    """
    return f"/Workspace/Users/{workspace.user}/.skyspark/{safe_name(pipeline.name)}/{safe_name(env)}"


def find(workspace: Workspace, pipeline: Pipeline, env: str) -> State:
    """Return what there is of a deployment: by the ids that are remembered, else by name.

    Args:
        workspace: The workspace.
        pipeline: The pipeline.
        env: The environment.

    Raises:
        DeployError: Several pipelines or jobs have the name.
    """
    state = workspace.read_state(folder_of(workspace, pipeline, env))
    name = resource_name(pipeline, env)
    if state.pipeline_id is None or not _is_there(workspace, f"/api/2.0/pipelines/{state.pipeline_id}"):
        state = replace(state, pipeline_id=pipeline_named(workspace, name))
    if state.job_id is None or not _is_there(workspace, "/api/2.2/jobs/get", job_id=state.job_id):
        state = replace(state, job_id=job_named(workspace, name))
    return state


def pipeline_named(workspace: Workspace, name: str) -> str | None:
    """Return the id of the pipeline with a name, or ``None``.

    Args:
        workspace: The workspace.
        name: Its name.

    Raises:
        DeployError: There are several.
    """
    # The filter is a pattern of LIKE, in which % and _ are wildcards: what it finds is compared.
    pattern = name.replace("'", "_")
    listed = workspace.client.pipelines.list_pipelines(filter=f"name LIKE '{pattern}'")
    return only([str(one.pipeline_id) for one in listed if one.name == name], "pipelines", name)


def _is_there(workspace: Workspace, path: str, **query: Any) -> bool:
    from databricks.sdk.errors import InvalidParameterValue, NotFound

    try:
        workspace.call("GET", path, **query)
    except (NotFound, InvalidParameterValue):
        # The Jobs API says that a parameter is wrong when there is no such job.
        return False
    return True
