"""A job of a SkySpark project, as its bundle deployed it."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.databricks.operators.databricks import DatabricksRunNowOperator

from alchemy import runs
from alchemy.errors import PayloadError
from alchemy.operators.run_lifecycle import RunLifecycle
from alchemy.payload import run
from alchemy.triggers.run import is_lasting

if TYPE_CHECKING:
    from airflow.sdk import Context


# The provider's two operators do not agree on the signature of execute_complete.
class SkySparkBundleOperator(RunLifecycle, DatabricksRunNowOperator):  # type: ignore[misc]
    """Runs a deployed job and waits for it, without holding a worker.

    Example:
        ```python
        SkySparkBundleOperator(task_id="medallion", job_name="orders", job_parameters={"date": "{{ ds }}"})
        ```
    """

    template_fields: Sequence[str] = ("job_name", "job_id", "job_parameters", "databricks_conn_id")

    def __init__(
        self,
        *,
        job_name: str | None = None,
        job_id: int | str | None = None,
        job_parameters: Mapping[str, object] | None = None,
        repair_run: bool = True,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        """Describe the run.

        Args:
            job_name: The job's name in the bundle; what mode development puts before it is understood.
            job_id: Instead of it: the job's id.
            job_parameters: Parameters that the job declares.
            repair_run: Whether a retry repairs the failed run of the try before: only tasks that failed,
                and those after them, run again. Otherwise, and where a run cannot be repaired, all run again.
            deferrable: Whether a triggerer waits for the run instead of a worker.
            **kwargs: Arguments of DatabricksRunNowOperator and of all operators.
        """
        super().__init__(job_name=job_name, repair_run=repair_run, deferrable=deferrable, **kwargs)
        # Wider than the provider has them: they are checked once they are rendered.
        self.job_id = job_id  # type: ignore[assignment]
        self.job_parameters = job_parameters  # type: ignore[assignment]
        self.durable = False

    def payload(self, context: "Context") -> dict[str, Any]:  # noqa: ARG002
        """Return the body of ``jobs/run-now`` without its token.

        Raises:
            AlchemyError: An argument cannot become a part of it, or the name stands for nothing.
        """
        if (self.job_name is None) == (self.job_id is None):
            raise PayloadError("A job is needed: give either job_name or job_id.")
        if self.job_name is not None:
            return run.run_now(self.workspace.job_id(self.job_name), self.job_parameters)
        if not str(self.job_id).isdecimal():
            raise PayloadError(f"job_id is {self.job_id!r}: give a number, or the job's name as job_name.")
        return run.run_now(int(str(self.job_id)), self.job_parameters)

    def start(self, payload: dict[str, Any]) -> int:
        """Start the job and return its run's id."""
        return int(self.workspace.run_now(payload))

    def revive(self, run_before: dict[str, Any], payload: dict[str, Any]) -> bool:
        """Repair a failed run of an earlier try; return whether it goes on."""
        if not self.repair_run:
            return False
        run_id = run_before["run_id"]
        latest = self.workspace.get_latest_repair_id(run_id)
        try:
            self.workspace.repair_run(run.repair_run(run_id, latest, payload.get("job_parameters")))
        except AirflowException as error:
            if not is_lasting(error):
                raise
            # A repair whose answer was lost is refused the second time, because it goes on.
            if runs.has_failed(self.workspace.get_run(run_id)):
                self.log.info("Run %s cannot be repaired: %s", run_id, error)
                return False
        self.log.info("Run %s had ended as %s: repairing it.", run_id, runs.state(run_before))
        return True
