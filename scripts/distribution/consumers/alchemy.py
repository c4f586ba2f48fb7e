"""A DAG as a project has it, read by the Airflow that the package brings."""

# ruff: noqa: S101
from datetime import UTC, datetime
from importlib.metadata import entry_points

from airflow.sdk import DAG
from alchemy import __version__
from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator
from alchemy.operators.skyspark_operator import SkySparkOperator
from alchemy.payload.image import package_of

image = "databricks-alchemy/sales/orders:1.4.0"
with DAG(dag_id="orders", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as dag:
    app = SkySparkOperator(
        task_id="app",
        spark_app="orders",
        docker_image=image,
        databricks_runtime="17.3.x-scala2.13",
        cmd_params=["--env", "prod"],
    )
    job = SkySparkBundleOperator(task_id="job", job_name="orders")
    app >> job

assert dag.task_ids == ["app", "job"]
package: str = package_of(image)
assert package == "orders"
providers = entry_points(group="apache_airflow_provider")
(provider,) = (item for item in providers if item.module.startswith("alchemy."))
assert provider.load()()["versions"] == [__version__]
