"""Making a table by a stream: each batch is judged and written like a batch table, once.

All streams write through ``foreachBatch``. An append carries the stream's table and the batch's number, which
Delta remembers with the rows, and a merge of what is there changes nothing: a batch that was written before a
kill, and is given again after it, therefore leaves the table as it is.
"""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException
from pyspark.sql.types import StructField, StructType

from skyspark.errors import StreamingError
from skyspark.pipeline.run.jobs import is_classic
from skyspark.pipeline.run.options import AVAILABLE_NOW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.streaming.query import StreamingQuery

# Seconds until a stopped stream has noted that the batch it wrote is done; without that it writes it anew.
_NOTED_WITHIN = 10.0


class Stream:
    """One stream, from its start to its end.

    Args:
        name: The name that Spark's pages show.
        rows: What is written, as a stream.
        write: Writes a batch: its rows, its number, and what is to be closed afterwards.
        read: Gets the number of rows read, as they are known.
    """

    def __init__(
        self,
        name: str,
        rows: "DataFrame",
        *,
        write: Callable[["DataFrame", int, ExitStack], None],
        read: Callable[[int], None],
    ) -> None:
        self._name = name
        self._rows = rows
        self._write = write
        self._read = read
        self._writing = threading.Lock()
        self._stopping = False
        self._written = -1
        self._error: BaseException | None = None
        self._inputs: dict[int, int] = {}
        self._query: StreamingQuery | None = None

    def start(self, checkpoint: Path, trigger: str) -> None:
        """Begin, or go on where the checkpoint ends.

        Args:
            checkpoint: The folder of the checkpoint.
            trigger: ``available-now`` or an interval.

        Raises:
            StreamingError: The session is one of Spark Connect.
            AnalysisException: Streaming cannot do what the rows ask for.
        """
        if not is_classic(self._rows.sparkSession):
            raise StreamingError(
                "streams need a session with a driver in this process: on Spark Connect and serverless "
                "compute use mode batch, or let a pipeline run it (skyspark.lakeflow.register)."
            )
        with self._writing:
            if self._stopping:
                return
            self._query = self._started(checkpoint, trigger)

    def wait(self) -> bool:
        """Wait for the end; say whether it ended because it was stopped.

        Raises:
            Exception: What made a batch fail.
        """
        if self._query is None:
            return True
        try:
            while not self._query.awaitTermination(1):
                self._count_inputs()
        except PySparkException:
            if self._error is not None:
                raise self._error from None
            if not self._stopping:
                raise
        self._count_inputs()
        return self._stopping

    def begin_no_batch(self) -> None:
        """Let the batch that is being written be the last one."""
        self._stopping = True

    def stop(self) -> None:
        """End after the batch that is being written."""
        self.begin_no_batch()
        with self._writing:
            query = self._query
        if query is None:
            return
        with suppress(PySparkException):
            deadline = time.monotonic() + _NOTED_WITHIN
            while query.isActive and not self._is_noted(query) and time.monotonic() < deadline:
                time.sleep(0.02)
            query.stop()

    def _started(self, checkpoint: Path, trigger: str) -> "StreamingQuery":
        writer = self._rows.writeStream.queryName(self._name)
        writer = writer.option("checkpointLocation", checkpoint.as_uri())
        if trigger == AVAILABLE_NOW:
            writer = writer.trigger(availableNow=True)
        else:
            writer = writer.trigger(processingTime=trigger)
        return writer.foreachBatch(self._batch).start()

    def _batch(self, rows: "DataFrame", number: int) -> None:
        with self._writing:
            if self._stopping:
                raise StreamingError("the stream was stopped.")
            try:
                with ExitStack() as scope:
                    self._write(rows, number, scope)
            except BaseException as error:
                self._error = error
                raise
            self._written = number

    def _is_noted(self, query: "StreamingQuery") -> bool:
        if self._written < 0 or not query.status["isTriggerActive"]:
            return True
        return any(_progress(p)["batchId"] >= self._written for p in query.recentProgress[-1:])

    def _count_inputs(self) -> None:
        if self._query is None:
            return
        last = self._query.lastProgress
        if last is None:
            return
        newest = _progress(last)["batchId"]
        known = max(self._inputs, default=-2)
        # Idle streams tell of a batch that is still to come: it counts no rows, and is told of again.
        told = [last] if newest in (known, known + 1) else self._query.recentProgress
        for progress in map(_progress, told):
            batch, rows = progress["batchId"], max(progress["numInputRows"], 0)
            if (more := rows - self._inputs.get(batch, 0)) > 0:
                self._read(more)
            self._inputs[batch] = max(rows, self._inputs.get(batch, 0))
        for batch in [batch for batch in self._inputs if batch < newest - 1]:
            del self._inputs[batch]


def empty_like(rows: "DataFrame") -> "DataFrame":
    """Return a frame of no rows with the columns of a stream, to make its table from.

    Args:
        rows: The stream.
    """
    # Without what Spark notes in the columns, such as the watermark.
    columns = StructType([StructField(f.name, f.dataType) for f in rows.schema.fields])
    return rows.sparkSession.createDataFrame([], columns)


def _progress(progress: Any) -> dict[str, Any]:
    # A dict before Spark 4, an object since.
    found: dict[str, Any] = progress if isinstance(progress, dict) else json.loads(progress.json)
    return found
