"""Who watches a run: a live table in a terminal, log lines elsewhere."""

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table as Grid
from rich.text import Text

from skyspark.pipeline.run import figures
from skyspark.pipeline.run.report import clean, counts, grid
from skyspark.pipeline.run.results import RunResults, Status, TableResult
from skyspark.pipeline.run.terminal import terminal

log = logging.getLogger("skyspark.pipeline.run")

_REFRESHES_PER_SECOND = 4
# Lines of the screen that the table's head and the summary take, and one for the cursor.
_OTHER_LINES = 5
_LONGEST_NAME = 40


class LogProgress:
    """Writes a log line when a table begins and one when it ends."""

    def __init__(self) -> None:
        self._seen: dict[str, Status] = {}

    def changed(self, result: TableResult) -> None:
        """Log the table's new status, unless it has none.

        Args:
            result: The table's result.
        """
        if self._seen.get(result.name) == result.status or result.status == "waiting":
            return
        self._seen[result.name] = result.status
        log.log(
            logging.ERROR if result.status == "failed" else logging.INFO,
            "%s",
            _sentence(result),
            extra={
                key: value
                for key in ("layer", "status", "seconds", "rows_in", "rows_out")
                if (value := getattr(result, key)) is not None
            }
            | {"dataset": result.name},
        )
        if result.status != "running":
            for expectation in figures.broken(result):
                log.warning(
                    "%s: %s (%s) broken %s",
                    result.name,
                    expectation.name,
                    expectation.action,
                    figures.breaches(expectation),
                )


def _sentence(result: TableResult) -> str:
    sentence = f"{result.name} {'begins' if result.status == 'running' else result.status}"
    if result.seconds is not None:
        sentence += f" in {figures.duration(result.seconds)}"
    if result.rows_out is not None:
        sentence += f", {figures.counted(result.rows_out, 'row')} written"
    return f"{sentence}: {result.message}" if result.message else sentence


class LiveProgress:
    """What a terminal shows while a run goes on: all tables if they fit, else what runs and what failed.

    It is drawn in a thread of its own: results are copied when they change, and what is drawn does not
    depend on how many tables there are.

    Args:
        results: The run as it begins.
        height: Lines of the screen.
    """

    def __init__(self, results: RunResults, height: int) -> None:
        tables = results.tables
        self._name = results.pipeline
        self._room = max(1, height - _OTHER_LINES)
        self._begun = datetime.now(UTC)
        self._lock = threading.Lock()
        self._heard = False
        self._status = {table.name: table.status for table in tables}
        self._counts = Counter(self._status.values())
        self._longest = min(_LONGEST_NAME, max((len(table.name) for table in tables), default=1))
        # All of the tables, or in the order in which they came those that are not folded away.
        self._all = len(tables) <= self._room
        self._shown = {table.name: table.model_copy(deep=True) for table in tables if self._all}

    def changed(self, result: TableResult) -> None:
        """Take note of a table's new result.

        Args:
            result: The table's result.
        """
        copy = result.model_copy(deep=True)
        with self._lock:
            self._heard = True
            # Another run may have changed what this one takes over, after it was looked at.
            if copy.name in self._status:
                self._counts[self._status[copy.name]] -= 1
            self._counts[copy.status] += 1
            self._status[copy.name] = copy.status
            if self._all or copy.status in ("running", "failed"):
                self._shown[copy.name] = copy
            else:
                self._shown.pop(copy.name, None)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw what there is now."""
        with self._lock:
            statuses = Counter(self._counts)
            shown = list(self._shown.values())
            line = counts(statuses) if self._heard else Text("starting Spark …", "cyan")
        elapsed = figures.duration((datetime.now(UTC) - self._begun).total_seconds())
        total = sum(statuses.values())
        ended = total - statuses["waiting"] - statuses["running"]
        head = Grid.grid(padding=(0, 2, 0, 0))
        head.add_row(
            Text.assemble((clean(self._name).plain, "bold"), f"  {elapsed}"),
            ProgressBar(total=max(total, 1), completed=ended, width=24),
            Text(f"{ended:,} of {total:,}"),
        )
        yield grid(self._fitting(shown), options.max_width, longest=self._longest)
        yield Text()
        yield head
        yield line

    def _fitting(self, shown: Sequence[TableResult]) -> list[TableResult]:
        if len(shown) <= self._room:
            return list(shown)
        # What runs is seen first, then as many failures as there is room for, the newest.
        running = [result for result in shown if result.status == "running"][: self._room]
        failed = [result for result in shown if result.status == "failed"]
        return [*failed[len(failed) - (self._room - len(running)) :], *running]


@contextmanager
def watch(results: RunResults) -> Iterator[LogProgress | LiveProgress]:
    """Give an observer for a run in this process: a live table if standard error is a terminal, else a log.

    While the table lives, whatever writes to standard error, also Spark's Java process if it is started in
    the meantime, appears above it.

    Args:
        results: The run as it begins.
    """
    with terminal() as screen:
        if screen is None:
            yield LogProgress()
            return
        live = LiveProgress(results, screen.height)
        # Standard output is left alone: it may go elsewhere, and the report comes when this is gone.
        with Live(
            live,
            console=screen,
            refresh_per_second=_REFRESHES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        ):
            yield live
