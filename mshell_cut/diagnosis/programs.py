"""Runs other programs that may be absent, broken or endless."""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """What came of running a program.

    Attributes:
        worked: whether it ended by itself, with the exit code 0.
        text: what it printed, to either output; why there is nothing where it never ended by itself.
        finished: whether it ended by itself.
    """

    worked: bool
    text: str
    finished: bool = True


@dataclass(frozen=True)
class Programs:
    """The programs that run just now. None of them outlives this context, nor can one ask at the terminal."""

    _running: set[subprocess.Popen[bytes]] = field(default_factory=set, repr=False)
    _over: threading.Event = field(default_factory=threading.Event, repr=False)
    # What is being started while the others are ended would be in nobody's hand.
    _starting: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __enter__(self) -> "Programs":
        return self

    def __exit__(self, *_: object) -> None:
        with self._starting:
            self._over.set()
        for process in list(self._running):
            _kill(process)

    def run(
        self,
        *command: str,
        limit: float,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        given: str = "",
    ) -> Answer:
        """Run a program to its end, or until its time is up.

        Args:
            command: the program and its arguments.
            limit: the longest it may take, in seconds; then it is killed with all that it started.
            cwd: the folder to run it in.
            env: variables on top of this process's own.
            given: its standard input.
        """
        # Files and no pipes: a pipe stays open for as long as anything the program started holds it.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as typed:
            typed.write(given.encode())
            typed.seek(0)
            with self._starting:
                if self._over.is_set():
                    return Answer(False, "was stopped", False)
                try:
                    process = subprocess.Popen(
                        command,
                        cwd=cwd,
                        env={**os.environ, **(env or {})},
                        stdin=typed,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                except OSError as error:
                    return Answer(False, f"does not run ({error.strerror or error})", False)
                self._running.add(process)
            try:
                code = process.wait(limit)
            except subprocess.TimeoutExpired:
                return Answer(False, f"gave no answer within {limit:g} seconds", False)
            finally:
                _kill(process)
                self._running.discard(process)
            output.seek(0)
            return Answer(code == 0, output.read().decode(errors="replace").strip())


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
