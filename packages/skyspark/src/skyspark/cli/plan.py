"""``skyspark plan``."""

import argparse
import json
import sys
from collections.abc import Sequence

from skyspark.cli.pipelines import pipeline_of, selection_of
from skyspark.pipeline.listing import PlanListing, TableListing, list_plan
from skyspark.pipeline.plan import make_plan

_COLUMNS = ("stage", "name", "layer", "tags", "mode", "reads", "table", "why")
_LAYER_STYLES = {"bronze": "dark_orange3", "silver": "grey58", "gold": "gold3"}


def run(args: argparse.Namespace) -> int:
    """Print the plan: a table for people, plain columns for a pipe, or JSON.

    Returns:
        The exit code.

    Raises:
        PipelineError: The pipeline's file is wrong.
        SelectionError: The selectors are wrong or select nothing.
    """
    plan = list_plan(make_plan(pipeline_of(args), selection_of(args)))
    if args.json:
        sys.stdout.write(json.dumps(plan, indent=1) + "\n")
    elif sys.stdout.isatty():
        _print_table(plan)
    else:
        sys.stdout.write(f"{_columns(plan)}\n{_summary(plan)}\n")
    return 0


def _row(table: TableListing, between: str = ",") -> tuple[str, ...]:
    where = table["table"] or "(temporary)"
    mode = table["mode"] + (f":{table['write_mode']}" if table["write_mode"] else "")
    tags, reads = between.join(table["tags"]), between.join(table["reads"])
    return (
        str(table["stage"]),
        table["name"],
        table["layer"] or "",
        tags,
        mode,
        reads,
        where,
        table["why"],
    )


def _columns(plan: PlanListing) -> str:
    """Return columns that line up; an empty cell is a dash, so that they can be counted."""
    rows: Sequence[Sequence[str]] = [_COLUMNS, *([cell or "-" for cell in _row(t)] for t in plan["tables"])]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
    return "".join(f"{line}\n" for line in lines)


def _print_table(plan: PlanListing) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=plan["pipeline"]["name"], title_justify="left", box=box.SIMPLE_HEAD)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name == "stage" else "left", overflow="fold")
    stage = 1
    for listed in plan["tables"]:
        if listed["stage"] != stage:
            table.add_section()
            stage = listed["stage"]
        # As Text: in a plain string, rich would take [brackets] for markup.
        cells = [Text(cell) for cell in _row(listed, between=", ")]
        cells[1].stylize("bold")
        cells[2].stylize(_LAYER_STYLES.get(listed["layer"] or "", ""))
        table.add_row(*cells, style="dim" if listed["why"] == "upstream" else None)
    console = Console()
    console.print(table)
    console.print(Text(_summary(plan)))


def _summary(plan: PlanListing) -> str:
    upstream = sum(table["why"] == "upstream" for table in plan["tables"])
    selected = len(plan["tables"]) - upstream
    left = plan["pipeline"]["tables"] - selected - upstream
    parts = [f"{selected} selected"]
    if upstream:
        parts.append(f"{upstream} upstream")
    if left:
        parts.append(f"{left} left out")
    tables, stages = len(plan["tables"]), len(plan["stages"])
    return f"{tables} table{'s' * (tables != 1)} in {stages} stage{'s' * (stages != 1)}: {', '.join(parts)}."
