"""Runs the programs of the development environment, and those that were installed to be tried."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from distribution.errors import DistributionError

_BIN = Path(sys.executable).parent
# A calling make, an active environment and a path of modules are not to show in what is built or tried.
_LEFT_OUT = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
_SHOWN = 25


def tool(name: str) -> str:
    """Return a program of this environment.

    Raises:
        DistributionError: it is not installed.
    """
    program = _BIN / name
    if not program.is_file():
        raise DistributionError(f"{program} is not there: run make build-dev, which installs it.")
    return str(program)


def run(
    *command: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    umask: int = -1,
    doing: str,
) -> str:
    """Run a program to its end.

    Args:
        command: the program and its arguments.
        cwd: where.
        env: variables over those of this process.
        umask: for its files, as this process's unless given.
        doing: what to call it when it fails.

    Returns:
        What it wrote to its standard output.

    Raises:
        DistributionError: it failed. The last lines that it wrote are in the message.
    """
    plain = {name: value for name, value in os.environ.items() if name not in _LEFT_OUT}
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**plain, **(env or {})},
        umask=umask,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = (done.stdout + done.stderr).strip().splitlines()[-_SHOWN:]
        raise DistributionError(f"{doing} failed with exit code {done.returncode}:\n" + "\n".join(told))
    return done.stdout
