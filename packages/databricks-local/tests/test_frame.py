import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import NotImplemented as NotImitated
from databricks.sdk.errors import PermissionDenied
from databricks_local.process import LocalWorkspace

PROGRAM = [sys.executable, "-m", "databricks_local"]


def test_a_call_without_a_token_is_refused(databricks_local: LocalWorkspace) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(databricks_local.host + "/api/databricks-local/clock", timeout=60)
    assert caught.value.code == 401
    assert json.load(caught.value)["error_code"] == "UNAUTHENTICATED"


def test_a_wrong_token_is_refused_and_not_repeated(databricks_local: LocalWorkspace) -> None:
    config = Config(host=databricks_local.host, token="dapi-wrong", auth_type="pat", config_file=os.devnull)
    with pytest.raises(PermissionDenied, match="Invalid access token") as caught:
        WorkspaceClient(config=config).warehouses.get("1")
    assert "dapi-wrong" not in str(caught.value)
    assert "dapi-wrong" not in databricks_local.log.read_text()


def test_a_route_that_is_not_imitated_names_itself_and_is_logged(databricks_local: LocalWorkspace) -> None:
    with pytest.raises(NotImitated, match=r"GET /api/2\.0/sql/warehouses"):
        list(databricks_local.client().warehouses.list())
    assert "does not imitate GET /api/2.0/sql/warehouses" in databricks_local.log.read_text()


def test_a_method_that_a_route_lacks_is_not_imitated_either(databricks_local: LocalWorkspace) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        databricks_local.call("DELETE", "/api/databricks-local/clock")
    assert caught.value.code == 501


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"advance_ms": 1, "advance_m": 2}, "unknown field 'advance_m'. Did you mean 'advance_ms'?"),
        ({"advance_ms": "soon"}, "'advance_ms' must be a whole number, not 'soon'"),
        ({"advance_ms": True}, "'advance_ms' must be a whole number, not True"),
        ({}, "Missing required field: advance_ms"),
        ([1], "the body must be a JSON object"),
    ],
)
def test_a_request_is_read_strictly(databricks_local: LocalWorkspace, body: object, said: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        databricks_local.call("POST", "/api/databricks-local/clock", body)
    assert caught.value.code == 400
    assert said in caught.value.read().decode()


def test_the_clock_goes_on_where_it_was_after_a_restart(
    databricks_local_factory: Callable[..., LocalWorkspace],
) -> None:
    workspace = databricks_local_factory()
    workspace.advance(3600)
    before, host = workspace.call("GET", "/api/databricks-local/clock")["now_ms"], workspace.host
    assert workspace.restart().host == host
    assert workspace.call("GET", "/api/databricks-local/clock")["now_ms"] >= before


def test_two_servers_cannot_work_on_one_folder(databricks_local: LocalWorkspace) -> None:
    command = [*PROGRAM, "serve", "--port", "0", "--root", databricks_local.root]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: another databricks-local serves")
    assert len(done.stderr.splitlines()) == 1


def test_a_taken_port_is_a_sentence(databricks_local: LocalWorkspace, tmp_path: Path) -> None:
    port = databricks_local.host.rpartition(":")[2]
    command = [*PROGRAM, "serve", "--root", tmp_path / "root", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: port {port} cannot be used")
    assert not (tmp_path / "root/state.sqlite").exists()


def test_a_token_made_by_the_server_is_kept_for_its_owner_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    serving = subprocess.Popen(
        [*PROGRAM, "serve", "--root", root, "--port", "0", "--json"], stdout=subprocess.PIPE, text=True
    )
    assert serving.stdout
    with serving.stdout:
        host = json.loads(serving.stdout.readline())["host"]
        shown = subprocess.run([*PROGRAM, "env", "--root", root], capture_output=True, text=True, check=True)
        names = dict(line.removeprefix("export ").split("=", 1) for line in shown.stdout.splitlines())
        assert names["DATABRICKS_HOST"] == host
        config = Config(host=host, token=names["DATABRICKS_TOKEN"], auth_type="pat", config_file=os.devnull)
        with pytest.raises(NotImitated):
            WorkspaceClient(config=config).warehouses.get("1")
        serving.terminate()
        serving.wait(300)
    assert (root / "token").stat().st_mode & 0o777 == 0o600
    assert root.stat().st_mode & 0o777 == 0o700
