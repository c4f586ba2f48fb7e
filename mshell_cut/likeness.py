"""How alike a folder and a render are."""

import math
import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mshell_cut import git


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder, each read once.

    Attributes:
        folder: where they lie.
    """

    folder: Path
    _lines: dict[str, list[str] | None] = field(default_factory=dict, repr=False)
    _counts: dict[str, Counter[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def paths(self) -> list[str]:
        """All files worth a look, relative, with `/`: of a repository those that git does not ignore."""
        told = git.ask("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=self.folder)
        if told is not None:
            return [path for path in told.split("\0") if path]
        found = []
        for place, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if name not in (".git", ".venv", "node_modules")]
            found += [Path(place, name).relative_to(self.folder).as_posix() for name in names]
        return found

    def has(self, path: str) -> bool:
        """Tell whether there is a file, or a link to one in the folder."""
        full = self.folder / path
        return full.is_file() and full.resolve().is_relative_to(self.folder.resolve())

    def lines(self, path: str) -> list[str] | None:
        """Return a file's lines without the white space at their ends, None where there is no text."""
        if path not in self._lines:
            self._lines[path] = _lines(self.folder / path) if self.has(path) else None
        return self._lines[path]

    def counts(self, path: str) -> Counter[str]:
        """Return how often each line that is not empty stands in a text."""
        if path not in self._counts:
            self._counts[path] = Counter(filter(None, self.lines(path) or ()))
        return self._counts[path]


class Likeness:
    """What adds up to how alike two sets of files are: the lines in common, file by file.

    A file counts by the logarithm of its length: a lock of thousands of lines would hide all else, and the
    locks of two projects that have only Airflow in common are much alike.
    """

    def __init__(self) -> None:
        self._common = self._whole = 0.0

    def add(self, common: int, mine: int, theirs: int) -> None:
        """Count a file.

        Args:
            common: how many lines both have.
            mine: how many lines the one has; 0 where the file is absent.
            theirs: how many the other has.
        """
        weight = math.log2(1 + max(mine, theirs, 1))
        self._whole += weight
        if mine + theirs:
            self._common += weight * 2 * common / (mine + theirs)

    @property
    def share(self) -> float:
        """From 0, nothing in common, to 1, all the same."""
        # Sums of logarithms: what is all the same must come to 1.
        return round(self._common / self._whole, 9) if self._whole else 0.0


def likeness(
    mine: FolderFiles, theirs: FolderFiles, paths: Iterable[str], *, wanted: Callable[[str], bool]
) -> float:
    """Compare some files of two folders.

    Args:
        mine: the one folder.
        theirs: the other.
        paths: what to compare.
        wanted: tells which of the paths count.

    Returns:
        From 0, nothing in common, to 1, all the same.
    """
    found = Likeness()
    for path in filter(wanted, paths):
        ours, its = mine.counts(path), theirs.counts(path)
        if ours and its:
            found.add((ours & its).total(), ours.total(), its.total())
        elif mine.has(path) and theirs.has(path):
            # Empty, or no text.
            same = (mine.folder / path).read_bytes() == (theirs.folder / path).read_bytes()
            found.add(int(same), 1, 1)
        else:
            found.add(0, ours.total(), its.total())
    return found.share


def _lines(path: Path) -> list[str] | None:
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError):
        return None
    return None if "\0" in text else [line.rstrip() for line in text.splitlines()]
