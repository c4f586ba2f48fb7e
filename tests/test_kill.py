"""A cut that is killed at any moment leaves the whole project, or nothing."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from held_git import HeldGit
from scaffold import git, read_tree
from waiting import until

PROJECT = "stack-exchange-pipeline"
# Of the calls of git, the one that makes the project's commit.
COMMITS = '[ "$3" = commit ]'
# A Ctrl-C while Python itself starts or ends is Python's to answer: it says when it is our turn.
DRIVER = """
import signal
from mshell_cut import cli

main = cli.cli.main

def told(**words):
    print("ready", flush=True)
    try:
        return main(**words)
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

cli.cli.main = told
cli.main()
"""


def start(out: Path, env: Mapping[str, str] = os.environ) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", DRIVER, "cut", "skyspark", "--output-dir", out, "--no-input"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env)
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def wait_until_settled(out: Path) -> None:
    # The guard acts after the process is gone.
    until(
        lambda: not [path for path in out.iterdir() if path.name.startswith(".")], f"{out} is not cleaned up"
    )


@pytest.mark.parametrize(
    ("stop", "tries"), [(signal.SIGKILL, 24), (signal.SIGTERM, 6), (signal.SIGINT, 6)], ids=["9", "15", "2"]
)
def test_a_signal_never_leaves_a_part_of_a_project(tmp_path: Path, stop: signal.Signals, tries: int) -> None:
    durations = []
    # The first run of all reads what the others find in memory.
    for whole_out in (tmp_path / "cold", tmp_path / "whole"):
        whole_out.mkdir()
        process = start(whole_out)
        begun = time.monotonic()
        process.communicate()
        durations.append(time.monotonic() - begun)
    duration = min(durations)
    whole = read_tree(whole_out / PROJECT)
    assert whole

    chance = random.Random(7)
    outcomes = set()
    for attempt in range(tries):
        out = tmp_path / str(attempt)
        out.mkdir()
        # Spread over all of a run, and past its end; however fast it is, the first comes before its end, the
        # last after it.
        with HeldGit(tmp_path / f"git{attempt}", COMMITS if attempt == 0 else "false") as held:
            process = start(out, held.env)
            if attempt == 0:
                held.wait()
            elif attempt + 1 == tries:
                process.wait()
            else:
                time.sleep(1.1 * duration * (attempt + chance.random()) / tries)
            process.send_signal(stop)
            _, said = process.communicate()
        wait_until_settled(out)
        left = [path.name for path in out.iterdir()]
        assert left in ([], [PROJECT]), f"after try {attempt}: {left}"
        outcomes.add(bool(left))
        assert "Traceback" not in said
        if stop is signal.SIGINT and not left:
            assert process.returncode == 130
        if left:
            assert read_tree(out / PROJECT) == whole
            assert git(out / PROJECT, "status", "--porcelain") == ""
            git(out / PROJECT, "fsck", "--strict")
    assert outcomes == {True, False}, "the moments chosen do not cover both ends"
