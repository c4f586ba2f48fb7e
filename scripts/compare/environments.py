"""Where each tool runs: an environment of its own with pinned versions, made once in the cache."""

import os
import re
import shutil
import subprocess
from functools import cache
from importlib.metadata import Distribution
from pathlib import Path

from compare.machine import BIN, REPOSITORY, expect

HERE = Path(__file__).parent
_STOCK_PINS = REPOSITORY / "tests" / "stock" / "requirements.lock"
# Made by the Makefile, with the same pins.
_STOCK = REPOSITORY / ".venvs" / "stock"
_PINS = {
    "cookiecutter": _STOCK_PINS,
    "cruft": _STOCK_PINS,
    "copier": HERE / "requirements-copier.txt",
    "sdp-meta": HERE / "requirements-sdp-meta.txt",
    "brickflow": HERE / "requirements-brickflow.txt",
}
# By whoever publishes them; the others have the tool's name.
_DISTRIBUTIONS = {"sdp-meta": "databricks-labs-sdp-meta", "brickflow": "brickflows"}


class NotHereError(Exception):
    """A tool cannot run on this machine."""


def cache_folder() -> Path:
    """Return the folder of the environments."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mshell-cut-compare"


@cache
def environment(tool: str) -> Path:
    """Return the folder of a tool's environment, made when it is not there.

    Raises:
        NotHereError: it could not be installed.
    """
    if tool == "skyspark":
        return BIN.parent
    pins = _PINS[tool]
    if pins == _STOCK_PINS and (_STOCK / "bin" / tool).exists():
        return _STOCK
    folder = cache_folder() / pins.stem.removeprefix("requirements-")
    done = folder / ".done"
    if not done.exists() or done.read_bytes() != pins.read_bytes():
        uv = BIN / "uv"
        for words in (
            ["venv", "--quiet", "--clear", "--python", BIN / "python", folder],
            ["pip", "install", "--quiet", "--compile-bytecode", "--python", folder, "-r", pins],
        ):
            made = subprocess.run([uv, *words], capture_output=True, text=True, check=False)
            if made.returncode:
                raise NotHereError(f"{tool} cannot be installed: {made.stderr.strip()}")
        done.write_bytes(pins.read_bytes())
    return folder


def executable(tool: str) -> Path:
    """Return the program of a tool.

    Raises:
        NotHereError: it is not on this machine and is not made here.
    """
    if tool == "mshell-cut":
        return BIN / "mshell-cut"
    if tool == "databricks":
        found = shutil.which("databricks")
        if found is None:
            raise NotHereError("databricks is not on PATH")
        return Path(found)
    return environment(tool) / "bin" / tool


@cache
def version_of(tool: str) -> str:
    """Return the version that a tool says it has."""
    option = "--help" if tool == "cruft" else "--version"
    said = subprocess.run([executable(tool), option], capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+\.\d+(\.\d+)?", said)
    expect(found, f"{tool} says no version: {said}")
    return found[0]


def packages(tool: str) -> Path:
    """Return the folder of the modules that a tool's environment has.

    Raises:
        NotHereError: it could not be installed.
    """
    return next(environment(tool).glob("lib/python*/site-packages"))


def distribution(tool: str) -> Distribution:
    """Return a tool as its environment has it installed.

    Raises:
        NotHereError: it could not be installed.
    """
    name = _DISTRIBUTIONS.get(tool, tool)
    return next(iter(Distribution.discover(name=name, path=[str(packages(tool))])))


def metadata(tool: str) -> str:
    """Return what a tool's distribution says of itself.

    Raises:
        NotHereError: it could not be installed.
    """
    return distribution(tool).read_text("METADATA") or ""
