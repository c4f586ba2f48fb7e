"""Notebooks as text: the source format with its comments, and Jupyter's JSON.

The source format is documented at https://docs.databricks.com/notebooks/notebook-export-import: a first line
that names it, cells parted by ``COMMAND ----------``, and ``MAGIC`` before each line of another language.
"""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from databricks_local.errors import invalid

_COMMENTS = {"PYTHON": "#", "SQL": "--", "SCALA": "//", "R": "#"}
_ENDINGS = {"PYTHON": ".py", "SQL": ".sql", "SCALA": ".scala", "R": ".r"}
_LANGUAGES = {ending: language for language, ending in _ENDINGS.items()}
_HEADER = "Databricks notebook source"
_SEPARATOR = "COMMAND ----------"
_MAGIC = "MAGIC"


@dataclass(frozen=True)
class Notebook:
    """A notebook as it is kept.

    Attributes:
        language: ``PYTHON``, ``SQL``, ``SCALA`` or ``R``.
        source: Its source format.
        jupyter: Whether it came, and goes back to its author, as Jupyter's JSON.
    """

    language: str
    source: bytes
    jupyter: bool = False


def detect(name: str, content: bytes) -> Notebook | None:
    """Return the notebook that an upload is, or None for a plain file.

    Args:
        name: The name with its ending.
        content: What was sent.

    Raises:
        ApiError: 400: it ends in ``.ipynb`` but is no Jupyter notebook.
    """
    ending = PurePosixPath(name).suffix.lower()
    if ending == ".ipynb":
        return from_jupyter(content)
    language = _LANGUAGES.get(ending)
    if language is None:
        return None
    first = content.split(b"\n", 1)[0].rstrip()
    return Notebook(language, content) if first == _header(language) else None


def from_source(language: str, content: bytes) -> Notebook:
    """Return the notebook with this source, its first line added when it is missing.

    Args:
        language: ``PYTHON``, ``SQL``, ``SCALA`` or ``R``.
        content: Its source.
    """
    if content.split(b"\n", 1)[0].rstrip() != _header(language):
        content = _header(language) + b"\n" + content
    return Notebook(language, content)


def from_jupyter(content: bytes) -> Notebook:
    """Return the notebook that Jupyter's JSON holds.

    Args:
        content: The JSON.

    Raises:
        ApiError: 400: it is no notebook, or in a language that Databricks lacks.
    """
    try:
        book = json.loads(content)
        cells = [(str(cell["cell_type"]), _text(cell["source"])) for cell in book["cells"]]
        language = _jupyter_language(book.get("metadata", {}))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise invalid("The content is not a Jupyter notebook: no cells could be read.") from None
    comment = _COMMENTS[language]
    sources = [_source_cell(kind, text, comment) for kind, text in cells]
    text = f"\n\n{comment} {_SEPARATOR}\n\n".join(sources)
    return Notebook(language, f"{comment} {_HEADER}\n{text}\n".encode(), jupyter=True)


def to_jupyter(language: str, source: bytes) -> bytes:
    """Return a notebook as Jupyter's JSON, without outputs.

    Args:
        language: ``PYTHON``, ``SQL``, ``SCALA`` or ``R``.
        source: Its source format.
    """
    comment = _COMMENTS[language]
    _, _, body = source.decode(errors="replace").partition("\n")
    cells = [_jupyter_cell(cell.strip("\n"), comment) for cell in body.split(f"\n{comment} {_SEPARATOR}\n")]
    name = language.lower()
    metadata = {
        "application/vnd.databricks.v1+notebook": {"language": name},
        "language_info": {"name": name},
    }
    book = {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 0}
    return json.dumps(book, indent=1).encode()


def ending(language: str, *, jupyter: bool) -> str:
    """Return what the name of a notebook's file ends with when it is exported."""
    return ".ipynb" if jupyter else _ENDINGS[language]


def _header(language: str) -> bytes:
    return f"{_COMMENTS[language]} {_HEADER}".encode()


def _text(source: str | list[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _jupyter_language(metadata: dict[str, Any]) -> str:
    own = metadata.get("application/vnd.databricks.v1+notebook", {}).get("language")
    named = own or metadata.get("language_info", {}).get("name") or "python"
    language = str(named).upper()
    if language not in _COMMENTS:
        raise invalid(f"Notebooks in {named} are not supported: use Python, SQL, Scala or R.")
    return language


def _source_cell(kind: str, text: str, comment: str) -> str:
    lines = text.strip("\n").split("\n")
    if kind != "code":
        lines = ["%md" if kind == "markdown" else "%raw", *lines]
    if lines[0].startswith(("%", "!")):
        lines = [f"{comment} {_MAGIC} {line}".rstrip() for line in lines]
    return "\n".join(lines)


def _jupyter_cell(text: str, comment: str) -> dict[str, Any]:
    mark = f"{comment} {_MAGIC}"
    lines = text.split("\n")
    if all(line.startswith(mark) for line in lines):
        lines = [line.removeprefix(mark).removeprefix(" ") for line in lines]
    if lines[0].split()[:1] == ["%md"]:
        first = lines[0].removeprefix("%md").strip()
        lines = [first, *lines[1:]] if first else lines[1:]
        return {"cell_type": "markdown", "metadata": {}, "source": _kept_lines(lines)}
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": _kept_lines(lines),
    }


def _kept_lines(lines: list[str]) -> list[str]:
    return "\n".join(lines).splitlines(keepends=True)
