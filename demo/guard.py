"""Ends what a demo leaves behind: ``guard.py FOLDER PID``, started by the demo with PID that owns the folder.

Its standard input is a pipe from the demo, which no other process holds. When the demo ends, in whatever way,
the pipe does, and then all processes that it started are killed and its folder is removed. As long as it
lives, this process holds a lock on the folder, so that a folder without one has no owner.
"""

import contextlib
import fcntl
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil  # type: ignore[import-untyped]

MARK = "MSHELL_CUT_DEMO"
"""The variable of the environment that names the folder of the demo that a process belongs to."""

_EVERY_S = 1.0
_PATIENCE_S = 300.0


def lock(folder: Path) -> int | None:
    """Lock a folder for as long as this process lives.

    Returns:
        The lock's file descriptor; None when another process holds it.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def sweep(folder: Path, known: set[psutil.Process]) -> None:
    """Kill all processes of a demo, and remove its folder.

    Args:
        folder: The demo's folder.
        known: Processes that are known to be the demo's. Others are known by their environment, which some
            programs write their title over.
    """
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        found = {process for process in (*known, *_marked(folder)) if process.is_running()}
        for process in list(found):
            with contextlib.suppress(psutil.Error):
                found.update(process.children(recursive=True))
        found.discard(psutil.Process())
        if not found:
            break
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        _, left = psutil.wait_procs(found, timeout=2)
        # A zombie waits for its parent, and does nothing any more.
        known = {process for process in left if _lives(process)}
        if not known and not _marked(folder):
            break
    shutil.rmtree(folder, ignore_errors=True)


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _marked(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get(MARK) == str(folder) and _lives(process):
                found.append(process)
    return found


def main() -> None:
    """Wait for the demo's end."""
    folder, pid = Path(sys.argv[1]), int(sys.argv[2])
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if lock(folder) is None:
        sys.exit(1)
    print("ready", flush=True)
    known: set[psutil.Process] = set()
    while not select.select([sys.stdin], [], [], _EVERY_S)[0]:
        with contextlib.suppress(psutil.Error):
            known = {process for process in known if process.is_running()}
            known.update(psutil.Process(pid).children(recursive=True))
    known.discard(psutil.Process())
    sweep(folder, known)


if __name__ == "__main__":
    main()
