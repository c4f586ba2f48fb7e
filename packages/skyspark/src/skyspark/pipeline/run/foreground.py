"""A run that a person or a job waits for: checked before Spark starts, watched, and reported at its end."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from skyspark.pipeline.plan import Plan
from skyspark.pipeline.run.call import last_results, run_with_page
from skyspark.pipeline.run.options import RunOptions
from skyspark.pipeline.run.page import PAGE
from skyspark.pipeline.run.preparation import as_it_runs, begin, refuse_impossible, unfinished
from skyspark.pipeline.run.progress import watch
from skyspark.pipeline.run.report import print_report
from skyspark.pipeline.run.results import RunResults
from skyspark.pipeline.run.state import read_results, storage_folder
from skyspark.session import program_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Wide enough that nothing in a log or a file is cut off.
_UNBOUNDED = 1000


def run_in_foreground(
    plan: Plan, options: RunOptions, *, spark: "SparkSession | None" = None, as_json: bool = False
) -> RunResults:
    """Run a plan: progress goes to standard error, the report to standard output.

    SIGTERM is taken as Ctrl-C: streams stop between two batches, and the results are written.

    Args:
        plan: The tables.
        options: How to run.
        spark: A session to use. Without one a session is made, with the pipeline's settings, and a local one
            is stopped at the end.
        as_json: Print the results as JSON in place of the report.

    Returns:
        What became of each table.

    Raises:
        SkySparkError: The run as a whole is not possible, or the machine is not in order; what can be known
            without a session is found before one is made.
        KeyboardInterrupt: The process was told to stop; the report is printed.
    """
    mode = options.mode or plan.pipeline.mode
    plan = as_it_runs(plan, mode)
    refuse_impossible(plan, mode, options)
    folder = options.results or storage_folder(plan.pipeline)
    begun = begin(plan, mode, options, read_results(folder))
    unfinished(plan, begun, options)
    with _terminable():
        try:
            own = program_session(plan.pipeline.name, conf=plan.pipeline.spark)
            with watch(begun) as observer, own if spark is None else nullcontext(spark) as session:
                results = run_with_page(plan, session, options, observer)
        except KeyboardInterrupt:
            stopped = last_results(folder, begun.started_at)
            if stopped is not None:
                _show(stopped, folder, as_json=as_json)
            raise
    _show(results, folder, as_json=as_json)
    return results


def _show(results: RunResults, folder: Path, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(results.model_dump_json(indent=1) + "\n")
        return
    page = folder.absolute() / PAGE
    page = page.relative_to(Path.cwd()) if page.is_relative_to(Path.cwd()) else page
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _UNBOUNDED)
    print_report(results, page, console)


@contextmanager
def _terminable() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt, where Python allows handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
