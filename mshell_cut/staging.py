"""A folder to build in, beside the place where the result goes, that never outlives the process."""

import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mshell_cut.errors import MshellCutError, TargetExistsError

# Waits until its standard input ends, which the system sees to however this process ends, kill -9 included.
# Children of ours may still be writing for a moment then: hence the second tries.
_GUARD = 'read -r _; for _ in 1 2 3 4 5; do rm -rf -- "$1" && [ ! -e "$1" ] && exit; sleep 0.2; done'


@contextmanager
def staging(parent: Path) -> Iterator[Path]:
    """Have an empty folder on the file system of another.

    Args:
        parent: the folder the result will go to. It need not exist: the nearest one that does is used.

    Raises:
        MshellCutError: nothing can be written there.
    """
    while not parent.is_dir():
        if parent.exists():
            raise MshellCutError(f"{parent} is not a folder.")
        parent = parent.parent
    folder = parent / f".mshell-cut-{secrets.token_hex(6)}"
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Not in our process group: a Ctrl-C at the terminal must not reach it.
        start_new_session=True,
    )
    try:
        try:
            folder.mkdir()
        except OSError as error:
            raise MshellCutError(f"{parent} cannot be written to: {error.strerror}.") from None
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        guard.communicate()


def move_into_place(built: Path, target: Path) -> None:
    """Give a finished folder its name, in one step.

    Raises:
        TargetExistsError: something is there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() or target.is_symlink():
        raise TargetExistsError(target)
    try:
        built.rename(target)
    except OSError:
        if target.exists():
            raise TargetExistsError(target) from None
        raise
