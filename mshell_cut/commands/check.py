"""`mshell-cut check`: is a project current?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mshell_cut import console
from mshell_cut.commands import options

if TYPE_CHECKING:
    from mshell_cut.project import Project
    from mshell_cut.standing import Standing

_MARKS = {"added": "A", "changed": "M", "deleted": "D"}
_SHOWN = 10


@click.command(
    "check",
    epilog="""\b
Examples:
  mshell-cut check
  mshell-cut check --project ~/projects/orders --json
  mshell-cut check --template ~/src/spark-template

Exit codes: 0 current, 1 behind, 2 it could not be told.""",
)
@options.project
@options.template
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(context: click.Context, folder: Path, address: str | None, as_json: bool) -> None:
    """Tell whether the project is current, and what its template's releases since would change in it.

    Current means that the newest release renders the same for this project's answers; a commit to the
    template's repository alone makes no project stale.
    """
    from mshell_cut.errors import MshellCutError
    from mshell_cut.project import Project

    try:
        project = Project.find(folder)
        found = _standing(project, address)
    except MshellCutError as error:
        # Exit code 1 is taken: it says that the project is behind.
        error.exit_code = 2
        raise
    if as_json:
        console.emit(report(project, found))
    else:
        _present(found)
    context.exit(0 if found.is_current else 1)


def _standing(project: "Project", address: str | None) -> "Standing":
    from mshell_cut.errors import TemplateNotFoundError
    from mshell_cut.standing import standing
    from mshell_cut.upstream import opened

    try:
        with (
            console.working("Comparing with the template …"),
            opened(project.state, template=address, interactive=console.is_interactive()) as upstream,
        ):
            return standing(project, upstream)
    except TemplateNotFoundError:
        from mshell_cut import bundled

        found = None if address else bundled.standing(project)
        if found is None:
            raise
        return found


def report(project: "Project", found: "Standing") -> dict[str, Any]:
    """Return what programs read of a project's standing."""
    return {
        "project": str(project.folder),
        "template": project.state.template,
        "directory": project.state.directory,
        "current": found.is_current,
        "at": {"commit": found.at.commit, "name": found.at.name},
        "newest": {"commit": found.newest.commit, "name": found.newest.name},
        "changes": dict(found.changes),
        "releases": [
            {"name": step.name, "date": step.date or None, "changes": dict(step.changes)}
            for step in found.steps
        ],
        "open": list(found.open),
    }


def _present(found: "Standing") -> None:
    if found.is_current:
        same = found.at.commit == found.newest.commit
        console.say(
            f"Current: cut from {found.at.name}{'' if same else f', and {found.newest.name} gives the same'}."
        )
        return
    console.say(f"Behind: cut from {found.at.name}; the newest is {found.newest.name}.")
    for step in found.steps:
        console.say()
        console.say(click.style(f"{step.name}{f'  {step.date}' if step.date else ''}", bold=True))
        for path, kind in list(step.changes.items())[:_SHOWN]:
            console.say(f"  {_MARKS[kind]} {path}")
        if len(step.changes) > _SHOWN:
            console.say(f"  … and {len(step.changes) - _SHOWN} more")
    for sentence in found.open:
        console.say(f"  {sentence}")
    console.say()
    console.say("See it with 'mshell-cut diff --against latest'; have it with 'mshell-cut update'.")
