"""One sequence after the other, with an Airflow database and a workspace of their own."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Many
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from sqlite3 import connect
from typing import Any

from airflow import settings
from airflow.sdk import DAG
from airflow.utils.state import TaskInstanceState
from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator
from alchemy.operators.skyspark_operator import SkySparkOperator
from databricks_local.process import LocalWorkspace

from faults import app
from faults.airflow_parts import ENDED, TaskUnderWay, register
from faults.exchanges import Exchanges, hasten, in_process
from faults.sequence import Leg, Sequence

_IMAGE = "registry.example.com/storms/storm-app:1.0"
_PACKAGE = "storm-app"
_RUNTIME = "17.3.x-scala2.13"
_JOB = "storm"
_POOL = "storm pool"
_LONGEST_END_S = 300


def run_lane(folder: Path, number: int, sequences: Many[Sequence]) -> None:
    """Run sequences in this process, which was forked for them.

    Args:
        folder: Where Airflow's database is, and where each sequence gets a folder named by its seed.
        number: The lane's.
        sequences: What to run.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    _own_database(folder, number)
    options = [f"--python={sys.executable}", "--offline", "--max-parallel-tasks=8"]
    options.append(f"--image={_IMAGE}={_image(folder / f'image-{number}')}")
    workspace = LocalWorkspace(folder / f"workspace-{number}", options).start()
    try:
        lane = _Lane(workspace, folder, sequences)
        for sequence in sequences:
            outcome = lane.run(sequence)
            (folder / str(sequence.seed) / "outcome.json").write_text(json.dumps(outcome))
    finally:
        workspace.stop()


def _own_database(folder: Path, number: int) -> None:
    database = folder / f"airflow-{number}.db"
    with closing(connect(folder / "airflow" / "airflow.db")) as made, closing(connect(database)) as own:
        made.backup(own)
    os.environ["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"sqlite:///{database}"
    settings.configure_vars()  # type: ignore[no-untyped-call]
    settings.configure_orm()  # type: ignore[no-untyped-call]


def _image(folder: Path) -> Path:
    """Return a folder that stands for an image in which the app is installed."""
    told = folder / "storm_app-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {_PACKAGE}\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(f"[console_scripts]\n{_PACKAGE} = storm_app:main\n")
    shutil.copy(app.__file__, folder / "storm_app.py")
    return folder


class _Lane:
    def __init__(self, workspace: LocalWorkspace, folder: Path, sequences: Many[Sequence]) -> None:
        self._workspace = workspace
        self._folder = folder
        host, _, port = workspace.host.removeprefix("http://").partition(":")
        connection = {"conn_type": "databricks", "host": host, "port": int(port), "schema": "http"}
        os.environ["AIRFLOW_CONN_DATABRICKS_DEFAULT"] = json.dumps(
            {**connection, "password": workspace.token}
        )
        workspace.call(
            "POST",
            "/api/2.0/instance-pools/create",
            {"instance_pool_name": _POOL, "node_type_id": "m5d.xlarge"},
        )
        job_id = workspace.call("POST", "/api/2.2/jobs/create", _job())["job_id"]
        self._dags = {each.seed: _dag(each, folder / str(each.seed), job_id) for each in sequences}
        register(self._dags.values())

    def run(self, sequence: Sequence) -> dict[str, Any]:
        """Run one sequence to its end and return what happened."""
        folder = self._folder / str(sequence.seed)
        folder.mkdir()
        (folder / "exchanges").write_bytes(bytes(8))
        task = TaskUnderWay(self._dags[sequence.seed])
        before = self._run_ids()
        course = _Course(sequence, folder, task, self._workspace)
        course.run()
        self._workspace.clear_faults()
        started = self._run_ids() - before
        ended_quietly = course.ended_by_a_person and not course.leg.faults
        canceled = self._settled(started) if ended_quietly else None
        (folder / "over").touch()
        return {
            **asdict(sequence),
            "state": task.state,
            "xcoms": task.xcoms(),
            "calm": course.calm,
            "executions_before": course.executions_before,
            "ended_by_a_person": course.ended_by_a_person,
            "crashes": course.crashes,
            "canceled": canceled,
            "runs": self._settled(started),
        }

    def _run_ids(self) -> set[int]:
        answer = self._workspace.call("GET", "/api/2.2/jobs/runs/list?limit=25")
        return {run["run_id"] for run in answer.get("runs", ())}

    def _settled(self, run_ids: Iterable[int]) -> list[dict[str, Any]]:
        """Return runs once they have ended, or as they are when they do not end."""
        latest = time.monotonic() + _LONGEST_END_S
        settled = []
        for run_id in sorted(run_ids):
            run = self._workspace.call("GET", f"/api/2.2/jobs/runs/get?run_id={run_id}")
            while not run["end_time"] and time.monotonic() < latest:
                time.sleep(0.05)
                run = self._workspace.call("GET", f"/api/2.2/jobs/runs/get?run_id={run_id}")
            kept = ("run_id", "state", "start_time", "end_time", "run_page_url")
            settled.append({name: run[name] for name in kept})
        return settled


class _Course:
    """A task on its way through one sequence.

    Attributes:
        leg: What goes wrong in the process that lives, or lived last.
        calm: Whether nothing went wrong in the try under way.
        executions_before: How many executions of the app the workspace had seen end before the try under way.
        ended_by_a_person: Whether somebody ended the task while it was under way.
        crashes: The workers that broke without having been killed.
    """

    def __init__(
        self, sequence: Sequence, folder: Path, task: TaskUnderWay, workspace: LocalWorkspace
    ) -> None:
        self.leg = Leg()
        self.calm = True
        self.executions_before = 0
        self.ended_by_a_person = False
        self.crashes: list[str] = []
        self._sequence = sequence
        self._folder = folder
        self._task = task
        self._workspace = workspace
        self._try_number = 0
        self._processes = 0

    def run(self) -> None:
        """Let workers and triggerers live one after the other until the task has ended."""
        while self._task.state not in ENDED:
            if self._task.state == TaskInstanceState.DEFERRED:
                self._live("triggerer", self._task.watch)
                continue
            self._task.schedule()
            if self._task.try_number != self._try_number:
                self._try_number = self._task.try_number
                self._legs = self._sequence.legs(self._try_number)
                self.calm = True
                self.executions_before = self._executions_seen_to_end()
            status = self._live("worker", self._task.work)
            if (self._folder / "ended").exists():
                self._task.failed_by_a_person()
                self.ended_by_a_person = True
            elif os.WIFEXITED(status) and (status or self._task.is_under_way):
                self.crashes.append(f"worker {self._processes} ended with {status} in {self._task.state}")
            self._task.worker_is_gone()

    def _executions_seen_to_end(self) -> int:
        written = self._folder / "executions"
        lines = written.read_text().splitlines() if written.exists() else []
        ends = [line.split() for line in lines if not line.startswith("begin")]
        if not ends or lines[-1].startswith("begin"):
            return len(ends)
        self._workspace.clear_faults()
        run = self._workspace.call("GET", f"/api/2.2/jobs/runs/get?run_id={ends[-1][1]}")
        # An app that has just written its end may still be leaving: the try under way waits for it then.
        return len(ends) if run["end_time"] else len(ends) - 1

    def _live(self, name: str, work: Callable[[], None]) -> int:
        """Have a process live and return what ``os.waitpid`` says of its end."""
        self.leg = next(self._legs)
        if name == "triggerer" and self.leg.kill:
            self.leg = replace(self.leg, kill=replace(self.leg.kill, politely=False))
        self.calm = self.calm and self.leg.calm
        self._processes += 1
        self._workspace.clear_faults()
        for fault in self.leg.faults:
            self._workspace.fault(**fault)
        process = f"{self._processes} {name} of try {self._try_number}"
        return in_process(partial(_live, self._folder, process, self.leg, work), self._folder / "log")


def _live(folder: Path, process: str, leg: Leg, work: Callable[[], None]) -> None:
    hasten()
    exchanges = Exchanges(folder, process, leg.kill)
    exchanges.note(leg=asdict(leg))
    os.write(1, f"--- {process}\n".encode())
    work()


def _dag(sequence: Sequence, folder: Path, job_id: int) -> DAG:
    outcomes = ",".join("succeed" if each else "fail" for each in sequence.outcomes)
    lasting = ",".join(map(str, sequence.lasting))
    common: dict[str, Any] = {
        "task_id": "app",
        "retries": sequence.retries,
        "retry_delay": timedelta(0),
        "deferrable": sequence.deferrable,
        "polling_period_seconds": 1,
    }
    with DAG(f"storm_{sequence.seed}", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
        if sequence.kind == "submit":
            SkySparkOperator(
                **common,
                spark_app=_PACKAGE,
                docker_image=_IMAGE,
                databricks_runtime=_RUNTIME,
                # Airflow renders it once, and the workspace once more.
                cmd_params=[str(folder), "{{ '{{job.run_id}}' }}", outcomes, lasting],
                instance_pool_name=_POOL if sequence.by_name else None,
            )
        else:
            SkySparkBundleOperator(
                **common,
                **({"job_name": _JOB} if sequence.by_name else {"job_id": job_id}),
                job_parameters={"folder": str(folder), "outcomes": outcomes, "lasting": lasting},
                repair_run=sequence.repair,
            )
    return dag


def _job() -> dict[str, Any]:
    names = ("folder", "outcomes", "lasting")
    given = {name: f"{{{{job.parameters.{name}}}}}" for name in names}
    task = {
        "task_key": "app",
        "python_wheel_task": {
            "package_name": _PACKAGE,
            "entry_point": _PACKAGE,
            "parameters": [given["folder"], "{{job.run_id}}", given["outcomes"], given["lasting"]],
        },
        "new_cluster": {
            "spark_version": _RUNTIME,
            "num_workers": 1,
            "node_type_id": "m5d.xlarge",
            "docker_image": {"url": _IMAGE},
        },
    }
    return {
        "name": f"[dev somebody] {_JOB}",
        # Two runs at the same time must show as two runs, not as one that is skipped.
        "max_concurrent_runs": 10,
        "parameters": [{"name": name, "default": ""} for name in names],
        "tasks": [task],
    }
