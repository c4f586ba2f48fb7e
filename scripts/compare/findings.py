"""What a row of the comparison is, and what was found for it."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True)
class Finding:
    """What a tool does in one row.

    Attributes:
        result: yes, no, partly, n/a, or a few words or a figure.
        note: what a footnote says of it.
    """

    result: str
    note: str = ""


NOT_APPLICABLE = Finding("n/a")
YES, NO = Finding("yes"), Finding("no")


def partly(note: str) -> Finding:
    """Return a finding that holds in part."""
    return Finding("partly", note)


def yes_or_no(holds: bool, note: str = "") -> Finding:
    """Return a finding that holds or does not."""
    return Finding("yes" if holds else "no", note)


@dataclass(frozen=True)
class Row:
    """One row: a question, and the scenario that answers it.

    Attributes:
        name: how the command line calls it.
        table: the table it stands in.
        title: what its first cell says.
        tried: what the scenario does, for the page.
        find: the scenario.
    """

    name: str
    table: str
    title: str
    tried: str
    find: Callable[..., Finding]


ROWS: dict[str, Row] = {}


def row(name: str, table: str, title: str, tried: str) -> Callable[..., Any]:
    """Register a scenario as a row of a table."""

    def register(find: Callable[..., Finding]) -> Callable[..., Finding]:
        ROWS[name] = Row(name, table, title, tried, find)
        return find

    return register


def recorded() -> dict[str, Any]:
    """Return the results that are checked in: date, versions, and findings by row and tool."""
    found: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found


def record(date: str, versions: dict[str, str], findings: dict[str, dict[str, Finding]]) -> None:
    """Write results over those that are checked in, rows and tools that were not run stay."""
    old = recorded() if RESULTS.exists() else {"versions": {}, "rows": {}}
    rows = {
        name: old["rows"].get(name, {}) | {t: asdict(f) for t, f in findings.get(name, {}).items()}
        for name in ROWS
    }
    new = {"date": date, "versions": old["versions"] | versions, "rows": rows}
    RESULTS.write_text(json.dumps(new, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
