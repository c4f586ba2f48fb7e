"""Runs tasks: the one door of the engine to user code."""

from collections.abc import Callable

from databricks_local.execution.work import Outcome, Work

__all__ = ["Launcher", "Outcome", "Work"]


class Launcher:
    """Runs attempts of tasks, at most ``config.max_parallel_tasks`` at a time."""

    async def run(self, work: Work, on_started: Callable[[], None]) -> Outcome:
        """Run one attempt to its end.

        Args:
            work: What to run.
            on_started: Called when a slot is free, libraries are there and user code is about to run.

        Raises:
            asyncio.CancelledError: It was cancelled; by then no process of it is left.
        """
        raise NotImplementedError
