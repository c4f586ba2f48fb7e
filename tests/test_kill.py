"""A cut that is killed at any moment leaves the whole project, or nothing."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from scaffold import BIN, git, read_tree

PROJECT = "stack-exchange-pipeline"


def start(out: Path) -> subprocess.Popen[str]:
    words = [BIN / "mshell-cut", "cut", "skyspark", "--output-dir", out, "--no-input"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_until_settled(out: Path) -> None:
    # The guard acts after the process is gone; it retries for a second.
    for _ in range(100):
        if not [path for path in out.iterdir() if path.name.startswith(".")]:
            return
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("stop", "tries"), [(signal.SIGKILL, 24), (signal.SIGTERM, 6), (signal.SIGINT, 6)], ids=["9", "15", "2"]
)
def test_a_signal_never_leaves_a_part_of_a_project(tmp_path: Path, stop: signal.Signals, tries: int) -> None:
    durations = []
    # The first run of all reads what the others find in memory.
    for whole_out in (tmp_path / "cold", tmp_path / "whole"):
        whole_out.mkdir()
        begun = time.monotonic()
        start(whole_out).wait()
        durations.append(time.monotonic() - begun)
    duration = min(durations)
    whole = read_tree(whole_out / PROJECT)
    assert whole

    chance = random.Random(7)
    outcomes = set()
    for attempt in range(tries):
        out = tmp_path / str(attempt)
        out.mkdir()
        process = start(out)
        # Spread over all of a run but its first imports, and past its end; the last comes after it.
        if attempt + 1 == tries:
            process.wait()
        else:
            time.sleep((0.4 + 1.1 * (attempt + chance.random()) / tries) * duration)
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
