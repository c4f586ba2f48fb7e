"""`mshell-cut adopt`: from a repository without a memory to a project that can be updated."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mshell_cut import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mshell_cut.adoption import Match
    from mshell_cut.comparing import Comparison
    from mshell_cut.renders import Renders
    from mshell_cut.state import State
    from mshell_cut.upstream import Upstream, Version


@click.command(
    "adopt",
    epilog="""\b
Examples:
  mshell-cut adopt
  mshell-cut adopt ~/projects/orders --dry-run
  mshell-cut adopt --to v0.1.0 --set repo_name=orders --yes
  mshell-cut adopt --template astro-dag
  mshell-cut adopt --template gh:acme/spark-template --yes --json

Exit codes: 0 done, 1 it could not be done, or nothing fits, 2 the request is wrong.""",
)
@click.argument("folder", metavar="[PATH]", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--template",
    "reference",
    metavar="NAME|ADDRESS",
    help="A name of the catalogue, a folder or a git address. Default: what fits best of mshell-cut's own.",
)
@click.option("--directory", metavar="DIR", help="The template's folder in its repository.")
@click.option(
    "--to", "wanted", metavar="REF", help="The release, branch or commit it was cut from. Default: find it."
)
@click.option(
    "--set", "assignments", metavar="QUESTION=ANSWER", multiple=True, help="An answer to take. Repeatable."
)
@click.option("--yes", is_flag=True, help="Write .cruft.json without asking.")
@click.option("--dry-run", is_flag=True, help="Show what was found and write nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, and ask nothing.")
def command(
    folder: Path,
    reference: str | None,
    directory: str | None,
    wanted: str | None,
    assignments: tuple[str, ...],
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Link the repository at PATH to the template it was made from, so that it can be checked and updated.

    Finds the template, the release and the answers that give the most of what lies there, shows what differs
    from them, and writes .cruft.json. No other file is touched.
    """
    import tempfile

    from mshell_cut.errors import AlreadyLinkedError, RequestError
    from mshell_cut.state import FILE

    folder = folder.absolute()
    if not folder.is_dir():
        raise RequestError(f"{folder} is no folder.")
    if (folder / FILE).exists() or (folder / FILE).is_symlink():
        raise AlreadyLinkedError(folder / FILE)
    if not (yes or dry_run) and (as_json or not console.is_interactive()):
        raise RequestError(
            f"There is no terminal to ask at: write {FILE} with --yes, or look with --dry-run."
        )

    from mshell_cut import adoption, catalogue, comparing
    from mshell_cut.objects import quarantine
    from mshell_cut.project import Project

    references = [reference] if reference else [template.name for template in catalogue.built_in()]
    with tempfile.TemporaryDirectory(prefix="mshell-cut-") as place:
        temporary = Path(place).resolve()
        with console.output_to_stderr():
            match, renders, inner = _nearest(folder, references, directory, wanted, assignments, temporary)
        state = adoption.state(match, renders, inner)
        project = Project(folder, state)
        with comparing.repository(project) as repository, quarantine(repository) as objects:
            found = comparing.with_template(project, renders, objects)
            if as_json:
                _emit(match, state, found, folder, written=not dry_run)
            else:
                _present(match, state, found)
        if dry_run:
            return
        if not yes and not click.confirm(f"Write {folder / FILE}?", default=True, err=True):
            raise click.Abort
        adoption.link(folder, state)
    if not as_json:
        console.note(f"{folder / FILE} is written: commit it, then try 'mshell-cut check'.")


def _nearest(
    folder: Path,
    references: "Sequence[str]",
    directory: str | None,
    wanted: str | None,
    assignments: tuple[str, ...],
    temporary: Path,
) -> "tuple[Match, Renders, str | None]":
    """Find which of some templates fits best, and how.

    Returns:
        What was found, with the renders of the template and its folder in its repository.

    Raises:
        MshellCutError: none fits; what is said of the one that comes nearest.
    """
    from mshell_cut import adoption, catalogue
    from mshell_cut.errors import AnswersRefusedError, MshellCutError, NoLikenessError
    from mshell_cut.renders import Renders

    matches: list[tuple[Match, Renders, str | None]] = []
    refusals: list[tuple[float, MshellCutError]] = []
    for reference in references:
        given = None
        try:
            upstream, inner = _located(reference, directory, temporary)
            renders = Renders(upstream)
            entry = catalogue.find(reference)
            candidates = adoption.versions(upstream, wanted or (entry.checkout if entry else None))
            given = _given(renders, candidates, assignments)
            matches.append(
                (adoption.find(folder, renders, candidates, given, console.working), renders, inner)
            )
        except NoLikenessError as error:
            refusals.append((error.share, error))
        except AnswersRefusedError as error:
            # Either it is alike and lacks an answer, or it does not know what was answered.
            refusals.append((0.0 if given is None else 1.0, error))
        except MshellCutError as error:
            refusals.append((0.0, error))
    if not matches:
        raise max(refusals, key=lambda refusal: refusal[0])[1]
    return max(matches, key=lambda found: found[0].share)


def _located(reference: str, directory: str | None, temporary: Path) -> "tuple[Upstream, str | None]":
    """Return the template's repository, and the template's folder in it as projects record it."""
    import dataclasses

    from mshell_cut import catalogue, source
    from mshell_cut.upstream import located

    entry = catalogue.find(reference)
    where = entry.address if entry else reference
    if where and source.served(where):
        inner = directory or (entry.directory if entry else None)
        return located(where, inner, temporary, interactive=console.is_interactive()), inner
    with catalogue.opened(reference, directory=directory) as found:
        address, inner = found.address or str(found.path), found.directory
        if source.is_tracked(found.path):
            upstream = located(str(found.path), None, temporary)
        else:
            upstream = located(address, inner, temporary)
    # As a cut names it: a clone by where it was cloned from.
    return dataclasses.replace(upstream, address=address), inner


def _given(renders: "Renders", candidates: "list[Version]", assignments: tuple[str, ...]) -> dict[str, Any]:
    from mshell_cut.answers import given

    return given(renders.questionnaire(candidates[0]), assignments, None) if assignments else {}


def _emit(match: "Match", state: "State", found: "Comparison", folder: Path, *, written: bool) -> None:
    console.emit(
        {
            "project": str(folder),
            "template": state.template,
            "directory": state.directory,
            "commit": match.version.commit,
            "name": match.version.name,
            "score": round(match.share, 4),
            "answers": {
                name: {"answer": value, "origin": match.origins[name]}
                for name, value in state.answers.items()
            },
            "files": [
                {"path": change.path, "kind": change.kind, "before": change.before}
                for change in found.changes()
            ],
            "written": written,
        }
    )


def _present(match: "Match", state: "State", found: "Comparison") -> None:
    console.say(f"Template  {state.template}{f', {state.directory}' if state.directory else ''}")
    console.say(f"Release   {match.version.name}")
    console.say(f"Score     {match.share:.0%} alike")
    console.say()
    width = max(map(len, state.answers), default=0)
    for name, value in state.answers.items():
        origin = match.origins[name]
        mark = "" if origin == "found" else f"  ({origin})"
        console.say(f"  {name:<{width}}  {value}{mark}")
    if found.changes():
        console.say()
        console.say("What differs from the template as it was:")
        found.show((), form="stat", colour=console.is_colourful())
