"""Airflow in a folder of its own, and a Databricks on localhost that runs tasks in `.venv`."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
<% if cookiecutter.type_of_task == "dab" %>
import yaml
from databricks.sdk import WorkspaceClient
from databricks.sdk.service.workspace import ImportFormat
<% endif %>
from databricks_local.process import LocalWorkspace

if TYPE_CHECKING:
    from airflow.sdk import DAG

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv" / "bin"
<% if cookiecutter.type_of_task == "docker" %>
REGISTRY = "<< cookiecutter.ecr_registry >>"
GROUP = "<< cookiecutter.gitlab_group_name | lower >>"
JOB = "<< cookiecutter.repo_name | lower >>"
<% endif %>

# Airflow reads its settings while it is imported; those of this shell are for another one.
for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
    del os.environ[name]
_home = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ |= {
    "AIRFLOW_HOME": _home.name,
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    # A busy machine imports Airflow's providers for longer than the 30 s that a file gets.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    "AIRFLOW_VAR_ENVIRONMENT": "prod",
}


@pytest.fixture(scope="session")
def dags() -> "dict[str, DAG]":
    """Return the DAGs of dags/ by their ids, as Airflow reads them."""
    from airflow.dag_processing.dagbag import BundleDagBag

    folder = str(ROOT / "dags")
    return BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder").dags


@pytest.fixture(scope="session")
def database() -> Iterator[None]:
    """Airflow's metadata database, new and empty."""
    from airflow.utils.db import initdb

    initdb()
    yield
    _home.cleanup()


@pytest.fixture(scope="session")
def wheel() -> Path:
    """Return the project's wheel, which `make package` built."""
    (found,) = (ROOT / "dist").glob("*.whl")
    return found


@pytest.fixture(scope="session")
<% if cookiecutter.type_of_task == "docker" %>
def databricks_local_options(wheel: Path) -> Sequence[str]:
    """Return who runs tasks, the jars of Delta, and the wheel that stands for the image of prod."""
<% else %>
def databricks_local_options() -> Sequence[str]:
    """Return who runs tasks, the jars of Delta, and the catalog of prod."""
<% endif %>
    command = [BIN / "skyspark", "jars", "list"]
    jars = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [
        "--offline",
        f"--python={BIN / 'python'}",
        *(f"--jar={jar}" for jar in jars),
        "--catalog=<< cookiecutter.catalog >>",
<% if cookiecutter.type_of_task == "docker" %>
        f"--image={REGISTRY}/databricks-alchemy/{GROUP}/{JOB}:prod={wheel}",
<% endif %>
    ]


@pytest.fixture(scope="session")
<% if cookiecutter.type_of_task == "docker" %>
def workspace(databricks_local: LocalWorkspace) -> LocalWorkspace:
    """A workspace that Airflow knows as its connection `databricks_default`."""
<% else %>
def workspace(databricks_local: LocalWorkspace, wheel: Path) -> LocalWorkspace:
    """A workspace with the jobs of the bundle, which Airflow knows as `databricks_prod`."""
    deploy_jobs(databricks_local.client(), wheel)
<% endif %>
    host, _, port = databricks_local.host.removeprefix("http://").partition(":")
    connection = {"conn_type": "databricks", "schema": "http", "host": host, "port": int(port)}
    connection["password"] = databricks_local.token
<% if cookiecutter.type_of_task == "docker" %>
    os.environ["AIRFLOW_CONN_DATABRICKS_DEFAULT"] = json.dumps(connection)
<% else %>
    os.environ["AIRFLOW_CONN_DATABRICKS_PROD"] = json.dumps(connection)
<% endif %>
    return databricks_local
<% if cookiecutter.type_of_task == "dab" %>


def deploy_jobs(client: WorkspaceClient, wheel: Path) -> None:
    """Make the jobs as `databricks bundle deploy` does; `.venv` stands for other wheels."""
    path = f"/Workspace/Shared/{wheel.name}"
    client.workspace.mkdirs("/Workspace/Shared")
    client.workspace.upload(path, wheel.read_bytes(), format=ImportFormat.AUTO)
    for file in sorted((ROOT / "databricks-workflows").glob("*.yml")):
        text = file.read_text(encoding="utf-8").replace("${bundle.target}", "prod")
        for job in yaml.safe_load(text).get("resources", {}).get("jobs", {}).values():
            job.pop("schedule", None)
            for task in job["tasks"]:
                task["libraries"] = [{"whl": path}]
            client.api_client.do("POST", "/api/2.2/jobs/create", body=job)
<% endif %>
