"""What a run goes through, the same for all operators: found or submitted, waited for, reported, canceled."""

import textwrap
import time
from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException
from airflow.providers.databricks.operators.databricks import XCOM_RUN_ID_KEY, XCOM_RUN_PAGE_URL_KEY
from airflow.providers.databricks.utils.databricks import normalise_json_content

from alchemy import runs
from alchemy.errors import AlchemyError
from alchemy.hooks.workspace import AlchemyDatabricksHook
from alchemy.payload.token import Attempt, first_try
from alchemy.triggers.run import PATIENCE_SECONDS, AlchemyRunTrigger, is_lasting

if TYPE_CHECKING:
    from airflow.sdk import Context
    from airflow.sdk.bases.operator import BaseOperator as Base
else:
    Base = object

Json = dict[str, Any]

_REMEMBERED = "alchemy_run"


class RunLifecycle(Base):
    """Comes before one of the provider's operators among the bases, whose arguments it uses.

    A retry never starts a second run while the first one lives or once it has succeeded: see
    ``alchemy.payload.token``. That needs nothing to be stored, so it also holds for a worker that died right
    after the submit; the provider's own ``durable`` is therefore off. What Airflow can store from 3.3 on is
    asked for beside it: it outlives a clear.
    """

    if TYPE_CHECKING:
        run_id: int | None
        databricks_conn_id: str
        databricks_retry_limit: int
        databricks_retry_delay: int
        databricks_retry_args: dict[Any, Any] | None
        polling_period_seconds: int
        wait_for_termination: bool
        deferrable: bool

    # The request whose answer has not come yet: its run, if there is one, is known by the token.
    _asked: Json | None = None

    @abstractmethod
    def payload(self, context: "Context") -> Json:
        """Return the body of the request that starts the run, without its token.

        Raises:
            AlchemyError: An argument cannot become a part of it.
        """

    @abstractmethod
    def start(self, payload: Json) -> int:
        """Send the request, once or, for lack of an answer, several times, and return the run's id."""

    def revive(self, run_before: Json, payload: Json) -> bool:  # noqa: ARG002
        """Let a failed run of an earlier try go on instead of starting another; return whether it does."""
        return False

    @cached_property
    def workspace(self) -> AlchemyDatabricksHook:
        """The workspace that the connection leads to."""
        return AlchemyDatabricksHook(
            self.databricks_conn_id,
            retry_limit=self.databricks_retry_limit,
            retry_delay=self.databricks_retry_delay,
            retry_args=self.databricks_retry_args,
            caller=type(self).__name__,
        )

    def execute(self, context: "Context") -> None:
        """Find or submit the run and wait for it, by deferring if so told.

        Raises:
            AirflowFailException: An argument is wrong: a retry would not mend it.
            AirflowException: The run has failed, or the workspace gives no answer.
        """
        try:
            payload = cast("Json", normalise_json_content(self.payload(context)))
        except AlchemyError as error:
            raise AirflowFailException(f"{self.task_id}: {error}") from error
        attempt = _attempt(self, context)
        # Airflow has it from 3.3 on.
        store = context.get("task_state_store")
        run = self._remembered(attempt, store) or self._found_or_started(payload, attempt, store)
        self._show(run, context)
        if not self.wait_for_termination:
            return
        if self.deferrable and not runs.has_ended(run):
            trigger = AlchemyRunTrigger(
                run_id=run["run_id"],
                databricks_conn_id=self.databricks_conn_id,
                polling_period_seconds=self.polling_period_seconds,
                retry_limit=self.databricks_retry_limit,
                retry_delay=self.databricks_retry_delay,
                retry_args=self.databricks_retry_args,
                run_page_url=runs.page(run),
                caller=type(self).__name__,
                deadline=self._deadline(context),
                try_number=context["ti"].try_number,
            )
            self.defer(trigger=trigger, method_name="execute_complete")
        self._report(self._ended(run))

    def execute_complete(self, context: "Context", event: Mapping[str, Any]) -> None:
        """Go on after the trigger.

        Args:
            context: Airflow's.
            event: What ``AlchemyRunTrigger`` yielded.

        Raises:
            AirflowException: The run has failed, or the workspace gives no answer.
        """
        if "try_number" in event and event["try_number"] != context["ti"].try_number:
            # Airflow 3.1.0 goes on with the event of the try before where it should start the retry.
            self.execute(context)
            return
        self.run_id = event["run_id"]
        run = self._asked_for(event["run_id"])
        # It may have succeeded before a deadline that nobody saw pass, or in a silence of the workspace.
        if event["problem"] and not runs.has_succeeded(run):
            raise AirflowException(
                f"{self.task_id}: run {self.run_id}: {event['problem']} See {runs.page(run)}"
            )
        self._report(run)

    def on_kill(self) -> None:
        """Cancel the run, also one whose submit has been cut off before its answer."""
        if self.run_id is None and self._asked is not None:
            self.run_id = self.start(self._asked)
        if self.run_id is None:
            self.log.info("Nothing has been submitted yet: there is nothing to cancel.")
            return
        self.workspace.cancel_run(self.run_id)
        self.log.info("Run %s is being canceled.", self.run_id)

    def _remembered(self, attempt: Attempt, store: Any) -> Json | None:
        """Return the run of an earlier try that goes on, or has succeeded since the task was last cleared.

        Tokens of the tries before a clear are not asked for, and yet the run of one may go on: its worker
        died, or the workspace was out of reach for too long, and there was no other try.
        """
        known = store.get(_REMEMBERED) if store is not None else None
        if not known:
            return None
        try:
            run = self._asked_for(known["run_id"])
        except AirflowException as error:
            if not is_lasting(error):
                raise
            self.log.info("Run %s of an earlier try is not known any more: %s", known["run_id"], error)
            return None
        if runs.has_ended(run) and not (runs.has_succeeded(run) and known["first_try"] == attempt.first_try):
            return None
        self.run_id = run["run_id"]
        self._remember(attempt, store)
        self._tell_found(run)
        return run

    def _remember(self, attempt: Attempt, store: Any) -> None:
        if store is not None:
            store.set(_REMEMBERED, {"run_id": self.run_id, "first_try": attempt.first_try})

    def _found_or_started(self, payload: Json, attempt: Attempt, store: Any) -> Json:
        """Return the run that this try waits for."""
        for number, token in enumerate(attempt.tokens(), attempt.first_try):
            self.run_id, self._asked = None, {**payload, "idempotency_token": token}
            self.run_id = self.start(self._asked)
            self._asked = None
            self.log.info("The workspace has it as run %s.", self.run_id)
            self._remember(attempt, store)
            run = self._asked_for(self.run_id)
            if number == attempt.try_number or not runs.has_failed(run):
                break
            if self.revive(run, payload):
                return self._asked_for(self.run_id)
            self.log.info(
                "Run %s of try %s has ended as %s: submitting anew.", self.run_id, number, runs.state(run)
            )
        if number < attempt.try_number:
            self._tell_found(run)
        return run

    def _tell_found(self, run: Json) -> None:
        self.log.info("Run %s of an earlier try is %s: waiting for it.", self.run_id, runs.state(run))

    def _show(self, run: Json, context: "Context") -> None:
        """Tell the log and the XComs where the run is to be seen."""
        self.log.info("Run %s is %s: %s", run["run_id"], runs.state(run), runs.page(run))
        if self.do_xcom_push:
            context["ti"].xcom_push(key=XCOM_RUN_ID_KEY, value=run["run_id"])
            context["ti"].xcom_push(key=XCOM_RUN_PAGE_URL_KEY, value=runs.page(run))

    def _asked_for(self, run_id: int) -> Json:
        """Ask for a run until the workspace answers: once it is submitted, no silence may lose it."""
        asked = time.monotonic()
        while True:
            try:
                return self.workspace.get_run(run_id)
            except AirflowException as error:
                silent = time.monotonic() - asked
                if is_lasting(error) or silent > PATIENCE_SECONDS:
                    raise
                self.log.warning(
                    "The workspace has not answered for %.0f seconds, asking again: %s", silent, error
                )
                time.sleep(self.polling_period_seconds)

    def _ended(self, run: Json) -> Json:
        """Ask for the run until it has ended, and log each change."""
        clusters: list[str] = []
        while not runs.has_ended(run):
            time.sleep(self.polling_period_seconds)
            now = self._asked_for(run["run_id"])
            if runs.state(now) != runs.state(run):
                self.log.info("Run %s is %s.", run["run_id"], runs.state(now))
            if runs.clusters(now) != clusters:
                clusters = runs.clusters(now)
                self.log.info("It runs on cluster %s.", ", ".join(clusters))
            run = now
        return run

    def _report(self, run: Json) -> None:
        """Log how the run has ended.

        Raises:
            AirflowException: It has not succeeded.
        """
        clusters = ", ".join(runs.clusters(run)) or "none"
        if runs.has_succeeded(run):
            self.log.info("Run %s has succeeded (cluster: %s): %s", run["run_id"], clusters, runs.page(run))
            return
        errors = [self._report_task(task) for task in runs.failed_tasks(run)]
        said = "; ".join(errors) or runs.reason(run) or "the service does not say why"
        raise AirflowException(
            f"{self.task_id}: run {run['run_id']} has ended as {runs.state(run)} (cluster: {clusters}): "
            f"{said.rstrip('.')}. See {runs.page(run)}"
        )

    def _report_task(self, task: Mapping[str, Any]) -> str:
        """Log why a task of the run has failed, with the program's own traceback; return it in one line."""
        key, state = task["task_key"], task["state"]["result_state"]
        try:
            output = self.workspace.get_run_output(task["run_id"])
        except AirflowException as error:
            self.log.warning("Why task %s has failed cannot be asked for: %s", key, error)
            output = {}
        why = output.get("error") or runs.reason(task)
        self.log.error("Task %s has ended as %s:\n%s", key, state, output.get("error_trace") or why)
        # It goes into mails and lists: what does not fit is in the log.
        return textwrap.shorten(f"task {key}: {why}", 500, placeholder=" …")

    def _deadline(self, context: "Context") -> float | None:
        """Return when the task's execution_timeout is over, in seconds since the epoch."""
        if self.execution_timeout is None:
            return None
        started = context["ti"].start_date
        return float(started.timestamp() + self.execution_timeout.total_seconds())


def _attempt(operator: Base, context: "Context") -> Attempt:
    ti, dag_run = context["ti"], context["dag_run"]
    started = dag_run.start_date or dag_run.run_after
    return Attempt(
        dag_id=ti.dag_id,
        run_id=ti.run_id,
        run_started=started.isoformat(),
        task_id=ti.task_id,
        map_index=-1 if ti.map_index is None else ti.map_index,
        first_try=first_try(ti.try_number, ti.max_tries, operator.retries or 0),
        try_number=ti.try_number,
    )
