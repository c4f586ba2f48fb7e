"""Runs one command in a session of its own, and ends all of it when the server is gone.

A program of its own: ``python -I -S supervisor.py STDOUT STDERR LIBRARIES COMMAND…``. Its standard input is
the life line: first the number of bytes for the command's standard input, on a line, then these, then nothing
until the server closes it, or dies. It ends with the command's exit code; 128 and more say which signal ended
it.
"""

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 60.0


def main(arguments: list[str]) -> int:
    """Run the command to its end, or to that of the server.

    Args:
        arguments: Files for its output, the folder psutil is imported from, the command.
    """
    stdout, stderr, libraries, *command = arguments
    given = _read_input()
    if given is None:
        return 1
    adopts = _adopt_orphans()
    ended_out, ended_in = os.pipe()
    os.set_blocking(ended_in, False)
    signal.set_wakeup_fd(ended_in, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with Path(stdout).open("ab", buffering=0) as out, Path(stderr).open("ab", buffering=0) as err:
        try:
            child = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            err.write(f"{command[0]} cannot be run: {error.strerror}\n".encode())
            return 127
    if child.stdin is not None:
        # Who ends without reading it has said why on its own.
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(given)
    while child.poll() is None:
        ready, _, _ = select.select([0, ended_out], [], [])
        if ended_out in ready:
            os.read(ended_out, 4096)
        if 0 in ready and not os.read(0, 4096):
            break
    code = child.poll()
    if not adopts or _has_children():
        _end_all(child.pid, libraries)
    if code is None:
        code = -signal.SIGKILL
    return 128 - code if code < 0 else code


def _read_input() -> bytes | None:
    head = b""
    while not head.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            return None
        head += byte
    given = b""
    while len(given) < int(head):
        part = os.read(0, int(head) - len(given))
        if not part:
            return None
        given += part
    return given


def _adopt_orphans() -> bool:
    """Have the kernel make this process the parent of what its children leave; say whether it can."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)


def _has_children() -> bool:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return False
    return True


def _end_all(session: int, libraries: str) -> None:
    # Imported late: most commands leave nothing behind, and it would cost each of them its start.
    sys.path.append(libraries)
    import psutil  # type: ignore[import-untyped]

    until = time.monotonic() + _PATIENCE_S
    while True:
        _has_children()
        left = {each.pid for each in psutil.Process().children(recursive=True)}
        left |= {pid for pid in psutil.pids() if pid != os.getpid() and _session_of(pid) == session}
        for pid in left:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        # The time is looked at last: this process may have stood still, and must have killed even then.
        if not left or time.monotonic() > until:
            return
        time.sleep(0.01)


def _session_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
