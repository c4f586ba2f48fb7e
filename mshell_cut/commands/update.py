"""`mshell-cut update`: from one state of the template to another, without losing a line."""

import shlex
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mshell_cut import console
from mshell_cut.commands import options

if TYPE_CHECKING:
    from mshell_cut.applying import Open
    from mshell_cut.merge import Conflict
    from mshell_cut.project import Project
    from mshell_cut.questions import Questionnaire
    from mshell_cut.renders import Renders
    from mshell_cut.renewal import AskOpen
    from mshell_cut.upgrade import Upgrade
    from mshell_cut.upstream import Version

_MARKS = {"added": "A", "changed": "M", "deleted": "D", "renamed": "R"}
# What was done where two sides cannot be written into one file.
_KEPT = {"edit/delete": "your file is kept", "delete/edit": "stays deleted"}


@click.command(
    "update",
    epilog="""\b
Examples:
  mshell-cut update
  mshell-cut update --dry-run
  mshell-cut update --to v0.3.0 --branch update-template --commit
  mshell-cut update --set type_of_task=dab --ask
  mshell-cut update --continue
  mshell-cut update --abort

Exit codes: 0 done, 1 conflicts are left to resolve, or it could not be done, 2 the request is wrong.""",
)
@options.project
@click.option(
    "--to", "wanted", metavar="REF", help="Release, branch or commit of the template. Default: the newest."
)
@click.option(
    "--set", "assignments", metavar="QUESTION=ANSWER", multiple=True, help="Change an answer. Repeatable."
)
@click.option("--ask", is_flag=True, help="Ask the questions that are new, instead of taking their defaults.")
@click.option("--dry-run", is_flag=True, help="Tell what would change and write nothing.")
@click.option("--branch", metavar="NAME", help="Make the changes on a new branch.")
@click.option("--commit", is_flag=True, help="Commit the changes, once no conflict is left.")
@options.template
@click.option("--continue", "resume", is_flag=True, help="Finish an update whose conflicts are resolved.")
@click.option("--abort", is_flag=True, help="Undo an update that is not finished.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def command(
    context: click.Context,
    folder: Path,
    wanted: str | None,
    assignments: tuple[str, ...],
    ask: bool,
    dry_run: bool,
    branch: str | None,
    commit: bool,
    address: str | None,
    resume: bool,
    abort: bool,
    as_json: bool,
) -> None:
    """Bring the project up to the newest release of its template, or change an answer.

    Git merges what the template changed into the project as committed, with your edits, renames and deletions
    kept. Where both changed the same lines, both stand in the file between conflict markers.
    """
    from mshell_cut import applying
    from mshell_cut.errors import RequestError
    from mshell_cut.project import Project

    if resume or abort:
        if resume and abort:
            raise RequestError("Choose --continue or --abort.")
        if wanted or assignments or ask or dry_run or branch or commit:
            raise RequestError(f"--{'continue' if resume else 'abort'} takes no other options.")
        _finish(Project.find(folder), resume=resume, as_json=as_json)
        return
    if ask and (as_json or not console.is_interactive()):
        raise RequestError("--ask needs a terminal: answer with --set QUESTION=ANSWER.")
    project = Project.find(folder)
    top = project.checkout.top
    waiting = applying.opened(top)
    if waiting:
        _refuse_others(project, waiting)
        raise RequestError(
            "An update is not finished: run 'mshell-cut update --continue', or '--abort' to undo it."
        )
    if dry_run:
        project.require_committed()
    else:
        project.require_clean()

    from mshell_cut import upgrade
    from mshell_cut.objects import quarantine
    from mshell_cut.renders import Renders
    from mshell_cut.upstream import opened

    with (
        opened(project.state, template=address, interactive=console.is_interactive()) as upstream,
        quarantine(top) as objects,
    ):
        renders = Renders(upstream)
        after = upstream.version(wanted) if wanted else upstream.newest(project.state)
        with nullcontext() if ask else console.working("Merging …"):
            asker = _asker(renders, after) if ask else None
            way = upgrade.course(project, renders, after, given=_given(assignments), ask=asker)
            found = upgrade.upgrade(project, renders, way, objects)
        made = None
        # To name a version is to want it remembered, whatever it changes.
        written = not dry_run and (bool(wanted) or not found.is_empty) and found.merged.tree != found.ours
        if written:
            objects.keep()
            made = applying.apply(
                applying.Change(
                    top,
                    project.checkout.prefix,
                    found.merged,
                    f"Update the template from {way.before.name} to {way.after.name}",
                    branch,
                    commit,
                )
            )
    if as_json:
        console.emit(report(project, found, commit=made, written=written))
    else:
        _present(found, dry_run=dry_run, written=written, commit=made, branch=branch)
    context.exit(1 if found.conflicts else 0)


def report(project: "Project", found: "Upgrade", *, commit: str | None, written: bool) -> dict[str, Any]:
    """Return what programs read of an update."""
    way = found.course
    return {
        "project": str(project.folder),
        "template": project.state.template,
        "directory": project.state.directory,
        "before": {"commit": way.before.commit, "name": way.before.name},
        "after": {"commit": way.after.commit, "name": way.after.name},
        "written": written,
        "commit": commit,
        "changes": [
            {"path": change.path, "kind": change.kind, "before": change.before} for change in found.changes
        ],
        "conflicts": [
            {"path": conflict.path, "kind": conflict.kind, "marked": conflict.marked}
            for conflict in found.conflicts
        ],
        "defaulted": dict(way.defaulted),
        "notes": list(way.notes),
    }


def _given(assignments: tuple[str, ...]) -> "Callable[[Questionnaire], Mapping[str, Any]]":
    from mshell_cut.answers import given

    return lambda questionnaire: given(questionnaire, assignments, None)


def _asker(renders: "Renders", version: "Version") -> "Callable[[Questionnaire], AskOpen]":
    from mshell_cut import wizard
    from mshell_cut.answers import Answers

    def asker(questionnaire: "Questionnaire") -> "AskOpen":
        def ask(settled: Mapping[str, Any]) -> Mapping[str, Any]:
            answers = Answers(questionnaire, renders.renderer(version).default, dict(settled))
            found = wizard.run(answers, lambda _name, _others: None, verb="Update")
            answers.checked(found)
            return found

        return ask

    return asker


def _refuse_others(project: "Project", waiting: "Open") -> None:
    """Refuse to touch an update that waits in the same repository and is one of another project."""
    from mshell_cut.errors import RequestError

    if waiting.prefix != project.checkout.prefix:
        other = project.checkout.top / waiting.prefix
        raise RequestError(
            f"An update of {other} is not finished, and a repository has one at a time: run "
            f"'mshell-cut update --continue --project {shlex.quote(str(other))}', or '--abort' to undo it."
        )


def _finish(project: "Project", *, resume: bool, as_json: bool) -> None:
    from mshell_cut import applying

    top = project.checkout.top
    waiting = applying.opened(top)
    if waiting:
        _refuse_others(project, waiting)
    if resume:
        commit = applying.resume(top)
        done = f"committed as {commit[:10]}" if commit else "its changes are staged: commit them"
        said = f"The update is finished, {done}."
    else:
        commit = None
        applying.abort(top)
        said = "The update is undone: every file is as it was."
    if as_json:
        console.emit({"project": str(project.folder), "finished": resume, "commit": commit})
    else:
        console.say(said)


def _present(
    found: "Upgrade", *, dry_run: bool, written: bool, commit: str | None, branch: str | None
) -> None:
    way = found.course
    if found.is_empty:
        same = way.before.commit == way.after.commit
        what = (
            f"cut from {way.after.name}" if same else f"{way.after.name} gives the same as {way.before.name}"
        )
        console.say(f"Current: {what}. {'Only .cruft.json changes' if written else 'Nothing to do'}.")
        return
    console.say(f"{way.before.name} → {way.after.name}")
    for change in found.changes:
        renamed = f"{change.before} → " if change.before else ""
        console.say(f"  {_MARKS[change.kind]} {renamed}{change.path}")
    for note in way.notes:
        console.note(note)
    if way.defaulted:
        console.note("New questions, answered with their defaults (change one with --set or --ask):")
        for name, value in way.defaulted.items():
            console.note(f"  {name}={value}")
    if found.conflicts:
        _present_conflicts(found.conflicts, dry_run=dry_run)
        return
    console.say()
    count = f"{len(found.changes)} file{'' if len(found.changes) == 1 else 's'}"
    where = f" on the branch {branch}" if branch else ""
    if dry_run:
        console.say(f"{count} would change, without a conflict.")
    elif commit:
        console.say(f"{count} changed, committed as {commit[:10]}{where}.")
    else:
        console.say(f"{count} changed and staged{where}: look with 'git diff --cached', then commit.")


def _present_conflicts(conflicts: "Sequence[Conflict]", *, dry_run: bool) -> None:
    console.say()
    console.say(f"{len(conflicts)} conflict{'' if len(conflicts) == 1 else 's'} (you/the template):")
    width = max(len(conflict.kind) for conflict in conflicts)
    for conflict in conflicts:
        kept = f"  ({_KEPT[conflict.kind]})" if conflict.kind in _KEPT else ""
        if not kept and not conflict.marked:
            kept = "  (your file is kept; 'git checkout --theirs' takes the template's)"
        console.say(f"  {conflict.kind:<{width}}  {conflict.path}{kept}")
    if not dry_run:
        console.say()
        console.say("Resolve them, then run 'mshell-cut update --continue'.")
        console.say("'mshell-cut update --abort' makes every file what it was.")
