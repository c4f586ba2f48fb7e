"""Functions of installed packages."""

import importlib
import importlib.metadata
import sys
from collections.abc import Sequence

from .errors import TaskError


def run_entry_point(package: str, name: str, arguments: Sequence[str]) -> None:
    """Call an entry point of an installed package: one its metadata names, else a function of the package.

    Args:
        package: The package's name.
        name: The entry point's name.
        arguments: Its parameters.

    Raises:
        TaskError: There is no such package or entry point.
    """
    sys.argv = [name, *arguments]
    try:
        distribution = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        raise TaskError(
            f"Python wheel with name {package} could not be found. "
            "Please check the driver logs for more details"
        ) from None
    named = [each for each in distribution.entry_points if each.name == name]
    # One that a console script is made of goes before others of that name.
    named.sort(key=lambda each: each.group != "console_scripts")
    if named:
        named[0].load()()
        return
    function = importlib.import_module(package.replace("-", "_"))
    for part in name.split("."):
        function = getattr(function, part, None)  # type: ignore[assignment]
    if not callable(function):
        raise TaskError(
            f"Python wheel {package} has no entry point {name}, and its package no function of that name."
        )
    function()
