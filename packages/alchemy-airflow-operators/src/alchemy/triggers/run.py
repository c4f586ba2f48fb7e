"""Waiting for a run outside of a worker."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from airflow.providers.common.compat.sdk import AirflowException
from airflow.providers.databricks.exceptions import DatabricksApiError
from airflow.providers.databricks.triggers.databricks import DatabricksExecutionTrigger
from airflow.triggers.base import TriggerEvent
from asgiref.sync import sync_to_async

# A workspace that is out of reach for longer is another problem than a run.
PATIENCE_SECONDS = 3600
_NOT_ANSWERED = (AirflowException, aiohttp.ClientError, TimeoutError)


def is_lasting(error: BaseException) -> bool:
    """Return whether asking once more gives the same error: the service has refused the request itself."""
    return (
        isinstance(error, DatabricksApiError)
        and error.http_status_code is not None
        and 400 <= error.http_status_code < 500
        and error.http_status_code not in (408, 429)
    )


class AlchemyRunTrigger(DatabricksExecutionTrigger):
    """The provider's trigger, which also outlives lost connections and storms of errors.

    Its event is ``{"run_id": int, "problem": str}``; the problem is empty when the run has ended.
    """

    def __init__(
        self,
        *,
        deadline: float | None = None,
        patience: float = PATIENCE_SECONDS,
        try_number: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Make a trigger.

        Args:
            deadline: When the run is canceled if it has not ended by then, in seconds since the epoch.
            patience: For how many seconds the workspace may give no answer.
            try_number: The try of the task that waits; the event has it too.
            **kwargs: The provider's own.
        """
        super().__init__(**kwargs)
        self.deadline = deadline
        self.try_number = try_number
        self.patience = patience

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and what makes it anew."""
        _, values = super().serialize()
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        own = {"deadline": self.deadline, "patience": self.patience, "try_number": self.try_number}
        return path, {**values, **own}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event once the run has ended, is canceled at the deadline, or cannot be asked for."""
        try:
            async with asyncio.timeout(None if self.deadline is None else self.deadline - time.time()):
                problem = await self._problem()
        except TimeoutError:
            problem = await self._canceled()
        tried = {} if self.try_number is None else {"try_number": self.try_number}
        yield TriggerEvent({"run_id": self.run_id, "problem": problem, **tried})  # type: ignore[no-untyped-call]

    async def _canceled(self) -> str:
        """Cancel the run at the deadline and say so."""
        try:
            # Through the triggerer's loop: the hook may have to ask Airflow for the connection.
            await sync_to_async(self.hook.cancel_run)(self.run_id)
        except AirflowException as error:
            return f"It had not ended at the task's execution_timeout and could not be canceled ({error})."
        return "It had not ended at the task's execution_timeout and was canceled."

    async def _problem(self) -> str:
        """Wait for the run and return why it cannot be waited for; empty when it has ended."""
        answered = time.monotonic()
        while True:
            try:
                async with self.hook:
                    while not (await self.hook.a_get_run_state(self.run_id)).is_terminal:
                        answered = time.monotonic()
                        await asyncio.sleep(self.polling_period_seconds)
            except _NOT_ANSWERED as error:
                silent = time.monotonic() - answered
                if is_lasting(error) or silent > self.patience:
                    return f"The workspace gives no answer about it ({error}): it may still be running."
                self.log.warning(
                    "The workspace has not answered for %.0f seconds, asking again: %s", silent, error
                )
                await asyncio.sleep(self.polling_period_seconds)
            else:
                return ""
