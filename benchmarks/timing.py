"""Times commands against each other, in turns: a busy machine is busy for both. Medians of wall time."""

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent
BIN = REPOSITORY / ".venv" / "bin"
STOCK = REPOSITORY / ".venvs" / "stock" / "bin"


def seconds(
    commands: Mapping[str, Sequence[str | Path]],
    *,
    runs: int,
    before_each: Callable[[str], object] = lambda _: None,
    cwd: Mapping[str, Path] | None = None,
    env: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, float]:
    """Return the median seconds of each command after one warm-up run of each.

    Args:
        commands: a command line by name.
        runs: how often each is run.
        before_each: called with the name before every run.
        cwd: the folder of each command, by name.
        env: variables on top of this process's own, by name.
    """
    # Users' machines keep compiled modules; a container that forbids it would slow all candidates alike.
    base = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    took: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            before_each(name)
            begun = time.perf_counter()
            subprocess.run(
                [str(word) for word in command],
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                stdin=subprocess.DEVNULL,
                cwd=(cwd or {}).get(name),
                env={**base, **(env or {}).get(name, {})},
            )
            if turn:
                took[name].append(time.perf_counter() - begun)
    return {name: statistics.median(values) for name, values in took.items()}


def report(title: str, ours: str, theirs: str, medians: Mapping[str, float], allowed: float) -> bool:
    """Print one comparison and return whether it holds."""
    ratio = medians[ours] / medians[theirs]
    holds = ratio <= allowed
    print(f"{title}")
    for name in (ours, theirs):
        print(f"    {name:<44} {medians[name] * 1000:8.0f} ms")
    print(f"    ratio {ratio:.2f}, allowed {allowed:.2f}: {'holds' if holds else 'DOES NOT HOLD'}")
    return holds
