"""Tasks that write down each time that their app is executed."""

from datetime import timedelta

from airflow.sdk import DAG
from alchemy.operators.skyspark_operator import SkySparkOperator

for deferrable in (True, False):
    with DAG(f"counted_{'deferred' if deferrable else 'polled'}", schedule=None):
        SkySparkOperator(
            task_id="count",
            spark_app="count",
            run_name="{{ run_id }}",
            cmd_params=["{{ dag_run.conf['file'] }}", "{{ dag_run.conf['gate'] }}"],
            docker_image="databricks-alchemy/data-platform/demo:1",
            databricks_runtime="17.3.x-scala2.13",
            polling_period_seconds=0.1,
            retries=2,
            retry_delay=timedelta(0),
            deferrable=deferrable,
        )
