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
from collections.abc import Iterator, Sequence
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
START_S, RUN_S = 180.0, 600.0

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
    except (AirflowError, NotAsPromisedError) as error:
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
        for name in (PRODUCER, CONSUMER):
            shutil.copy(EXAMPLES / f"{name}.py", dags)
        variables = connection(local) | {"AIRFLOW_VAR_DUMP_FOLDER": str(project / "tests/data")}
        with Airflow(folder / "airflow", AIRFLOW_BIN, variables) as airflow:
            airflow.wait_for_dags([PRODUCER, project.name, CONSUMER], START_S)
            say(f"airflow standalone answers at {airflow.host} and has parsed the three Dags")
            runs = follow(airflow, project.name)
            print_timeline(airflow, runs)
            check(airflow, runs, project.name)
        print_rows(local, f"{answers['catalog']}.stack_exchange.{GOLD}")
    say("all of it has ended")


def cut(folder: Path) -> Path:
    """Cut the project with the answers that the template has by default, and return its folder."""
    _run(BIN / "mshell-cut", "cut", "skyspark", "--no-input", "--output-dir", folder)
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


def follow(airflow: Airflow, project: str) -> dict[str, Json]:
    """Trigger the producer, print each change of a state, and return the run of each Dag once all have ended.

    Raises:
        NotAsPromisedError: One failed, or they took too long.
    """
    for dag_id in (CONSUMER, project, PRODUCER):
        airflow.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
    airflow.call("POST", f"/api/v2/dags/{PRODUCER}/dagRuns", {"logical_date": None})
    begun = time.monotonic()
    shown: dict[tuple[str, str], str] = {}
    runs: dict[str, Json] = {}
    while time.monotonic() - begun < RUN_S:
        for dag_id in (PRODUCER, project, CONSUMER):
            for run in airflow.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]:
                for task in _tasks(airflow, run):
                    key, state = (run["dag_run_id"], task["task_id"]), task["state"] or "waiting"
                    if shown.get(key) != state:
                        shown[key] = state
                        print(
                            f"{time.monotonic() - begun:6.1f} s  {dag_id}.{task['task_id']}: {state}",
                            flush=True,
                        )
                if run["state"] == "failed":
                    raise NotAsPromisedError(
                        f"{dag_id} failed in run {run['dag_run_id']}: {_errors(airflow, run)}"
                    )
                if run["state"] == "success":
                    runs[dag_id] = run
        if len(runs) == 3:
            return runs
        time.sleep(0.5)
    raise NotAsPromisedError(f"after {RUN_S:.0f} s these Dags had run: {', '.join(runs) or 'none'}.")


def print_timeline(airflow: Airflow, runs: dict[str, Json]) -> None:
    """Print when each task was queued, started and ended, in seconds since the producer was triggered."""
    zero = datetime.fromisoformat(runs[PRODUCER]["queued_at"])
    print(f"\n{'task':<44} {'queued':>8} {'started':>8} {'ended':>8}   (s after the trigger)")
    for dag_id, run in runs.items():
        print(f"{dag_id} ({run['run_type']}), ended as {run['state']}")
        for task in sorted(_tasks(airflow, run), key=lambda each: str(each["start_date"])):
            times = [task[name] for name in ("queued_when", "start_date", "end_date")]
            after = ((datetime.fromisoformat(each) - zero).total_seconds() for each in times)
            print(f"    {task['task_id']:<40} " + " ".join(f"{seconds:8.1f}" for seconds in after))


def check(airflow: Airflow, runs: dict[str, Json], project: str) -> None:
    """Print the logs of the project's tasks, and see that it was as promised.

    Raises:
        NotAsPromisedError: A run was not started by an asset, or a task of the project was not deferred.
    """
    for dag_id in (project, CONSUMER):
        if runs[dag_id]["run_type"] != "asset_triggered":
            raise NotAsPromisedError(f"the run of {dag_id} is of the type {runs[dag_id]['run_type']}.")
    for task in _tasks(airflow, runs[project]):
        said = _log(airflow, task)
        print(f"\nThe log of {project}.{task['task_id']}:")
        print("\n".join(f"    {line}" for line in said))
        if not any("DEFERRED" in line for line in said):
            raise NotAsPromisedError(f"{task['task_id']} was not deferred.")


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
    print(f"\n{table}:\n{client.jobs.get_run_output((run.tasks or [])[0].run_id or 0).logs}")


def _tasks(airflow: Airflow, run: Json) -> list[Json]:
    path = f"/api/v2/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
    tasks: list[Json] = airflow.call("GET", path)["task_instances"]
    return tasks


def _log(airflow: Airflow, task: Json) -> list[str]:
    path = f"/api/v2/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
    content = airflow.call("GET", f"{path}/logs/{task['try_number']}?full_content=true")["content"]
    return [f"{(entry.get('timestamp') or '')[11:19]} {entry['event']}" for entry in content]


def _errors(airflow: Airflow, run: Json) -> str:
    failed = [task for task in _tasks(airflow, run) if task["state"] == "failed"]
    return "\n".join(line for task in failed for line in [task["task_id"], *_log(airflow, task)[-20:]])


def _run(*words: str | Path) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
