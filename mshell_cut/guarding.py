"""Keeps two processes from writing to one working tree, and has a third undo what is cut short."""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mshell_cut import git, journal
from mshell_cut.errors import UpdateRefusedError


@dataclass(frozen=True)
class Lock:
    """What keeps two processes from writing to one working tree.

    Attributes:
        top: of the working tree.
        folder: of the journal.
        file: the open file that holds the lock, as long as one process has it open.
    """

    top: Path
    folder: Path
    file: int


@contextmanager
def locked(repository: Path) -> Iterator[Lock]:
    """Be the only one that writes updates to a working tree.

    Args:
        repository: its top.

    Raises:
        UpdateRefusedError: another process is at it, and stays.
    """
    folder = Path(git.run("rev-parse", "--absolute-git-dir", cwd=repository)) / journal.NAME
    with folder.with_name(f"{journal.NAME}.lock").open("a") as file:
        for _ in range(100):
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # A guard that undoes takes a moment.
                time.sleep(0.05)
        else:
            raise UpdateRefusedError("Another mshell-cut is writing to this repository: wait for it to end.")
        yield Lock(repository, folder, file.fileno())


@contextmanager
def guarded(lock: Lock) -> Iterator[tuple[int]]:
    """Have an update undone that does not come to its end, however this process does.

    Args:
        lock: is held until nobody is left to undo anything.

    Yields:
        The open file that every child has to inherit which writes to the working tree.
    """
    guard = subprocess.Popen(
        [sys.executable, "-I", "-S", journal.__file__, str(lock.folder), str(lock.top.absolute())],
        pass_fds=(lock.file,),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Not in our process group: a Ctrl-C at the terminal must not reach it.
        start_new_session=True,
    )
    assert guard.stdin  # noqa: S101 - a pipe was asked for
    try:
        yield (guard.stdin.fileno(),)
        guard.kill()
    except BaseException:
        guard.stdin.close()
        guard.wait()
        raise
    finally:
        guard.communicate()
