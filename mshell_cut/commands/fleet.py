"""`mshell-cut fleet`: many projects at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mshell_cut import console

if TYPE_CHECKING:
    from mshell_cut.fleet.request import Update
    from mshell_cut.fleet.results import Result


@click.group(
    "fleet",
    epilog="""\b
Examples:
  mshell-cut fleet check --from '~/projects/*'
  mshell-cut fleet update --from projects.yaml --report fleet.md
  gh repo list acme --limit 500 --json nameWithOwner,sshUrl,url,defaultBranchRef > acme.json
  mshell-cut fleet update --github-org-file acme.json --pull-requests""",
)
def command() -> None:
    """Check and update many projects, in parallel and each to its own result."""


def _listing(function: Callable[..., None]) -> Callable[..., None]:
    """Add what both verbs take."""
    options: list[Callable[[Callable[..., None]], Callable[..., None]]] = [
        click.argument("more", nargs=-1, metavar="[FOLDER]..."),
        click.option(
            "--from",
            "sources",
            metavar="FILE|GLOB",
            multiple=True,
            help="A file with a list of projects, or a glob of folders. Repeatable.",
        ),
        click.option(
            "--github-org-file",
            "organisations",
            metavar="FILE",
            type=click.Path(path_type=Path),
            multiple=True,
            help="What 'gh repo list ORG --json nameWithOwner,sshUrl,url,defaultBranchRef' prints.",
        ),
        click.option(
            "--clones",
            metavar="DIR",
            type=click.Path(path_type=Path, file_okay=False),
            help="Where repositories are cloned to. Default: a folder in your cache.",
        ),
        click.option(
            "--trust",
            "trusted",
            metavar="PATH|URL",
            multiple=True,
            help="A template that cloned projects may have beside those of your catalogue. Repeatable.",
        ),
        click.option(
            "--jobs",
            metavar="N",
            type=click.IntRange(min=1),
            help="How many projects to work on at a time. Default: one for each processor.",
        ),
        click.option(
            "--report",
            "report_file",
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help="Write a report as well: FILE.md or FILE.html.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Print the results as JSON."),
    ]
    for option in reversed(options):
        function = option(function)
    return function


@command.command(
    epilog="""\b
Examples:
  mshell-cut fleet check --from '~/projects/*'
  mshell-cut fleet check --from projects.yaml --json
  mshell-cut fleet check --github-org-file acme.json --report fleet.html

Exit codes: 0 all are current, 1 some are behind, 2 some could not be told."""
)
@_listing
@click.pass_context
def check(context: click.Context, /, **options: Any) -> None:
    """Tell which projects are current, and how many files the newest template would change in the others."""
    context.exit(_run(None, **options))


@command.command(
    epilog="""\b
Examples:
  mshell-cut fleet update --from '~/projects/*' --dry-run
  mshell-cut fleet update --from projects.yaml --to v0.3.0 --report fleet.md
  mshell-cut fleet update --github-org-file acme.json --pull-requests

Exit codes: 0 all are done or current, 1 some have conflicts, 2 some failed."""
)
@click.option(
    "--to", "wanted", metavar="REF", help="Release, branch or commit of the template. Default: the newest."
)
@click.option(
    "--set", "assignments", metavar="QUESTION=ANSWER", multiple=True, help="Change an answer. Repeatable."
)
@click.option("--dry-run", is_flag=True, help="Tell what would change and write nothing.")
@click.option(
    "--branch", metavar="NAME", help="The branch to make. Default: mshell-cut/update- and the version."
)
@click.option(
    "--pull-requests", is_flag=True, help="Push each branch and open a pull request, with GitHub's 'gh'."
)
@_listing
@click.pass_context
def update(
    context: click.Context,
    /,
    wanted: str | None,
    assignments: tuple[str, ...],
    dry_run: bool,
    branch: str | None,
    pull_requests: bool,
    **options: Any,
) -> None:
    """Bring all projects up to the newest template, each by one commit on a new branch.

    Working trees stay as they are, whatever is in them: the branch is made from what is committed. A project
    with conflicts gets no branch; the report names the command to run there. Run again, it goes on where it
    was stopped.
    """
    from mshell_cut.fleet.request import Update

    if pull_requests:
        from mshell_cut.fleet import pulls

        pulls.require_gh()
    context.exit(_run(Update(wanted, assignments, dry_run, branch, pull_requests), **options))


def _run(
    asked: "Update | None",
    *,
    more: tuple[str, ...],
    sources: tuple[str, ...],
    organisations: tuple[Path, ...],
    clones: Path | None,
    trusted: tuple[str, ...],
    jobs: int | None,
    report_file: Path | None,
    as_json: bool,
) -> int:
    import os
    import shutil
    import sys

    from mshell_cut.errors import RequestError
    from mshell_cut.fleet import report
    from mshell_cut.fleet.clones import PROTOCOLS, default_folder
    from mshell_cut.fleet.listing import listed
    from mshell_cut.fleet.pool import Pool, processors
    from mshell_cut.fleet.request import Request
    from mshell_cut.fleet.results import as_json as results_as_json
    from mshell_cut.fleet.results import exit_code
    from mshell_cut.fleet.trust import trusts

    if not sources and not organisations:
        raise RequestError("Name the projects with --from or --github-org-file.")
    if report_file:
        report.require_writable(report_file)
    # Addresses in lists and in projects' own files are others' words.
    os.environ.setdefault("GIT_ALLOW_PROTOCOL", PROTOCOLS)
    # A shell that expands the glob itself leaves all folders but the first behind the option.
    entries = listed([*sources, *more], organisations)
    request = Request((clones or default_folder()).absolute(), asked)
    pool = Pool(request, trusts(trusted), jobs or processors())
    with _progress(len(entries)) as told:
        results = pool.run(entries, told)
    if as_json:
        console.emit(results_as_json(results, interrupted=pool.is_stopping))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for line in report.lines(results, width):
            console.say(line)
    if report_file:
        title = "Fleet update" if asked else "Fleet check"
        report.write(report_file, title, results)
        console.note(f"The report is in {report_file}.")
    if pool.is_stopping:
        console.note("Stopped: run the same command again to go on.")
    return exit_code(results, interrupted=pool.is_stopping)


@contextmanager
def _progress(total: int) -> "Iterator[Callable[[Result], None]]":
    """Show how far it is: as a bar at a terminal, else a line for each project."""
    import sys

    from mshell_cut.fleet.markdown import visible

    if not sys.stderr.isatty():
        from itertools import count

        numbers = count(1)
        yield lambda result: console.note(
            f"[{next(numbers)}/{total}] {result.status}: {visible(result.name)}"
        )
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, last="")
        yield lambda result: bar.update(task, advance=1, last=visible(result.name))
