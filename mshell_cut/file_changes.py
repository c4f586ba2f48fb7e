"""Writes new and changed files of a folder: all of them, or none."""

import os
import secrets
import shutil
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path

from mshell_cut.errors import MshellCutError, RequestError

# Reads what this process has done: `copied`, then `written`. If its standard input ends before, which the
# system sees to however this process ends, kill -9 included, it puts back what was changed and removes what
# was new. Words: the folder of copies, then pairs of a path and its copy. The copy is empty for what was not
# there; a path with a slash at its end is a folder.
_GUARD = """
stage=$1; shift
read -r said
if [ "$said" = copied ]; then
  read -r said
  if [ "$said" != written ]; then
    while [ $# -gt 1 ]; do
      case $1 in
        */) rmdir -- "$1" 2>/dev/null ;;
        *) if [ -z "$2" ]; then rm -f -- "$1"; else mv -f -- "$2" "$1"; fi ;;
      esac
      shift 2
    done
  fi
fi
rm -rf -- "$stage"
"""


def write(folder: Path, created: Mapping[str, str], changed: Mapping[str, str]) -> None:
    """Write files. Each appears whole, in the order given; if one cannot be written, all is as it was.

    Args:
        folder: the folder they are in.
        created: texts by relative path, of files that must not be there.
        changed: texts by relative path, of files that are there; they keep their modes.

    Raises:
        RequestError: a path leads out of the folder, or something is in the way of a new file.
        MshellCutError: a file cannot be written.
    """
    top = folder.resolve()
    new = {_inside(top, path): text for path, text in created.items()}
    old = {_inside(top, path).resolve(): text for path, text in changed.items()}
    for path in new:
        if path.exists() or path.is_symlink():
            raise RequestError(
                f"{path.relative_to(top)} is there already and stays as it is: choose another name."
            )
    folders = _missing_folders(top, new)
    stage = top / f".mshell-cut-{secrets.token_hex(6)}"
    copies = {path: stage / f"old-{number}" for number, path in enumerate(old)}
    undone = [
        *(word for path, copy in copies.items() for word in (str(path), str(copy))),
        *(word for path in new for word in (str(path), "")),
        *(word for path in reversed(folders) for word in (f"{path}/", "")),
    ]
    guard = subprocess.Popen(
        ["/bin/sh", "-c", _GUARD, "sh", str(stage), *undone],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
        # Not in our process group: a Ctrl-C at the terminal must not reach it.
        start_new_session=True,
    )
    try:
        stage.mkdir()
        for path, copy in copies.items():
            shutil.copy2(path, copy)
        _tell(guard, "copied\n")
        for path in folders:
            path.mkdir()
        for number, (path, text) in enumerate(new.items()):
            built = stage / f"new-{number}"
            _write(built, text)
            # Unlike a rename this refuses to replace what someone else has put there meanwhile.
            os.link(built, path)
        for number, (path, text) in enumerate(old.items()):
            built = stage / f"changed-{number}"
            _write(built, text)
            built.chmod(stat.S_IMODE(path.stat().st_mode))
            built.replace(path)
        _tell(guard, "written\n")
    except OSError as error:
        place = error.filename2 or error.filename or top
        raise MshellCutError(f"{place} cannot be written: {error.strerror}; nothing was changed.") from None
    finally:
        guard.communicate()


def _tell(guard: "subprocess.Popen[str]", word: str) -> None:
    if guard.stdin:
        guard.stdin.write(word)
        guard.stdin.flush()


def _inside(top: Path, path: str) -> Path:
    place = top / path
    parent = place if place.is_symlink() else place.parent
    if ".." in Path(path).parts or not parent.resolve().is_relative_to(top):
        raise RequestError(f"{path} leads out of {top}: nothing was written.")
    return place


def _missing_folders(top: Path, files: Mapping[Path, str]) -> list[Path]:
    """Return the folders to make, each after the one it is in."""
    needed = {parent for path in files for parent in path.parents if parent.is_relative_to(top)}
    return sorted(folder for folder in needed if not folder.exists())


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(text)
