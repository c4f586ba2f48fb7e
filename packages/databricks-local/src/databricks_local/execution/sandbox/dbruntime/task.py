"""What this process knows of its task."""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any


class Task:
    """The task of this process.

    Attributes:
        spec: What the server wrote down: kind, paths, parameters, numbers of job and run.
        secrets: Values by scope and key.
        host: The workspace's address.
        token: What its API wants.
    """

    def __init__(self, spec: dict[str, Any], given: dict[str, Any]) -> None:
        self.spec = spec
        self.secrets: dict[str, dict[str, str]] = given["secrets"]
        self.host: str = given["host"]
        self.token: str = given["token"]
        self.values: dict[str, Any] = {}
        self._folder = Path(spec["folder"])
        self._lock = threading.Lock()

    def set_value(self, key: str, value: Any) -> None:
        """Keep a task value; it stays when the task fails later.

        Args:
            key: Its name.
            value: Anything JSON has.

        Raises:
            TypeError: JSON has nothing like it.
        """
        json.dumps(value)
        with self._lock:
            self.values[key] = value
            self._write("values.json", self.values)

    def end(self, **outcome: Any) -> None:
        """Tell the server how the task ended.

        Args:
            outcome: Fields of its ``Outcome``.
        """
        self._write("result.json", outcome)

    def redacted(self, text: str) -> str:
        """Return a text without the values of secrets.

        Args:
            text: What somebody will read.
        """
        for keys in self.secrets.values():
            for value in keys.values():
                if value:
                    text = text.replace(value, "[REDACTED]")
        return text

    def _write(self, name: str, content: object) -> None:
        half = self._folder / f".{name}"
        half.write_text(self.redacted(json.dumps(content)))
        half.replace(self._folder / name)


class RedactedStream:
    """A stream for people that shows no secret."""

    def __init__(self, task: Task, stream: Any) -> None:
        self._task = task
        self._stream = stream

    def write(self, text: str) -> int:
        """Write a text without secrets.

        Args:
            text: The text.
        """
        self._stream.write(self._task.redacted(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write several texts.

        Args:
            lines: The texts.
        """
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


_current: Task | None = None


def begin(file: str) -> Task:
    """Learn what the task is; called once.

    Args:
        file: What the server wrote down. The rest, which no file may hold, comes on the standard input.
    """
    global _current
    given = json.loads(sys.stdin.buffer.read())
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    _current = Task(json.loads(Path(file).read_text()), given)
    if _current.secrets:
        sys.stdout, sys.stderr = RedactedStream(_current, sys.stdout), RedactedStream(_current, sys.stderr)
    return _current


def current() -> Task:
    """Return the task of this process.

    Raises:
        RuntimeError: This is a process that the task started, such as one of Spark's workers.
    """
    if _current is None:
        raise RuntimeError("dbutils is there in the driver's process only")
    return _current
