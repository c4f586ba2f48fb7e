"""What the making of every table of a run needs to know."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from skyspark.identifiers import TableName
from skyspark.pipeline.model import Mode, Pipeline, Table
from skyspark.pipeline.modes import Streams, all_streamed_inputs
from skyspark.pipeline.run.options import AVAILABLE_NOW, RunOptions

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class RunContext:
    """One run.

    Attributes:
        pipeline: The pipeline.
        spark: The session.
        options: How to run.
        storage: Folder of checkpoints.
        series: Names the runs that follow one another in one folder.
        number: The run's number in its series.
    """

    pipeline: Pipeline
    spark: "SparkSession"
    options: RunOptions
    storage: Path
    series: str
    number: int

    @property
    def mode(self) -> Mode:
        """The mode of tables that declare none."""
        return self.options.mode or self.pipeline.mode

    @property
    def endless(self) -> bool:
        """Whether streams go on until they are stopped."""
        return self.options.trigger != AVAILABLE_NOW

    @cached_property
    def _streams(self) -> Streams:
        return all_streamed_inputs(self.pipeline, self.mode)

    def streamed(self, table: Table) -> frozenset[str]:
        """Return the inputs that a table reads as streams.

        Args:
            table: A table of the pipeline.
        """
        return self._streams[table.name]

    def is_stream(self, table: Table) -> bool:
        """Say whether a table is written by a stream.

        Args:
            table: A table of the pipeline.
        """
        return not table.temporary and table.mode_in(self.mode) == "streaming"

    def name(self, table: Table) -> TableName:
        """Return a table's full name.

        Args:
            table: A table of the pipeline.
        """
        return TableName.parse(self.pipeline.table_name(table))

    def checkpoint(self, table: Table) -> Path:
        """Return the folder of a streaming table's checkpoint; the full name keeps environments apart.

        Args:
            table: A table of the pipeline.
        """
        return self.storage / "checkpoints" / ".".join(self.name(table).parts)

    def transaction(self, table: Table) -> tuple[str, int]:
        """Return what marks this run's append to a table: Delta repeats none with a version it has seen.

        Args:
            table: A table of the pipeline.
        """
        return f"skyspark/{self.series}/{table.name}", self.number

    def stream_id(self, table: Table) -> str:
        """Return the application's id in whose name a stream appends its batches.

        Args:
            table: A table of the pipeline.
        """
        return f"skyspark/{self.pipeline.name}/{table.name}/stream"
