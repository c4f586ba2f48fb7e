"""What is kept while an update is written, and how it is undone from that, whoever is left to do it.

Run as a program, this module is the guard of an update: it waits until its standard input ends, which happens
when the process that writes and all git processes it started are gone, kill -9 included, and undoes what is
only half written. It needs the standard library alone, so that it starts at once.

The folder, in git's own folder of the working tree, holds `journal.json`, a copy of the `index`, and under
`saved/` every file that the update touches, as it was. The update counts from the moment the journal says so.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

NAME = "mshell-cut-update"
# Half written: to be undone.
WRITING, UNDOING = "writing", "undoing"
# Written: with conflicts to resolve, about to be committed, or done.
OPEN, COMMITTING, DONE = "open", "committing", "done"
# Set by git itself around hooks and aliases: they would have us undo in another repository.
_FOREIGN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_OBJECT_DIRECTORY")


def read(folder: Path) -> dict[str, Any] | None:
    """Return what the journal says, None where there is no update."""
    try:
        found: dict[str, Any] = json.loads((folder / "journal.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return found


def write(folder: Path, journal: dict[str, Any]) -> None:
    """Write the journal in one step."""
    new = folder / "journal.json.new"
    with new.open("w", encoding="utf-8") as file:
        # In ASCII: paths may hold bytes that are no text.
        json.dump(journal, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(folder / "journal.json")


def save(folder: Path, top: Path, path: str) -> None:
    """Keep a file as it is.

    Args:
        folder: of the journal.
        top: of the working tree.
        path: relative to it.
    """
    source, target = top / path, folder / "saved" / path
    # Folders that are deleted with their last file come back with the mode they had.
    for parent in reversed(Path(path).parents[:-1]):
        kept = folder / "saved" / parent
        if not kept.exists():
            kept.mkdir(parents=True)
            shutil.copystat(top / parent, kept)
    shutil.copy2(source, target, follow_symlinks=False)


def drop(folder: Path) -> None:
    """Forget an update that is done or undone."""
    # The journal goes last, and first of all says that nothing is left to do.
    gone = folder.with_name(f"{NAME}-{os.getpid()}.old")
    folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def settle(folder: Path, top: Path) -> bool:
    """Undo an update that is only half written, and forget one that is done.

    Args:
        folder: of the journal; need not exist.
        top: of the working tree. Not kept in the journal: it may have been moved, or copied, since.

    Returns:
        Whether something was undone.

    Raises:
        CalledProcessError: git failed. The journal stays, and the next call goes on.
    """
    journal = read(folder)
    if journal is None or journal["phase"] == OPEN:
        return False
    if journal["phase"] == COMMITTING:
        if _git(top, "rev-parse", "HEAD") != journal["after"]:
            write(folder, {**journal, "phase": OPEN})
            return False
    elif journal["phase"] != DONE:
        _undo(folder, top, journal)
        drop(folder)
        return True
    drop(folder)
    return False


def _undo(folder: Path, top: Path, journal: dict[str, Any]) -> None:
    for path in journal["made"]:
        target = top / path
        if _is_inside(top, target) and os.path.lexists(target) and not _is_folder(target):
            target.unlink()
    for path in sorted(journal["folders"], reverse=True):
        target = top / path
        if _is_inside(top, target) and _is_folder(target) and not any(target.iterdir()):
            target.rmdir()
    saved = folder / "saved"
    for place, folders, files in os.walk(saved):
        inside = Path(place).relative_to(saved)
        for name in folders:
            target = top / inside / name
            if not Path(place, name).is_symlink() and not _is_folder(target):
                target.unlink(missing_ok=True)
                target.mkdir()
                shutil.copystat(Path(place, name), target)
        for name in [*files, *(name for name in folders if Path(place, name).is_symlink())]:
            _put_back(Path(place, name), top / inside / name)
    git_folder = folder.parent
    if journal["phase"] == WRITING:
        # Nobody else wrote the index since: git's lock on it is that of a git process of ours, which is gone.
        (git_folder / "index.lock").unlink(missing_ok=True)
        if (folder / "index").exists():
            shutil.copy2(folder / "index", git_folder / "index.lock")
            (git_folder / "index.lock").replace(git_folder / "index")
    else:
        # The user may have staged other files meanwhile.
        lines = "".join(f"{line}\0" for line in journal["entries"]).encode("utf-8", "surrogateescape")
        _git(top, "update-index", "-z", "--index-info", given=lines)
    # It fails where the user has changed other files, which is no failure here.
    _git(top, "update-index", "-q", "--refresh", may_fail=True)
    _undo_refs(top, journal)


def _undo_refs(top: Path, journal: dict[str, Any]) -> None:
    head, after = journal["head"], journal["after"]
    if journal["branch"]:
        ref = f"refs/heads/{journal['branch']}"
        if _git(top, "symbolic-ref", "--quiet", "HEAD", may_fail=True) == ref:
            if journal["previous"]:
                _git(top, "symbolic-ref", "HEAD", journal["previous"])
            else:
                _git(top, "update-ref", "--no-deref", "HEAD", head)
        made = after or head
        # With commits of the user's on it, the branch is theirs.
        if _git(top, "rev-parse", "--verify", "--quiet", ref, may_fail=True) == made:
            _git(top, "update-ref", "-d", ref, made)
    elif after and _git(top, "rev-parse", "HEAD") == after:
        _git(top, "update-ref", "HEAD", head, after)


def _put_back(kept: Path, target: Path) -> None:
    if os.path.lexists(target):
        if _is_folder(target):
            # Only an update can have made it, and what it holds of others' is not ours to delete.
            if any(target.iterdir()):
                return
            target.rmdir()
        else:
            target.unlink()
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(kept, target, follow_symlinks=False)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_inside(top: Path, path: Path) -> bool:
    """Tell whether no symlink on the way leads a path out of the working tree."""
    return path.parent.resolve() == top.resolve() / path.parent.relative_to(top)


def _git(top: Path, *arguments: str, given: bytes | None = None, may_fail: bool = False) -> str:
    env = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    done = subprocess.run(
        ["git", *arguments],
        cwd=top,
        env={**env, "LC_ALL": "C"},
        input=given,
        capture_output=True,
        check=not may_fail,
    )
    return done.stdout.decode("utf-8", "surrogateescape").strip()


if __name__ == "__main__":
    sys.stdin.buffer.read()
    settle(Path(sys.argv[1]), Path(sys.argv[2]))
