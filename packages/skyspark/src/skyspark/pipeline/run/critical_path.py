"""The chain of tables that determined when a run ended."""

from dataclasses import dataclass
from datetime import datetime

from skyspark.pipeline.run.results import RunResults, TableResult


@dataclass(frozen=True)
class Step:
    """A table on the critical path.

    Attributes:
        table: The table.
        seconds: How long it took.
        waited: Seconds between the end of the step before, or the begin of the run, and its own begin: it had
            its inputs and no thread.
    """

    table: TableResult
    seconds: float
    waited: float


def critical_path(results: RunResults) -> list[Step]:
    """Return the chain from the begin of a run to the table that ended last.

    It is walked back: before each table comes the one of its inputs that ended last. Inputs that went on when
    the table began, as streams do, did not hold it up.

    Args:
        results: A run that has ended.
    """
    timed = {
        table.name: _Timed(table, table.started_at, table.finished_at)
        for table in results.of_this_run
        if table.started_at is not None and table.finished_at is not None
    }
    last = max(timed.values(), key=_end, default=None)
    steps: list[Step] = []
    while last is not None:
        inputs = [timed[name] for name in last.table.depends_on if name in timed]
        before = max((one for one in inputs if one.end <= last.start), key=_end, default=None)
        ready = before.end if before is not None else results.started_at
        seconds, waited = (last.end - last.start).total_seconds(), (last.start - ready).total_seconds()
        steps.append(Step(last.table, seconds, waited))
        last = before
    return steps[::-1]


@dataclass(frozen=True)
class _Timed:
    table: TableResult
    start: datetime
    end: datetime


def _end(timed: _Timed) -> datetime:
    return timed.end
