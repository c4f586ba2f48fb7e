"""Making each kind of table: temporary, batch and streaming."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from skyspark.errors import StreamingError
from skyspark.pipeline import graph
from skyspark.pipeline.model import Table
from skyspark.pipeline.run.context import RunContext
from skyspark.pipeline.run.frames import Frames
from skyspark.pipeline.run.keeping import keep, pays
from skyspark.pipeline.run.maintenance import (
    checkpoint_folder,
    compact,
    describe,
    remove,
    require_same_mode,
)
from skyspark.pipeline.run.reuse import Readers
from skyspark.pipeline.run.rules import Judged, Rules
from skyspark.pipeline.run.streams import Stream, empty_like
from skyspark.pipeline.run.tally import Counts, Outcome, Tally
from skyspark.pipeline.run.write import write, write_quarantine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# Counts come with an event, a moment after the write; of an append that Delta had already they never come.
_WAIT_FOR_COUNTS = 10.0


class Tables:
    """Makes the tables of one run, each called from a thread of its own.

    Args:
        run: The run.
        tables: The tables of the run.
        progressed: Is told what is counted while a table is not at its end.
    """

    def __init__(
        self, run: RunContext, tables: list[Table], progressed: Callable[[str, Outcome], None]
    ) -> None:
        self._run = run
        self._tables = tables
        self._progressed = progressed
        self._readers = Readers(run.pipeline, tables)
        self._frames = Frames(run, self._finish)
        self._planned = {table.name for table in tables}
        self._judged: dict[str, tuple[Judged, Tally]] = {}
        self._lock = threading.Lock()
        self._streams: dict[str, Stream] = {}
        self._stopping = False

    def impossible(self) -> dict[str, str]:
        """Return the tables that wait for the end of a stream that has none, each with the reason."""
        if not self._run.endless:
            return {}
        endless = {table.name for table in self._tables if self._run.is_stream(table)}
        temporary = {
            t.name: [n for n in t.depends_on if self._run.pipeline.by_name[n].temporary]
            for t in self._run.pipeline.tables
            if t.temporary
        }
        found = {}
        for table in self._tables:
            if table.temporary or table.name in endless:
                continue
            through = graph.reachable(temporary | {table.name: list(table.depends_on)}, [table.name])
            read = set(table.depends_on).union(
                *(self._run.pipeline.by_name[n].depends_on for n in through if n in temporary)
            )
            if below := sorted(read & endless):
                found[table.name] = (
                    f"'{below[0]}', which it reads, is a stream that does not end: run it with the trigger "
                    "available-now, or in a run of its own."
                )
        return found

    def make(self, table: Table, tally: Tally, opened: Callable[[], None]) -> bool:
        """Make a table.

        Args:
            table: The table.
            tally: Gets what is counted.
            opened: Is called when others can read the table though it goes on.

        Returns:
            Whether it ended because it was told to stop.

        Raises:
            Exception: Whatever makes the table fail.
        """
        if table.temporary:
            self._make_temporary(table)
            return False
        if self._run.options.full_refresh:
            remove(self._run, table)
        else:
            require_same_mode(self._run, table)
        if self._run.is_stream(table):
            return self._make_stream(table, tally, opened)
        self._make_batch(table, tally)
        return False

    def done(self, name: str) -> None:
        """Let go of what a table was the last one to read.

        Args:
            name: A table that ended or will not begin.
        """
        for node in self._readers.done(name):
            with self._lock:
                judged = self._judged.pop(node, None)
            if judged is not None:
                with judged[0].written(0.5):
                    pass
                self._progressed(node, judged[1].outcome())
            self._frames.close(node)

    def stop_streams(self) -> None:
        """Let each stream end after the batch that it is writing."""
        with self._lock:
            self._stopping = True
            streams = list(self._streams.values())
        for stream in streams:
            stream.begin_no_batch()
        for stream in streams:
            stream.stop()

    def close(self) -> None:
        """Let go of everything."""
        self._frames.close_all()

    def _make_temporary(self, table: Table) -> None:
        variants = {
            table.name in self._run.streamed(reader) if self._streams_read(reader) else False
            for reader in self._tables
            if table.name in reader.depends_on
        }
        for streamed in sorted(variants or {False}):
            # Made now so that what is wrong with it is said of it, and not of those that read it.
            _ = self._frames.shared(table, streamed=streamed).columns

    def _streams_read(self, reader: Table) -> bool:
        return self._run.is_stream(reader) or (reader.temporary and bool(self._run.streamed(reader)))

    def _make_batch(self, table: Table, tally: Tally) -> None:
        run, name = self._run, self._run.name(table)
        with ExitStack() as scope:
            rows = self._frames.of(table, scope, streamed=False)
            transaction = run.transaction(table)
            judged = self._judge(table, rows, scope, tally, transaction)
            with judged.written(_WAIT_FOR_COUNTS):
                write(judged.frame, name, table, table.write_mode("batch"), transaction)
            describe(name, table)
            compact(run.spark, name, table)

    def _make_stream(self, table: Table, tally: Tally, opened: Callable[[], None]) -> bool:
        run, name = self._run, self._run.name(table)
        mode = table.write_mode("streaming")
        replayed = True

        def write_batch(rows: "DataFrame", number: int, scope: ExitStack) -> None:
            nonlocal replayed
            if mode == "merge":
                # A merge reads its source twice, and what has state gives its rows once.
                rows = keep(rows, scope)
            transaction = (run.stream_id(table), number)
            judged = self._judge(table, rows, scope, tally, transaction)
            # The first batch after a start may have been written before: then nothing is counted.
            with judged.written(1.0 if replayed else _WAIT_FOR_COUNTS):
                write(judged.frame, name, table, mode, transaction)
            replayed = False
            self._progressed(table.name, tally.outcome())

        with ExitStack() as scope:
            rows = self._frames.of(table, scope, streamed=True)
            if not rows.isStreaming:
                raise StreamingError(
                    f"{name}: its transformation returned a frame that is no stream: use a streaming input."
                )
            _ = Rules(table).filtered(rows).columns
            checkpoint = checkpoint_folder(run, table)
            if not run.spark.catalog.tableExists(name.sql):
                write(empty_like(rows), name, table, mode, None)
            describe(name, table)
            nothing = {rule.name: (0, 0) for rule in table.expectations}
            tally.add(Counts(rows_in=0, rows_out=0, judged=nothing))
            stream = Stream(
                f"{run.pipeline.name}.{table.name}",
                rows,
                write=write_batch,
                read=lambda more: tally.add(Counts(rows_in=more)),
            )
            with self._lock:
                self._streams[table.name] = stream
                if self._stopping:
                    stream.stop()
            stream.start(checkpoint, run.options.trigger)
            if run.endless:
                opened()
            stopped = stream.wait()
            compact(run.spark, name, table)
            return stopped

    def _judge(
        self,
        table: Table,
        rows: "DataFrame",
        scope: ExitStack,
        tally: Tally,
        transaction: tuple[str, int],
    ) -> Judged:
        def quarantine(dropped: "DataFrame") -> None:
            name = self._run.pipeline.quarantine_name(table)
            if name is not None:
                write_quarantine(dropped, name, transaction)

        rules = Rules(table, counts_reads=not self._run.is_stream(table))
        return rules.judge(rows, scope, tally, quarantine)

    def _finish(self, frame: "DataFrame", node: str, table: Table | None, scope: ExitStack) -> "DataFrame":
        """Judge the rows of a temporary table, and keep them where that pays."""
        if frame.isStreaming:
            return frame if table is None else Rules(table).filtered(frame)
        if table is not None and table.expectations:
            tally = Tally(table)
            judged = self._judge(table, frame, scope, tally, self._run.transaction(table))
            frame = judged.frame
            with self._lock:
                if node in self._planned:
                    self._judged[node] = (judged, tally)
        wanted = table.cache if table is not None else None
        several = self._readers.evaluations(node) > 1 and not self._run.endless
        if several and (wanted or (wanted is None and pays(frame))):
            return keep(frame, scope)
        return frame
