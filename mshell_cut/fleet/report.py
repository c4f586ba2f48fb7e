"""The report of a fleet: for the terminal, and as a Markdown file or an HTML page."""

import html
import tempfile
from collections.abc import Sequence
from pathlib import Path

import click

from mshell_cut.errors import MshellCutError, RequestError
from mshell_cut.fleet.markdown import code, escaped, visible
from mshell_cut.fleet.results import (
    BEHIND,
    CONFLICTS,
    CURRENT,
    DONE_ALREADY,
    FAILED,
    STATUSES,
    UPDATED,
    Result,
    counted,
)

_COLOURS = {
    CURRENT: "green",
    UPDATED: "green",
    DONE_ALREADY: "green",
    BEHIND: "yellow",
    CONFLICTS: "yellow",
    FAILED: "red",
}
_COLUMNS = ("Project", "Status", "From", "To", "Files", "About")


def lines(results: Sequence[Result], width: int | None) -> list[str]:
    """Return the summary for people, one project after another, what needs a person last.

    Args:
        results: of all projects.
        width: of the terminal; None where there is none and lines may be long.
    """
    ordered = sorted(results, key=lambda result: STATUSES.index(result.status))
    if not ordered:
        return []
    wide = max(len(result.status) for result in ordered)
    named = max(len(visible(result.name)) for result in ordered)
    found = []
    for result in ordered:
        status = click.style(f"{result.status:<{wide}}", fg=_COLOURS.get(result.status))
        name = visible(result.name)
        about = visible("  ".join(filter(None, (_way(result), _about(result)))))
        if width is None or wide + named + len(about) + 4 <= width:
            found.append(f"{status}  {name:<{named}}  {about}".rstrip())
        else:
            found.append(f"{status}  {name}")
            found += [f"    {line}" for line in _wrapped(about, width - 4)]
        found += [f"    {conflict.kind}  {visible(conflict.path)}" for conflict in result.conflicts]
    return [*found, "", f"{len(results)} projects: {summary(results)}."]


def summary(results: Sequence[Result]) -> str:
    """Return how many projects have each status."""
    return ", ".join(f"{count} {status}" for status, count in counted(results).items())


def require_writable(path: Path) -> None:
    """Refuse a place for the report before anything is begun.

    Raises:
        RequestError: its name ends otherwise than in `.md` or `.html`, or there is no such folder.
    """
    if path.suffix.lower() not in (".md", ".html"):
        raise RequestError(f"--report {path} must end in .md or .html.")
    if not path.parent.is_dir():
        raise RequestError(f"--report {path}: there is no folder {path.parent}.")


def write(path: Path, title: str, results: Sequence[Result]) -> None:
    """Write the report into a file, in one step.

    Args:
        path: ends in `.md` or `.html`.
        title: of the page.
        results: of all projects.

    Raises:
        MshellCutError: it cannot be written.
    """
    text = markdown(title, results) if path.suffix.lower() == ".md" else page(title, results)
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=".report-", delete=False, encoding="utf-8"
        ) as file:
            try:
                file.write(text)
                file.close()
                # As any file that is written, not for this user only.
                Path(file.name).chmod(0o644)
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise MshellCutError(f"{path} cannot be written: {error.strerror}.") from None


def markdown(title: str, results: Sequence[Result]) -> str:
    """Return the report as Markdown."""
    rows = [f"| {' | '.join(_COLUMNS)} |", f"|{' --- |' * len(_COLUMNS)}"]
    rows += [f"| {' | '.join(escaped(cell) for cell in _cells(result))} |" for result in results]
    details = []
    for result in results:
        if result.changes or result.conflicts:
            details += ["", f"## {escaped(result.name)}", ""]
            details += [f"- {conflict.kind}: {code(conflict.path)}" for conflict in result.conflicts]
            details += [f"- {change.kind}: {code(change.path)}" for change in result.changes]
    return "\n".join([f"# {escaped(title)}", "", f"{summary(results)}.", "", *rows, *details]) + "\n"


def page(title: str, results: Sequence[Result]) -> str:
    """Return the report as one HTML page that needs no other file and runs nothing."""

    def cell(text: str) -> str:
        return f"<td>{_html(text)}</td>"

    rows = []
    for result in results:
        files = [f"{conflict.kind}: {conflict.path}" for conflict in result.conflicts]
        files += [f"{change.kind}: {change.path}" for change in result.changes]
        name, status, before, after, count, about = _cells(result)
        listed = "".join(f"<li><code>{_html(file)}</code></li>" for file in files)
        inside = f"<details><summary>{_html(count)}</summary><ul>{listed}</ul></details>" if files else ""
        rows.append(
            f'<tr class="{status.replace(" ", "-")}">{cell(name)}{cell(status)}{cell(before)}{cell(after)}'
            f"<td>{inside}</td>{cell(about)}</tr>"
        )
    heads = "".join(f"<th>{column}</th>" for column in _COLUMNS)
    return _PAGE.format(
        title=_html(title), summary=_html(summary(results)), heads=heads, rows="\n".join(rows)
    )


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; margin: 2rem; }}
table {{ border-collapse: collapse; }}
th, td {{ border-bottom: 1px solid #ccc; padding: .3rem .8rem; text-align: left; vertical-align: top; }}
td {{ overflow-wrap: anywhere; }}
.failed td:nth-child(2), .not-done td:nth-child(2) {{ color: #b00020; }}
.behind td:nth-child(2), .conflicts td:nth-child(2) {{ color: #8a5a00; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{summary}.</p>
<table>
<thead><tr>{heads}</tr></thead>
<tbody>
{rows}
</tbody>
</table>
</body>
</html>
"""


def _html(text: str) -> str:
    return html.escape(visible(text))


def _cells(result: Result) -> tuple[str, str, str, str, str, str]:
    count = str(len(result.changes)) if result.changes else ""
    if result.conflicts:
        count = f"{count or 0}, {len(result.conflicts)} in conflict"
    return (result.name, result.status, result.at, result.newest, count, _about(result))


def _way(result: Result) -> str:
    if not result.newest or result.at == result.newest:
        return result.at
    count = len(result.changes)
    files = f"  {count} file{'' if count == 1 else 's'}" if count else ""
    return f"{result.at} → {result.newest}{files}"


def _about(result: Result) -> str:
    return "  ".join(filter(None, (result.branch, result.pull_request, result.message)))


def _wrapped(text: str, width: int) -> list[str]:
    import textwrap

    return textwrap.wrap(text, max(width, 20), break_long_words=False, break_on_hyphens=False)
