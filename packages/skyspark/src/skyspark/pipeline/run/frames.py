"""The frame of each table: its inputs, and its transformation on them."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from pyspark.errors import AnalysisException

from skyspark.errors import TableNotFoundError
from skyspark.identifiers import TableName, quote
from skyspark.pipeline.functions import call_function
from skyspark.pipeline.model import Table
from skyspark.pipeline.queries import tables_read, with_relations
from skyspark.pipeline.run.context import RunContext
from skyspark.pipeline.run.incremental import newer
from skyspark.pipeline.run.reuse import source_key
from skyspark.pipeline.run.sources import read_source
from skyspark.pipeline.transformations import SOURCE, PythonFunction

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Finish = Callable[["DataFrame", str, Table | None, ExitStack], "DataFrame"]


@dataclass(frozen=True)
class _Kept:
    frame: "DataFrame"
    scope: ExitStack


class Frames:
    """Makes frames; those of temporary tables and of sources are made once and shared.

    Args:
        run: The run.
        finish: Gets each shared frame, with its name, its table (``None`` for a source) and what is to be
            closed when nobody reads it any more; gives the frame to share.
    """

    def __init__(self, run: RunContext, finish: Finish) -> None:
        self._run = run
        self._finish = finish
        self._lock = threading.Lock()
        self._locks: dict[tuple[str, bool], threading.Lock] = {}
        self._shared: dict[tuple[str, bool], _Kept] = {}

    def of(self, table: Table, scope: ExitStack, *, streamed: bool) -> "DataFrame":
        """Return what a table's transformation makes of its inputs; nothing is computed.

        Args:
            table: The table.
            scope: Is closed when the frame is no longer needed.
            streamed: Read as streams the inputs that can be.

        Raises:
            TableNotFoundError: An input is not there.
            TransformationError: A source or a function is not there, or the function returned no frame.
        """
        streams = self._run.streamed(table) if streamed else frozenset()
        change = table.transformation
        if change is None:
            return self._input(table, table.inputs[0], streams)
        if isinstance(change, PythonFunction):
            inputs = {name: self._input(table, name, streams) for name in table.inputs}
            return call_function(change.function, self._run.spark, inputs, change.params)
        return self._query(table, change.as_sql(), streams, scope)

    def shared(self, table: Table, *, streamed: bool) -> "DataFrame":
        """Return the frame of a temporary table.

        Args:
            table: The table.
            streamed: Read as a stream.
        """

        def make(scope: ExitStack) -> "DataFrame":
            return self.of(table, scope, streamed=streamed)

        return self._share(table.name, table, make, streamed=streamed)

    def close(self, node: str) -> None:
        """Forget a shared frame.

        Args:
            node: A temporary table, or a source by its key.
        """
        for streamed in (False, True):
            with self._lock:
                kept = self._shared.pop((node, streamed), None)
            if kept is not None:
                kept.scope.close()

    def close_all(self) -> None:
        """Forget all shared frames."""
        for node, _ in list(self._shared):
            self.close(node)

    def _share(
        self, node: str, table: Table | None, make: Callable[[ExitStack], "DataFrame"], *, streamed: bool
    ) -> "DataFrame":
        key = (node, streamed)
        with self._lock:
            own = self._locks.setdefault(key, threading.Lock())
        # Two readers may ask at once: the second waits for what the first one makes.
        with own:
            if (kept := self._shared.get(key)) is None:
                with ExitStack() as scope:
                    frame = self._finish(make(scope), node, table, scope)
                    kept = _Kept(frame, scope.pop_all())
                with self._lock:
                    self._shared[key] = kept
            return kept.frame

    def _input(self, table: Table, name: str, streams: frozenset[str]) -> "DataFrame":
        """Return one input, as a stream if it is among ``streams``."""
        run, streamed = self._run, name in streams
        if name == SOURCE and table.source is not None:
            source = table.source

            def read(_scope: ExitStack) -> "DataFrame":
                return read_source(run.spark, source, streamed=streamed)

            frame = self._share(source_key(source), None, read, streamed=streamed)
        else:
            other = run.pipeline.by_name[name]
            frame = (
                self.shared(other, streamed=streamed) if other.temporary else self._written(other, streamed)
            )
        if streamed:
            return _watermarked(frame, table, name)
        if _is_incremental(table, name) and table.incremental is not None:
            merged = table.write_mode("batch") == "merge"
            return newer(frame, run.name(table), table.incremental, merged=merged)
        return frame

    def _written(self, other: Table, streamed: bool) -> "DataFrame":
        name = self._run.name(other)
        try:
            reader = self._run.spark.readStream if streamed else self._run.spark.read
            frame = reader.table(name.sql)
            # Asking for the columns makes Spark look for the table, on Spark Connect too.
            _ = frame.columns
        except AnalysisException as error:
            if "TABLE_OR_VIEW_NOT_FOUND" in (error.getCondition() or ""):
                raise _absent(name, other) from error
            raise
        return frame

    def _query(self, table: Table, query: str, streams: frozenset[str], scope: ExitStack) -> "DataFrame":
        read = {place.parts[0].casefold() for place in tables_read(query) if len(place.parts) == 1}
        relations: dict[str, str] = {}
        by_name: dict[TableName, Table] = {}
        for name in table.inputs:
            if name.casefold() not in read:
                continue
            other = self._run.pipeline.by_name.get(name) if name != SOURCE or table.source is None else None
            if other is None or other.temporary or name in streams or _is_incremental(table, name):
                relations[name] = self._view(self._input(table, name, streams), scope)
            else:
                by_name[self._run.name(other)] = other
                relations[name] = self._run.name(other).sql
        try:
            return self._run.spark.sql(with_relations(query, relations))
        except AnalysisException as error:
            if "TABLE_OR_VIEW_NOT_FOUND" in (error.getCondition() or ""):
                for full, other in by_name.items():
                    if not self._run.spark.catalog.tableExists(full.sql):
                        raise _absent(full, other) from error
            raise

    def _view(self, frame: "DataFrame", scope: ExitStack) -> str:
        view = f"skyspark_{uuid4().hex}"
        frame.createOrReplaceTempView(view)
        scope.callback(self._run.spark.catalog.dropTempView, view)
        return quote(view)


def _absent(name: TableName, table: Table) -> TableNotFoundError:
    return TableNotFoundError(
        str(name), f"'{table.name}' was not made yet: run it too, or run it once before."
    )


def _is_incremental(table: Table, name: str) -> bool:
    if table.incremental is None:
        return False
    return table.incremental.input == name or (table.incremental.input is None and table.inputs == (name,))


def _watermarked(frame: "DataFrame", table: Table, name: str) -> "DataFrame":
    mark = table.watermark
    if mark is None or mark.input not in (None, name):
        return frame
    if mark.input is None and mark.column.casefold() not in map(str.casefold, frame.columns):
        return frame
    return frame.withWatermark(mark.column, mark.delay)
