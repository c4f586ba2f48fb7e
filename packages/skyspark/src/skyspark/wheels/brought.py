"""What each Databricks runtime brings, from data files beside this module."""

import re
from importlib.resources import files

from skyspark.versions import Runtime


def normalized(name: str) -> str:
    """Return a distribution's name in the form that compares (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def brought_by(runtime: Runtime, *, ml: bool) -> dict[str, str]:
    """Return the packages a runtime brings: normalized name to version.

    A version such as ``1.67.*`` means that Databricks' list names no patch release.

    Args:
        runtime: The runtime.
        ml: Whether it is the variant for machine learning.
    """
    data = files("skyspark.wheels") / "runtimes" / f"{runtime.name}{'-ml' if ml else ''}.txt"
    lines = (line.strip() for line in data.read_text(encoding="utf-8").splitlines())
    pairs = (line.split("==", maxsplit=1) for line in lines if line and not line.startswith("#"))
    return {normalized(name): version for name, version in pairs}


def fits(version: str, brought: str) -> bool:
    """Say whether a resolved version is the one a runtime brings."""
    if brought.endswith(".*"):
        return version == brought[:-2] or version.startswith(brought[:-1])
    return version == brought
