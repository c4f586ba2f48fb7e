"""Runs a job that a bundle has deployed."""

from datetime import UTC, datetime

from airflow.sdk import DAG
from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator

with DAG(
    dag_id="orders_bundle",
    schedule="0 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    default_args={"retries": 2},
):
    SkySparkBundleOperator(
        task_id="orders",
        job_name="orders",
        job_parameters={"date": "{{ ds }}"},
    )
