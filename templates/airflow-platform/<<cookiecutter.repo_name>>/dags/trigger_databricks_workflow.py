"""Runs the Databricks job that makes the tables, when posts and users are both new in S3."""

from datetime import UTC, datetime, timedelta

from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator
from airflow.sdk import dag

from stack_exchange.alert import MAIL, SQUAD
from stack_exchange.assets import POSTS_ASSET, USERS_ASSET

JOB_NAME = "<< cookiecutter.databricks_job_name >>"<% if cookiecutter.databricks_job_name | length > 87 %>  # noqa: E501<% endif +%>

# Names a try of the task: Databricks takes 64 characters, and a run's id alone may have more.
TRY = "{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag.dag_id ~ run_id ~ ti.try_number) }}"

DOC = f"""
Runs the Databricks job `{JOB_NAME}`
when both assets of `produce_data_assets` have an event that no run has seen yet. While the job
runs, the task waits in the triggerer and has no pod.

A try that is sent twice, as its answer was lost, starts one run of the job. Another try of the
task, or clearing it, starts another: the job's tables come out the same.
"""


@dag(
    dag_id="trigger_databricks_workflow",
    description="Runs the Databricks job that makes the tables of posts and users",
    doc_md=DOC,
    schedule=(POSTS_ASSET & USERS_ASSET),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(hours=1),
        "execution_timeout": timedelta(hours=6),
        "on_failure_callback": [MAIL],
    },
    tags=[SQUAD, "stack_exchange"],
)
def trigger_databricks_workflow() -> None:
    """A run that assets have started has no logical date: nothing here may ask for one."""
    DatabricksRunNowOperator(
        task_id="run_job",
        job_name=JOB_NAME,
        idempotency_token=TRY,
        deferrable=True,
    )


trigger_databricks_workflow()
