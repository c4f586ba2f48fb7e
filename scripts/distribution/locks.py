"""The versions of other packages that ours are tested with."""

import re
from pathlib import Path

from packaging.requirements import Requirement

from distribution.packages import Package

# Airflow and AWS have environments of their own, see CONTRIBUTING.md.
_LOCKS = {
    "alchemy-airflow-operators": "scripts/airflow/newest.lock",
    "astro-dag-deploy": "scripts/lambda/requirements.lock",
}
_LINE = re.compile(r"^([\w.-]+==[^\\\n]+?)\s*\\?$", re.MULTILINE)


def lock(package: Package) -> Path:
    """Return the lock of the environment that a package is tested in."""
    return package.root / _LOCKS.get(package.name, "requirements.lock")


def versions(package: Package) -> list[Requirement]:
    """Return the versions of that lock, each with its marker."""
    return [Requirement(line) for line in _LINE.findall(lock(package).read_text(encoding="utf-8"))]
