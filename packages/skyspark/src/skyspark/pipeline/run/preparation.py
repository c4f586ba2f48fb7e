"""Before anything is made: what a run refuses, and what it takes over from the run before."""

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

from skyspark.errors import PipelineError, RunStateError
from skyspark.pipeline.model import Mode, Pipeline, Table
from skyspark.pipeline.modes import all_streamed_inputs
from skyspark.pipeline.plan import Plan
from skyspark.pipeline.run.options import AVAILABLE_NOW, RunOptions
from skyspark.pipeline.run.results import UNFINISHED, ExpectationResult, RunResults, TableResult
from skyspark.pipeline.streaming import streamable

log = logging.getLogger(__name__)

_INTERVAL = re.compile(r"\d+ (?:millisecond|second|minute|hour|day)s?", re.IGNORECASE)


def as_it_runs(plan: Plan, mode: Mode) -> Plan:
    """Return a plan in which no table asks of a stream what streams cannot do: such tables are made whole.

    Args:
        plan: The tables.
        mode: The mode of tables that declare none.

    Raises:
        StreamingError: A table that merges its rows cannot be made whole.
    """
    if not any(all_streamed_inputs(plan.pipeline, mode).values()):
        return plan
    planned = frozenset(name for stage in plan.stages for name in stage)
    pipeline, findings = streamable(plan.pipeline, mode, only=planned)
    for finding in findings:
        log.warning("table '%s': %s", finding.table, finding.note)
    return replace(plan, pipeline=pipeline)


def refuse_impossible(plan: Plan, mode: Mode, options: RunOptions) -> None:
    """Refuse what cannot be done in a run's mode.

    Args:
        plan: The tables.
        mode: The mode of tables that declare none.
        options: How to run.

    Raises:
        PipelineError: Something cannot be done; all of it is named.
        RunStateError: Two options contradict each other.
    """
    if options.full_refresh and options.from_failure:
        raise RunStateError(
            "a full refresh makes everything anew and from-failure keeps what succeeded: choose one."
        )
    if options.trigger != AVAILABLE_NOW and not _INTERVAL.fullmatch(options.trigger):
        raise RunStateError(
            f"'{options.trigger}' is no trigger: it is {AVAILABLE_NOW} or an interval such as '10 seconds'."
        )
    streams = all_streamed_inputs(plan.pipeline, mode)
    problems = [problem for table in plan.tables for problem in _problems(table, streams[table.name], mode)]
    if problems:
        raise PipelineError(problems)


def _problems(table: Table, streamed: frozenset[str], mode: Mode) -> Iterator[str]:
    if table.temporary:
        return
    own = table.mode_in(mode)
    written = table.write_mode(own)
    if own == "streaming":
        if written in ("overwrite", "overwrite_partitions"):
            yield f"table '{table.name}': a stream cannot {written}: use append or merge, or mode: batch."
        if not streamed:
            yield (
                f"table '{table.name}' is streaming and none of its inputs is a stream: give it mode: batch, "
                "or let an input be streaming and append."
            )
        if table.incremental is not None:
            yield f"table '{table.name}': incremental is for batch, a stream reads what is new by itself."
    elif table.incremental is not None and written == "overwrite":
        yield (
            f"table '{table.name}': incremental reads new rows only, and overwrite would drop all others: "
            "use append or merge."
        )


def begin(plan: Plan, mode: Mode, options: RunOptions, earlier: RunResults | None) -> RunResults:
    """Return the results that a run starts from.

    Args:
        plan: The tables.
        mode: The mode of tables that declare none.
        options: How to run.
        earlier: The results of the run before.

    Raises:
        RunStateError: ``from_failure``, and there is no run before, or it was one of other tables.
    """
    pipeline = plan.pipeline
    fingerprint = sha256(pipeline.model_dump_json().encode()).hexdigest()[:16]
    if earlier is not None and (earlier.pipeline, earlier.env) != (pipeline.name, options.env):
        if options.from_failure:
            raise RunStateError(
                f"the results are of pipeline '{earlier.pipeline}' in environment '{earlier.env}': "
                "run without from-failure, or name the folder of the right results."
            )
        earlier = None
    if options.from_failure:
        if earlier is None:
            raise RunStateError("there are no results of an earlier run: run without from-failure.")
        unknown = [result.name for result in earlier.tables if result.name not in pipeline.by_name]
        if unknown:
            raise RunStateError(
                f"the earlier run was one of other tables ('{unknown[0]}' is not in the pipeline): "
                "run without from-failure."
            )
    planned = {name for stage in plan.stages for name in stage}
    fresh = [_waiting(pipeline, planned, table, mode) for table in plan.tables]
    results = RunResults(
        pipeline=pipeline.name,
        env=options.env,
        number=1,
        definition=fingerprint,
        started_at=datetime.now(UTC),
        tables=fresh,
    )
    if earlier is not None:
        interrupted = earlier.finished_at is None or earlier.status == "cancelled"
        goes_on = options.from_failure or (interrupted and earlier.definition == fingerprint)
        results.series = earlier.series
        results.number = earlier.number if goes_on else earlier.number + 1
    if options.from_failure and earlier is not None:
        anew = {result.name: result for result in fresh}
        results.tables = [
            anew[result.name] if result.name in anew and result.status in UNFINISHED else result
            for result in earlier.tables
        ]
    return results


def unfinished(plan: Plan, results: RunResults, options: RunOptions) -> list[Table]:
    """Return the tables that a run makes.

    Args:
        plan: The tables.
        results: What the run starts from.
        options: How to run.

    Raises:
        RunStateError: ``from_failure``, and none of the tables was in the run before.
    """
    known = {result.name for result in results.tables}
    if options.from_failure and known.isdisjoint(table.name for table in plan.tables):
        raise RunStateError("the earlier run made none of the selected tables: run without from-failure.")
    waiting = {result.name for result in results.tables if result.status == "waiting"}
    return [table for table in plan.tables if table.name in waiting]


def _waiting(pipeline: Pipeline, planned: set[str], table: Table, mode: Mode) -> TableResult:
    return TableResult(
        name=table.name,
        table=None if table.temporary else pipeline.table_name(table),
        layer=table.layer,
        depends_on=[name for name in table.depends_on if name in planned],
        mode=table.mode_in(mode),
        expectations=[ExpectationResult(name=e.name, action=e.action) for e in table.expectations],
    )
