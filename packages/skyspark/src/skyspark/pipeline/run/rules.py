"""Judging the rows of a table by its expectations.

Where it can be, rows are judged in the pass that writes them: each rule becomes a column that says whether
the row breaks it, the counts are observed as the rows go by (``DataFrame.observe``), and a broken ``fail``
raises an error inside Spark, so that nothing is committed. How many rows broke it is then counted by a second
pass.

Some rules need all rows before the first one may be written: ``unique``, ``row_count`` with action ``fail``,
and a quarantine table, which must have its rows before the table has the others (a kill can come between two
commits, and an incremental table would not read the dropped rows again). The rows are then computed once,
kept, and counted before anything is written.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException
from pyspark.sql import Observation
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

from skyspark.errors import ExpectationFailedError, QueryError
from skyspark.identifiers import quote
from skyspark.pipeline.expectations import RowCount, RowRule, Unique
from skyspark.pipeline.model import Table
from skyspark.pipeline.run.keeping import keep
from skyspark.pipeline.run.tally import Counts, Tally

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

BROKEN_RULES = "_broken_rules"
QUARANTINED_AT = "_quarantined_at"
_MARK = "__skyspark_broken_"
_ENFORCED = "SKYSPARK_EXPECTATION_FAILED"
# Milliseconds for the events that a machine under load has not delivered yet.
_DELIVERED_WITHIN = 60_000


class Judged:
    """A frame with what its expectations say about it.

    Args:
        frame: The rows that may be written.
        table: Their table.
        tally: Gets the counts.
        counts: Gives the counts, waiting for them at most so many seconds.
        recount: Gives them by a pass of its own.
    """

    def __init__(
        self,
        frame: "DataFrame",
        table: Table,
        tally: Tally,
        counts: Callable[[float], Counts],
        recount: Callable[[], Counts],
    ) -> None:
        self.frame = frame
        self._table = table
        self._tally = tally
        self._counts = counts
        self._recount = recount

    @contextmanager
    def written(self, wait: float) -> Iterator[None]:
        """Count what the write inside the block wrote, or say which expectation it was that made it fail.

        Args:
            wait: How many seconds to wait for counts that may never come, since Delta had the rows already.

        Raises:
            ExpectationFailedError: Rows break an expectation whose action is ``fail``.
        """
        try:
            yield
        except Exception as error:
            if _ENFORCED not in str(error):
                raise
            counts = Counts()
            # The rule may be one of a temporary table that is read as a stream: counting then fails as well.
            with suppress(Exception):
                counts = self._recount()
            self._tally.add(counts.not_written())
            raise failed(self._table, counts) from error
        self._tally.add(self._counts(wait))


class Rules:
    """The expectations of a table.

    Args:
        table: The table.
        counts_reads: Whether the rows of a table without a transformation count as read, too; those of a
            stream are counted by Spark.
    """

    def __init__(self, table: Table, *, counts_reads: bool = True) -> None:
        self._table = table
        self._counts_reads = counts_reads and table.transformation is None
        self._row_rules = [rule for rule in table.expectations if isinstance(rule, RowRule)]
        self._uniques = [rule for rule in table.expectations if isinstance(rule, Unique)]
        self._row_counts = [rule for rule in table.expectations if isinstance(rule, RowCount)]
        self._dropping = [i for i, rule in enumerate(self._row_rules) if rule.action == "drop"]

    @property
    def beforehand(self) -> bool:
        """Whether all rows must be judged before the first one is written."""
        return bool(
            self._uniques
            or any(rule.action == "fail" for rule in self._row_counts)
            or (self._table.target.quarantine and self._dropping)
            # What is not written itself must fail before those that read it begin.
            or (self._table.temporary and any(rule.action == "fail" for rule in self._row_rules))
        )

    def judge(
        self,
        frame: "DataFrame",
        scope: ExitStack,
        tally: Tally,
        quarantine: Callable[["DataFrame"], None],
    ) -> Judged:
        """Judge the rows of a frame, now or as they are written.

        Args:
            frame: All rows.
            scope: Is closed when the frame is no longer needed.
            tally: Gets the counts.
            quarantine: Stores dropped rows, with the rules that each broke and the time.

        Raises:
            QueryError: An expectation is no condition on the frame.
            ExpectationFailedError: A ``fail`` was found broken beforehand.
        """
        if self.beforehand:
            return self._judge_beforehand(frame, scope, tally, quarantine)
        observation = Observation()
        marked = self._marked(frame, enforce=True)
        seen = marked.observe(observation, *self._measures())

        def recount() -> Counts:
            return self._counts(self._measured(self._marked(frame, enforce=False)))

        def counts(seconds: float) -> Counts:
            observed = _observed(observation, frame.sparkSession, seconds)
            if observed is None:
                return recount() if self._table.expectations else Counts()
            return self._counts(observed)

        return Judged(self._kept(seen, frame.columns), self._table, tally, counts, recount)

    def filtered(self, frame: "DataFrame") -> "DataFrame":
        """Return the rows of a frame that may be written, counting nothing.

        Args:
            frame: All rows; may be a stream.

        Raises:
            QueryError: An expectation is no condition on the frame.
        """
        if not self._row_rules:
            return frame
        return self._kept(self._marked(frame, enforce=True), frame.columns)

    def _judge_beforehand(
        self,
        frame: "DataFrame",
        scope: ExitStack,
        tally: Tally,
        quarantine: Callable[["DataFrame"], None],
    ) -> Judged:
        marked = keep(self._marked(frame, enforce=False), scope)
        kept = self._kept(marked, frame.columns)
        found = self._counts(self._measured(marked))
        for rule in self._uniques:
            keys = [F.col(quote(column)) for column in rule.columns]
            repeated = kept.groupBy(*keys).count().where("count > 1").limit(1).count()
            found.judged[rule.name] = (repeated, 1 - repeated)
        if any(found.judged[rule.name][0] for rule in self._table.expectations if rule.action == "fail"):
            tally.add(found.not_written())
            raise failed(self._table, found)
        dropped = any(found.judged[self._row_rules[i].name][0] for i in self._dropping)
        if dropped and self._table.target.quarantine:
            quarantine(self._dropped(marked, frame.columns))
        return Judged(kept, self._table, tally, lambda _: found, lambda: found)

    def _marked(self, frame: "DataFrame", *, enforce: bool) -> "DataFrame":
        marks = {}
        for i, rule in enumerate(self._row_rules):
            broken = ~F.coalesce(F.expr(f"({rule.condition}\n)").cast("boolean"), F.lit(False))
            if enforce and rule.action == "fail":
                broken = F.when(broken, F.raise_error(F.lit(_ENFORCED)).cast("boolean")).otherwise(
                    F.lit(False)
                )
            marks[f"{_MARK}{i}"] = broken
        if not marks:
            return frame
        try:
            return frame.withColumns(marks)
        except AnalysisException as error:
            for i, rule in enumerate(self._row_rules):
                try:
                    frame.withColumns({f"{_MARK}{i}": marks[f"{_MARK}{i}"]})
                except AnalysisException as own:
                    reason = str(own).splitlines()[0]
                    raise QueryError(
                        f"the expectation '{rule.name}' does not fit the table: {reason}"
                    ) from error
            raise

    def _measures(self) -> list["Column"]:
        return [
            F.count(F.lit(1)).alias("rows"),
            F.count_if(self._is_dropped()).alias("dropped"),
            *(F.count_if(F.col(f"{_MARK}{i}")).alias(f"broken_{i}") for i in range(len(self._row_rules))),
        ]

    def _measured(self, marked: "DataFrame") -> dict[str, Any]:
        row = marked.agg(*self._measures()).first()
        return row.asDict() if row is not None else {}

    def _is_dropped(self) -> "Column":
        dropped = F.lit(False)
        for i in self._dropping:
            dropped = dropped | F.col(f"{_MARK}{i}")
        return dropped

    def _kept(self, marked: "DataFrame", columns: list[str]) -> "DataFrame":
        rows = marked.where(~self._is_dropped()) if self._dropping else marked
        return rows.select(*(F.col(quote(column)) for column in columns)) if self._row_rules else rows

    def _dropped(self, marked: "DataFrame", columns: list[str]) -> "DataFrame":
        names = [F.when(F.col(f"{_MARK}{i}"), F.lit(rule.name)) for i, rule in enumerate(self._row_rules)]
        return marked.where(self._is_dropped()).select(
            *(F.col(quote(column)) for column in columns),
            F.array_compact(F.array(*names)).alias(BROKEN_RULES),
            F.current_timestamp().alias(QUARANTINED_AT),
        )

    def _counts(self, measured: dict[str, Any]) -> Counts:
        if not measured:
            return Counts()
        rows = measured["rows"]
        written = rows - measured["dropped"]
        judged = {
            rule.name: (measured[f"broken_{i}"], rows - measured[f"broken_{i}"])
            for i, rule in enumerate(self._row_rules)
        }
        for rule in self._row_counts:
            broken = int(not (rule.min or 0) <= written <= (written if rule.max is None else rule.max))
            judged[rule.name] = (broken, 1 - broken)
        # Without a transformation the rows that are judged are those that were read.
        return Counts(rows_in=rows if self._counts_reads else None, rows_out=written, judged=judged)


def failed(table: Table, counts: Counts) -> ExpectationFailedError:
    """Return the error for a table whose ``fail`` expectations are broken.

    Args:
        table: The table.
        counts: How often each expectation is broken.
    """
    broken = []
    for rule in table.expectations:
        rows, met = counts.judged.get(rule.name, (0, 0))
        if rule.action == "fail" and rows:
            about_rows = f" ({rows} of {rows + met} rows)" if isinstance(rule, RowRule) else ""
            broken.append(f"'{rule.name}'{about_rows}")
    named = ", ".join(broken) or "one of a temporary table it reads"
    return ExpectationFailedError(f"broken expectations: {named}; none of these rows was written.")


def _observed(observation: Observation, session: "SparkSession", seconds: float) -> dict[str, Any] | None:
    """Return what was observed, or nothing when no pass was made: of an append that was committed before.

    From Spark 4.1 on, the figures of a write that creates or replaces a table get lost: ``None``.
    """
    future = getattr(getattr(observation, "_jo", None), "future", None)
    if future is not None:
        # The event that brings the figures comes a moment after the write; `get` would wait for ever.
        deadline = time.monotonic() + seconds
        while not future().isCompleted() and time.monotonic() < deadline:
            time.sleep(0.005)
        if not future().isCompleted():
            _deliver_events(session)
            if not future().isCompleted():
                return {}
        if not future().value().get().get().size():
            return None
    return dict(observation.get)


def _deliver_events(session: "SparkSession") -> None:
    """Wait until Spark has told its listeners of everything that has happened so far, where it lets us."""
    # Not Spark's public interface: a cluster may refuse the call.
    with suppress(Exception):
        session.sparkContext._jsc.sc().listenerBus().waitUntilEmpty(_DELIVERED_WITHIN)
