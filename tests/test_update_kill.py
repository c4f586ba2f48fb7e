"""An update that is killed at any moment leaves the project as it was, or the whole update."""

import fcntl
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from held_git import HeldGit
from scaffold import commit_all, git, read_tree, write_tree

from mshell_cut import applying, journal
from mshell_cut.merge import merge
from mshell_cut.objects import quarantine
from mshell_cut.objects import write_tree as tree_of

# Applies what its arguments name: the merge is known, and only the writing is under test.
DRIVER = """
import json, sys
from pathlib import Path
from mshell_cut import applying, journal
from mshell_cut.guarding import locked
from mshell_cut.merge import Conflict, Merged, Stage
given = json.loads(sys.argv[1])
conflicts, stages = [Conflict(*c) for c in given["conflicts"]], [Stage(*s) for s in given["stages"]]
merged = Merged(given["tree"], conflicts, stages)
print("ready", flush=True)
applying.apply(applying.Change(Path(given["top"]), "", merged, "Update", given["branch"], given["commit"]))
"""

# Of the calls of git, the one that writes the files.
WRITES = '[ "$1" = read-tree ]'

State = dict[str, object]


def state_of(project: Path) -> State:
    links = {path.name: str(path.readlink()) for path in project.iterdir() if path.is_symlink()}
    return {
        "files": read_tree(project),
        "modes": {path.name: path.lstat().st_mode for path in project.iterdir()},
        "links": links,
        "status": git(project, "status", "--porcelain"),
        "head": git(project, "log", "-1", "--format=%T %s"),
        "branch": git(project, "branch", "--show-current"),
        "branches": git(project, "branch", "--format=%(refname)"),
    }


def project_and_update(folder: Path, *, conflicts: bool) -> tuple[Path, str]:
    """Make a project with files of all sorts, and the merge of an update to many of them."""
    import json

    project = folder / "project"
    lines = "".join(f"line {number}\n" for number in range(50))
    base: dict[str, str | bytes] = {f"many/file{number}.txt": lines for number in range(60)}
    base |= {
        "gone/deep/a.txt": "a\n",
        "crlf.txt": "a\r\nb\r\n",
        "binary.bin": bytes(range(256)),
        "edit.txt": lines,
    }
    write_tree(project, base)
    (project / "run.sh").write_text("#!/bin/sh\n")
    (project / "link").symlink_to("edit.txt")
    commit_all(project)
    theirs = folder / "theirs"
    shutil.copytree(project, theirs, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    write_tree(theirs, {name: f"{lines}new\n" for name in base if name.startswith("many")})
    write_tree(
        theirs,
        {"added/deep/b.txt": "b\n", "binary.bin": b"\x00\x01", "edit.txt": lines.replace("line 3\n", "t\n")},
    )
    shutil.rmtree(theirs / "gone")
    (theirs / "run.sh").chmod(0o755)
    (theirs / "link").unlink()
    (theirs / "link").symlink_to("crlf.txt")
    with quarantine(project) as objects:
        first = git(project, "rev-parse", "HEAD^{tree}")
        if conflicts:
            write_tree(project, {"edit.txt": lines.replace("line 3\n", "ours\n")})
            commit_all(project)
        ours = git(project, "rev-parse", "HEAD^{tree}")
        merged = merge(objects, first, ours, tree_of(theirs, objects), label="template-v2")
        objects.keep()
    assert bool(merged.conflicts) == conflicts
    given = {
        "tree": merged.tree,
        "conflicts": [[item.path, item.kind, item.marked] for item in merged.conflicts],
        "stages": [[item.mode, item.object, item.stage, item.path] for item in merged.stages],
        "top": "PROJECT",
        "branch": None if conflicts else "renew",
        "commit": not conflicts,
    }
    return project, json.dumps(given)


def start(project: Path, given: str, env: Mapping[str, str] = os.environ) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", DRIVER, given.replace("PROJECT", str(project))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=env,
        start_new_session=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def unlocked(project: Path) -> None:
    """Wait for whoever holds the lock, however long that takes."""
    with (project / ".git" / f"{journal.NAME}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)


def settled(project: Path) -> None:
    """Wait for the guard, which holds the lock until nothing is half written."""
    unlocked(project)
    found = journal.read(project / ".git" / journal.NAME)
    assert found is None or found["phase"] in (journal.OPEN, journal.DONE)


@pytest.mark.parametrize("conflicts", [False, True], ids=["committed", "open"])
@pytest.mark.parametrize(
    ("stop", "tries"), [(signal.SIGKILL, 20), (signal.SIGTERM, 6), (signal.SIGINT, 6)], ids=["9", "15", "2"]
)
def test_a_signal_never_leaves_a_part_of_an_update(
    tmp_path: Path, stop: signal.Signals, tries: int, conflicts: bool
) -> None:
    original, given = project_and_update(tmp_path, conflicts=conflicts)
    old = state_of(original)
    copy = tmp_path / "copy"

    def fresh() -> None:
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(original, copy, symlinks=True)
        git(copy, "update-index", "-q", "--refresh")

    fresh()
    process = start(copy, given)
    begun = time.monotonic()
    assert process.wait() == 0, process.communicate()
    duration = time.monotonic() - begun
    new = state_of(copy)
    assert new != old

    chance, outcomes = random.Random(3), set()
    for attempt in range(tries):
        fresh()
        # However fast it is, the first comes before its end, the last after it.
        with HeldGit(tmp_path / f"git{attempt}", WRITES if attempt == 0 else "false", done=True) as held:
            process = start(copy, given, held.env)
            if attempt == 0:
                held.wait()
            elif attempt + 1 == tries:
                process.wait()
            else:
                time.sleep(1.3 * duration * (attempt - 1 + chance.random()) / tries)
            # A whole process group, as a terminal or a CI server would, or the process alone.
            if process.returncode is None:
                (os.killpg if attempt % 2 else os.kill)(process.pid, stop)
        process.communicate()
        settled(copy)
        found = state_of(copy)
        assert found in (old, new), f"after try {attempt}"
        outcomes.add(found == new)
        git(copy, "fsck", "--strict")
        if found == new and conflicts:
            applying.abort(copy)
            assert state_of(copy) == old
    if stop is signal.SIGKILL:
        assert outcomes == {True, False}, "the moments chosen do not cover both ends"


def test_what_nobody_was_left_to_undo_is_undone_by_the_next_command(tmp_path: Path) -> None:
    original, given = project_and_update(tmp_path, conflicts=False)
    old = state_of(original)
    folder = original / ".git" / journal.NAME
    with HeldGit(tmp_path / "git", WRITES, done=True) as held:
        process = start(original, given, held.env)
        held.wait()
        (guard,) = (
            child for child in psutil.Process(process.pid).children() if journal.__file__ in child.cmdline()
        )
        # The guard, too: as a power cut would.
        guard.kill()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    unlocked(original)
    assert state_of(original)["files"] != old["files"]
    assert applying.opened(original) is None
    assert not folder.exists()
    assert state_of(original) == old
