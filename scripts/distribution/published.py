"""What of the packages an index has already: a version that is out never gets other bytes."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from distribution.errors import DistributionError, RequestError
from distribution.packages import Package, digest
from distribution.programs import run


def check(packages: Sequence[Package], folder: Path) -> dict[str, str]:
    """Tell which packages are new, and refuse those that changed under a version that is out.

    pip is asked, so its own settings say which index.

    Args:
        packages: which ones.
        folder: what was built.

    Returns:
        `new` or `published` by name of a package. What is published has the same bytes.

    Raises:
        RequestError: the index cannot be asked.
        DistributionError: a package has other bytes than the index under its version.
    """
    # Also what builds them, so it is there wherever the index is.
    if _sha256("hatchling", folder) is None:
        raise RequestError("The package index cannot be reached, or has no hatchling: see pip's settings.")
    found, changed = {}, []
    for package in packages:
        out = _sha256(f"{package.name}=={package.version}", folder)
        if out and out != digest(package.wheel(folder)):
            changed.append(f"  {package.name} {package.version}")
        found[package.name] = "published" if out else "new"
    if changed:
        raise DistributionError(
            "What was built differs from what is published under the same version: raise __version__ of\n"
            + "\n".join(changed)
        )
    return found


def _sha256(requirement: str, folder: Path) -> str | None:
    """Return the SHA-256 of a package's wheel on the index, None where there is none."""
    try:
        told = run(
            *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--no-deps"),
            *(
                "--only-binary",
                ":all:",
                "--quiet",
                "--disable-pip-version-check",
                "--report",
                "-",
                requirement,
            ),
            cwd=folder,
            doing=f"Asking the index for {requirement}",
        )
    except DistributionError as error:
        if "No matching distribution found" in str(error):
            return None
        raise
    (item,) = json.loads(told)["install"]
    content: str = item["download_info"]["archive_info"]["hashes"]["sha256"]
    return content
