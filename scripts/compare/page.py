"""The tables of docs/comparison.md, made from the recorded results."""

import re
from typing import Any

from compare.findings import ROWS, Row, recorded
from compare.machine import REPOSITORY
from compare.scenarios import TABLES, TOOLS, tools_of

_NOT_RUN = {"result": "not run", "note": ""}
PAGE = REPOSITORY / "docs" / "comparison.md"


def write() -> None:
    """Write what was recorded into the page, between its marks."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


def filled(page: str) -> str:
    """Return a page with each marked part made anew from the results.

    Args:
        page: the page's text; `<!-- table: NAME -->` and `<!-- end -->` enclose the table of that name,
            `<!-- versions -->` and `<!-- end -->` the line of date and versions.
    """
    results = recorded()
    parts = {f"table: {name}": _table(name, results) for name in TABLES} | {"versions": _versions(results)}
    for mark, text in parts.items():
        whole = re.compile(f"(<!-- {mark} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, count = whole.subn(lambda found, text=text: f"{found[1]}\n{text}\n{found[2]}", page)
        if count != 1:
            raise ValueError(
                f"docs/comparison.md holds {count} times <!-- {mark} -->: it has to be there once."
            )
    return page


def _versions(results: dict[str, Any]) -> str:
    each = ", ".join(f"{TOOLS[name].title} {results['versions'].get(name, 'not run')}" for name in TOOLS)
    return f"Run on {results['date']}: {each}.\n"


def _table(name: str, results: dict[str, Any]) -> str:
    rows = [row for row in ROWS.values() if row.table == name]
    tools = tools_of(rows[0])
    notes: list[str] = []
    titles = [TOOLS[tool].title for tool in tools]
    lines = [f"| | {' | '.join(titles)} |", f"| --- {'| --- ' * len(tools)}|"]
    for row in rows:
        cells = [_cell(results["rows"][row.name].get(tool, _NOT_RUN), notes) for tool in tools]
        lines.append(f"| {row.title} | {' | '.join(cells)} |")
    lines += ["", *(f"{number}. {note}" for number, note in enumerate(notes, 1)), ""] if notes else [""]
    lines += ["How each row was tried, in the order of the table:", "", *(_tried(row) for row in rows), ""]
    return "\n".join(lines)


def _cell(found: dict[str, str], notes: list[str]) -> str:
    if not found["note"]:
        return found["result"]
    if found["note"] not in notes:
        notes.append(found["note"])
    return f"{found['result']} <sup>{notes.index(found['note']) + 1}</sup>"


def _tried(row: Row) -> str:
    return f"- `{row.name}`: {row.tried}"
