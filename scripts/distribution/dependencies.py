"""Whether each package declares what it imports, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

from distribution.errors import DistributionError
from distribution.packages import Package
from distribution.programs import run, tool


def check(packages: Sequence[Package]) -> None:
    """Have deptry compare imports and declarations: missing, unused and transitive ones.

    What it is to overlook, and why, stands in `[tool.deptry]` of each package's `pyproject.toml`.

    Args:
        packages: which ones.

    Raises:
        DistributionError: they differ.
    """
    problems = []
    for package in packages:
        try:
            run(
                *(tool("deptry"), "--no-ansi", _source(package)),
                *("--config", package.folder / "pyproject.toml"),
                cwd=package.root,
                doing=f"deptry for {package.name}",
            )
        except DistributionError as error:
            problems.append(str(error))
    if problems:
        raise DistributionError("\n".join(problems))


def _source(package: Package) -> Path:
    """Return what holds the import package, and nothing else that is Python."""
    return package.source.parent if package.folder != Path() else package.source
