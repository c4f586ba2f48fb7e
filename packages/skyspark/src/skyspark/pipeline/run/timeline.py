"""Where each table lies on the timeline of a run: its time, its lane, and the marks of the scale."""

import heapq
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from skyspark.pipeline.run.results import RunResults, TableResult

# Lengths between two marks, in seconds; above the last one, its multiples.
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600)
_MOST_MARKS = 8


@dataclass(frozen=True)
class Bar:
    """A table on the timeline.

    Attributes:
        table: The table.
        start: Seconds from the begin of the run to its own.
        seconds: How long it took, up to the end of the run if it has no end of its own.
        lane: The lowest lane that was free when it began, from 0.
        row: Its place in the order of beginning, from 0.
    """

    table: TableResult
    start: float
    seconds: float
    lane: int
    row: int


def length(results: RunResults) -> float:
    """Return how long a run took in seconds: up to its end, or to the last moment that is known of it."""
    moments = [
        results.finished_at,
        *(t.finished_at for t in results.tables),
        *(t.started_at for t in results.tables),
    ]
    last = max((moment for moment in moments if moment is not None), default=results.started_at)
    return max(0.0, (last - results.started_at).total_seconds())


def bars(results: RunResults) -> list[Bar]:
    """Return the tables that began, in the order in which they did.

    Args:
        results: A run that has ended.
    """
    end = results.started_at + timedelta(seconds=length(results))
    timed = [
        (table.started_at, place, table)
        for place, table in enumerate(results.of_this_run)
        if table.started_at is not None
    ]
    found: list[Bar] = []
    busy: list[tuple[datetime, int]] = []
    free: list[int] = []
    for row, (start, _, table) in enumerate(sorted(timed)):
        finish = table.finished_at or end
        while busy and busy[0][0] <= start:
            heapq.heappush(free, heapq.heappop(busy)[1])
        # All lanes up to the highest one in use are either busy or free.
        lane = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (finish, lane))
        offset = (start - results.started_at).total_seconds()
        found.append(Bar(table, offset, (finish - start).total_seconds(), lane, row))
    return found


def marks(seconds: float) -> list[float]:
    """Return the moments to mark on a scale, in seconds, at most eight after 0.

    Args:
        seconds: The length of the scale.
    """
    step = next((step for step in _STEPS if seconds <= step * _MOST_MARKS), None)
    if step is None:
        step = _STEPS[-1] * math.ceil(seconds / _STEPS[-1] / _MOST_MARKS)
    return [step * i for i in range(int(seconds / step + 1e-9) + 1)]


def label(mark: float) -> str:
    """Return what stands at a mark.

    Args:
        mark: A moment from ``marks``, in seconds.
    """
    if mark < 60:
        return f"{mark:g} s"
    minutes, seconds = divmod(round(mark), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
