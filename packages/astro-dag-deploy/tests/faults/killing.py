"""A process that carries requests out, and is killed when a test wants it."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Victim:
    """A function in processes of its own, as a context manager; one request at a time."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("victims.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._pid = 0
        self._begun = threading.Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def handle(
        self, event: Mapping[str, Any], environment: Mapping[str, str], *, seconds: float = 600.0
    ) -> Mapping[str, Any] | None:
        """Carry a request out, and return the answer, None if the process was killed."""
        self._begun.clear()
        print(
            json.dumps({"environment": environment, "event": event, "seconds": seconds}),
            file=self._process.stdin,
            flush=True,
        )
        self._pid = self._read()["pid"]
        self._begun.set()
        ended = self._read()
        assert ended["signal"] in (0, signal.SIGKILL), ended
        assert (ended["answer"] is None) == bool(ended["signal"]), ended
        answer: Mapping[str, Any] | None = ended["answer"]
        return answer

    def kill(self) -> None:
        """Kill the process that is at work."""
        assert self._begun.wait(600)
        os.kill(self._pid, signal.SIGKILL)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        assert line, "the program has ended"
        found: dict[str, Any] = json.loads(line)
        return found
