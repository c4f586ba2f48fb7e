"""What went wrong with a table, in one sentence for its owner."""

import re
import sys
import traceback
from pathlib import Path

from skyspark.errors import SkySparkError, TableError
from skyspark.load.failures import translation

_HERE = Path(__file__).resolve().parents[2]
_PACKAGES = ("site-packages", "dist-packages")
_USER_LINE = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)')
# What Java says before Spark's own words: the classes of the errors that lead to one another.
_CLASSES = re.compile(r"^(?:Caused by: |: )?(?:[a-z][\w]*\.)+[A-Z]\w*(?:Exception|Error): ")


def sentence(error: BaseException, table: str) -> str:
    """Return one sentence on an error that the making of a table raised.

    Args:
        error: The error.
        table: The table's full name.
    """
    if isinstance(error, SkySparkError):
        cause = error.__cause__
        place = _place(cause) if cause is not None and not isinstance(error, TableError) else None
        return f"{place}: {error}" if place else str(error)
    if (known := translation(table, "write", error)) is not None:
        return str(known)
    place = _place(error)
    said = _first_line(error)
    if _is_spark(error):
        return f"{place}: {said}" if place else said
    return f"{place}: {type(error).__name__}: {said}" if place else f"{type(error).__name__}: {said}"


def _is_spark(error: BaseException) -> bool:
    return type(error).__module__.partition(".")[0] in ("pyspark", "py4j")


def _place(error: BaseException) -> str | None:
    """Return ``file:line`` of the user's code that raised an error, or called what raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [(frame.filename, frame.lineno or 0) for frame in frames if _is_users(frame.filename)]
    if _is_spark(error):
        # The code of a user-defined function ran in another process: its trace is text.
        own += [(m["file"], int(m["line"])) for m in _USER_LINE.finditer(str(error)) if _is_users(m["file"])]
    return f"{_shown(own[-1][0])}:{own[-1][1]}" if own else None


def _is_users(filename: str) -> bool:
    path = Path(filename)
    return (
        not filename.startswith("<")
        and path.suffix == ".py"
        and not path.resolve().is_relative_to(_HERE)
        and not any(part in _PACKAGES or part.endswith(".zip") for part in path.parts)
        and not filename.startswith((sys.base_prefix + "/lib/", sys.prefix + "/lib/"))
    )


def _shown(filename: str) -> str:
    path, here = Path(filename), Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else filename


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return "no reason was given."
    if _is_spark(error):
        if any(line.startswith("Traceback (most recent call last)") for line in lines):
            # Of a Python worker: its trace ends with the error, and Java's own trace may follow.
            named = [line for line in lines if re.match(r"^\w*(?:Error|Exception)\b", line)]
            lines = named[-1:] or lines
        # py4j: "An error occurred while calling o12.append.", then Java's words, causes after their effects.
        elif lines[0].startswith("An error occurred while calling") and len(lines) > 1:
            lines = [line for line in lines if line.startswith("Caused by: ")][-1:] or lines[1:]
        text = lines[0]
        while match := _CLASSES.match(text):
            text = text[match.end() :]
        return text.partition(";\n")[0]
    return lines[0]
