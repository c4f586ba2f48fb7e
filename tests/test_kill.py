"""A cut that is killed at any moment leaves the whole project, or nothing."""

import random
import signal
import subprocess
import time
from pathlib import Path

from scaffold import BIN, git, read_tree

TRIES = 40


def start(template: Path, out: Path) -> subprocess.Popen[bytes]:
    words = [BIN / "mshell-cut", "cut", "--template", template, "--output-dir", out, "--no-input"]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until_settled(out: Path) -> None:
    # The guard acts after the process is gone; it retries for a second.
    for _ in range(100):
        if not [path for path in out.iterdir() if path.name.startswith(".")]:
            return
        time.sleep(0.05)


def test_kill_9_never_leaves_a_part_of_a_project(template: Path, tmp_path: Path) -> None:
    whole_out = tmp_path / "whole"
    whole_out.mkdir()
    begun = time.monotonic()
    start(template, whole_out).wait()
    duration = time.monotonic() - begun
    whole = read_tree(whole_out / "orders")
    assert whole

    chance = random.Random(7)
    outcomes = set()
    for attempt in range(TRIES):
        out = tmp_path / str(attempt)
        out.mkdir()
        process = start(template, out)
        # Most of the time goes into imports, so look closer at the end, where things are written.
        time.sleep(chance.uniform(0.3, 1.1) * duration)
        process.send_signal(signal.SIGKILL)
        process.wait()
        wait_until_settled(out)
        left = [path.name for path in out.iterdir()]
        assert left in ([], ["orders"]), f"after try {attempt}: {left}"
        outcomes.add(bool(left))
        if left:
            assert read_tree(out / "orders") == whole
            assert git(out / "orders", "status", "--porcelain") == ""
            git(out / "orders", "fsck", "--strict")
    assert outcomes == {True, False}, "the moments chosen do not cover both ends"
