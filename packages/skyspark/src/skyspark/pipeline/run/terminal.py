"""The terminal that shows a live table, kept from everything else that writes to standard error."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console

from skyspark.pipeline.run.report import clean

_STDERR = 2
_CHUNK = 65536
# Written when the table goes: nobody else writes this.
_END = f"\0{os.urandom(16).hex()}".encode()
# Who writes without end does not hold up the report for longer, in seconds.
_PATIENCE = 5.0


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
    ended = threading.Event()
    threading.Thread(target=_print_lines, args=(read, console, ended), name="stderr", daemon=True).start()
    try:
        yield console
    finally:
        sys.stderr.flush()
        os.write(_STDERR, _END + b"\n")
        os.dup2(saved, _STDERR)
        ended.wait(_PATIENCE)


def _is_terminal() -> bool:
    # Under a test or in a notebook, sys.stderr is something else than the process's own descriptor.
    try:
        return sys.stderr.fileno() == _STDERR and sys.stderr.isatty()
    except (OSError, ValueError, AttributeError):
        return False


def _print_lines(read: int, console: Console, ended: threading.Event) -> None:
    rest = b""
    while chunk := os.read(read, _CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            text, end, _ = line.partition(_END)
            # A terminal that is gone must not end the reading: Java would wait for room in the pipe.
            if text or not end:
                with suppress(OSError):
                    console.print(clean(text.decode("utf-8", "replace").rstrip("\r")), soft_wrap=True)
            if end:
                ended.set()
    os.close(read)
