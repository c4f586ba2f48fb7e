"""A notebook of a run as a page of HTML, the way `runs/export` gives it.

The page holds the notebook's cells twice: readable, and as the model that scripts take out of it (base64 of
the percent-encoded JSON in `__DATABRICKS_NOTEBOOK_MODEL`, the format of exported notebooks).
"""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

from databricks_local.files.notebooks import to_jupyter


def notebook_page(name: str, language: str, source: bytes) -> str:
    """Return the page.

    Args:
        name: The notebook's name.
        language: Its language, such as `PYTHON`.
        source: Its source format.
    """
    cells = [
        ("%md\n" if cell["cell_type"] == "markdown" else "") + "".join(cell["source"])
        for cell in json.loads(to_jupyter(language, source))["cells"]
    ]
    model = {
        "version": "NotebookV1",
        "name": name,
        "language": language.lower(),
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
