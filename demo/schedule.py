"""Steps 12 to 16: Airflow runs the DAG, whose tasks wait for their runs on databricks-local."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from airflow_process import Airflow, AirflowError
from artifact import ENVIRONMENT, SCHEMA
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service import jobs
from databricks.sdk.service.compute import ClusterSpec
from databricks_local.process import LocalWorkspace
from deploy import AIRFLOW_BIN
from walk import DemoError, Project, Step, Walk

_START_S, _RUN_S, _EVERY_S = 1200.0, 1800.0, 0.5
_TAIL = 15
_ENDED = ("success", "failed")
_BEFORE = ("PENDING", "QUEUED", "BLOCKED", "")
_VARIABLES = {
    # A new file is to be seen at once.
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "1",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "1",
    # It starts while the CI has the processors.
    "AIRFLOW__CORE__PARALLELISM": "2",
}

Json = dict[str, Any]


def start_airflow(walk: Walk) -> Airflow:
    """Start Airflow, which takes its time, and do not wait for it; it ends with the walk.

    Args:
        walk: The walk; the DAGs are read from `airflow/dags` in its folder, which may be empty yet.
    """
    home = walk.folder / "airflow"
    (home / "dags").mkdir(parents=True, exist_ok=True)
    return walk.stack.enter_context(Airflow(home, AIRFLOW_BIN, _VARIABLES))


def run_dag(walk: Walk, project: Project, workspace: LocalWorkspace, airflow: Airflow) -> None:
    """Steps 12 to 16: have Airflow run the project's DAG.

    Args:
        walk: The walk.
        project: The project, whose DAG lies in Airflow's folder.
        workspace: The workspace with the project's artifact.
        airflow: What `start_airflow` gave.

    Raises:
        DemoError: Airflow does not start, cannot read the DAG, or the run fails.
    """
    try:
        _run_dag(walk, project, workspace, airflow)
    except AirflowError as error:
        raise DemoError(f"Airflow: {error}\nIts log is {airflow.log}.") from None
    except DatabricksError as error:
        raise DemoError(f"databricks-local: {error} Its log is {workspace.log}.") from None
    except OSError as error:
        raise DemoError(
            f"Airflow at {airflow.host} does not answer: {error}. Its log is {airflow.log}."
        ) from None


def _run_dag(walk: Walk, project: Project, workspace: LocalWorkspace, airflow: Airflow) -> None:
    with walk.step(12, "Airflow finds the DAG in its folder") as step:

        def tell(text: str) -> None:
            step.progress = text

        airflow.wait_for_dags([], _START_S, tell)
        airflow.call("POST", "/api/v2/connections", connection(walk.kind, workspace))
        airflow.wait_for_dags([project.name], _START_S, tell)
        version = airflow.get("/api/v2/version")["version"]
        step.say(f"airflow standalone {version} has parsed {project.name}")
        step.see("Airflow", f"{airflow.host}/dags/{project.name}")
        step.see("its log", airflow.log)
    with walk.step(13, "The dump lands, and its asset starts a run") as step:
        run = trigger(step, project, workspace, airflow)
        step.see("run in Airflow", f"{airflow.host}/dags/{project.name}/runs/{run['dag_run_id']}")
    follow = _Follow(workspace, airflow, run)
    with walk.step(14, "The task submits its run, and is deferred") as step:
        follow.until(step, follow.is_deferred)
        step.say("No worker waits: Airflow's triggerer asks the workspace how the run goes")
    with walk.step(15, "databricks-local pulls the artifact") as step:
        follow.until(step, follow.is_executing)
        for line in follow.artifacts():
            step.say(line)
        step.see("run page", follow.page())
    with walk.step(16, "The apps run on Spark") as step:
        follow.until(step, follow.has_ended)
        for line, page in follow.executed():
            step.say(line)
            step.see("run page", page)


def connection(kind: str, workspace: LocalWorkspace) -> Json:
    """Return the connection that the DAG's operators use, as Airflow's API takes it.

    Args:
        kind: ``docker``, whose DAG has one Airflow for each environment, or ``dab``, whose DAG names them.
        workspace: Where it leads.
    """
    host, _, port = workspace.host.removeprefix("http://").partition(":")
    return {
        "connection_id": "databricks_default" if kind == "docker" else f"databricks_{ENVIRONMENT}",
        "conn_type": "databricks",
        "schema": "http",
        "host": host,
        "port": int(port),
        "password": workspace.token,
    }


def trigger(step: Step, project: Project, workspace: LocalWorkspace, airflow: Airflow) -> Json:
    """Land the dump in the volume that the project reads, tell Airflow, and return the run that it starts.

    Raises:
        AirflowError: Airflow does not know the asset.
        DemoError: No run was started.
    """
    client = workspace.client()
    # The volume that the project reads, and the asset that stands for it.
    uri = f"{project.answers['catalog']}.{SCHEMA}.landing"
    for path in sorted((project.folder / "tests/data").glob("*.xml")):
        target = f"/Volumes/{uri.replace('.', '/')}/{path.name}"
        with path.open("rb") as stream:
            client.files.upload(target, stream, overwrite=True)
        step.say(f"{target}, {path.stat().st_size} bytes")
    airflow.call("PATCH", f"/api/v2/dags/{project.name}", {"is_paused": False})
    assets = airflow.get("/api/v2/assets?limit=100")["assets"]
    found = [asset["id"] for asset in assets if asset["name"] == uri]
    if not found:
        raise DemoError(
            f"Airflow knows no asset {uri}: the DAG {project.name} does not name it in its schedule."
        )
    airflow.call("POST", "/api/v2/assets/events", {"asset_id": found[0], "extra": {}})
    step.say(f"asset {uri} was updated")
    end = time.monotonic() + _START_S
    while not (runs := airflow.runs(project.name)):
        if time.monotonic() > end:
            raise DemoError(f"Airflow started no run of {project.name} for it: see {airflow.log}.")
        time.sleep(_EVERY_S)
    step.say(f"run {runs[0]['dag_run_id']} ({runs[0]['run_type']})")
    return runs[0]


class _Follow:
    """Follows a run of the DAG, and the runs on the workspace that its tasks wait for."""

    def __init__(self, workspace: LocalWorkspace, airflow: Airflow, run: Json) -> None:
        self._airflow = airflow
        self._client: WorkspaceClient = workspace.client()
        self._run = run
        self._path = f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}"
        self._state = ""
        self._tasks: dict[str, str] = {}
        self._deferred: set[str] = set()
        # Of tasks of the DAG, their runs on the workspace.
        self._runs: dict[str, int] = {}
        self._begun = time.monotonic()

    def until(self, step: Step, holds: Callable[[], bool]) -> None:
        """Tell each change of a task's state until something holds.

        Raises:
            DemoError: The run failed, or takes too long.
        """
        while True:
            self._look(step)
            if self._state == "failed":
                raise DemoError(self._failure())
            if holds():
                return
            if time.monotonic() - self._begun > _RUN_S:
                raise DemoError(
                    f"{self._run['dag_id']} has not ended after {_RUN_S:.0f} s: {self._tasks}. "
                    f"See {self._airflow.log}."
                )
            time.sleep(_EVERY_S)

    def is_deferred(self) -> bool:
        """Whether a task waits for its run without a worker.

        Raises:
            DemoError: The DAG's run has ended without that.
        """
        if self.has_ended() and not self._deferred:
            raise DemoError(f"No task of {self._run['dag_id']} was deferred: see {self._airflow.log}.")
        return bool(self._deferred & self._runs.keys())

    def is_executing(self) -> bool:
        """Whether the workspace has the first run's artifact, and executes a task."""
        tasks = self._first().tasks or []
        return any(task.execution_duration or _life(task) not in _BEFORE for task in tasks)

    def has_ended(self) -> bool:
        """Whether the DAG's run has ended."""
        return self._state in _ENDED

    def page(self) -> str:
        """Return the address of the first run's page."""
        return self._first().run_page_url or ""

    def artifacts(self) -> list[str]:
        """Return what the first run's clusters are made from: an image, or wheels."""
        run = self._first()
        compute: list[ClusterSpec | None] = [cluster.new_cluster for cluster in run.job_clusters or []]
        compute += [task.new_cluster for task in run.tasks or []]
        images = [each.docker_image.url for each in compute if each and each.docker_image]
        wheels = [library.whl for task in run.tasks or [] for library in task.libraries or []]
        return sorted({name for name in [*images, *wheels] if name})

    def executed(self) -> Iterator[tuple[str, str]]:
        """Yield a line about each task that the workspace executed, and the address of its run's page."""
        for run_id in self._runs.values():
            run = self._client.jobs.get_run(run_id)
            for task in run.tasks or []:
                setup, execution = (task.setup_duration or 0) / 1000, (task.execution_duration or 0) / 1000
                line = f"{run.run_name}, {task.task_key}: {_result(task)}, "
                yield line + f"set up in {setup:.1f} s, ran for {execution:.1f} s", task.run_page_url or ""

    def _look(self, step: Step) -> None:
        self._state = self._airflow.get(self._path)["state"]
        for task in self._airflow.tasks(self._run):
            name, state = task["task_id"], task["state"] or ""
            if state and self._tasks.get(name) != state:
                step.say(f"{time.monotonic() - self._begun:6.1f} s  {name} is {state}")
            self._tasks[name] = state
            if state == "deferred":
                self._deferred.add(name)
            if (
                state in ("deferred", *_ENDED)
                and name not in self._runs
                and (run_id := self._submitted(name))
            ):
                self._runs[name] = run_id
        step.progress = ", ".join(f"{name} {state or 'waits'}" for name, state in self._tasks.items())

    def _submitted(self, task: str) -> int | None:
        """Return the run that a task has submitted, as it told Airflow."""
        entries = self._airflow.get(f"{self._path}/taskInstances/{task}/xcomEntries")["xcom_entries"]
        if "run_id" not in [entry["key"] for entry in entries]:
            return None
        return int(self._airflow.get(f"{self._path}/taskInstances/{task}/xcomEntries/run_id")["value"])

    def _first(self) -> jobs.Run:
        return self._client.jobs.get_run(next(iter(self._runs.values())))

    def _failure(self) -> str:
        """Say which task failed and why: in the words of the workspace where it knows, else of Airflow."""
        for run_id in self._runs.values():
            for task in self._client.jobs.get_run(run_id).tasks or []:
                if _result(task) in ("FAILED", "TIMEDOUT", "CANCELED"):
                    output = self._client.jobs.get_run_output(task.run_id or 0)
                    why = output.error or (task.state.state_message if task.state else "")
                    return f"{task.task_key} failed on the workspace: {why} See {task.run_page_url}"
        failed = [task for task in self._airflow.tasks(self._run) if task["state"] == "failed"]
        lines = [line for task in failed for line in self._airflow.task_log(task)[-_TAIL:]]
        names = ", ".join(task["task_id"] for task in failed)
        where = f"{self._airflow.host}{self._path.removeprefix('/api/v2')}".replace("/dagRuns/", "/runs/")
        return "\n".join([f"{names or 'The run'} of {self._run['dag_id']} failed, see {where}:", *lines])


def _life(task: jobs.RunTask) -> str:
    return task.state.life_cycle_state.value if task.state and task.state.life_cycle_state else ""


def _result(task: jobs.RunTask) -> str:
    return task.state.result_state.value if task.state and task.state.result_state else "no result"
