"""A notebook of a run as a page of HTML, the way `runs/export` gives it.

The page holds the notebook's cells twice: readable, and as the model that scripts take out of it (base64 of
the percent-encoded JSON in `__DATABRICKS_NOTEBOOK_MODEL`, the format of exported notebooks).
"""

from __future__ import annotations

import base64
import html
import json
from pathlib import PurePosixPath
from urllib.parse import quote

_SEPARATOR = "# COMMAND ----------"
_HEADER = "# Databricks notebook source"
_MAGIC = "# MAGIC"


def notebook_page(path: str, source: str) -> str:
    """Return the page.

    Args:
        path: The notebook's path in the workspace.
        source: Its source, as a `.py` file holds it.
    """
    name = PurePosixPath(path).name
    cells = _cells(source)
    model = {
        "version": "NotebookV1",
        "name": name,
        "language": "python",
        "commands": [
            {"version": "CommandV1", "position": float(number), "command": cell}
            for number, cell in enumerate(cells, 1)
        ],
    }
    encoded = base64.b64encode(quote(json.dumps(model)).encode()).decode()
    shown = "\n".join(f"<pre>{html.escape(cell)}</pre>" for cell in cells)
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{html.escape(name)}</title>\n'
        f"<script>var __DATABRICKS_NOTEBOOK_MODEL = '{encoded}';</script></head>\n"
        f"<body><h1>{html.escape(name)}</h1>\n{shown}\n</body></html>\n"
    )


def _cells(source: str) -> list[str]:
    body = source.removeprefix(_HEADER)
    return [_without_magic(cell.strip("\n")) for cell in body.split(_SEPARATOR)]


def _without_magic(cell: str) -> str:
    lines = cell.splitlines()
    if not any(line.startswith(_MAGIC) for line in lines):
        return cell
    return "\n".join(line.removeprefix(_MAGIC).removeprefix(" ") for line in lines if line.startswith(_MAGIC))
