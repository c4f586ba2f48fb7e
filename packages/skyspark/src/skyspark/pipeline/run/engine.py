"""Running a plan: what is refused, what goes on after an earlier run, and what becomes of each table."""

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

from skyspark.pipeline.model import Table
from skyspark.pipeline.plan import Plan
from skyspark.pipeline.run import jobs
from skyspark.pipeline.run.context import RunContext
from skyspark.pipeline.run.failures import sentence
from skyspark.pipeline.run.interruption import on_signal
from skyspark.pipeline.run.options import Observer, RunOptions
from skyspark.pipeline.run.preparation import as_it_runs, begin, refuse_impossible, unfinished
from skyspark.pipeline.run.results import RunResults, TableResult
from skyspark.pipeline.run.scheduler import Event, Scheduler
from skyspark.pipeline.run.state import Recorder, locked, read_results, storage_folder
from skyspark.pipeline.run.tables import Tables
from skyspark.pipeline.run.tally import Outcome, Tally
from skyspark.pipeline.run.traces import kept_off

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# How long a stopped run waits for what is being written, in seconds.
_PATIENCE = 60.0
_STOPPED = "the run was stopped."


def run_plan(
    plan: Plan, spark: "SparkSession", options: RunOptions, observer: Observer | None = None
) -> RunResults:
    """Make the tables of a plan, each the moment its inputs are there.

    A table that fails is reported in the results and what needs it is skipped; everything else goes on.

    Appends are made once for each run number. A run that goes on after one that was killed or cancelled keeps
    that one's number as long as the pipeline is the same, variables and all, and so does ``from_failure``: an
    append that was committed is then not made again, even if its table failed later on (while it was
    optimized, say). Every other run takes the next number and appends again.

    Args:
        plan: The tables.
        spark: The session.
        options: How to run.
        observer: Who is told of each change.

    Returns:
        What became of each table; also in ``run_results.json``.

    Raises:
        PipelineError: Tables ask for what cannot be done in this mode; nothing was made.
        StreamingError: A table that merges a stream asks of it what no stream can do.
        RunStateError: The results of the run before are not there, are of other tables, or cannot be written;
            or another run is going on.
        KeyboardInterrupt: The process was told to stop (SIGINT, SIGTERM): what streams were writing was
            written, jobs were cancelled, and the results say so.
    """
    mode = options.mode or plan.pipeline.mode
    plan = as_it_runs(plan, mode)
    refuse_impossible(plan, mode, options)
    storage = storage_folder(plan.pipeline)
    folder = options.results or storage
    with locked(storage):
        earlier = read_results(folder)
        results = begin(plan, mode, options, earlier)
        chosen = unfinished(plan, results, options)
        run = RunContext(plan.pipeline, spark, options, storage, results.series, results.number)
        seconds = {table.name: table.seconds or 1.0 for table in earlier.tables} if earlier else {}
        return _Run(run, results, chosen, Recorder(folder, results), observer).execute(seconds)


class _Run:
    """The course of one run; all but ``_work`` happens in the thread that called."""

    def __init__(
        self,
        run: RunContext,
        results: RunResults,
        tables: list[Table],
        recorder: Recorder,
        observer: Observer | None,
    ) -> None:
        self._run = run
        self._results = results
        self._by_name = {result.name: result for result in results.tables}
        self._tables = {table.name: table for table in tables}
        self._recorder = recorder
        self._observer = observer
        self._makers = Tables(run, tables, self._progressed)
        self._roots: dict[str, str] = {}
        self._id = uuid4().hex[:8]
        self._stopping = False

    def execute(self, seconds: dict[str, float]) -> RunResults:
        needs = {
            name: tuple(other for other in table.depends_on if other in self._tables)
            for name, table in self._tables.items()
        }
        self._scheduler: Scheduler[Outcome] = Scheduler(
            needs, self._run.options.threads, seconds, self._start, self
        )
        self._recorder.changed()
        with kept_off(), on_signal(lambda: self._scheduler.events.put(Event("stop"))):
            try:
                for name, reason in self._makers.impossible().items():
                    self._skip(name, reason)
                    self._scheduler.refuse(name, itself=True)
                if not self._scheduler.run():
                    self._stop()
            finally:
                self._end()
        if self._stopping:
            raise KeyboardInterrupt
        return self._results

    # What the scheduler asks and tells.

    def _start(self, name: str) -> None:
        jobs.start_thread(self._run.spark, lambda: self._work(self._tables[name]), f"skyspark {name}")

    def begun(self, name: str) -> None:
        """A table starts."""
        result = self._by_name[name]
        result.status, result.started_at = "running", datetime.now(UTC)
        self._changed(result)

    def told(self, event: Event[Outcome]) -> None:
        """A worker said something about its table."""
        result = self._by_name[event.name]
        outcome = event.value
        if outcome is not None:
            result.rows_in, result.rows_out = outcome.rows_in, outcome.rows_out
            result.expectations = list(outcome.expectations)
            result.message = outcome.message
        if event.kind in ("succeeded", "failed"):
            result.finished_at = datetime.now(UTC)
            result.status = "succeeded" if event.kind == "succeeded" else "failed"
            if (outcome is not None and outcome.cancelled) or (self._stopping and event.kind == "failed"):
                result.status, result.message = "cancelled", _STOPPED
            elif event.kind == "failed":
                self._roots[event.name] = event.name
                if self._run.options.fail_fast:
                    self._scheduler.halt()
                    self._makers.stop_streams()
        self._changed(result)

    def skipped(self, name: str, cause: str) -> None:
        """A table will not start because one that it reads failed or was skipped."""
        root = self._roots.setdefault(name, self._roots.get(cause, cause))
        if self._stopping:
            return
        happened = "failed" if self._by_name[root].status == "failed" else "was skipped"
        self._skip(name, f"'{root}', which it needs, {happened}.")

    def idle(self) -> float | None:
        """Write the results that are due."""
        return self._recorder.settle()

    # What happens in the thread of a table.

    def _work(self, table: Table) -> None:
        tally = Tally(table)
        say = self._scheduler.events.put
        kind, outcome = "failed", tally.outcome(_STOPPED)
        try:
            with jobs.grouped(self._run.spark, self._group(table.name), f"table {table.name}"):
                try:
                    stopped = self._makers.make(table, tally, lambda: say(Event("opened", table.name)))
                    kind, outcome = "succeeded", tally.outcome(cancelled=stopped)
                except BaseException as error:  # noqa: BLE001 - whatever it is, it is this table's failure alone
                    outcome = tally.outcome(sentence(error, self._run.pipeline.table_name(table)))
                finally:
                    self._makers.done(table.name)
        finally:
            say(Event("succeeded" if kind == "succeeded" else "failed", table.name, outcome))

    def _progressed(self, name: str, outcome: Outcome) -> None:
        self._scheduler.events.put(Event("progressed", name, outcome))

    # The end.

    def _stop(self) -> None:
        self._stopping = True
        self._scheduler.halt()
        self._makers.stop_streams()
        deadline = time.monotonic() + _PATIENCE
        while self._scheduler.unfinished and time.monotonic() < deadline:
            # Again and again: a table may have been between two jobs, or before its first.
            for name in self._scheduler.unfinished:
                if not self._run.is_stream(self._tables[name]):
                    jobs.cancel(self._run.spark, self._group(name))
            self._scheduler.wait(0.5)

    def _end(self) -> None:
        self._makers.close()
        for event in self._scheduler.rest():
            self.told(event)
        for name in self._tables:
            result = self._by_name[name]
            if result.status in ("waiting", "running"):
                if self._stopping or result.status == "running":
                    result.status, result.message = "cancelled", _STOPPED
                else:
                    result.status, result.message = "skipped", "an earlier failure ended the run."
                self._changed(result)
        statuses = {result.status for result in self._results.tables}
        if self._stopping:
            self._results.status = "cancelled"
        elif statuses & {"failed", "skipped"}:
            self._results.status = "failed"
        else:
            self._results.status = "cancelled" if "cancelled" in statuses else "succeeded"
        self._results.finished_at = datetime.now(UTC)
        self._recorder.changed()
        self._recorder.settle(now=True)

    def _skip(self, name: str, reason: str) -> None:
        result = self._by_name[name]
        result.status, result.message = "skipped", reason
        self._makers.done(name)
        self._changed(result)

    def _changed(self, result: TableResult) -> None:
        if self._observer is not None:
            self._observer.changed(result)
        self._recorder.changed()

    def _group(self, name: str) -> str:
        return f"skyspark-{self._id}-{name}"
