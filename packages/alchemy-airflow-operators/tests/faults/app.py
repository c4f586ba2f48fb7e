"""The app that the runs execute: it writes down that it began, waits for its moment, and how it ended."""

import os
import sys
import time
from pathlib import Path

_LONGEST_S = 600


def main() -> None:
    """Run as ``app FOLDER RUN_ID OUTCOMES LASTING``, the last two with a word for each execution."""
    folder, run_id, outcomes, lasting = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
    executions = folder / "executions"
    began = _exchanges(folder)
    number = executions.read_text().count("begin") if executions.exists() else 0
    _append(executions, f"begin {run_id} {time.time():.3f}\n")
    wait = _word(lasting, number)
    latest = time.monotonic() + _LONGEST_S
    while _exchanges(folder) < began + int(wait) and not (folder / "over").exists():
        if time.monotonic() > latest:
            raise TimeoutError("nobody waits for this run any more")
        time.sleep(0.005)
    ok = _word(outcomes, number) == "succeed"
    _append(executions, f"{'success' if ok else 'failure'} {run_id} {time.time():.3f}\n")
    if not ok:
        raise ValueError(f"execution {number + 1} fails as it was told")


def _word(words: str, number: int) -> str:
    given = words.split(",")
    return given[min(number, len(given) - 1)]


def _exchanges(folder: Path) -> int:
    return int.from_bytes((folder / "exchanges").read_bytes(), "little")


def _append(file: Path, line: str) -> None:
    # One write of few bytes: two executions at the same time do not mix their lines.
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
