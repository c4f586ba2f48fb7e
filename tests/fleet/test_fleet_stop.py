"""A fleet that is stopped or killed leaves whole branches only, and goes on where it was."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest
from fleet.projects import Fleet, Run, results
from held_git import HeldGit
from scaffold import change_template, git, read_tree
from waiting import has_ended, until

NAMES = [f"project-{number}" for number in range(6)]
TIP = "mshell-cut/update-v1.0.0"
# Of the calls of git, the one that makes the commit of an update.
COMMITS = '[ "$1" = commit-tree ] && [ "$3" != merge ]'
# Says in a file that an interrupt was handled, of which nothing else tells as long as projects are at work.
TELLING = """
import os, signal
from mshell_cut.cli import main

install = signal.signal

def telling(number, handler):
    def handle(*words):
        handler(*words)
        open(os.environ["HANDLED"], "w").close()
    return install(number, handle if callable(handler) else handler)

signal.signal = telling
main()
"""


@pytest.fixture
def folder(plain: Path, fleet: Fleet) -> Path:
    made = fleet(*NAMES)
    change_template(plain, {"other.txt": "newer\n"})
    git(plain, "tag", "v1.0.0")
    return made


def start(folder: Path, env: Mapping[str, str], *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", TELLING, "fleet", "update", "--jobs", "1", "--from", f"{folder}/*", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**env, "HANDLED": str(handled(folder))},
    )


def handled(folder: Path) -> Path:
    return folder.parent / "handled"


def interrupt(process: subprocess.Popen[str]) -> None:
    """Do as a terminal does: to all that were started there."""
    os.killpg(process.pid, signal.SIGINT)


def require_whole(folder: Path, before: Mapping[str, bytes]) -> int:
    """Assert that all is as it was but for whole branches, and return how many there are."""
    count = 0
    for name in NAMES:
        project = folder / name
        assert git(project, "status", "--porcelain") == ""
        assert git(project, "fsck", "--strict", "--no-dangling") == ""
        refs = git(project, "for-each-ref", "--format=%(refname:short)").split()
        assert refs in (["main"], ["main", TIP])
        if TIP in refs:
            count += 1
            assert git(project, "diff", "--name-only", "main", TIP).split() == [".cruft.json", "other.txt"]
        assert not list((project / ".git").rglob("*.lock"))
    assert read_tree(folder) == before
    return count


def test_ctrl_c_lets_the_running_one_end_and_reports_what_is_done(
    folder: Path, mshell_cut: Run, tmp_path: Path
) -> None:
    before = read_tree(folder)
    with HeldGit(tmp_path / "held", COMMITS) as held:
        process = start(folder, held.env, "--json", "--report", str(tmp_path / "fleet.md"))
        held.wait()
        interrupt(process)
        until(handled(folder).exists, "the interrupt was not handled")
        held.go_on()
        out, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert "run the same command again" in said
    found = json.loads(out)
    assert found["interrupted"]
    assert found["summary"] == {"updated": 1, "not done": 5}
    assert "not done" in (tmp_path / "fleet.md").read_text()
    assert require_whole(folder, before) == 1

    again = mshell_cut("fleet", "update", "--json", "--from", f"{folder}/*")
    assert again.returncode == 0
    statuses = [item["status"] for item in results(again).values()]
    assert (statuses.count("done already"), statuses.count("updated")) == (1, 5)


def test_a_second_ctrl_c_does_not_wait(folder: Path, tmp_path: Path) -> None:
    before = read_tree(folder)
    with HeldGit(tmp_path / "held", COMMITS) as held:
        process = start(folder, held.env, "--json")
        held.wait()
        interrupt(process)
        until(handled(folder).exists, "the interrupt was not handled")
        assert process.poll() is None
        interrupt(process)
        out, _ = process.communicate(timeout=600)
    assert process.returncode == 130
    assert json.loads(out)["summary"] == {"not done": 6}
    assert require_whole(folder, before) == 0


def test_a_kill_leaves_whole_branches(folder: Path, mshell_cut: Run, tmp_path: Path) -> None:
    before = read_tree(folder)
    with HeldGit(tmp_path / "held", f'{COMMITS} && [ "${{PWD##*/}}" = {NAMES[1]} ]') as held:
        process = start(folder, held.env)
        held.wait()
        workers = psutil.Process(process.pid).children()
        process.kill()
        process.communicate()
    assert len(workers) == 1
    # The worker comes to the end of its project, and then finds that nobody wants more.
    until(lambda: has_ended(workers[0].pid), "the worker does not end")
    assert require_whole(folder, before) == 2
    assert mshell_cut("fleet", "update", "--from", f"{folder}/*").returncode == 0
    assert require_whole(folder, before) == 6


def test_a_worker_that_dies_costs_one_project(
    folder: Path, plain: Path, tmp_path: Path, mshell_cut: Run
) -> None:
    # The template kills whoever renders it for one project.
    hook = plain / "hooks/pre_gen_project.py"
    hook.write_text(
        "import os, signal\nif '<< cookiecutter.kind >>' == 'dab':\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
    )
    change_template(plain, {"other.txt": "newest\n"})
    git(plain, "tag", "v1.1.0")
    state = folder / "project-2/.cruft.json"
    state.write_text(state.read_text().replace('"kind": "docker"', '"kind": "dab"'))
    git(folder / "project-2", "commit", "--quiet", "--all", "-m", "dab")
    done = mshell_cut("fleet", "update", "--json", "--jobs", "1", "--from", f"{folder}/*")
    found = results(done)
    assert done.returncode == 2
    assert "The process that worked on it died" in found["project-2"]["message"]
    assert [item["status"] for name, item in found.items() if name != "project-2"] == ["updated"] * 5
