"""Notebooks as source files: their cells, and what runs them.

Format: https://docs.databricks.com/notebooks/notebook-export-import (``COMMAND``, ``MAGIC``).
"""

import ast
import os
import shlex
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import install, namespace, task
from .dbutils import DBUtils, NotebookExit
from .errors import TaskError
from .paths import local
from .sql import run_statements

_HEADER = "Databricks notebook source"
_ENDINGS = {".py": "#", ".sql": "--"}
_MAGICS = ("%md", "%pip", "%python", "%run", "%sh", "%sql")
_DEFAULT = {"#": "%python", "--": "%sql"}


class WorkflowException(Exception):  # noqa: N818
    """A notebook that another one ran failed, or took too long."""


@dataclass(frozen=True)
class Cell:
    """A cell.

    Attributes:
        magic: What it is for: ``%python``, ``%sql``, ….
        text: What follows the magic word.
        line: The number of lines before the text in the file.
    """

    magic: str
    text: str
    line: int


def cells(source: str) -> list[Cell]:
    """Return the cells of a notebook.

    Args:
        source: The file's text.

    Raises:
        TaskError: It is no notebook, or a cell is for something else than this runs.
    """
    lines = source.splitlines()
    prefix = next((each for each in _DEFAULT if lines and lines[0].strip() == f"{each} {_HEADER}"), None)
    if prefix is None:
        raise TaskError(f"its first line is not '# {_HEADER}': it is no notebook in source form.")
    found: list[Cell] = []
    start = 1
    border = f"{prefix} COMMAND ----------"
    for end in [*(number for number, line in enumerate(lines) if line.rstrip() == border), len(lines)]:
        if any(line.strip() for line in lines[start:end]):
            found.append(_cell(lines[start:end], start, prefix))
        start = end + 1
    return found


def _cell(lines: list[str], start: int, prefix: str) -> Cell:
    magic = f"{prefix} MAGIC"
    marked = [number for number, line in enumerate(lines) if line.startswith(magic)]
    if not marked:
        return Cell(_DEFAULT[prefix], "\n".join(lines), start)
    texts = [lines[number][len(magic) :].removeprefix(" ") for number in marked]
    # A cell of another language begins with its name; one without a name is the notebook's own.
    while texts and not texts[0].strip():
        texts.pop(0)
        marked.pop(0)
    word, _, rest = texts[0].strip().partition(" ") if texts else ("%md", "", "")
    if not word.startswith("%"):
        return Cell(_DEFAULT[prefix], "\n".join(texts), start + marked[0])
    if word.startswith("%md"):
        return Cell("%md", "", start)
    if word not in _MAGICS:
        raise TaskError(f"line {start + marked[0] + 1}: databricks-local does not imitate {word} cells.")
    return Cell(word, "\n".join([rest, *texts[1:]]), start + marked[0])


def notebook_file(path: str, folder: str = "/") -> Path:
    """Return the file of a notebook.

    Args:
        path: Its path in the workspace, without the ending; a relative one starts from ``folder``.
        folder: A folder of the workspace.

    Raises:
        TaskError: There is none.
    """
    whole = os.path.normpath(os.path.join(folder, path))
    inside = whole.removeprefix("/Workspace/").lstrip("/")
    plain = Path(local(f"/Workspace/{inside}"))
    for file in (plain, *(plain.with_name(plain.name + ending) for ending in _ENDINGS)):
        if file.is_file():
            return file
    raise TaskError(
        f'Unable to access the notebook "{whole}". Either it does not exist, or the identity used to run '
        "this job lacks the required permissions.",
        "RESOURCE_NOT_FOUND",
    )


class Notebook:
    """A notebook with its variables."""

    def __init__(self, path: str, arguments: Mapping[str, str]) -> None:
        """Read a notebook.

        Args:
            path: Its path in the workspace.
            arguments: Values of its widgets.

        Raises:
            TaskError: There is none, or it cannot be read.
        """
        self.file = notebook_file(path)
        self._folder = os.path.dirname(path)
        self._dbutils = DBUtils(arguments, self._folder)
        self._cells = self._read(self.file)
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": __builtins__}
        self.names.update(namespace.without_spark(self._dbutils))
        self._has_spark = False

    def run(self) -> str | None:
        """Run all cells, and return what it handed to ``dbutils.notebook.exit``; None without a call."""
        try:
            self._run(self._cells, self.file, self._folder)
        except NotebookExit as end:
            return end.value
        return None

    def _read(self, file: Path) -> list[Cell]:
        try:
            return cells(file.read_text())
        except TaskError as error:
            raise TaskError(f"{file.name}: {error}", error.code) from None

    def _run(self, found: list[Cell], file: Path, folder: str) -> None:
        for cell in found:
            if cell.magic == "%python":
                self._python(cell, file)
            elif cell.magic == "%sql":
                self._sql(cell)
            elif cell.magic == "%run":
                self._include(cell, folder)
            elif cell.magic == "%pip":
                self._pip(cell)
            elif cell.magic == "%sh":
                done = subprocess.run(["bash", "-c", cell.text], check=False)
                if done.returncode:
                    raise RuntimeError(f"%sh command exited with code {done.returncode}")

    def _python(self, cell: Cell, file: Path) -> None:
        tree = ast.parse(cell.text, str(file))
        ast.increment_lineno(tree, cell.line)
        if namespace.needs_spark(cell.text):
            self._start_spark()
        last = tree.body[-1] if tree.body else None
        if isinstance(last, ast.Expr):
            tree.body.pop()
        exec(compile(tree, str(file), "exec"), self.names)  # noqa: S102
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), str(file), "eval"), self.names)  # noqa: S307
            if value is not None:
                print(repr(value))

    def _sql(self, cell: Cell) -> None:
        self._start_spark()
        result = run_statements(self.names["spark"], cell.text, self._dbutils.widgets.getAll())
        self.names["_sqldf"] = result
        if result is not None and result.columns:
            result.show(truncate=False)

    def _include(self, cell: Cell, folder: str) -> None:
        words = shlex.split(cell.text)
        if len(words) != 1:
            raise TaskError(f"%run {cell.text.strip()}: name one notebook; arguments are not imitated.")
        whole = os.path.join(folder, words[0])
        file = notebook_file(whole)
        self._run(self._read(file), file, os.path.dirname(os.path.normpath(whole)))

    def _pip(self, cell: Cell) -> None:
        words = shlex.split(cell.text)
        if words[:1] != ["install"]:
            raise TaskError(f"%pip {cell.text.strip()}: databricks-local does %pip install only.")
        spec = task.current().spec
        wanted = [str(local(word)) for word in words[1:]]
        folder = Path(spec["folder"]) / "pip"
        try:
            done = install.install(spec["uv"], sys.executable, wanted, folder, offline=spec["offline"])
        except install.InstallError as error:
            text = f"Library installation failed: {error}"
            raise TaskError(text, "LIBRARY_INSTALLATION_ERROR") from None
        print(done, end="")
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
            os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])

    def _start_spark(self) -> None:
        if not self._has_spark:
            self._has_spark = True
            self.names.update(namespace.with_spark())


def run_notebook(path: str, folder: str, arguments: Mapping[str, str], timeout_seconds: float) -> str:
    """Run another notebook as ``dbutils.notebook.run`` does, and return what it exits with.

    It has variables of its own, and shares this process and its Spark session.

    Args:
        path: Its path; relative to ``folder`` unless it begins with a slash.
        folder: The caller's folder.
        arguments: Values of its widgets.
        timeout_seconds: How long to wait; 0 is as long as it takes. The process ends what took longer.

    Raises:
        WorkflowException: It failed or took too long.
    """
    outcome: list[Any] = []

    def work() -> None:
        try:
            notebook = Notebook(os.path.normpath(os.path.join(folder, path)), arguments)
            outcome.append(notebook.run() or "")
        except BaseException as error:  # noqa: BLE001
            outcome.append(error)

    worker = threading.Thread(target=work, name=f"notebook {path}", daemon=True)
    worker.start()
    worker.join(timeout_seconds or None)
    if not outcome:
        raise WorkflowException(f"The notebook {path} took longer than {timeout_seconds} seconds.")
    if isinstance(outcome[0], BaseException):
        error = outcome[0]
        text = f"The notebook {path} failed: {type(error).__name__}: {error}"
        raise WorkflowException(text) from error
    return str(outcome[0])
