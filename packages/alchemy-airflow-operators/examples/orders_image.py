"""Runs an app from its image every night."""

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG
from alchemy.operators.skyspark_operator import SkySparkOperator

with DAG(
    dag_id="orders_image",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
):
    SkySparkOperator(
        task_id="orders",
        spark_app="orders",
        docker_image="databricks-alchemy/sales/orders:1.4.0",
        databricks_runtime="17.3.x-scala2.13",
        cmd_params=["--env", "prod"],
        spark_s3_iam_role="arn:aws:iam::123456789012:role/alc-db-sales",
        max_workers=4,
        project="sales",
        instance_pool_name="spot",
        additional_spark_conf={"spark.sql.shuffle.partitions": 64},
        notifications={"on_failure": ["data-engineering@example.com"]},
        timeout=timedelta(hours=2),
    )
