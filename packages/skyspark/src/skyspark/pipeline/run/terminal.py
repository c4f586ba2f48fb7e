"""The terminal that shows a live table, kept from everything else that writes to standard error."""

import os
import select
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from skyspark.pipeline.run.report import clean

_STDERR = 2
_CHUNK = 65536
# What came last is printed before the report; who writes without end does not hold it up.
_LONGEST_WAIT = 0.5


@contextmanager
def terminal() -> Iterator[Console | None]:
    """Give a console on standard error, through which all else goes that is written there.

    The descriptor itself is turned into a pipe, because Spark's Java process inherits it: what it logs would
    run through the live table. Lines from there are printed above. Java goes on holding the pipe afterwards,
    so the pipe is read until the process ends.

    Yields:
        The console; ``None`` where standard error is no terminal.
    """
    if not _is_terminal():
        yield None
        return
    sys.stderr.flush()
    saved = os.dup(_STDERR)
    console = Console(file=os.fdopen(saved, "w", encoding="utf-8", errors="replace"))
    read, write = os.pipe()
    os.dup2(write, _STDERR)
    os.close(write)
    threading.Thread(target=_print_lines, args=(read, console), name="stderr", daemon=True).start()
    try:
        yield console
    finally:
        sys.stderr.flush()
        os.dup2(saved, _STDERR)
        _wait_until_empty(read)


def _wait_until_empty(read: int) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT
    while select.select([read], [], [], 0)[0] and time.monotonic() < deadline:
        time.sleep(0.01)


def _is_terminal() -> bool:
    # Under a test or in a notebook, sys.stderr is something else than the process's own descriptor.
    try:
        return sys.stderr.fileno() == _STDERR and sys.stderr.isatty()
    except (OSError, ValueError, AttributeError):
        return False


def _print_lines(read: int, console: Console) -> None:
    rest = b""
    while chunk := os.read(read, _CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            text = clean(line.decode("utf-8", "replace").rstrip("\r"))
            console.print(text, soft_wrap=True)
    os.close(read)
