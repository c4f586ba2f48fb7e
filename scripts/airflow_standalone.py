"""Runs the Dag of a newly cut project in a real `airflow standalone`, and prints what happened.

Three Dags: `land_dump` lands the raw dump and is the only one that is triggered; the project's own Dag is
scheduled on the dump and runs the project's apps on databricks-local; `report_tags` is scheduled on the gold
table that they make.
"""

import argparse
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from airflow_process import Airflow, AirflowError
from databricks.sdk.service import catalog, compute, jobs, workspace
from databricks_local.process import LocalWorkspace

REPOSITORY = Path(__file__).parent.parent
BIN = REPOSITORY / ".venv/bin"
AIRFLOW_BIN = REPOSITORY / ".venvs/airflow/bin"
EXAMPLES = REPOSITORY / "packages/alchemy-airflow-operators/examples"
PRODUCER, CONSUMER = "land_dump", "report_tags"
GOLD = "gold_popular_tags"
START_S, RUN_S = 300.0, 900.0

Json = dict[str, Any]


class NotAsPromisedError(Exception):
    """A Dag did not run, or not as it should; the text says which and how."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 when each Dag ran as promised, 1 when not, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--keep", action="store_true", help="keep the folder with the project, logs and tables"
    )
    options = parser.parse_args(arguments)
    # A kill must leave no process behind either.
    signal.signal(signal.SIGTERM, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="airflow-standalone-"))
    try:
        show(folder)
    except KeyboardInterrupt:
        return 130
    except (AirflowError, NotAsPromisedError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(map(str, error.cmd))} failed: {error.stderr}", file=sys.stderr)
        return 1
    finally:
        if options.keep:
            print(f"Kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def show(folder: Path) -> None:
    """Do all of it in a folder.

    Raises:
        AirflowError: Airflow did not start.
        NotAsPromisedError: A Dag did not run as it should.
        subprocess.CalledProcessError: The project was not cut or not built.
    """
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {text}", flush=True)

    project = cut(folder)
    answers = json.loads((project / ".cruft.json").read_text())["context"]["cookiecutter"]
    say(f"mshell-cut has cut {project.name}")
    image = build_image(project, folder / "image")
    say(f"its image holds {', '.join(sorted(wheel.name for wheel in image.rglob('*.whl')))}")
    with served(folder / "workspace", answers, image) as local:
        say(f"databricks-local answers at {local.host}")
        dags = folder / "airflow/dags"
        shutil.copytree(project / "dags", dags)
        for name in PRODUCER, CONSUMER:
            shutil.copy(EXAMPLES / f"{name}.py", dags)
        variables = connection(local) | {"AIRFLOW_VAR_DUMP_FOLDER": str(project / "tests/data")}
        with Airflow(folder / "airflow", AIRFLOW_BIN, variables) as airflow:
            airflow.wait_for_dags([PRODUCER, project.name, CONSUMER], START_S)
            say(f"airflow standalone answers at {airflow.host} and has parsed the three Dags")
            runs, queued = follow(airflow, project.name)
            print_timeline(airflow, runs, queued)
            for run in runs:
                check(airflow, run, project.name)
        print_runs(local)
        print_rows(local, f"{answers['catalog']}.stack_exchange.{GOLD}")
    say("all of it has ended")


def cut(folder: Path) -> Path:
    """Cut the project with the template's own answers but one, and return its folder."""
    # Any other clock would be due as soon as Airflow sees the Dag, and start it beside the asset.
    far = "schedule=0 2 29 2 *"
    _run(BIN / "mshell-cut", "cut", "skyspark", "--no-input", "--set", far, "--output-dir", folder)
    (state,) = folder.glob("*/.cruft.json")
    return state.parent


def build_image(project: Path, image: Path) -> Path:
    """Put into a folder the wheels that the project's Dockerfile puts into its image."""
    dist, wheels = image / "opt/dist", image / "opt/wheels"
    _run(BIN / "python", "-m", "build", "--quiet", "--wheel", "--no-isolation", "--outdir", dist, project)
    wheels.mkdir()
    for wheel in (project / "vendor").glob("skyspark-*.whl"):
        shutil.copy(wheel, wheels)
    return image


@contextmanager
def served(root: Path, answers: Json, image: Path) -> Iterator[LocalWorkspace]:
    """Serve a workspace that knows the image, and has the volume that the project reads."""
    url = (
        f"{answers['ecr_registry']}/databricks-alchemy/{answers['gitlab_group_name'].lower()}"
        f"/{answers['repo_name'].lower()}:dev"
    )
    jars = _run(BIN / "skyspark", "jars", "list").splitlines()
    options = ["--offline", f"--python={BIN / 'python'}", f"--image={url}={image}"]
    options += [f"--catalog={answers['catalog']}", *(f"--jar={jar}" for jar in jars)]
    local = LocalWorkspace(root, options)
    try:
        client = local.start().client()
        client.schemas.create("stack_exchange", answers["catalog"])
        client.volumes.create(answers["catalog"], "stack_exchange", "landing", catalog.VolumeType.MANAGED)
        yield local
    finally:
        local.stop()


def connection(local: LocalWorkspace) -> dict[str, str]:
    """Return the variable of the environment that is Airflow's connection to a workspace."""
    host, _, port = local.host.removeprefix("http://").partition(":")
    values = {
        "conn_type": "databricks",
        "schema": "http",
        "host": host,
        "port": int(port),
        "password": local.token,
    }
    return {"AIRFLOW_CONN_DATABRICKS_DEFAULT": json.dumps(values)}


def follow(airflow: Airflow, project: str) -> tuple[list[Json], dict[str, str]]:
    """Trigger the producer and print each change of a state until all three Dags have run.

    Returns:
        The runs in their order, and when each task was first queued, by its instance's id.

    Raises:
        NotAsPromisedError: One failed, or they took too long.
    """
    dags = PRODUCER, project, CONSUMER
    for dag_id in dags:
        airflow.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
    airflow.call("POST", f"/api/v2/dags/{PRODUCER}/dagRuns", {"logical_date": None})
    begun = time.monotonic()
    states: dict[str, str] = {}
    queued: dict[str, str] = {}
    while time.monotonic() - begun < RUN_S:
        runs = [run for dag_id in dags for run in airflow.runs(dag_id)]
        for run in runs:
            for task in airflow.tasks(run):
                if task["queued_when"]:
                    queued.setdefault(task["id"], task["queued_when"])
                state = task["state"] or "waits"
                if states.get(task["id"]) != state:
                    name = f"{task['dag_id']}.{task['task_id']}"
                    print(f"{time.monotonic() - begun:8.1f} s  {name}: {state}", flush=True)
                states[task["id"]] = state
            if run["state"] == "failed":
                raise NotAsPromisedError(f"{run['dag_id']} has failed.\n{_failures(airflow, run)}")
        if [run["dag_id"] for run in runs if run["state"] == "success"] == list(dags):
            return runs, queued
        time.sleep(0.5)
    raise NotAsPromisedError(f"after {RUN_S:.0f} s not all had ended: {states}.")


def print_timeline(airflow: Airflow, runs: Sequence[Json], queued: Mapping[str, str]) -> None:
    """Print when each task was queued, started, queued to go on after its trigger, and ended."""
    zero = datetime.fromisoformat(runs[0]["queued_at"])

    def after(moment: str | None) -> str:
        return f"{(datetime.fromisoformat(moment) - zero).total_seconds():.1f}" if moment else ""

    columns = "{:<44}{:>9}{:>9}{:>9}{:>9}".format
    print("\n" + columns("seconds after the trigger", "queued", "started", "resumed", "ended"))
    for run in runs:
        print(f"{run['dag_id']} ({run['run_type']})")
        for task in sorted(airflow.tasks(run), key=lambda each: str(each["start_date"])):
            first, last = queued[task["id"]], task["queued_when"]
            resumed = last if last != first else None
            moments = first, task["start_date"], resumed, task["end_date"]
            print(columns(f"  {task['task_id']}", *map(after, moments)))


def check(airflow: Airflow, run: Json, project: str) -> None:
    """See that a run was started as promised; of the project's, print the tasks' logs.

    Raises:
        NotAsPromisedError: It was not started by an asset, or a task of the project was not deferred.
    """
    if run["dag_id"] != PRODUCER and run["run_type"] != "asset_triggered":
        raise NotAsPromisedError(f"the run of {run['dag_id']} is of the type {run['run_type']}.")
    if run["dag_id"] != project:
        return
    for task in airflow.tasks(run):
        lines = airflow.task_log(task)
        print(f"\nThe log of {project}.{task['task_id']}:", *lines, sep="\n    ")
        if not any("DEFERRED" in line for line in lines):
            raise NotAsPromisedError(f"{task['task_id']} was not deferred.")


def print_runs(local: LocalWorkspace) -> None:
    """Print how long each run took in the workspace; Airflow asks for it only now and then."""
    print("\nThe runs in the workspace:")
    for run in local.client().jobs.list_runs():
        took = ((run.end_time or 0) - (run.start_time or 0)) / 1000
        print(f"  {run.run_name:<42}{took:9.1f} s")


def print_rows(local: LocalWorkspace, table: str) -> None:
    """Print a table as Spark reads it on the workspace."""
    client = local.client()
    path = "/Shared/show.py"
    program = (
        f"from pyspark.sql import SparkSession\nSparkSession.builder.getOrCreate().table('{table}').show()\n"
    )
    client.workspace.upload(path, program.encode(), format=workspace.ImportFormat.RAW, overwrite=True)
    task = jobs.SubmitTask(
        "show", spark_python_task=jobs.SparkPythonTask(f"/Workspace{path}"), environment_key="spark"
    )
    environment = jobs.JobEnvironment("spark", compute.Environment(environment_version="4"))
    run = client.jobs.submit(run_name="show", tasks=[task], environments=[environment]).result()
    logs = client.jobs.get_run_output((run.tasks or [])[0].run_id or 0).logs or ""
    # Spark says more, on the same stream.
    print(f"\n{table}:", *(line for line in logs.splitlines() if line.startswith(("+", "|"))), sep="\n")


def _failures(airflow: Airflow, run: Json) -> str:
    failed = [task for task in airflow.tasks(run) if task["state"] == "failed"]
    return "\n".join(line for task in failed for line in (task["task_id"], *airflow.task_log(task)))


def _run(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
