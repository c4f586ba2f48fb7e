"""What the pod of the task that needs memory and disk is given."""

import sys
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import BundleDagBag, DagBag
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator
from airflow.sdk import get_parsing_context
from kubernetes.client import models

from stack_exchange.pod import executor_config

DAGS = Path(__file__).parents[2] / "dags"


@pytest.fixture
def override(bag: DagBag) -> Any:
    task = bag.dags["produce_data_assets"].get_task("land_archive")
    return PodGenerator.from_obj(task.executor_config)


def test_it_has_the_memory_and_the_disk_that_the_task_may_fill(override: Any) -> None:
    from produce_data_assets import DISK_GIB

    resources = override.spec.containers[0].resources
    assert resources.requests == {"memory": "512Mi", "ephemeral-storage": f"{DISK_GIB}Gi"}
    assert resources.limits == resources.requests


def test_the_rest_of_it_is_the_charts(override: Any) -> None:
    chart = models.V1Pod(
        metadata=models.V1ObjectMeta(labels={"component": "worker"}),
        spec=models.V1PodSpec(
            service_account_name="worker",
            containers=[models.V1Container(name="base", image="image", args=["run"])],
        ),
    )
    pod = PodGenerator.reconcile_pods(chart, override)
    (container,) = pod.spec.containers
    assert (container.image, container.args) == ("image", ["run"])
    assert container.resources.limits["ephemeral-storage"] == "8Gi"
    assert pod.spec.service_account_name == "worker"


def test_the_task_itself_does_not_describe_it(monkeypatch: pytest.MonkeyPatch) -> None:
    # As Airflow sets it before it reads the DAG of the task that the process is for.
    monkeypatch.setenv("_AIRFLOW_PARSING_CONTEXT_DAG_ID", "produce_data_assets")
    assert get_parsing_context().dag_id == "produce_data_assets"
    assert executor_config(memory="1Mi", disk="1Gi") == {}


def test_a_dag_is_read_without_the_package_kubernetes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "kubernetes"]:
        monkeypatch.setitem(sys.modules, name, None)
    file = DAGS / "produce_data_assets.py"
    bag = BundleDagBag(dag_folder=file, bundle_path=DAGS, bundle_name="dags-folder")
    assert not bag.import_errors
    task = bag.dags["produce_data_assets"].get_task("land_archive")
    assert task.executor_config == {}
