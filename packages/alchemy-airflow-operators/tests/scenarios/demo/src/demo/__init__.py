"""Apps that end at once, or when they are told to; no one of them needs Spark."""

import sys
import time
from pathlib import Path

_LONGEST_S = 600


def succeed() -> None:
    """Say with what it was called."""
    sys.stdout.write(f"demo was called with {sys.argv[1:]}\n")


def fail() -> None:
    """Fail in a way that can be recognised."""
    _read_orders("2026-01-01")


def count() -> None:
    """Run as ``count FILE [GATE]``: add a line to the file, and wait until there is a gate."""
    _add_line(Path(sys.argv[1]))
    latest = time.monotonic() + _LONGEST_S
    while sys.argv[2:] and not Path(sys.argv[2]).exists():
        if time.monotonic() > latest:
            raise TimeoutError("nobody opens the gate")
        time.sleep(0.02)


def flaky() -> None:
    """Run as ``flaky FILE NUMBER``: add a line to the file, and fail while it has fewer lines."""
    _add_line(Path(sys.argv[1]))
    if len(Path(sys.argv[1]).read_text().splitlines()) < int(sys.argv[2]):
        raise ValueError("not yet")


def _add_line(file: Path) -> None:
    with file.open("a") as stream:
        stream.write("executed\n")


def _read_orders(day: str) -> None:
    raise LookupError(f"there are no orders of {day}")
