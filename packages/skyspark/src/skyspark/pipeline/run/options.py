"""How a run is asked for, and who is told of its course."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from skyspark.pipeline.model import Mode
from skyspark.pipeline.run.results import TableResult

AVAILABLE_NOW = "available-now"


@dataclass(frozen=True)
class RunOptions:
    """How to run.

    Attributes:
        env: The environment, as the results name it.
        mode: The mode of tables that declare none; ``None``: the pipeline's.
        trigger: ``available-now`` ends streams when all there is was read; an interval such as
            ``10 seconds`` lets them go on until the process is told to stop.
        full_refresh: Drop each table with its checkpoint before it is made.
        from_failure: Run only what did not succeed in the run before.
        fail_fast: Begin no further table after a failure, and stop the streams.
        threads: How many tables are made at a time; a stream that goes on counts until it has begun.
        results: Folder of ``run_results.json``; ``None``: the pipeline's storage.
    """

    env: str = "local"
    mode: Mode | None = None
    trigger: str = AVAILABLE_NOW
    full_refresh: bool = False
    from_failure: bool = False
    fail_fast: bool = False
    threads: int = 4
    results: Path | None = None


class Observer(Protocol):
    """Who is told of the course of a run, always from the thread that called ``run_plan``."""

    def changed(self, result: TableResult) -> None:
        """Take note of a table whose result changed.

        Args:
            result: The table's result as it stands; it goes on changing.
        """
