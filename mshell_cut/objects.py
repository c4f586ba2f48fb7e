"""Git objects that are made before it is known whether they are wanted."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mshell_cut import git

# What lies in a folder must give the same tree on every machine, whatever the user's settings.
# Above the threshold git would make a pack, which `keep` does not move.
_SETTINGS = ("autocrlf=false", "safecrlf=false", "fileMode=true", "symlinks=true", "bigFileThreshold=2g")
_PLAIN = tuple(word for setting in _SETTINGS for word in ("-c", f"core.{setting}"))


@dataclass(frozen=True)
class Quarantine:
    """A repository to which new objects are added only by `keep`.

    Attributes:
        repository: a folder in it: the top of a working tree, or a bare repository.
        git_folder: where its HEAD and index are.
        env: has git write objects to a temporary folder and read the repository's as well.
    """

    repository: Path
    git_folder: Path
    env: Mapping[str, str]

    def temporary_index(self) -> dict[str, str]:
        """Return the variable that has git work on an empty index of its own."""
        made = Path(self.env["GIT_OBJECT_DIRECTORY"])
        return {"GIT_INDEX_FILE": str(Path(tempfile.mkdtemp(prefix="index-", dir=made.parent), "index"))}

    def keep(self) -> None:
        """Move the new objects into the repository, each whole or not at all."""
        made = Path(self.env["GIT_OBJECT_DIRECTORY"])
        kept = Path(git.run("rev-parse", "--git-path", "objects", cwd=self.repository))
        for path in made.glob("??/*"):
            target = self.repository / kept / path.relative_to(made)
            if not target.exists():
                target.parent.mkdir(exist_ok=True)
                # The name is git's own for such files, which its garbage collection knows.
                handle, name = tempfile.mkstemp(prefix="tmp_obj_", dir=target.parent)
                os.close(handle)
                shutil.copy2(path, name)
                Path(name).replace(target)

    def tree(self, lines: Sequence[str]) -> str:
        """Make a tree of lines as `git ls-tree -r -z` prints them."""
        env = {**self.env, **self.temporary_index()}
        given = "".join(f"{line}\0" for line in lines)
        git.run("update-index", "-z", "--index-info", cwd=self.repository, env=env, given=given)
        return git.run("write-tree", cwd=self.repository, env=env)

    def files_tree(self, folder: Path, paths: Sequence[str]) -> str:
        """Make a tree of some files of a folder as they lie; those that are absent are left out."""
        env = {**self.env, **self.temporary_index()}
        git.run(
            *(*_PLAIN, f"--git-dir={self.git_folder}", f"--work-tree={folder}"),
            *("update-index", "--add", "--remove", "-z", "--stdin"),
            cwd=folder,
            env=env,
            given="".join(f"{path}\0" for path in paths),
        )
        return git.run("write-tree", cwd=self.repository, env=env)


@contextmanager
def quarantine(repository: Path) -> Iterator[Quarantine]:
    """Have git make objects in a temporary folder, as it does itself for what is pushed to it.

    Args:
        repository: the top of a working tree, or a bare repository.
    """
    told = git.run("rev-parse", "--absolute-git-dir", "--git-path", "objects", cwd=repository)
    # The first may hold the end of a line, the second is relative at the top of a working tree.
    git_folder, objects = (Path(repository, line) for line in told.rsplit("\n", 1))
    with tempfile.TemporaryDirectory(prefix="mshell-cut-") as folder:
        made = Path(folder, "objects")
        made.mkdir()
        # In quotes, a colon is part of the path (git(1), GIT_ALTERNATE_OBJECT_DIRECTORIES).
        quoted = str(objects.resolve()).replace("\\", "\\\\").replace('"', '\\"')
        env = {"GIT_OBJECT_DIRECTORY": str(made), "GIT_ALTERNATE_OBJECT_DIRECTORIES": f'"{quoted}"'}
        yield Quarantine(repository, git_folder, env)


def write_tree(
    folder: Path, objects: Quarantine, *, leave_out: Callable[[str], bool] = lambda _: False
) -> str:
    """Make a tree of a folder as it lies: with modes, symlinks, and files that git would ignore.

    Args:
        folder: holds no repository.
        objects: takes the tree.
        leave_out: tells by a relative path whether a file has no part in it.
    """
    found = []
    for place, folders, files in os.walk(folder):
        for name in [*files, *(name for name in folders if Path(place, name).is_symlink())]:
            path = Path(place, name).relative_to(folder).as_posix()
            if not leave_out(path):
                found.append(path)
    return objects.files_tree(folder, found)


def with_folder(objects: Quarantine, tree: str, prefix: str, subtree: str) -> str:
    """Make a tree of another with one folder replaced, reading only the trees on the way there.

    Args:
        objects: where both trees lie.
        tree: the whole.
        prefix: the folder's path, with or without a `/` at its end; empty for the whole.
        subtree: what the folder is to hold.
    """
    parts = [part for part in prefix.split("/") if part]
    if not parts:
        return subtree
    levels = [tree]
    for part in parts[:-1]:
        levels.append(git.run("rev-parse", f"{levels[-1]}:{part}", cwd=objects.repository, env=objects.env))
    for level, part in zip(reversed(levels), reversed(parts), strict=True):
        subtree = with_entry(objects, level, part, f"040000 tree {subtree}")
    return subtree


def with_entry(objects: Quarantine, tree: str, name: str, entry: str) -> str:
    """Make a tree of another with one entry of its top put in or replaced.

    Args:
        objects: where the tree lies.
        tree: the tree.
        name: of the entry.
        entry: its mode, type and object, as `git ls-tree` prints them.
    """
    listed = git.run("ls-tree", "-z", tree, cwd=objects.repository, env=objects.env)
    rows = [row for row in listed.split("\0") if row and row.split("\t", 1)[1] != name]
    given = "".join(f"{row}\0" for row in [*rows, f"{entry}\t{name}"])
    return git.run("mktree", "-z", cwd=objects.repository, env=objects.env, given=given)
