"""Runs the Dag of a newly cut project in a real `airflow standalone`, triggered by an asset, and prints what happened.

Three Dags: `land_dump` lands the raw dump and is the only one that is triggered; the project's own Dag is scheduled on
the dump and runs the project's apps on databricks-local; `report_tags` is scheduled on the gold table that they make.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from airflow_process import Airflow
from databricks.sdk.service import compute, jobs, workspace
from databricks_local.process import LocalWorkspace

REPOSITORY = Path(__file__).parent.parent
BIN = REPOSITORY / ".venv/bin"
AIRFLOW_BIN = REPOSITORY / ".venvs/airflow/bin"
EXAMPLES = REPOSITORY / "packages/alchemy-airflow-operators/examples"
PRODUCER, CONSUMER = "land_dump", "report_tags"
GOLD = "stack_exchange.gold_popular_tags"
START_S, RUN_S = 180.0, 600.0

Json = dict[str, Any]


class FailedError(Exception):
    """Something did not happen as it should; the text says what."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it; 0 when each Dag ran as promised, 1 when not, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keep", action="store_true", help="keep the folder with the project, logs and tables")
    options = parser.parse_args(arguments)
    # A kill must leave no process behind either.
    signal.signal(signal.SIGTERM, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="airflow-standalone-"))
    try:
        show(folder)
    except KeyboardInterrupt:
        return 130
    except FailedError as error:
        print(f"error: {error}", file=sys.stderr)
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
        FailedError: A Dag did not run, or not as it should.
    """
    begun = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun:6.1f} s  {text}", flush=True)

    project = cut(folder)
    answers = json.loads((project / ".cruft.json").read_text())["context"]["cookiecutter"]
    say(f"cut {project.name} with mshell-cut")
    image = build_image(project, folder / "image")
    say(f"built its image: {', '.join(sorted(wheel.name for wheel in image.rglob('*.whl')))}")
    with served(folder / "workspace", answers, image) as local:
        say(f"databricks-local answers at {local.host}")
        # The Dag may also be due by the clock, as soon as Airflow sees it: it then finds the dump of the day before.
        dags = copy_dags(project, folder / "airflow/dags")
        variables = connection(local) | {"AIRFLOW_VAR_DUMP_FOLDER": str(project / "tests/data")}
        with Airflow(folder / "airflow", AIRFLOW_BIN, variables) as airflow:
            airflow.wait_for_dags(dags, START_S)
            say(f"airflow standalone answers at {airflow.host} and has parsed {', '.join(dags)}")
            ran = follow(airflow, dags, project.name)
            print_timeline(airflow, ran)
            print_log(airflow, ran[project.name])
        print_rows(local, f"{answers['catalog']}.{GOLD}")


def cut(folder: Path) -> Path:
    """Cut the project with the answers that the template has by default, and return its folder."""
    _run([BIN / "mshell-cut", "cut", "skyspark", "--no-input", "--set", "type_of_task=docker", "--output-dir", folder])
    (state,) = folder.glob("*/.cruft.json")
    return state.parent


def build_image(project: Path, image: Path) -> Path:
    """Put into a folder the wheels that the project's Dockerfile puts into its image."""
    dist = image / "opt/dist"
    _run([BIN / "python", "-m", "build", "--quiet", "--wheel", "--no-isolation", "--outdir", dist, project])
    wheels = image / "opt/wheels"
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
    jars = _run([BIN / "skyspark", "jars", "list"]).splitlines()
    options = [f"--python={BIN / 'python'}", "--offline", f"--catalog={answers['catalog']}", f"--image={url}={image}"]
    local = LocalWorkspace(root, [*options, *(f"--jar={jar}" for jar in jars)])
    try:
        client = local.start().client()
        client.schemas.create("stack_exchange", answers["catalog"])
        client.volumes.create(answers["catalog"], "stack_exchange", "landing", _volume_type())
        yield local
    finally:
        local.stop()
