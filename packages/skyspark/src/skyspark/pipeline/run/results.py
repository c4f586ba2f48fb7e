"""What a run found out, as ``run_results.json`` holds it and the report shows it."""

from datetime import datetime
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field

from skyspark.pipeline.expectations import Action

# `running` in a file means that the process ended without a word.
Status = Literal["waiting", "running", "succeeded", "failed", "skipped", "cancelled"]

# What `--from-failure` runs again.
UNFINISHED: frozenset[Status] = frozenset({"waiting", "running", "failed", "skipped", "cancelled"})


class ExpectationResult(BaseModel):
    """How often an expectation was broken.

    Attributes:
        name: The expectation's name.
        action: What was done about it.
        broken: Rows that broke it; a rule about the table counts as one row. ``None``: not counted.
        passed: Rows that met it; a rule about the table counts as one row. ``None``: not counted.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    action: Action
    broken: int | None = None
    passed: int | None = None


class TableResult(BaseModel):
    """What became of one table.

    Attributes:
        name: The table's name in the pipeline.
        table: Its full name; ``None`` for a temporary one.
        layer: Its layer.
        depends_on: The tables of this run that it reads.
        mode: How it was run.
        status: Where it stands.
        started_at: When it began.
        finished_at: When it ended.
        rows_in: Rows read, where Spark says so.
        rows_out: Rows written.
        expectations: In the order of the pipeline's file.
        message: Why it failed or was skipped, in one sentence.
    """

    model_config = ConfigDict(extra="forbid")

    name: str
    table: str | None = None
    layer: str | None = None
    depends_on: list[str] = []
    mode: Literal["batch", "streaming"] = "batch"
    status: Status = "waiting"
    started_at: datetime | None = None
    finished_at: datetime | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    expectations: list[ExpectationResult] = []
    message: str | None = None

    @property
    def seconds(self) -> float | None:
        """How long it took."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()


class RunResults(BaseModel):
    """One run of a pipeline.

    Attributes:
        pipeline: The pipeline's name.
        env: The environment.
        series: Names the runs that follow one another in one folder.
        number: Counts the runs of a series; a run that goes on after a kill keeps the number, so that what it
            has appended is not appended again.
        definition: A fingerprint of the pipeline as it was run, with its variables filled in.
        status: Where the run stands.
        started_at: When it began.
        finished_at: When it ended.
        tables: In the order of the plan.
    """

    model_config = ConfigDict(extra="forbid")

    pipeline: str
    env: str
    series: str = Field(default_factory=lambda: uuid4().hex)
    number: int
    definition: str = ""
    status: Status = "running"
    started_at: datetime
    finished_at: datetime | None = None
    tables: list[TableResult]

    def includes(self, table: TableResult) -> bool:
        """Say whether a result is of this run: ``from_failure`` takes over others from the run before.

        Args:
            table: One of the tables.
        """
        return table.started_at is None or table.started_at >= self.started_at

    @property
    def of_this_run(self) -> list[TableResult]:
        """The tables that it includes."""
        return [table for table in self.tables if self.includes(table)]
