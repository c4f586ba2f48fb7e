"""What the squad wants of every DAG."""

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, BaseOperator

SQUAD = "<< cookiecutter.squad_name >>"
MAIL = [
    "<< cookiecutter.contact_email >>",
]


@pytest.fixture
def dags(bag: DagBag) -> list[DAG]:
    assert bag.dags
    return list(bag.dags.values())


@pytest.fixture
def tasks(dags: list[DAG]) -> list[BaseOperator]:
    return [task for dag in dags for task in dag.tasks]


def test_a_dag_says_what_it_does_and_whose_it_is(dags: list[DAG]) -> None:
    for dag in dags:
        assert dag.description, dag
        assert dag.doc_md, dag
        assert SQUAD in dag.tags, dag


def test_a_dag_does_not_catch_up_or_overtake_itself(dags: list[DAG]) -> None:
    for dag in dags:
        assert dag.catchup is False, dag
        assert dag.max_active_runs == 1, dag


def test_a_task_belongs_to_the_squad(tasks: list[BaseOperator]) -> None:
    for task in tasks:
        assert task.owner == SQUAD, task


def test_a_task_is_tried_again_after_longer_and_longer_pauses(tasks: list[BaseOperator]) -> None:
    for task in tasks:
        assert task.retries >= 1, task
        assert task.retry_exponential_backoff, task
        assert task.max_retry_delay, task


def test_a_task_does_not_run_for_ever(tasks: list[BaseOperator]) -> None:
    for task in tasks:
        assert task.execution_timeout, task


def test_a_failure_is_mailed(tasks: list[BaseOperator]) -> None:
    for task in tasks:
        told = [who for who in task.on_failure_callback if isinstance(who, SmtpNotifier)]
        assert [notifier.to for notifier in told] == [MAIL], task
