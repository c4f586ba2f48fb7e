"""Running a pipeline from Python, in a session that is there."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from skyspark.errors import RunFailedError
from skyspark.pipeline.model import Mode
from skyspark.pipeline.plan import Plan, Selection, make_plan
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.run.engine import run_plan
from skyspark.pipeline.run.options import AVAILABLE_NOW, Observer, RunOptions
from skyspark.pipeline.run.page import write_page
from skyspark.pipeline.run.progress import LogProgress
from skyspark.pipeline.run.results import UNFINISHED, RunResults
from skyspark.pipeline.run.state import read_results, storage_folder

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# How many reasons an error gives.
_MOST_NAMED = 5


def run_pipeline(
    spark: "SparkSession",
    config: Path | str,
    *,
    env: str = "local",
    variables: Mapping[str, str] | None = None,
    date: date | None = None,
    tags: Sequence[str] = (),
    match: Literal["any", "all"] = "any",
    select: Sequence[str] = (),
    exclude: Sequence[str] = (),
    upstream: bool = True,
    mode: Mode | None = None,
    trigger: str = AVAILABLE_NOW,
    full_refresh: bool = False,
    from_failure: bool = False,
    fail_fast: bool = False,
    threads: int = 4,
    results: Path | None = None,
    observer: Observer | None = None,
) -> RunResults:
    """Make the tables of a pipeline: ``skyspark run`` as a Python call.

    The session's own settings are left as they are: those under ``spark`` in the file are for sessions that
    ``skyspark run`` makes.

    Args:
        spark: The session.
        config: The pipeline's file.
        env: The environment of the file that applies.
        variables: Values of variables; they win over those in the file.
        date: The value of ``${date}``; default: today, in UTC.
        tags: Tags of the tables to make; default: all tables.
        match: Whether a table needs ``any`` or ``all`` of the tags.
        select: Selectors in dbt's grammar, such as ``tag:daily+``.
        exclude: Selectors of what is left out.
        upstream: Whether what the selected tables read is made too.
        mode: The mode of tables that declare none; default: the pipeline's.
        trigger: ``available-now``, or an interval such as ``10 seconds`` for streams that go on.
        full_refresh: Make the selected tables and their checkpoints anew.
        from_failure: Make only what did not succeed in the run before.
        fail_fast: Begin no further table after a failure.
        threads: How many tables are made at a time.
        results: Folder of ``run_results.json`` and ``run.html``; default: the pipeline's storage.
        observer: Who is told of each change; default: the log ``skyspark.pipeline.run``.

    Returns:
        What became of each table.

    Raises:
        PipelineError: The pipeline's file is wrong, or asks for what this mode cannot do.
        SelectionError: The selectors are wrong or select nothing.
        RunStateError: The results of the run before do not fit, or another run is going on.
        RunFailedError: A table failed; everything that does not need it was made. The results are in it.
    """
    pipeline = load_pipeline(config, env=env, variables=variables, date=date)
    plan = make_plan(pipeline, Selection(tags, match, select, exclude, upstream))
    options = RunOptions(
        env=env,
        mode=mode,
        trigger=trigger,
        full_refresh=full_refresh,
        from_failure=from_failure,
        fail_fast=fail_fast,
        threads=threads,
        results=results,
    )
    return succeeded(run_with_page(plan, spark, options, observer or LogProgress()))


def succeeded(results: RunResults) -> RunResults:
    """Return the results of a run that succeeded.

    Args:
        results: A run that has ended.

    Raises:
        RunFailedError: It did not.
    """
    if results.status == "succeeded":
        return results
    missing = [table for table in results.tables if table.status in UNFINISHED]
    # What was skipped was skipped for what failed.
    causes = [table for table in missing if table.status == "failed"] or missing
    reasons = [
        f"{table.name}: {(table.message or table.status).rstrip('.')}" for table in causes[:_MOST_NAMED]
    ]
    if len(causes) > _MOST_NAMED:
        reasons.append(f"and {len(causes) - _MOST_NAMED} more")
    raise RunFailedError(
        f"{len(missing)} of {len(results.tables)} tables of {results.pipeline} were not made: "
        f"{'; '.join(reasons)}.",
        results,
    )


def run_with_page(
    plan: Plan, spark: "SparkSession", options: RunOptions, observer: Observer | None = None
) -> RunResults:
    """Run a plan and write ``run.html`` beside ``run_results.json``, also when the run is told to stop.

    Args:
        plan: The tables.
        spark: The session.
        options: How to run.
        observer: Who is told of each change.

    Returns:
        What became of each table.

    Raises:
        SkySparkError: As ``run_plan`` does.
        KeyboardInterrupt: The process was told to stop.
    """
    folder = options.results or storage_folder(plan.pipeline)
    begun = datetime.now(UTC)
    try:
        results = run_plan(plan, spark, options, observer)
    except KeyboardInterrupt:
        stopped = last_results(folder, begun)
        if stopped is not None:
            write_page(folder, stopped)
        raise
    write_page(folder, results)
    return results


def last_results(folder: Path, since: datetime) -> RunResults | None:
    """Return the results of the run that a folder holds, unless it began too early.

    Args:
        folder: The folder of ``run_results.json``.
        since: The earliest moment.
    """
    results = read_results(folder)
    return results if results is not None and results.started_at >= since else None
