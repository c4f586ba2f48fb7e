"""The chain of tables that determined when a run ended."""

from dataclasses import dataclass

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
        table.name: _Timed(table, table.started_at.timestamp(), table.finished_at.timestamp())
        for table in results.of_this_run
        if table.started_at is not None and table.finished_at is not None
    }
    last = max(timed.values(), key=_end, default=None)
    steps: list[Step] = []
    while last is not None:
        inputs = [timed[name] for name in last.table.depends_on if name in timed]
        before = max((one for one in inputs if one.end <= last.start), key=_end, default=None)
        ready = before.end if before is not None else results.started_at.timestamp()
        steps.append(Step(last.table, last.end - last.start, max(0.0, last.start - ready)))
        last = before
    return steps[::-1]


@dataclass(frozen=True)
class _Timed:
    table: TableResult
    start: float
    end: float


def _end(timed: _Timed) -> float:
    return timed.end
