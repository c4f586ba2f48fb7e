"""Whole runs of DAGs in this process, and what is left of them in Airflow's database."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.models.taskinstance import TaskInstance
from airflow.models.xcom import XComModel
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.utils.session import create_session
from alchemy.operators.skyspark_operator import SkySparkOperator
from demo_image import IMAGE, RUNTIME
from sqlalchemy import select

BUNDLE = "scenarios"
# What a task of the project `demo` has in common with the others.
DEMO: dict[str, Any] = {
    "docker_image": IMAGE,
    "databricks_runtime": RUNTIME,
    "polling_period_seconds": 0.1,
    "retry_delay": timedelta(0),
}


def demo(spark_app: str, *cmd_params: object, **arguments: Any) -> SkySparkOperator:
    """Return the task ``demo``, which runs an app of the project of this name."""
    texts = [str(one) for one in cmd_params]
    return SkySparkOperator(task_id="demo", spark_app=spark_app, cmd_params=texts, **DEMO, **arguments)


@dataclass(frozen=True)
class Finished:
    """A run of a DAG that is over.

    Attributes:
        dag_id: The DAG.
        run_id: Its run.
        state: How it ended: success or failed.
        log: What Airflow and the tasks said.
    """

    dag_id: str
    run_id: str
    state: str
    log: str

    def xcom(self, task_id: str, key: str = "return_value", map_index: int = -1) -> Any:
        """Return what a task pushed."""
        return xcom(self.dag_id, self.run_id, task_id, key, map_index)

    def states(self) -> dict[tuple[str, int], str]:
        """Return how the task instances ended, by task and map index."""
        with create_session() as session:
            of_run = select(TaskInstance).filter_by(dag_id=self.dag_id, run_id=self.run_id)
            return {(one.task_id, one.map_index): str(one.state) for one in session.scalars(of_run)}

    def tries(self, task_id: str) -> int:
        """Return how often a task was tried."""
        with create_session() as session:
            of_task = select(TaskInstance).filter_by(dag_id=self.dag_id, run_id=self.run_id, task_id=task_id)
            return session.scalars(of_task).one().try_number


RunDag = Callable[..., Finished]


def run_dag(dag: DAG, printed: Callable[[], str], conf: dict[str, Any] | None = None) -> Finished:
    """Run a DAG to its end, by ``DAG.test``.

    Args:
        dag: The DAG.
        printed: Returns what was printed since it was last called.
        conf: The run's configuration.
    """
    with create_session() as session:
        update_dag_parsing_results_in_db(
            bundle_name=BUNDLE,
            bundle_version=None,
            dags=[LazyDeserializedDAG.from_dag(dag)],
            import_errors={},
            parse_duration=None,
            warnings=set(),
            session=session,
        )
    printed()
    run = dag.test(run_conf=conf)
    return Finished(dag.dag_id, run.run_id, str(run.state), printed())


def xcom(dag_id: str, run_id: str, task_id: str, key: str, map_index: int = -1) -> Any:
    """Return what a task pushed; None: nothing with this key."""
    with create_session() as session:
        of_task = select(XComModel).filter_by(
            dag_id=dag_id, run_id=run_id, task_id=task_id, key=key, map_index=map_index
        )
        row = session.scalars(of_task).one_or_none()
        return None if row is None else XComModel.deserialize_value(row)
