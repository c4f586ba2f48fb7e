"""Airflow's scheduler, workers and triggerers, as far as one task needs them, each acting when it is told to.

What they do is done by Airflow's own code on its own database: a task runs through the execution API, a
trigger is made from its stored row, and its end is told to the task as a triggerer tells it.
"""

import asyncio
import gc
from collections.abc import Iterable
from pkgutil import resolve_name
from typing import Any
from uuid import UUID

# Imported by the execution API once it is called.
import a2wsgi  # noqa: F401
import httpx
import jinja2.ext  # noqa: F401
from airflow.dag_processing.collection import update_dag_parsing_results_in_db
from airflow.models.dagbundle import DagBundleModel
from airflow.models.dagrun import DagRun, get_or_create_dagrun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.models.taskinstance import TaskInstance
from airflow.models.trigger import Trigger
from airflow.models.xcom import XComModel
from airflow.providers.databricks.hooks.databricks import DatabricksHook
from airflow.sdk import DAG, timezone
from airflow.sdk.api.datamodels._generated import TaskInstance as TaskToRun
from airflow.sdk.execution_time.supervisor import in_process_api_server, run_task_in_process
from airflow.serialization.serialized_objects import LazyDeserializedDAG
from airflow.triggers.base import BaseTrigger, TriggerEvent
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from airflow.utils.types import DagRunTriggeredByType
from sqlalchemy import select
from sqlalchemy.orm import Session

_BUNDLE = "storm"
_RUN_ID = "storm"
ENDED = (TaskInstanceState.SUCCESS, TaskInstanceState.FAILED)


def prepare() -> None:
    """Do once in a process what those that are forked from it would each take seconds for."""
    with create_session() as session:
        session.add(DagBundleModel(name=_BUNDLE))
    api = in_process_api_server()

    async def ask() -> None:
        # The first request builds the routes. Without a thread of its own, because none outlives a fork.
        client = httpx.AsyncClient(transport=api.atransport, base_url="http://airflow")
        async with api.app.router.lifespan_context(api.app), client:
            await client.get("/variables/none")

    asyncio.run(ask())
    _ = DatabricksHook().user_agent_value
    gc.freeze()


def register(dags: Iterable[DAG]) -> None:
    """Put DAGs into the database, as a DAG processor does."""
    with create_session() as session:
        update_dag_parsing_results_in_db(
            bundle_name=_BUNDLE,
            bundle_version=None,
            dags=[LazyDeserializedDAG.from_dag(dag) for dag in dags],
            import_errors={},
            parse_duration=None,
            warnings=set(),
            session=session,
        )


def _stored(dag_id: str, session: Session) -> Any:
    stored = SerializedDagModel.get(dag_id, session=session)
    if stored is None:
        raise LookupError(f"{dag_id} is not registered")
    return stored.dag


class TaskUnderWay:
    """The only task of a run of a DAG."""

    def __init__(self, dag: DAG) -> None:
        """Start a run of the DAG.

        Args:
            dag: One that is registered, with one task.
        """
        (self._task,) = dag.tasks
        self._dag_id = dag.dag_id
        now = timezone.utcnow()
        with create_session() as session:
            get_or_create_dagrun(
                dag=_stored(dag.dag_id, session),
                run_id=_RUN_ID,
                logical_date=now,
                data_interval=(now, now),
                run_after=now,
                conf=None,
                triggered_by=DagRunTriggeredByType.TEST,
                triggering_user_name=None,
                start_date=now,
                session=session,
            )

    def _instance(self, session: Session) -> TaskInstance:
        of_task = select(TaskInstance).filter_by(dag_id=self._dag_id, run_id=_RUN_ID)
        return session.scalars(of_task).one()

    @property
    def state(self) -> str | None:
        """The state in the database."""
        with create_session() as session:
            return self._instance(session).state

    @property
    def try_number(self) -> int:
        """The number of the try in the database."""
        with create_session() as session:
            return self._instance(session).try_number

    def xcoms(self) -> dict[str, object]:
        """Return what the task pushed, by key."""
        with create_session() as session:
            of_task = select(XComModel).filter_by(dag_id=self._dag_id, run_id=_RUN_ID)
            return {row.key: XComModel.deserialize_value(row) for row in session.scalars(of_task)}

    def schedule(self) -> None:
        """Queue the task as a scheduler does: for its first try, for the next one, or after its trigger."""
        with create_session() as session:
            if self._instance(session).state != TaskInstanceState.SCHEDULED:
                run = session.scalars(select(DagRun).filter_by(dag_id=self._dag_id, run_id=_RUN_ID)).one()
                run.dag = _stored(self._dag_id, session)
                (instance,), _ = run.update_state(session=session)
                instance.try_number += 1
        with create_session() as session:
            self._instance(session).state = TaskInstanceState.QUEUED

    def work(self) -> None:
        """Run the task until it ends or is deferred, as a worker does."""
        with create_session() as session:
            found = self._instance(session)
            task = TaskToRun(
                id=UUID(str(found.id)),
                task_id=found.task_id,
                dag_id=found.dag_id,
                run_id=found.run_id,
                try_number=found.try_number,
                map_index=found.map_index,
                dag_version_id=UUID(str(found.dag_version_id)),
            )
        run_task_in_process(ti=task, task=self._task)

    @property
    def is_under_way(self) -> bool:
        """Whether a worker has it."""
        return self.state in (TaskInstanceState.QUEUED, TaskInstanceState.RUNNING)

    def worker_is_gone(self) -> None:
        """Take note that the task's worker has ended; if the task was under way, the try has failed."""
        if self.is_under_way:
            with create_session() as session:
                self._instance(session).handle_failure("the worker is gone", session=session)

    def failed_by_a_person(self) -> None:
        """Mark the task as failed, unless it has succeeded."""
        with create_session() as session:
            instance = self._instance(session)
            if instance.state != TaskInstanceState.SUCCESS:
                instance.state = TaskInstanceState.FAILED

    def watch(self) -> None:
        """Run the trigger that the task waits for, to its first event or its failure, as a triggerer does."""
        with create_session() as session:
            trigger_id = self._instance(session).trigger_id
            stored = session.get_one(Trigger, trigger_id)
            trigger: BaseTrigger = resolve_name(stored.classpath)(**stored.kwargs)

        async def first_event() -> TriggerEvent:
            return await anext(trigger.run())

        try:
            event = asyncio.run(first_event())
        except Exception as error:
            Trigger.submit_failure(trigger_id, error)
            raise
        Trigger.submit_event(trigger_id, event)
