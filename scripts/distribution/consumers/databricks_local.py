"""Serves a workspace with the console script, and asks it who one is with Databricks' own client."""

# ruff: noqa: S101
import json
import shutil
import subprocess
from pathlib import Path

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks_local import __version__
from databricks_local.process import LocalWorkspace

workspace: LocalWorkspace = LocalWorkspace(Path("unused"))
assert workspace.host == ""
assert __version__

program = shutil.which("databricks-local")
assert program
with subprocess.Popen(
    [program, "serve", "--port", "0", "--root", "state", "--json"],
    env={"DATABRICKS_LOCAL_TOKEN": workspace.token},
    stdout=subprocess.PIPE,
    text=True,
) as server:
    try:
        assert server.stdout
        host: str = json.loads(server.stdout.readline())["host"]
        client = WorkspaceClient(config=Config(host=host, token=workspace.token, auth_type="pat"))
        assert client.current_user.me().user_name == "local@databricks.local"
    finally:
        server.terminate()
