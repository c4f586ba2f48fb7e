"""Runs an app once for each day that another task has found."""

from airflow.sdk import dag, task
from alchemy.operators.skyspark_operator import SkySparkOperator


@dag(schedule=None)
def orders_mapped() -> None:
    """Run one app for several days."""

    @task
    def late_days() -> list[list[str]]:
        return [["--date", "2026-11-18"], ["--date", "2026-11-20"]]

    SkySparkOperator.partial(
        task_id="orders",
        spark_app="orders",
        docker_image="databricks-alchemy/sales/orders:1.4.0",
        databricks_runtime="17.3.x-scala2.13",
        max_active_tis_per_dagrun=4,
    ).expand(cmd_params=late_days())


orders_mapped()
