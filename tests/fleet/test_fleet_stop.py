"""A fleet that is stopped or killed leaves whole branches only, and goes on where it was."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from fleet.projects import Fleet, Run, results
from scaffold import BIN, change_template, git, read_tree

NAMES = [f"project-{number}" for number in range(6)]
TIP = "mshell-cut/update-v1.0.0"


@pytest.fixture
def folder(plain: Path, fleet: Fleet) -> Path:
    made = fleet(*NAMES)
    change_template(plain, {"other.txt": "newer\n"})
    git(plain, "tag", "v1.0.0")
    return made


def start(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BIN / "mshell-cut", "fleet", "update", "--jobs", "1", "--from", f"{folder}/*", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, **(env or {})},
    )


def slow_git(folder: Path, seconds: int) -> dict[str, str]:
    """A git that says so and waits where the commit of an update is made."""
    program = folder / "bin/git"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\n[ "$1" = commit-tree ] && [ "$3" != merge ] && touch {folder}/slow && sleep {seconds}\n'
        f"PATH='{os.environ['PATH']}' exec git \"$@\"\n"
    )
    program.chmod(0o755)
    return {"PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}"}


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} did not come")


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
    process = start(folder, "--json", "--report", str(tmp_path / "fleet.md"), env=slow_git(tmp_path, 1))
    wait_for(tmp_path / "slow")
    # As a terminal does: to all that were started there.
    os.killpg(process.pid, signal.SIGINT)
    out, said = process.communicate(timeout=60)
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
    env = slow_git(tmp_path, 60)
    before = read_tree(folder)
    process = start(folder, "--json", env=env)
    wait_for(tmp_path / "slow")
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.3)
    assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert json.loads(out)["summary"] == {"not done": 6}
    assert require_whole(folder, before) == 0


def test_a_kill_leaves_whole_branches(folder: Path, mshell_cut: Run) -> None:
    before = read_tree(folder)
    process = start(folder)
    assert process.stderr
    process.stderr.readline()
    process.kill()
    process.communicate()
    # The worker comes to the end of its project, and then finds that nobody wants more.
    counts = []
    for _ in range(100):
        counts.append(sum(bool(git(folder / name, "branch", "--list", TIP)) for name in NAMES))
        if len(counts) > 15 and counts[-1] == counts[-15]:
            break
        time.sleep(0.1)
    assert 0 < require_whole(folder, before) < 6
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
