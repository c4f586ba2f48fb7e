"""What is wrong with a pipeline's file, one sentence for each problem, with the place where it is."""

from dataclasses import dataclass
from pathlib import Path as FilePath

Path = tuple[str | int, ...]


def key_of(path: Path) -> str:
    """Return a place as people write it, such as ``tables[2].target.mode``.

    Args:
        path: Keys and, for lists, positions from 0.
    """
    shown = ""
    for step in path:
        shown += f"[{step}]" if isinstance(step, int) else f".{step}"
    return shown.removeprefix(".")


def shown(file: FilePath) -> str:
    """Return a file as people name it: from the current folder, where it is in there.

    Args:
        file: Its absolute path.
    """
    current = FilePath.cwd()
    return str(file.relative_to(current)) if file.is_relative_to(current) else str(file)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: The file as the user named it, or one that it refers to.
        line: From 1; 0 where it is about the file as a whole.
        column: In characters, from 1; 0 where there is no line.
        key: The place in the file, such as ``tables[2].target.mode``; empty outside of all keys.
        sentence: What is wrong and what to do.
    """

    file: str
    line: int
    column: int
    key: str
    sentence: str

    def __str__(self) -> str:
        """The problem on one line: ``config.yml:12: tables[2].target.mode: …``."""
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.key}: {self.sentence}" if self.key else f"{place}: {self.sentence}"
