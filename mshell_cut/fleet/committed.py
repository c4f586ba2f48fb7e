"""A project as it is committed, whatever lies in its working tree."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from mshell_cut import git
from mshell_cut.errors import NotAProjectError, ProjectUncleanError
from mshell_cut.project import Project
from mshell_cut.state import FILE, State

# What a project is read from, beside git's own objects.
_READ = (FILE, "pyproject.toml")


@dataclass(frozen=True)
class Committed(Project):
    """A project at a commit.

    Attributes:
        folder: holds copies of the files that tell about the project, as committed, and nothing else.
        place: its repository, and the commit in place of HEAD.
    """

    place: git.Checkout

    @property
    def checkout(self) -> git.Checkout:
        """The repository around the project, and the commit to work on."""
        return self.place

    @classmethod
    def at(cls, folder: Path, start: str, temporary: Path) -> "Committed":
        """Read a project at a commit.

        Args:
            folder: in a working tree; need not be checked out.
            start: a full reference, or HEAD.
            temporary: a folder for copies.

        Raises:
            ProjectUncleanError: the folder is under no git, or there is no such reference.
            NotAProjectError: the commit has no `.cruft.json` for that folder.
            FileUnreadableError: that file is damaged.
        """
        nearest = next(place for place in (folder, *folder.parents) if place.is_dir())
        # Not --show-toplevel: a path may hold the end of a line.
        told = git.ask("rev-parse", "--show-cdup", f"{start}^{{commit}}", cwd=nearest)
        if told is None:
            raise ProjectUncleanError(f"{folder} has no commit at {start} to start from.")
        up, _, head = told.rpartition("\n")
        top = (nearest / up).resolve()
        inside = folder.resolve().relative_to(top).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        copies = Path(tempfile.mkdtemp(prefix="project-", dir=temporary))
        listed = git.run(
            *("--literal-pathspecs", "ls-tree", "-z", "--full-tree", head, "--"),
            *(f"{prefix}{name}" for name in _READ),
            cwd=top,
        )
        for entry in filter(None, listed.split("\0")):
            about, path = entry.split("\t", 1)
            mode, _, blob = about.split(" ")
            # Not a symlink: what it points at may lie anywhere.
            if mode in ("100644", "100755"):
                text = git.content(blob, cwd=top)
                (copies / path.removeprefix(prefix)).write_bytes(text.encode("utf-8", "surrogateescape"))
        if not (copies / FILE).exists():
            raise NotAProjectError(folder)
        return cls(copies, State.read(copies), git.Checkout(top, prefix, head))
