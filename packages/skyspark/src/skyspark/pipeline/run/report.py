"""What a terminal shows of a run when it has ended."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from skyspark.pipeline.run import figures
from skyspark.pipeline.run.results import RunResults, Status, TableResult

STYLES: dict[Status, str] = {
    "failed": "bold red",
    "cancelled": "magenta",
    "skipped": "yellow",
    "running": "cyan",
    "succeeded": "green",
    "waiting": "dim",
}
# More tables than this are shown by what went wrong only.
_MOST_TABLES = 40
_MOST_NAMED = 10


def clean(text: str) -> Text:
    """Return a text for the terminal in which nothing can steer it.

    Args:
        text: A name or a message, from a file or from Spark.
    """
    return Text("".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text))


@dataclass(frozen=True)
class _Column:
    title: str
    least: int
    cell: Callable[[TableResult], Text]
    number: bool = False


_COLUMNS = (
    _Column("layer", 6, lambda result: clean(result.layer or "")),
    _Column("mode", 9, lambda result: Text(result.mode)),
    _Column("status", 9, lambda result: Text(result.status, STYLES[result.status])),
    _Column("rows in", 8, lambda result: Text(figures.number(result.rows_in)), number=True),
    _Column("rows out", 8, lambda result: Text(figures.number(result.rows_out)), number=True),
    _Column("time", 10, lambda result: Text(figures.duration(_seconds(result))), number=True),
    _Column(
        "expectations",
        13,
        lambda result: Text(figures.expectations(result), "yellow" if figures.broken(result) else ""),
    ),
)
# What a narrow terminal does without, first to last, so that there is room for names.
_DISPENSABLE = ("mode", "layer", "rows in", "expectations", "rows out", "time")
_SHORTEST_NAME = 20
_GAP = 2


def grid(results: Sequence[TableResult], width: int, *, longest: int = 0) -> Grid:
    """Return a table of results that fits into a terminal.

    Args:
        results: Its lines.
        width: Columns of the terminal.
        longest: Characters of the longest name that there may be, so that columns keep their places when
            lines change.
    """
    cells = {column.title: [column.cell(result) for result in results] for column in _COLUMNS}
    widths = {
        column.title: max(column.least, len(column.title), *(cell.cell_len for cell in cells[column.title]))
        for column in _COLUMNS
    }
    names = [clean(result.name) for result in results]
    name_width = max(longest, len("table"), *(name.cell_len for name in names))
    wanted = min(name_width, _SHORTEST_NAME)
    for title in _DISPENSABLE:
        if wanted + sum(widths.values()) + _GAP * len(widths) > width:
            del widths[title]
    name_width = max(1, min(name_width, width - sum(widths.values()) - _GAP * len(widths)))
    made = Grid(box=None, pad_edge=False, header_style="dim", padding=(0, _GAP, 0, 0))
    made.add_column("table", width=name_width, overflow="ellipsis", no_wrap=True)
    columns = [column for column in _COLUMNS if column.title in widths]
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.number else "left"
        made.add_column(column.title, width=widths[column.title], no_wrap=True, justify=justify)
    for i, name in enumerate(names):
        made.add_row(name, *(cells[column.title][i] for column in columns))
    return made


def _seconds(result: TableResult) -> float | None:
    if result.status == "running" and result.started_at is not None:
        return (datetime.now(UTC) - result.started_at).total_seconds()
    return result.seconds


def counts(statuses: Counter[Status]) -> Text:
    """Return how many tables stand where, such as ``1 failed, 5 succeeded``.

    Args:
        statuses: How many tables have each status.
    """
    parts = [Text(f"{statuses[status]:,} {status}", STYLES[status]) for status in STYLES if statuses[status]]
    return Text(", ").join(parts)


def print_report(results: RunResults, page: Path, console: Console) -> None:
    """Print what became of each table, with the failures at the end, where they are seen.

    Args:
        results: A run that has ended.
        page: Where its page for the browser is.
        console: Where to.
    """
    tables = results.tables
    if len(tables) > _MOST_TABLES:
        shown = [table for table in tables if table.status != "succeeded" or figures.broken(table)]
        shown = shown[:_MOST_TABLES]
        rest = f"and {figures.counted(len(tables) - len(shown), 'more table')}, see {page}"
    else:
        shown, rest = tables, ""
    if shown:
        console.print(grid(shown, console.width))
    if rest:
        console.print(clean(rest), style="dim", soft_wrap=True)
    console.print()
    _print_broken(tables, console)
    _print_named("skipped", [t for t in tables if t.status == "skipped"], console)
    _print_named("failed", [t for t in tables if t.status == "failed"], console, most=len(tables))
    console.print(summary(results), soft_wrap=True)
    console.print(clean(f"report: {page}"), soft_wrap=True)
    if results.status != "succeeded":
        console.print("to go on where it ended: the same command with --from-failure", soft_wrap=True)


def summary(results: RunResults) -> Text:
    """Return a run in one line: how it ended, how many tables stand where, and how long it took.

    Args:
        results: A run that has ended.
    """
    line = clean(results.pipeline)
    line.append(" ").append(results.status, STYLES[results.status])
    if results.finished_at is not None:
        line.append(f" in {figures.duration((results.finished_at - results.started_at).total_seconds())}")
    line.append(": ").append_text(counts(Counter(table.status for table in results.tables)))
    if written := sum(table.rows_out or 0 for table in results.of_this_run):
        line.append(f"; {figures.counted(written, 'row')} written")
    return line


def _print_broken(tables: Sequence[TableResult], console: Console) -> None:
    found = [(table, expectation) for table in tables for expectation in figures.broken(table)]
    if not found:
        return
    console.print("expectations broken", style="yellow")
    for table, expectation in found[:_MOST_NAMED]:
        line = f"  {table.name}: {expectation.name} ({expectation.action}), {figures.breaches(expectation)}"
        console.print(clean(line), soft_wrap=True)
    _print_rest(len(found) - _MOST_NAMED, console)
    console.print()


def _print_named(
    status: Status, tables: Sequence[TableResult], console: Console, most: int = _MOST_NAMED
) -> None:
    if not tables:
        return
    console.print(status, style=STYLES[status])
    for table in tables[:most]:
        reason = f": {table.message}" if table.message else ""
        console.print(clean(f"  {table.name}{reason}"), soft_wrap=True)
    _print_rest(len(tables) - most, console)
    console.print()


def _print_rest(count: int, console: Console) -> None:
    if count > 0:
        console.print(f"  and {count:,} more", style="dim")
