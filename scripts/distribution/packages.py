"""The packages of this repository, and the files that are built of each."""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from distribution.errors import DistributionError


@dataclass(frozen=True)
class Package:
    """One package.

    Attributes:
        root: the repository.
        folder: where its `pyproject.toml` is, relative to the repository.
    """

    root: Path
    folder: Path

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Its `pyproject.toml`."""
        return tomllib.loads((self.root / self.folder / "pyproject.toml").read_text(encoding="utf-8"))

    @property
    def name(self) -> str:
        """What it is installed as."""
        name: str = self.settings["project"]["name"]
        return name

    @property
    def source(self) -> Path:
        """The import package, relative to the repository."""
        (place,) = self.settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
        return self.folder / str(place)

    @property
    def module(self) -> str:
        """What it is imported as."""
        return self.source.name

    @cached_property
    def version(self) -> str:
        """Its version, from the one place that states it."""
        place = self.root / self.folder / self.settings["tool"]["hatch"]["version"]["path"]
        found = re.search(r'^__version__ = "(.+)"$', place.read_text(encoding="utf-8"), re.MULTILINE)
        if not found:
            raise DistributionError(f'{place} holds no line __version__ = "…".')
        return found[1]

    @property
    def stem(self) -> str:
        """How its files begin: https://packaging.python.org/specifications/binary-distribution-format/."""
        return f"{re.sub('[-_.]+', '_', self.name).lower()}-{self.version}"

    def wheel(self, folder: Path) -> Path:
        """Return its wheel in a folder, there or not."""
        return folder / f"{self.stem}-py3-none-any.whl"

    def sdist(self, folder: Path) -> Path:
        """Return its source distribution in a folder, there or not."""
        return folder / f"{self.stem}.tar.gz"

    def files(self, folder: Path) -> list[Path]:
        """Return what was built of it into a folder.

        Raises:
            DistributionError: a file is not there.
        """
        files = [self.sdist(folder), self.wheel(folder)]
        for file in files:
            if not file.is_file():
                raise DistributionError(f"{file} is not there: run the step build first.")
        return files


def packages(root: Path) -> list[Package]:
    """Return all packages of a repository: its own first."""
    inner = sorted(path.parent.relative_to(root) for path in root.glob("packages/*/pyproject.toml"))
    return [Package(root, folder) for folder in (Path(), *inner)]


def digest(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
