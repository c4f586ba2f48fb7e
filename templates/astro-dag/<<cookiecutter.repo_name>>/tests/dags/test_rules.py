"""What the squad wants of every DAG."""

import tomllib
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.slack.notifications.slack import SlackNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, BaseOperator

ROOT = Path(__file__).parents[2]
OWNER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["deploy-dags"]


@pytest.fixture
def dags(bag: DagBag) -> list[DAG]:
    assert bag.dags
    return list(bag.dags.values())


@pytest.fixture
def tasks(dags: list[DAG]) -> list[BaseOperator]:
    return [task for dag in dags for task in dag.tasks]


def test_a_dag_is_named_after_its_folder(dags: list[DAG]) -> None:
    # Ids are unique in a Deployment, which has the DAGs of other repositories, too.
    for dag in dags:
        folder = Path(dag.fileloc).relative_to(ROOT / "dags").parts[0]
        assert dag.dag_id == folder or dag.dag_id.startswith((f"{folder}.", f"{folder}_")), dag


def test_a_dag_says_what_it_does_and_whose_it_is(dags: list[DAG]) -> None:
    for dag in dags:
        assert dag.description, dag
        assert dag.doc_md, dag
        assert OWNER["squad_name"] in dag.tags, dag


def test_a_dag_does_not_catch_up_or_overtake_itself(dags: list[DAG]) -> None:
    for dag in dags:
        assert dag.catchup is False, dag
        assert dag.max_active_runs == 1, dag


def test_a_task_belongs_to_the_squad_and_is_tried_again(tasks: list[BaseOperator]) -> None:
    for task in tasks:
        assert task.owner == OWNER["squad_name"], task
        assert task.retries >= 1, task
        assert task.execution_timeout, task


def test_a_failure_is_told_in_slack_and_mailed(tasks: list[BaseOperator]) -> None:
    for task in tasks:
        told = list(task.on_failure_callback)
        channels = [notifier.channel for notifier in told if isinstance(notifier, SlackNotifier)]
        mailed = [notifier.to for notifier in told if isinstance(notifier, SmtpNotifier)]
        assert channels == [OWNER["alert_slack_channel"]], task
        assert mailed == [[OWNER["contact_email"]]], task
