"""The examples are what the documentation shows, and run."""

import argparse
import functools
import inspect
import json
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from alchemy.payload import spark_conf
from databricks.sdk.service import catalog, jobs
from databricks_local.process import LocalWorkspace

if TYPE_CHECKING:
    from airflow.sdk import DAG

PACKAGE = Path(__file__).parents[1]
REPOSITORY = PACKAGE.parents[1]
SPARK = REPOSITORY / ".venv/bin/python"
EXAMPLES = PACKAGE / "examples"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
IMAGES = ("sales/orders:1.4.0", "sales/base:2.0.0")
OUT = "/Volumes/main/sales/out/orders.txt"
PROGRAM = f"""
import sys

def main():
    with open("{OUT}", "a") as out:
        print(*sys.argv[1:], file=out)

if __name__ == "__main__":
    main()
"""
PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "orders"
version = "1.4.0"
[project.scripts]
orders = "orders_app:main"
[tool.hatch.build.targets.wheel]
include = ["orders_app.py"]
"""
BUNDLE = {
    "name": "examples",
    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
    "kwargs": {"path": str(EXAMPLES), "refresh_interval": 300},
}


@pytest.fixture(scope="module")
def workspace(
    databricks_local_factory: Callable[..., LocalWorkspace], tmp_path_factory: pytest.TempPathFactory
) -> LocalWorkspace:
    """A workspace that has what the examples name."""
    project = tmp_path_factory.mktemp("orders")
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "orders_app.py").write_text(PROGRAM)
    build = [str(SPARK), "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(build, cwd=project, check=True, capture_output=True)
    (wheel,) = project.glob("dist/*.whl")
    images = (f"--image={REGISTRY}/databricks-alchemy/{image}={wheel}" for image in IMAGES)
    made = databricks_local_factory(*images)
    client = made.client()
    for schema, volumes in {"sales": ("out", "code"), "stack_exchange": ("landing",)}.items():
        client.schemas.create(schema, "main")
        for volume in volumes:
            client.volumes.create("main", schema, volume, catalog.VolumeType.MANAGED)
    with (project / "orders_app.py").open("rb") as stream:
        client.files.upload("/Volumes/main/sales/code/orders.py", stream)
    client.instance_pools.create("spot", "m5d.xlarge")
    return made


@pytest.fixture(scope="module")
def dags(database: None, workspace: LocalWorkspace) -> Iterator[dict[str, "DAG"]]:
    """The examples as Airflow reads them, and a connection to the workspace."""
    from airflow.cli.commands.dag_command import dag_reserialize
    from airflow.sdk.execution_time import supervisor

    # Before 3.2 it lies elsewhere.
    in_processing = find_spec("airflow.dag_processing.dagbag")
    dagbag = import_module("airflow.dag_processing.dagbag" if in_processing else "airflow.models.dagbag")

    host, _, port = workspace.host.removeprefix("http://").partition(":")
    connection = {"conn_type": "databricks", "schema": "http", "host": host, "port": int(port)}
    connection |= {"password": workspace.token, "extra": {"ecr_registry": REGISTRY}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps(connection))
        patch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([BUNDLE]))
        # Airflow 3.1 needs seconds to make one, and makes one for each task.
        patch.setattr(supervisor, "in_process_api_server", functools.cache(supervisor.in_process_api_server))
        dag_reserialize(argparse.Namespace(bundle_name=None))
        bag = dagbag.DagBag(str(EXAMPLES))
        assert not bag.import_errors
        yield bag.dags


@pytest.fixture
def run(dags: dict[str, "DAG"], workspace: LocalWorkspace) -> Callable[[str], list[jobs.Run]]:
    """Return a function that runs a DAG and returns what it ran in the workspace, the oldest first."""

    def run(dag_id: str) -> list[jobs.Run]:
        dag = dags[dag_id]
        for task in dag.tasks:
            # They are written for runs that take minutes.
            getattr(task, "partial_kwargs", vars(task))["polling_period_seconds"] = 0.1
        client = workspace.client()
        before = {each.run_id for each in client.jobs.list_runs()}
        assert dag.test().state == "success"
        new = (each.run_id for each in client.jobs.list_runs() if each.run_id not in before)
        return [client.jobs.get_run(run_id) for run_id in sorted(run_id for run_id in new if run_id)]

    return run


def said(workspace: LocalWorkspace) -> list[str]:
    """Return the command lines of the app so far, and forget them."""
    client = workspace.client()
    content = client.files.download(OUT).contents
    assert content is not None
    lines = content.read().decode().splitlines()
    client.files.delete(OUT)
    return lines


def only(values: Sequence[Any] | None) -> Any:
    (value,) = values or ()
    return value


def test_an_app_runs_from_its_image_as_described(
    run: Callable[[str], list[jobs.Run]], workspace: LocalWorkspace
) -> None:
    done = only(run("orders_image"))
    assert said(workspace) == ["--env prod"]
    assert done.run_name == "orders_image.orders"
    task = only(done.tasks)
    pool = only(list(workspace.client().instance_pools.list()))
    assert task.python_wheel_task.as_dict() == {
        "package_name": "orders",
        "entry_point": "orders",
        "parameters": ["--env", "prod"],
    }
    cluster = task.new_cluster.as_dict()
    conf = cluster.pop("spark_conf")
    assert cluster == {
        "spark_version": "17.3.x-scala2.13",
        "docker_image": {"url": f"{REGISTRY}/databricks-alchemy/sales/orders:1.4.0"},
        "autoscale": {"min_workers": 1, "max_workers": 4},
        "instance_pool_id": pool.instance_pool_id,
        "data_security_mode": "SINGLE_USER",
        "custom_tags": {"project": "sales"},
    }
    assert conf["spark.sql.shuffle.partitions"] == "64"
    assert conf["spark.hadoop.fs.s3a.stsAssumeRole.arn"] == "arn:aws:iam::123456789012:role/alc-db-sales"


def test_a_python_file_runs_with_its_archives(
    run: Callable[[str], list[jobs.Run]], workspace: LocalWorkspace
) -> None:
    task = only(only(run("orders_python_file")).tasks)
    assert said(workspace) == [""]
    assert task.spark_python_task.python_file == "/Volumes/main/sales/code/orders.py"
    assert task.new_cluster.spark_conf["spark.submit.pyFiles"] == "/Volumes/main/sales/code/common.zip"


def test_a_job_of_a_bundle_runs_with_its_parameters(
    run: Callable[[str], list[jobs.Run]], workspace: LocalWorkspace
) -> None:
    task = {
        "task_key": "orders",
        "python_wheel_task": {
            "package_name": "orders",
            "entry_point": "orders",
            "parameters": ["{{job.parameters.date}}"],
        },
        "new_cluster": {
            "spark_version": "17.3.x-scala2.13",
            "node_type_id": "m5d.xlarge",
            "num_workers": 1,
            "docker_image": {"url": f"{REGISTRY}/databricks-alchemy/{IMAGES[0]}"},
        },
    }
    body = {"name": "[dev ana] orders", "parameters": [{"name": "date", "default": "?"}], "tasks": [task]}
    job_id = workspace.call("POST", "/api/2.2/jobs/create", body)["job_id"]
    assert only(run("orders_bundle")).job_id == job_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", only(said(workspace)))


def test_mapped_tasks_run_once_for_each_list_of_parameters(
    run: Callable[[str], list[jobs.Run]], workspace: LocalWorkspace
) -> None:
    assert len(run("orders_mapped")) == 2
    assert sorted(said(workspace)) == ["--date 2026-11-18", "--date 2026-11-20"]


def test_the_dump_is_landed_and_told_of(
    run: Callable[[str], list[jobs.Run]],
    workspace: LocalWorkspace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from airflow.models.asset import AssetEvent
    from airflow.utils.session import create_session
    from sqlalchemy import select

    (tmp_path / "Posts.xml").write_text("<posts/>")
    monkeypatch.setenv("AIRFLOW_VAR_DUMP_FOLDER", str(tmp_path))
    run("land_dump")
    landed = workspace.client().files.list_directory_contents("/Volumes/main/stack_exchange/landing")
    assert [each.name for each in landed] == ["Posts.xml"]
    with create_session() as session:
        events = session.scalars(select(AssetEvent).where(AssetEvent.source_dag_id == "land_dump")).all()
        assert [event.asset.name for event in events] == ["main.stack_exchange.landing"]


def test_what_follows_the_gold_table_is_scheduled_on_it(run: Callable[[str], list[jobs.Run]]) -> None:
    from airflow.models.asset import AssetModel
    from airflow.utils.session import create_session
    from sqlalchemy import select

    run("report_tags")
    with create_session() as session:
        assets = session.scalars(select(AssetModel)).all()
        scheduled = {each.name: [dag.dag_id for dag in each.scheduled_dags] for each in assets}
    assert scheduled["main.stack_exchange.gold_popular_tags"] == ["report_tags"]


def test_the_documentation_shows_the_examples_as_they_are() -> None:
    files = [path.read_text() for path in EXAMPLES.glob("*.py")]
    pages = [REPOSITORY / "docs/airflow.md", PACKAGE / "README.md"]
    shown = [
        block
        for page in pages
        for block in re.findall(r"^```python\n(.*?)^```", page.read_text(), re.S | re.M)
    ]
    assert shown
    for block in shown:
        assert [file for file in files if block in file], block
    for file in files:
        assert [block for block in shown if block in file], file


def test_the_tables_name_every_argument() -> None:
    from alchemy.operators.alchemy_databricks_pyspark_operator import (
        AlchemyDatabricksSubmitPySparkJobOperator,
    )
    from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator
    from alchemy.operators.skyspark_operator import SkySparkOperator

    of_all = {"self", "kwargs", "deferrable"}
    image, _, rest = (REPOSITORY / "docs/airflow.md").read_text().partition("## A job of a bundle")
    bundle = rest.partition("## Mapped tasks")[0]
    base = parameters(AlchemyDatabricksSubmitPySparkJobOperator) - {"python_file", "entry_point"}
    assert named(image) == (base | parameters(SkySparkOperator) | {"run_name"}) - of_all
    assert named(bundle) == parameters(SkySparkBundleOperator) - of_all


def test_the_layers_of_the_spark_configuration_are_told() -> None:
    page = (REPOSITORY / "docs/airflow.md").read_text()
    told = dict(re.findall(r"^\| `?(\w+)`? \| (.*) \|$", page.partition("| layer |")[2], re.M))
    for name, settings in spark_conf.layers(role_arn="a", glue=True, py_files=["b"]):
        for key in settings:
            assert f"`{key}`" in told[name.removeprefix("the ")]


def parameters(operator: type) -> set[str]:
    return set(inspect.signature(vars(operator)["__init__"]).parameters)


def named(text: str) -> set[str]:
    """Return what tables with the heading `argument` have in their first column."""
    tables = re.findall(r"^\| argument \|.*\n((?:\|.*\n)+)", text, re.M)
    return {name for table in tables for name in re.findall(r"^\| `(\w+)` \|", table, re.M)}
