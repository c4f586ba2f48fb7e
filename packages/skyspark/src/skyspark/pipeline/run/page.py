"""A run as a page for the browser: one file that needs nothing else, and no network."""

import base64
import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from skyspark import __version__
from skyspark.errors import RunStateError
from skyspark.pipeline.run import figures, timeline
from skyspark.pipeline.run.chart import path_section, timeline_section
from skyspark.pipeline.run.critical_path import critical_path
from skyspark.pipeline.run.markup import dot, escape
from skyspark.pipeline.run.results import ExpectationResult, RunResults, Status, TableResult

PAGE = "run.html"
# The columns, and how each is sorted.
_QUALITY = {
    "Table": "text",
    "Expectation": "text",
    "Action": "text",
    "Passed": "number",
    "Broken": "number",
    "Share broken": "number",
}
_TABLES = {
    "Table": "text",
    "Status": "text",
    "Mode": "text",
    "Rows in": "number",
    "Rows out": "number",
    "Time": "number",
    "Expectations": "text",
}
_SORTED = {"": "", "text": ' data-sort="text"', "number": ' class="num" data-sort="number"'}
_ORDER: tuple[Status, ...] = ("failed", "cancelled", "skipped", "running", "waiting", "succeeded")


def write_page(folder: Path, results: RunResults) -> Path:
    """Write ``run.html``, in one step.

    Args:
        folder: Its folder; made when absent.
        results: A run that has ended.

    Returns:
        The file.

    Raises:
        RunStateError: The folder cannot be written.
    """
    new = folder / f".{PAGE}.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        new.write_text(page(results), encoding="utf-8", errors="replace")
        return new.replace(folder / PAGE)
    except OSError as error:
        raise RunStateError(f"the page cannot be written to {folder} ({error.strerror}).") from error


def page(results: RunResults) -> str:
    """Return the page.

    Args:
        results: A run that has ended.
    """
    style, script = (
        files("skyspark.pipeline.run").joinpath(name).read_text(encoding="utf-8")
        for name in ("page.css", "page.js")
    )
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Should a name ever get past the escaping, it still could not run or fetch anything.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    places = {table.name: place for place, table in enumerate(results.tables)}
    path = critical_path(results)
    sections = (
        _header(results),
        _failures(results.tables, places),
        timeline_section(results, path, places),
        path_section(results, path),
        _quality(results.tables, places),
        _skipped(results.tables, places),
        _tables(results),
    )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(results.pipeline)}: run {results.number} {results.status}</title>
<style>{style}</style>
</head>
<body>
{chr(10).join(section for section in sections if section)}
<footer>Written by skyspark {escape(__version__)}. The same figures are in run_results.json.</footer>
<script>{script}</script>
</body>
</html>
"""


def _header(results: RunResults) -> str:
    tables, made = results.tables, results.of_this_run
    statuses = Counter(table.status for table in tables)
    present = [status for status in _ORDER if statuses[status]]
    strip = "".join(f'<i class="{status}" style="--n:{statuses[status]}"></i>' for status in present)
    length = timeline.length(results)
    work = sum(bar.seconds for bar in timeline.bars(results))
    expectations = [e for t in made for e in t.expectations if e.broken is not None]
    met = sum(not e.broken for e in expectations)
    broken = sum(e.broken or 0 for e in expectations)
    facts = [
        (
            "Tables",
            f"{len(tables):,}",
            f'<span class="strip">{strip}</span>'
            + ", ".join(f"{statuses[status]:,} {status}" for status in present),
        ),
        ("Rows written", f"{sum(t.rows_out or 0 for t in made):,}", _read(made)),
        (
            "Time",
            figures.duration(length),
            f"{figures.duration(work)} of work, {work / length:.1f} tables at a time"
            if work and length
            else "",
        ),
    ]
    if expectations:
        facts.append(
            (
                "Expectations met",
                f"{met:,} of {len(expectations):,}",
                f"broken {figures.counted(broken, 'time')}",
            )
        )
    items = "\n".join(
        f"<div><dt>{title}</dt><dd>{value}<small>{note}</small></dd></div>" for title, value, note in facts
    )
    return f"""<header>
<p class="soft">Run {results.number} in {escape(results.env)}</p>
<h1>{escape(results.pipeline)} <span class="pill {results.status}">{results.status}</span></h1>
<p class="soft">{_moment(results.started_at)}{_until(results)}</p>
<dl class="facts">
{items}
</dl>
</header>"""


def _read(tables: Sequence[TableResult]) -> str:
    known = [table.rows_in for table in tables if table.rows_in is not None]
    return f"{sum(known):,} read" if known else ""


def _moment(moment: datetime) -> str:
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M:%S} {moment.tzname() or ""}</time>'


def _until(results: RunResults) -> str:
    return f" to {_moment(results.finished_at)}" if results.finished_at is not None else ""


def _link(name: str, places: Mapping[str, int]) -> str:
    return f'<a href="#t{places[name]}">{escape(name)}</a>'


def _failures(tables: Sequence[TableResult], places: Mapping[str, int]) -> str:
    failed = [table for table in tables if table.status == "failed"]
    if not failed:
        return ""
    items = "\n".join(
        f'<div class="failure">{dot(table.layer)}<b>{_link(table.name, places)}</b>'
        f"<pre>{escape(table.message or '')}</pre></div>"
        for table in failed
    )
    return f"""<section id="failures">
<h2>What failed</h2>
{items}
</section>"""


def _skipped(tables: Sequence[TableResult], places: Mapping[str, int]) -> str:
    # Many tables are skipped for one cause: it is said once.
    causes: dict[str, list[str]] = {}
    for table in tables:
        if table.status in ("skipped", "cancelled", "waiting"):
            causes.setdefault(table.message or f"{table.status}, with no cause given", []).append(table.name)
    if not causes:
        return ""
    rows = "\n".join(
        f"<tr><td>{escape(cause)}</td><td>{', '.join(_link(name, places) for name in names)}</td></tr>"
        for cause, names in causes.items()
    )
    return f"""<section id="skipped">
<h2>Not made</h2>
<p class="hint">{figures.counted(sum(map(len, causes.values())), "table")} did not get to the end.
The same command with <code>--from-failure</code> makes them and leaves the others alone.</p>
{_grid({"Cause": "", "Tables": ""}, rows)}
</section>"""


def _quality(tables: Sequence[TableResult], places: Mapping[str, int]) -> str:
    found = [(table, expectation) for table in tables for expectation in table.expectations]
    if not found:
        return ""
    # What is broken comes first, the rest stays in the order of the run.
    found.sort(key=lambda pair: -(pair[1].broken or 0))
    rows = "\n".join(_expectation(table, expectation, places) for table, expectation in found)
    return f"""<section id="quality">
<h2>Quality</h2>
<p class="hint">Rows that met each expectation and rows that broke it; a rule about a whole table counts as
one. <b>warn</b> keeps broken rows, <b>drop</b> leaves them out, <b>fail</b> writes nothing.</p>
{_grid(_QUALITY, rows)}
</section>"""


def _expectation(table: TableResult, expectation: ExpectationResult, places: Mapping[str, int]) -> str:
    broken, passed = expectation.broken, expectation.passed
    if broken is None:
        share, value = "not counted", -1.0
    else:
        whole = broken + (passed or 0)
        value = broken / whole if whole else 0.0
        share = f'{figures.share(broken, whole)}<span class="meter"><i style="--x:{value:.5f}"></i></span>'
        if not broken:
            share = '<span class="pill met">met</span>'
    return (
        f"<tr><td>{dot(table.layer)}{_link(table.name, places)}</td><td>{escape(expectation.name)}</td>"
        f'<td><span class="pill {expectation.action}">{expectation.action}</span></td>'
        f"{_number(passed)}{_number(broken)}"
        f'<td class="num" data-value="{value}">{share}</td></tr>'
    )


def _number(count: int | None) -> str:
    return f'<td class="num" data-value="{-1 if count is None else count}">{figures.number(count)}</td>'


def _tables(results: RunResults) -> str:
    tables = results.tables
    statuses = Counter(table.status for table in tables)
    buttons = "".join(
        f'<button type="button" class="{status}" data-status="{status}" aria-pressed="false">'
        f"{status} {statuses[status]:,}</button>"
        for status in _ORDER
        if statuses[status]
    )
    rows = "\n".join(_table(place, table, results) for place, table in enumerate(tables))
    return f"""<section id="tables">
<h2>Tables</h2>
<div class="tools" hidden><input type="search" placeholder="Search names, layers, messages"
aria-label="Search tables">{buttons}</div>
{_grid(_TABLES, rows)}
</section>"""


def _grid(columns: Mapping[str, str], rows: str) -> str:
    heads = "".join(f"<th{_SORTED[kind]}>{title}</th>" for title, kind in columns.items())
    return f"""<div class="scroll"><table><thead><tr>{heads}</tr></thead><tbody>
{rows}
</tbody></table></div>"""


def _table(place: int, table: TableResult, results: RunResults) -> str:
    full = table.table if table.table is not None else "temporary"
    if not results.includes(table):
        full += ", of an earlier run"
    message = f'<span class="message">{escape(table.message)}</span>' if table.message else ""
    search = escape(
        " ".join(filter(None, (table.name, table.table, table.layer, table.status, table.message)))
    )
    seconds = -1.0 if table.seconds is None else table.seconds
    return (
        f'<tr id="t{place}" data-status="{table.status}" data-search="{search}">'
        f'<td data-value="{escape(table.name)}">{dot(table.layer)}{escape(table.name)}'
        f'<span class="message">{escape(full)}</span>{message}</td>'
        f'<td><span class="pill {table.status}">{table.status}</span></td><td>{table.mode}</td>'
        f"{_number(table.rows_in)}{_number(table.rows_out)}"
        f'<td class="num" data-value="{seconds}">{figures.duration(table.seconds)}</td>'
        f"<td>{escape(figures.expectations(table))}</td></tr>"
    )
