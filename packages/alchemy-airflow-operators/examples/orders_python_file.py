"""Runs a Python file with its archives, all of them in a volume."""

from airflow.sdk import DAG
from alchemy.operators.skyspark_operator import SkySparkOperator

CODE = "/Volumes/main/sales/code"

with DAG(dag_id="orders_python_file", schedule=None):
    SkySparkOperator(
        task_id="orders",
        spark_app=f"{CODE}/orders.py",
        py_files=[f"{CODE}/common.zip"],
        docker_image="databricks-alchemy/sales/base:2.0.0",
        databricks_runtime="17.3.x-scala2.13",
    )
