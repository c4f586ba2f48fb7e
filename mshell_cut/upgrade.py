"""What an update would make of a project: git's own merge of what the template gave and what it gives now."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mshell_cut import git, globs
from mshell_cut.merge import Conflict, Merged, merge
from mshell_cut.migrations import carry, moved
from mshell_cut.objects import Quarantine, with_entry, with_folder, write_tree
from mshell_cut.project import Project
from mshell_cut.questions import Questionnaire
from mshell_cut.renders import Renders, differences
from mshell_cut.renewal import AskOpen, remembered, renewed
from mshell_cut.state import FILE, State
from mshell_cut.upstream import Version

_KINDS = {"A": "added", "D": "deleted", "M": "changed", "R": "renamed", "T": "changed"}


@dataclass(frozen=True)
class Course:
    """The way of a project from one state of its template to another.

    Attributes:
        before: what the project was rendered from.
        after: what it is to be brought to.
        was: all answers that it was rendered with.
        answers: all answers that it is to have.
        defaulted: those of them that are new and that nobody was asked.
        notes: one sentence for each answer that the template itself changed.
        moves: of files, see `migrations.py`.
        state: what `.cruft.json` is to hold.
        unchanged: what the answers would be if none had been given anew; None where none was.
    """

    before: Version
    after: Version
    was: Mapping[str, Any]
    answers: Mapping[str, Any]
    defaulted: Mapping[str, Any]
    notes: Sequence[str]
    moves: Sequence[tuple[str, str]]
    state: State
    unchanged: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Change:
    """A file that an update changes.

    Attributes:
        path: where it lies afterwards, relative to the project.
        kind: `added`, `changed`, `deleted` or `renamed`.
        before: where it lay, for a renamed file.
    """

    path: str
    kind: str
    before: str | None = None


@dataclass(frozen=True)
class Upgrade:
    """An update whose outcome is known and of which nothing is written.

    Attributes:
        course: from where to where.
        ours: the whole repository's tree as it is at HEAD.
        merged: what it is to be.
        changes: the files of the project that change, sorted by path, without `.cruft.json`.
    """

    course: Course
    ours: str
    merged: Merged
    changes: Sequence[Change] = field(default_factory=tuple)

    @property
    def conflicts(self) -> Sequence[Conflict]:
        """What is left for a person to decide."""
        return self.merged.conflicts

    @property
    def is_empty(self) -> bool:
        """Whether it would change nothing but what `.cruft.json` remembers."""
        return not self.changes and not self.conflicts


def before(project: Project, renders: Renders) -> Version:
    """Return the version of the template that a project was rendered from."""
    state = project.state
    return Version(state.commit, renders.upstream.name(state.commit), state.checkout)


def course(
    project: Project,
    renders: Renders,
    after: Version,
    *,
    given: Callable[[Questionnaire], Mapping[str, Any]] | None = None,
    ask: Callable[[Questionnaire], AskOpen] | None = None,
) -> Course:
    """Find the answers and migrations on the way from a project's template to another state of it.

    Args:
        project: the project.
        renders: of its template.
        after: what it is to be brought to.
        given: reads the answers that are to change, for the newer template's questions.
        ask: makes the function that asks what is open.

    Raises:
        AnswersRefusedError: an answer breaks the newer template's rules.
        MshellCutError: see `Renders.renderer`.
    """
    state = project.state
    start = before(project, renders)
    old, new = renders.questionnaire(start), renders.questionnaire(after)
    default = renders.default(after)
    was = remembered(old, renders.default(start), state.answers)
    carried = carry(state.answers, old.migrations, new.migrations)
    wanted = dict(given(new)) if given else {}
    found = renewed(new, default, carried.answers, wanted, ask(new) if ask else None)
    unchanged = remembered(new, default, carried.answers)
    changes = any(
        found.answers[name] != carried.answers[name] for name in found.answers if name in carried.answers
    )
    public = {name: value for name, value in found.answers.items() if not new.questions[name].secret}
    return Course(
        start,
        after,
        was,
        found.answers,
        found.defaulted,
        carried.notes,
        carried.moves,
        dataclasses.replace(
            state,
            commit=after.commit,
            checkout=after.checkout,
            answers=public,
            skip=_skip(state.skip, old.samples, new.samples),
        ),
        unchanged if changes else None,
    )


def upgrade(project: Project, renders: Renders, way: Course, objects: Quarantine) -> Upgrade:
    """Merge what the template gives now into a project, as trees: no file of the project is written.

    Args:
        project: as committed at HEAD; what is not committed has no part in it.
        renders: of its template.
        way: from where to where.
        objects: takes the new objects.

    Raises:
        MshellCutError: see `Renderer.render` and `merge`.
    """
    base, theirs = renders.at(way.before, way.was), renders.at(way.after, way.answers)
    alone = left_alone(project, renders, way)
    comes, goes = _changed_by_answers(project, renders, way)
    old = write_tree(base, objects, leave_out=lambda path: alone(path) and path not in goes)
    new = write_tree(theirs, objects, leave_out=lambda path: alone(path) and path not in comes)
    checkout = project.checkout
    whole = git.run("rev-parse", f"{checkout.head}^{{tree}}", cwd=checkout.top)
    ours = whole
    if way.moves:
        mine = git.run("rev-parse", f"{checkout.head}:{checkout.prefix}", cwd=checkout.top)
        old, mine = (_with_moves(objects, tree, way.moves) for tree in (old, mine))
        ours = with_folder(objects, whole, checkout.prefix, mine)
    merged = merge(
        objects,
        with_folder(objects, whole, checkout.prefix, old),
        ours,
        with_folder(objects, whole, checkout.prefix, new),
        label=f"template-{way.after.name.split()[0]}",
    )
    tree = _remembering(objects, merged.tree, checkout.prefix, way.state)
    merged = dataclasses.replace(merged, tree=tree)
    return Upgrade(way, whole, merged, changes(objects, whole, tree, prefix=checkout.prefix))


def _skip(stored: Sequence[str], old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Merge the template's samples into what a project skips: what the user took out or put in stays so."""
    # A project that stock cruft made stores none of the samples: nobody took them out.
    dropped = set(old) - set(stored) if set(old) & set(stored) else set()
    kept = [glob for glob in stored if glob not in old and glob not in new]
    return [*(glob for glob in new if glob not in dropped), *kept]


def left_alone(project: Project, renders: Renders, way: Course) -> Callable[[str], bool]:
    """Tell which files an update leaves alone, by their path in the project: samples, and what it skips."""
    old = renders.questionnaire(way.before).samples
    stored = project.state.skip
    mine = [glob for glob in old if glob in stored or not set(old) & set(stored)]
    return globs.matcher([FILE, *project.skip, *way.state.skip, *mine])


def _changed_by_answers(project: Project, renders: Renders, way: Course) -> tuple[set[str], set[str]]:
    """Return the files that come and that go because an answer changes, samples among them.

    One whose content depends on the answer is among both: it is merged as any other file. What the user has
    the project skip is among neither.
    """
    if way.unchanged is None:
        return set(), set()
    before, after = renders.files(way.before, way.was), renders.files(way.after, way.answers)
    same = renders.files(way.after, way.unchanged)
    both = {path for path, kind in differences(same, after).items() if kind == "changed" and path in before}
    comes = after.keys() - same.keys()
    goes = (same.keys() - after.keys()) & before.keys()
    samples = {*renders.questionnaire(way.before).samples, *renders.questionnaire(way.after).samples}
    skipped = globs.matcher(glob for glob in project.skip if glob not in samples)
    kept = {path for path in comes | goes | both if skipped(path)}
    return (comes | both) - kept, (goes | both) - kept


def _with_moves(objects: Quarantine, tree: str, moves: Sequence[tuple[str, str]]) -> str:
    """Return a tree with files at other places. A file whose new place is taken stays where it is."""
    listed = git.run("ls-tree", "-r", "-z", tree, cwd=objects.repository, env=objects.env)
    rows = [row.split("\t", 1) for row in listed.split("\0") if row]
    taken = {path for _, path in rows}
    wanted = {path: moved(path, moves) for _, path in rows}
    places = {path: path if place != path and place in taken else place for path, place in wanted.items()}
    lines = [f"{about}\t{places[path]}" for about, path in rows]
    return objects.tree(lines)


def _remembering(objects: Quarantine, tree: str, prefix: str, state: State) -> str:
    """Return a tree whose project remembers another state."""
    folder = git.run("rev-parse", f"{tree}:{prefix}", cwd=objects.repository, env=objects.env)
    blob = git.run(
        *("hash-object", "-w", "--stdin", "--no-filters"),
        cwd=objects.repository,
        env=objects.env,
        given=state.text(),
    )
    made = with_entry(objects, folder, FILE, f"100644 blob {blob}")
    return with_folder(objects, tree, prefix, made)


def changes(
    objects: Quarantine, before: str, after: str, *, prefix: str = "", paths: Sequence[str] = ()
) -> list[Change]:
    """List the files that differ between two trees, without `.cruft.json`.

    Args:
        objects: where the trees lie.
        before: the one tree.
        after: the other.
        prefix: taken off the paths.
        paths: files and folders to look at; empty for all.
    """
    told = git.run(
        *("diff-tree", "-r", "-z", "-M", "--name-status", before, after, "--"),
        *(f":(literal){path}" for path in paths),
        cwd=objects.repository,
        env=objects.env,
    )
    words = iter(told.split("\0"))
    found = []
    for letter in words:
        if not letter:
            continue
        first = next(words).removeprefix(prefix)
        last = next(words).removeprefix(prefix) if letter[0] in "RC" else first
        if last != FILE:
            found.append(Change(last, _KINDS[letter[0]], first if letter[0] == "R" else None))
    return sorted(found, key=lambda change: change.path)
