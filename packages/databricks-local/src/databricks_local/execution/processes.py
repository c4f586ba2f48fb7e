"""Process trees that end with the server, however it ends."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from databricks_local.execution import supervisor

MARK = "DATABRICKS_LOCAL_PROCESS"
"""Each process of user code bears this variable: ``<root>//<what it belongs to>``."""

_PATIENCE_S = 60.0
_LOOK_S = 0.01
_LIBRARIES = Path(psutil.__file__).parent.parent


def mark(root: Path, name: str = "") -> str:
    """Return the mark of the processes that belong to one thing.

    Args:
        root: The workspace's folder.
        name: What they belong to, such as a task run's number; nothing stands for all of the workspace.
    """
    return f"{root}//{name}"


async def run_supervised(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    stdout: Path,
    stderr: Path,
    given: bytes = b"",
) -> int:
    """Run a command to its end; nothing that it started outlives it, this call or this process.

    Args:
        command: The program and its arguments.
        environment: All of its environment; it must hold ``MARK``.
        folder: Its working folder.
        stdout: Grows while it runs.
        stderr: Grows while it runs.
        given: Its standard input.

    Returns:
        The exit code; 128 and a signal's number when one ended it.

    Raises:
        asyncio.CancelledError: The call was cancelled; all processes are gone.
    """
    watched = [sys.executable, "-I", "-S", supervisor.__file__, stdout, stderr, _LIBRARIES, *command]
    process = await asyncio.create_subprocess_exec(
        *watched,
        env=environment,
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        # Ctrl-C in the server's terminal is not for it: it ends when the server closes the life line.
        start_new_session=True,
    )
    line = process.stdin
    if line is None:
        raise RuntimeError("the supervisor has no standard input")
    try:
        line.write(f"{len(given)}\n".encode() + given)
        code = await process.wait()
    finally:
        line.close()
        await _gone(process)
        if process.returncode is None or process.returncode < 0:
            # Somebody killed the supervisor.
            await asyncio.to_thread(end_marked, environment[MARK])
    return code if code >= 0 else 128 - code


async def _gone(process: asyncio.subprocess.Process) -> None:
    """Wait for the end whatever is cancelled meanwhile."""
    waiting = asyncio.ensure_future(process.wait())
    while not waiting.done():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.shield(waiting)


def end_marked(marked: str) -> None:
    """Kill all processes of this user that bear a mark, and wait until none is left.

    One that the kernel does not end within a minute is left behind.

    Args:
        marked: What ``mark`` returned.
    """
    until = time.monotonic() + _PATIENCE_S
    # One that is born while others are killed is on no list yet.
    while left := _bearing(marked):
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        # The time is looked at last: this process may have stood still, and must have killed even then.
        if time.monotonic() > until:
            return
        time.sleep(_LOOK_S)


def _bearing(marked: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            its = process.environ().get(MARK, "")
            all_of_workspace = marked.endswith("//") and its.startswith(marked)
            if process.pid != os.getpid() and (its == marked or all_of_workspace):
                found.append(process)
    return found
