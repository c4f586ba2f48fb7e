"""A project that was cut: where it lies, what it remembers, and what git says of it."""

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mshell_cut import git
from mshell_cut.errors import FileUnreadableError, NotAProjectError, ProjectUncleanError
from mshell_cut.state import FILE, State


@dataclass(frozen=True)
class Project:
    """One project.

    Attributes:
        folder: where its `.cruft.json` lies.
        state: what that file holds.
    """

    folder: Path
    state: State

    @classmethod
    def find(cls, start: Path) -> "Project":
        """Find the project that a folder lies in.

        Raises:
            NotAProjectError: neither the folder nor one above it holds a `.cruft.json`.
            FileUnreadableError: that file is damaged.
        """
        start = start.absolute()
        for folder in (start, *start.parents):
            if (folder / FILE).is_file():
                return cls(folder, State.read(folder))
        raise NotAProjectError(start)

    @cached_property
    def checkout(self) -> git.Checkout:
        """The working tree around the project.

        Raises:
            ProjectUncleanError: there is none, or it has no commit yet.
        """
        found = git.checkout(self.folder)
        if found is None:
            raise ProjectUncleanError(
                f"{self.folder} is not committed to git, so nothing could be undone: "
                "run 'git init && git add --all && git commit -m start' there first."
            )
        return found

    def require_clean(self) -> None:
        """Refuse uncommitted changes to files of the project that git knows; other folders do not matter.

        Raises:
            ProjectUncleanError: there are some, or the project is not under git.
        """
        inside = self.checkout.prefix or "."
        listed = git.run(
            "status", "--porcelain", "--untracked-files=no", "--", inside, cwd=self.checkout.top
        ).splitlines()
        if listed:
            names = ", ".join(line[3:] for line in listed[:5]) + (", …" if len(listed) > 5 else "")
            raise ProjectUncleanError(
                f"{self.folder} has changes that are not committed: commit or stash them first ({names})."
            )
        self.require_committed()

    def require_committed(self) -> None:
        """Refuse a project whose `.cruft.json` is not in the commit that is checked out.

        Raises:
            ProjectUncleanError: it is not, or the project is not under git.
        """
        if not self.checkout.holds(FILE):
            raise ProjectUncleanError(f"{self.folder / FILE} is not committed to git: commit it first.")

    @cached_property
    def skip(self) -> list[str]:
        """What the project skips: `skip` of `.cruft.json`, and of `[tool.cruft]` in `pyproject.toml`.

        Raises:
            FileUnreadableError: `pyproject.toml` does not parse.
        """
        path = self.folder / "pyproject.toml"
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return list(self.state.skip)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise FileUnreadableError(path, str(error)) from None
        more = found.get("tool", {}).get("cruft", {}).get("skip", [])
        return [*self.state.skip, *(glob for glob in more if isinstance(glob, str))]
