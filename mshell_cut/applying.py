"""Brings the outcome of a merge into a working tree, its index and its branch: whole, or not at all."""

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mshell_cut import console, git, journal
from mshell_cut.errors import UpdateRefusedError
from mshell_cut.guarding import Lock, guarded, locked
from mshell_cut.merge import Conflict, Merged
from mshell_cut.objects import quarantine, with_folder

# What git leaves in its folder while one of its own commands waits for the user.
_UNFINISHED = {
    "MERGE_HEAD": "merge",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
}
_SHOWN = 5
# Of any length: the attribute conflict-marker-size and renames on both sides make them longer.
_MARKERS = re.compile(rb"^(<{7,} yours|>{7,} template-)", re.MULTILINE)


@dataclass(frozen=True)
class Change:
    """What is to be written.

    Attributes:
        repository: the top of the working tree.
        prefix: the project's folder in it, with a `/` at its end; empty for the top.
        merged: what the working tree is to hold; its objects are in the repository.
        message: of the commit.
        branch: a new branch to write it on, None to stay.
        commit: whether to commit it, once no conflict is left.
    """

    repository: Path
    prefix: str
    merged: Merged
    message: str
    branch: str | None = None
    commit: bool = False


@dataclass(frozen=True)
class Open:
    """An update that waits for its conflicts to be resolved.

    Attributes:
        prefix: the project's folder, as in `Change`.
        message: of the commit.
        conflicts: as they were.
        branch: the branch that was made for it.
        commit: whether it is to be committed.
    """

    prefix: str
    message: str
    conflicts: Sequence[Conflict]
    branch: str | None
    commit: bool


def apply(change: Change) -> str | None:
    """Write the outcome of a merge.

    Killed at any moment, it leaves either all as it was or the whole change, see `journal.py`.

    Args:
        change: what is to be written. The files it changes are as committed.

    Returns:
        The new commit, None where there is none (yet).

    Raises:
        UpdateRefusedError: files that are not committed are in the way, an update or a git command is
            unfinished, or there is a branch of that name. Nothing is changed.
    """
    with locked(change.repository) as lock:
        return _apply(change, lock)


def _apply(change: Change, lock: Lock) -> str | None:
    top, folder = change.repository, lock.folder
    if _opened(lock):
        raise UpdateRefusedError(
            "An update is not finished: run 'mshell-cut update --continue', or '--abort' to undo it."
        )
    head = git.run("rev-parse", "HEAD", cwd=top)
    _refuse_unfinished(folder.parent)
    if change.branch:
        _refuse_branch(top, change.branch)
    before, after = _differences(top, head, change.merged.tree)
    _refuse_in_the_way(top, before, after)
    commit = None
    if change.commit and not change.merged.conflicts:
        commit = git.commit_tree(top, change.merged.tree, head, change.message)
    touched = {*before, *after, *(stage.path for stage in change.merged.stages)}
    entries = _entries(top, head, change.prefix, sorted(touched))
    tracked = {line.split("\t", 1)[1] for line in entries if not line.startswith("0 ")}
    written: dict[str, Any] = {
        "phase": journal.WRITING,
        "prefix": change.prefix,
        "message": change.message,
        "head": head,
        "after": commit,
        "previous": git.ask("symbolic-ref", "--quiet", "HEAD", cwd=top),
        "branch": change.branch,
        "commit": change.commit,
        "made": sorted(after),
        # What we untracked and still have: in no commit of ours, so it goes into none.
        "untracked": sorted(path for path in touched - tracked - after if os.path.lexists(top / path)),
        "folders": sorted(_new_folders(top, after)),
        "entries": entries,
        "conflicts": [
            [conflict.path, conflict.kind, conflict.marked] for conflict in change.merged.conflicts
        ],
    }
    with guarded(lock) as inherited:
        _save(folder, top, written, before)
        git.run("read-tree", "-m", "-u", head, change.merged.tree, cwd=top, inherited=inherited)
        if change.merged.stages:
            removed = [f"0 {'0' * len(head)}\t{path}" for path in {s.path for s in change.merged.stages}]
            put = [f"{s.mode} {s.object} {s.stage}\t{s.path}" for s in change.merged.stages]
            given = "".join(f"{line}\0" for line in [*removed, *put])
            git.run("update-index", "-z", "--index-info", cwd=top, given=given, inherited=inherited)
        if change.branch:
            ref = f"refs/heads/{change.branch}"
            git.run("update-ref", ref, commit or head, "", cwd=top, inherited=inherited)
            git.run("symbolic-ref", "HEAD", ref, cwd=top, inherited=inherited)
        elif commit:
            note = f"mshell-cut: {change.message}"
            git.run("update-ref", "-m", note, "HEAD", commit, head, cwd=top, inherited=inherited)
        phase = journal.OPEN if change.merged.conflicts else journal.DONE
        journal.write(folder, {**written, "phase": phase})
    if phase == journal.DONE:
        journal.drop(folder)
    return commit


def opened(repository: Path) -> Open | None:
    """Return the update that waits to be continued, after undoing one that was cut short.

    Args:
        repository: the top of a working tree.
    """
    with locked(repository) as lock:
        return _opened(lock)


def _opened(lock: Lock) -> Open | None:
    if _settle(lock):
        console.warn("An update was cut short before: all its changes are undone.")
    found = journal.read(lock.folder)
    if found is None:
        return None
    conflicts = [Conflict(*conflict) for conflict in found["conflicts"]]
    return Open(found["prefix"], found["message"], conflicts, found["branch"], found["commit"])


def _settle(lock: Lock) -> bool:
    try:
        return journal.settle(lock.folder, lock.top)
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode("utf-8", "replace").strip().splitlines() or ["it said nothing"]
        raise UpdateRefusedError(
            f"The update is not wholly undone: git {error.cmd[1]} failed: {said[0]} "
            "Nothing is lost: mend that, and the next mshell-cut in this repository finishes it."
        ) from None


def resume(repository: Path) -> str | None:
    """Finish an update whose conflicts are resolved in the files.

    Args:
        repository: the top of a working tree.

    Returns:
        The new commit, None where the update was not to be committed.

    Raises:
        UpdateRefusedError: no update is open, or a file still holds conflict markers.
    """
    with locked(repository) as lock:
        return _resume(lock)


def _resume(lock: Lock) -> str | None:
    repository, folder = lock.top, lock.folder
    update = _opened(lock)
    if update is None:
        raise UpdateRefusedError("No update is waiting to be finished.")
    marked = [
        item.path for item in update.conflicts if item.marked and _holds_markers(repository / item.path)
    ]
    if marked:
        raise UpdateRefusedError(
            f"These files still hold conflict markers: {_listed(marked)}. Choose between 'yours' and the "
            "template's lines in each, then continue."
        )
    found = journal.read(folder) or {}
    paths = [conflict.path for conflict in update.conflicts]
    # Whoever wants such a file in the project stages it, which resolves it.
    left_out = _unmerged(repository) & set(found["untracked"])
    present = [path for path in paths if os.path.lexists(repository / path) and path not in left_out]
    for option, some in (("--add", present), ("--force-remove", sorted(set(paths) - set(present)))):
        given = "".join(f"{path}\0" for path in some)
        git.run("update-index", option, "-z", "--stdin", cwd=repository, given=given)
    commit = None
    if update.commit:
        head = git.run("rev-parse", "HEAD", cwd=repository)
        with quarantine(repository) as objects:
            mine = git.run("write-tree", f"--prefix={update.prefix}", cwd=repository, env=objects.env)
            whole = git.run("rev-parse", f"{head}^{{tree}}", cwd=repository)
            tree = with_folder(objects, whole, update.prefix, mine)
            objects.keep()
        # Else the user has committed it already.
        if tree != whole:
            commit = git.commit_tree(repository, tree, head, update.message)
            journal.write(folder, {**found, "phase": journal.COMMITTING, "after": commit})
            note = f"mshell-cut: {update.message}"
            git.run("update-ref", "-m", note, "HEAD", commit, head, cwd=repository)
    journal.drop(folder)
    return commit


def abort(repository: Path) -> None:
    """Undo an update that is open: every file it touched is restored to the byte, whatever was done since.

    Args:
        repository: the top of a working tree.

    Raises:
        UpdateRefusedError: no update is open, or there are commits on top of it.
    """
    with locked(repository) as lock:
        if _opened(lock) is None:
            raise UpdateRefusedError("No update is waiting to be undone.")
        found = journal.read(lock.folder) or {}
        if git.run("rev-parse", "HEAD", cwd=repository) != found.get("head"):
            raise UpdateRefusedError(
                "There are commits since the update began: finish it with 'mshell-cut update --continue', "
                "or take them back with git first."
            )
        with guarded(lock):
            journal.write(lock.folder, {**found, "phase": journal.UNDOING})
            _settle(lock)


def _refuse_unfinished(git_folder: Path) -> None:
    for name, what in _UNFINISHED.items():
        if (git_folder / name).exists():
            raise UpdateRefusedError(f"A git {what} is not finished in this repository: finish it first.")


def _refuse_branch(top: Path, branch: str) -> None:
    if git.ask("check-ref-format", "--branch", branch, cwd=top) != branch:
        raise UpdateRefusedError(f"'{branch}' is no name for a branch.")
    if git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", cwd=top):
        raise UpdateRefusedError(f"There is a branch '{branch}' already: name another with --branch.")


def _differences(top: Path, head: str, tree: str) -> tuple[set[str], set[str]]:
    """Return the files that change and are there before, and those that change and are there afterwards."""
    told = git.run("diff-tree", "-r", "-z", "--no-renames", "--name-status", head, tree, cwd=top)
    words = told.split("\0")
    pairs = list(zip(words[::2], words[1::2], strict=False))
    return {path for kind, path in pairs if kind != "A"}, {path for kind, path in pairs if kind != "D"}


def _refuse_in_the_way(top: Path, before: set[str], after: set[str]) -> None:
    parents = {parent.as_posix() for path in after for parent in Path(path).parents[:-1]} - before
    # git would replace one that is ignored.
    blocked = [path for path in sorted(parents) if os.path.lexists(top / path) and not _is_folder(top / path)]
    for path in sorted(after - before):
        target = top / path
        if _is_folder(target):
            inside = (Path(place, name) for place, _, names in os.walk(target) for name in names)
            blocked += [
                found
                for found in (item.relative_to(top).as_posix() for item in inside)
                if found not in before
            ]
        elif os.path.lexists(target):
            blocked.append(path)
    if blocked:
        raise UpdateRefusedError(
            f"The update brings files that are there already and not committed: {_listed(blocked)}. "
            "Commit, move or delete yours first."
        )


def _new_folders(top: Path, paths: set[str]) -> set[str]:
    parents = {parent.as_posix() for path in paths for parent in Path(path).parents[:-1]}
    return {parent for parent in parents if not (top / parent).is_dir()}


def _entries(top: Path, head: str, prefix: str, paths: Sequence[str]) -> list[str]:
    """Return what the index holds of some files at a commit, as lines for `git update-index --index-info`."""
    wanted = set(paths)
    listed = git.run("--literal-pathspecs", "ls-tree", "-r", "-z", head, "--", prefix or ".", cwd=top)
    found = [line for line in listed.split("\0") if line and line.split("\t", 1)[1] in wanted]
    removed = [f"0 {'0' * len(head)}\t{path}" for path in paths]
    return [*removed, *found]


def _save(folder: Path, top: Path, written: dict[str, Any], before: set[str]) -> None:
    """Keep all that is needed to undo the update. The journal goes last: without it there is no update."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "saved").mkdir(parents=True)
    for path in sorted(before):
        if os.path.lexists(top / path) and not _is_folder(top / path):
            journal.save(folder, top, path)
    index = folder.parent / "index"
    if index.exists():
        shutil.copy2(index, folder / "index")
    journal.write(folder, written)


def _unmerged(top: Path) -> set[str]:
    listed = git.run("ls-files", "--unmerged", "-z", cwd=top)
    return {row.split("\t", 1)[1] for row in listed.split("\0") if row}


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _holds_markers(path: Path) -> bool:
    try:
        return bool(_MARKERS.search(path.read_bytes()))
    except (FileNotFoundError, IsADirectoryError):
        return False


def _listed(paths: Sequence[str]) -> str:
    shown = [path.encode("utf-8", "replace").decode() for path in paths[:_SHOWN]]
    return ", ".join(shown) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")
