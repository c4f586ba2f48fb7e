"""`mshell-cut diff`: the project against its template, or what an update would bring."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mshell_cut import console
from mshell_cut.commands import options

if TYPE_CHECKING:
    from mshell_cut.comparing import Comparison


@click.command(
    "diff",
    epilog="""\b
Examples:
  mshell-cut diff                      what you changed of the template's files
  mshell-cut diff --against latest     what an update would change
  mshell-cut diff --against v0.3.0 --stat
  mshell-cut diff Makefile src/apps

Exit codes: 0 shown, 1 it differs (with --exit-code) or could not be shown, 2 the request is wrong.""",
)
@click.argument("paths", nargs=-1)
@options.project
@click.option(
    "--against",
    "wanted",
    metavar="REF",
    help="Show what an update to this release, branch or commit would change; 'latest' is the newest.",
)
@click.option("--stat", "form", flag_value="stat", help="Print how many lines change in each file.")
@click.option("--names", "form", flag_value="names", help="Print the files' names only.")
@options.template
@click.option("--exit-code", "strict", is_flag=True, help="Exit with 1 where something differs.")
@click.option("--json", "as_json", is_flag=True, help="Print the files as JSON.")
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[str, ...],
    folder: Path,
    wanted: str | None,
    form: str | None,
    address: str | None,
    strict: bool,
    as_json: bool,
) -> None:
    """Show the project, as its files lie, against its template as it was cut.

    Lines of yours stand with a plus. Samples, what .cruft.json skips and files of your own are left out. With
    PATHS, relative to the project, only these are shown.
    """
    from mshell_cut.project import Project
    from mshell_cut.upstream import opened

    project = Project.find(folder)
    with opened(project.state, template=address, interactive=console.is_interactive()) as upstream:
        from mshell_cut import comparing
        from mshell_cut.objects import quarantine
        from mshell_cut.renders import Renders

        renders = Renders(upstream)
        with comparing.repository(project) as place, quarantine(place) as objects:
            with console.working("Comparing with the template …"):
                if wanted is None:
                    found = comparing.with_template(project, renders, objects)
                else:
                    after = upstream.newest(project.state) if wanted == "latest" else upstream.version(wanted)
                    found = comparing.with_update(project, renders, after, objects)
            if as_json:
                _emit(found, paths)
            else:
                found.show(paths, form=form or "patch", colour=console.is_colourful())
            differs = bool(found.changes(paths))
    context.exit(1 if strict and differs else 0)


def _emit(found: "Comparison", paths: tuple[str, ...]) -> None:
    console.emit(
        {
            "against": found.name,
            "files": [
                {"path": change.path, "kind": change.kind, "before": change.before}
                for change in found.changes(paths)
            ],
        }
    )
