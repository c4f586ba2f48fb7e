"""The Dag of a dab project with the provider's own operator."""

from datetime import UTC, datetime, timedelta

from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, Asset

PROJECT = "stack-exchange-pipeline"
SQUAD = "data-engineering"
SCHEMA = "main.stack_exchange"

ENVIRONMENT = "{{ var.value.get('environment', 'dev') }}"
DAY = "{{ (dag_run.logical_date or dag_run.run_after) | ds }}"
DUMP = Asset(f"{SCHEMA}.landing")
MAIL = SmtpNotifier(
    to=[
        "data-engineering@example.com",
    ],
    subject="{{ ti.dag_id }}.{{ ti.task_id }} failed",
    html_content="{{ exception | e }}<br><a href='{{ ti.log_url }}'>Log of {{ ti.run_id }}</a>",
)

with DAG(
    dag_id=PROJECT,
    schedule=[DUMP],
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "on_failure_callback": MAIL,
    },
    tags=["skyspark"],
):
    DatabricksRunNowOperator(
        task_id="medallion",
        databricks_conn_id=f"databricks_{ENVIRONMENT}",
        job_name=PROJECT,
        job_parameters={"date": DAY},
        deferrable=True,
        outlets=[
            Asset(f"{SCHEMA}.gold_popular_tags"),
            Asset(f"{SCHEMA}.gold_posts_with_users"),
            Asset(f"{SCHEMA}.gold_daily_tags"),
        ],
    )
