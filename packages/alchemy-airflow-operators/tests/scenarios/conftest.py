"""Airflow and a workspace, in which whole runs are tried."""

import argparse
import functools
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow import __version__ as airflow_version
from airflow.cli.commands.dag_command import dag_reserialize
from airflow.sdk import DAG
from airflow.sdk.execution_time import supervisor
from databricks_local.process import LocalWorkspace
from packaging.version import Version

HERE = Path(__file__).parent
SPARK = HERE.parents[3] / ".venv/bin/python"
sys.path.insert(0, str(HERE))

from dag_runs import Finished, RunDag  # noqa: E402
from dag_runs import run_dag as run_whole_dag  # noqa: E402
from demo_image import IMAGE, REGISTRY, build_image  # noqa: E402

NEWEST = Version("3.3")
BUNDLE = {
    "name": "scenarios",
    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
    "kwargs": {"path": str(HERE / "dags"), "refresh_interval": 300},
}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "newest(reason): needs what came after the lowest supported Airflow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if Version(airflow_version) >= NEWEST:
        return
    too_new = [item for item in items if item.get_closest_marker("newest")]
    config.hook.pytest_deselected(items=too_new)
    items[:] = [item for item in items if item not in too_new]


@pytest.fixture(scope="session")
def workspace(
    databricks_local_factory: Callable[..., LocalWorkspace], tmp_path_factory: pytest.TempPathFactory
) -> LocalWorkspace:
    """A workspace with the image of the project ``demo``."""
    image = tmp_path_factory.mktemp("image")
    build_image(image, SPARK)
    return databricks_local_factory(f"--image={REGISTRY}/{IMAGE}={image}", "--max-parallel-tasks=4")


@pytest.fixture(scope="session")
def airflow(database: None, workspace: LocalWorkspace) -> Iterator[None]:
    """Airflow with a connection to the workspace and the DAGs of the folder beside this file."""
    host, _, port = workspace.host.removeprefix("http://").partition(":")
    connection = {
        "conn_type": "databricks",
        "host": host,
        "port": int(port),
        "schema": "http",
        "password": workspace.token,
        "extra": {"ecr_registry": REGISTRY},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection))
        patch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([BUNDLE]))
        # Airflow 3.1 needs seconds to make one, and makes one for each task.
        patch.setattr(supervisor, "in_process_api_server", functools.cache(supervisor.in_process_api_server))
        dag_reserialize(argparse.Namespace(bundle_name=None))
        yield


@pytest.fixture
def run_dag(airflow: None, capfd: pytest.CaptureFixture[str]) -> RunDag:
    """Return a function that runs a DAG to its end and says what became of it."""

    def run(dag: DAG, conf: dict[str, Any] | None = None) -> Finished:
        return run_whole_dag(dag, lambda: "".join(capfd.readouterr()), conf)

    return run


@pytest.fixture(params=[True, False], ids=["deferred", "polled"])
def deferrable(request: pytest.FixtureRequest) -> bool:
    """Whether a task defers."""
    return bool(request.param)
