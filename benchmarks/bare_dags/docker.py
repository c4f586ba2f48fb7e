"""The Dag of a docker project with the provider's own operator; what SkySparkOperator adds is written out."""

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.databricks.operators.databricks import DatabricksSubmitRunOperator
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import DAG, Asset
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.trigger import CronTriggerTimetable

PROJECT = "stack-exchange-pipeline"
GROUP = "data-platform"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SCHEDULE = "0 2 * * *"
SQUAD = "data-engineering"
AWS_PROJECT = "data-platform"
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
CLUSTER = {
    "spark_version": "17.3.x-scala2.13",
    "docker_image": {"url": f"{REGISTRY}/databricks-alchemy/{GROUP}/{PROJECT}:{ENVIRONMENT}"},
    "node_type_id": "m5d.xlarge",
    "autoscale": {"min_workers": 1, "max_workers": 4},
    "data_security_mode": "SINGLE_USER",
    "custom_tags": {"project": AWS_PROJECT},
    "spark_conf": {
        "spark.hadoop.fs.s3a.acl.default": "BucketOwnerFullControl",
        "spark.hadoop.fs.s3a.canned.acl": "BucketOwnerFullControl",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.catalogImplementation": "hive",
        "spark.databricks.unityCatalog.volumes.enabled": "true",
    },
}


def app(name: str, *parameters: str) -> list[dict[str, Any]]:
    """Return the tasks of a run of one app."""
    wheel = {"package_name": PROJECT, "entry_point": name, "parameters": list(parameters)}
    return [{"task_key": name, "new_cluster": CLUSTER, "python_wheel_task": wheel}]


with DAG(
    dag_id=PROJECT,
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable(SCHEDULE, timezone="UTC"), assets=[DUMP]),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": SQUAD,
        "retries": 2,
        "retry_delay": timedelta(minutes=5),
        "on_failure_callback": MAIL,
        "deferrable": True,
    },
    tags=["skyspark"],
):
    medallion = DatabricksSubmitRunOperator(
        task_id="medallion",
        tasks=app("medallion", "--env", ENVIRONMENT),
        outlets=[Asset(f"{SCHEMA}.gold_popular_tags"), Asset(f"{SCHEMA}.gold_posts_with_users")],
    )
    daily_tags = DatabricksSubmitRunOperator(
        task_id="daily_tags",
        tasks=app("daily_tags", "--env", ENVIRONMENT, "--date", DAY),
        outlets=[Asset(f"{SCHEMA}.gold_daily_tags")],
    )
    medallion >> daily_tags
