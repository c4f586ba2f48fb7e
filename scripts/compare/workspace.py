"""A Databricks workspace of this machine, for tools that want one before they do anything."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compare.tools import Tool

_NEED_ONE = ("databricks", "brickflow")


@contextmanager
def workspace(tool: Tool) -> Iterator[None]:
    """Have a tool find a workspace of databricks-local for a while, if it needs one."""
    if tool.name not in _NEED_ONE:
        yield
        return
    from databricks_local.process import LocalWorkspace

    with tempfile.TemporaryDirectory(prefix="compare-", ignore_cleanup_errors=True) as folder:
        served = LocalWorkspace(Path(folder) / "workspace").start()
        tool.variables = {
            "DATABRICKS_HOST": served.host,
            "DATABRICKS_TOKEN": served.token,
            "DATABRICKS_CONFIG_FILE": os.devnull,
        }
        try:
            yield
        finally:
            tool.variables = {}
            served.stop()
