"""The DAG that runs the job: when it is due, and a run of it against a Jobs API."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from airflow.assets.manager import AssetManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.models.asset import AssetDagRunQueue, AssetModel
from airflow.models.dag import DagModel
from airflow.models.dagbundle import DagBundleModel
from airflow.sdk import DAG, Asset
from airflow.utils.session import create_session
from sqlalchemy import delete, select, update

from jobs_api import JOB_ID, JobsApi
from stack_exchange.assets import POSTS_ASSET, USERS_ASSET

DAG_ID = "trigger_databricks_workflow"
JOB_NAME = "<< cookiecutter.databricks_job_name >>"<% if cookiecutter.databricks_job_name | length > 87 %>  # noqa: E501<% endif +%>

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def dag(bag: DagBag) -> DAG:
    return bag.dags[DAG_ID]


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsApi]:
    with JobsApi(JOB_NAME).serve() as api:
        connection = {"conn_type": "databricks", "host": "127.0.0.1", "port": api.port}
        monkeypatch.setenv(
            "AIRFLOW_CONN_DATABRICKS_DEFAULT",
            json.dumps({**connection, "schema": "http", "password": "token"}),
        )
        yield api


def run(dag: DAG) -> str:
    # As after an asset event, there is no logical date.
    return str(dag.test(run_after=datetime.now(UTC), logical_date=None).state)


@pytest.fixture
def due(bag: DagBag) -> Callable[..., bool]:
    """Return what tells whether the scheduler starts the DAG when these assets have changed."""

    def due(*changed: Asset) -> bool:
        with create_session() as session:
            session.merge(DagBundleModel(name="dags-folder"))
            session.flush()
            sync_bag_to_db(bag, "dags-folder", None, session=session)
            session.execute(delete(AssetDagRunQueue))
            session.execute(update(DagModel).values(is_paused=False))
            for asset in changed:
                stored = session.scalar(select(AssetModel).where(AssetModel.uri == asset.uri))
                AssetManager().register_asset_change(asset=stored, session=session)
            session.flush()
            dags, _ = DagModel.dags_needing_dagruns(session)
            return DAG_ID in [dag.dag_id for dag in dags]

    return due


def test_it_is_due_when_both_assets_have_changed(due: Callable[..., bool]) -> None:
    assert due(POSTS_ASSET, USERS_ASSET)


@pytest.mark.parametrize("changed", [[], [POSTS_ASSET], [USERS_ASSET], [POSTS_ASSET, POSTS_ASSET]])
def test_it_is_not_due_before(due: Callable[..., bool], changed: list[Asset]) -> None:
    assert not due(*changed)


def test_it_runs_the_job_by_its_name_and_waits_for_it(dag: DAG, jobs: JobsApi) -> None:
    assert dag.get_task("run_job").deferrable
    assert run(dag) == "success"
    (started,) = jobs.started
    assert started["job_id"] == JOB_ID
    assert jobs.waited_for == {1}


def test_each_run_starts_a_run_of_the_job(dag: DAG, jobs: JobsApi) -> None:
    run(dag)
    run(dag)
    tokens = {started["idempotency_token"] for started in jobs.started}
    assert len(tokens) == 2
    assert all(0 < len(token) <= 64 for token in tokens)


def test_a_job_that_fails_fails_the_run(
    dag: DAG, jobs: JobsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dag.get_task("run_job"), "retries", 0)
    jobs.result = "FAILED"
    assert run(dag) == "failed"


def test_a_job_that_is_not_there_fails_the_run(
    dag: DAG, jobs: JobsApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dag.get_task("run_job"), "retries", 0)
    jobs.job_name = "another job"
    assert run(dag) == "failed"
    assert jobs.started == []
