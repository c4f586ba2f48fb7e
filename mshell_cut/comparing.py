"""A project against its template, and against what an update would make of it, as git shows differences."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mshell_cut import git, upgrade
from mshell_cut.objects import Quarantine, write_tree
from mshell_cut.project import Project
from mshell_cut.renders import Renders
from mshell_cut.state import FILE
from mshell_cut.upgrade import Change
from mshell_cut.upstream import Version

_FORMS = {"patch": ["--patch"], "stat": ["--stat"], "names": ["--name-only"]}


@dataclass(frozen=True)
class Comparison:
    """Two trees to show the difference of.

    Attributes:
        objects: where both lie.
        name: of the template's version that is compared with.
        before: the tree on the minus side.
        after: the tree on the plus side.
    """

    objects: Quarantine
    name: str
    before: str
    after: str

    def changes(self, paths: Sequence[str] = ()) -> list[Change]:
        """List the files that differ, those below some paths only where there are any."""
        return upgrade.changes(self.objects, self.before, self.after, paths=paths)

    def show(self, paths: Sequence[str], *, form: str, colour: bool) -> None:
        """Print the difference.

        Args:
            paths: files and folders to show; empty for all.
            form: `patch`, `stat` or `names`.
            colour: whether to print for a terminal.
        """
        options = [*_FORMS[form], "-M", f"--color={'always' if colour else 'never'}"]
        git.show(
            *("diff-tree", "-r", *options, self.before, self.after, "--"),
            *(f":(literal){path}" for path in paths),
            f":(exclude,literal){FILE}",
            cwd=self.objects.repository,
            env=self.objects.env,
        )


@contextmanager
def repository(project: Project) -> Iterator[Path]:
    """Have a repository to compare in: the project's own, else an empty one for as long as this lasts."""
    top = git.ask("rev-parse", "--show-toplevel", cwd=project.folder)
    if top is not None:
        yield Path(top)
        return
    with tempfile.TemporaryDirectory(prefix="mshell-cut-") as folder:
        git.run("init", "--quiet", "--bare", folder)
        yield Path(folder)


def with_template(project: Project, renders: Renders, objects: Quarantine) -> Comparison:
    """Compare the project's files, as they lie, with what it was cut from.

    Files that the template did not give are left out, as are samples and what the project skips.

    Args:
        project: need not be under git.
        renders: of its template.
        objects: takes the new objects.

    Raises:
        MshellCutError: see `Renderer.render`.
    """
    before = upgrade.before(project, renders)
    way = upgrade.course(project, renders, before)
    alone = upgrade.left_alone(project, renders, way)
    base = write_tree(renders.at(before, way.was), objects, leave_out=alone)
    managed = [path for path in renders.files(before, way.was) if not alone(path)]
    mine = objects.files_tree(project.folder, managed)
    return Comparison(objects, before.name, base, mine)


def with_update(project: Project, renders: Renders, after: Version, objects: Quarantine) -> Comparison:
    """Compare the project, as committed, with what an update would make of it.

    Args:
        project: under git.
        renders: of its template.
        after: what it would be brought to.
        objects: takes the new objects.

    Raises:
        MshellCutError: see `upgrade.course` and `upgrade.upgrade`.
    """
    found = upgrade.upgrade(project, renders, upgrade.course(project, renders, after), objects)
    prefix = project.checkout.prefix
    trees = [
        git.run("rev-parse", f"{tree}:{prefix}", cwd=objects.repository, env=objects.env)
        for tree in (found.ours, found.merged.tree)
    ]
    return Comparison(objects, after.name, *trees)
