"""Who has no token gets nothing, whatever the request says of itself."""

import http.client
import io
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from databricks.sdk.service.compute import ClusterSpec, Library
from databricks.sdk.service.jobs import SparkPythonTask, SubmitTask
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace
from listening import listening

NEW_FOLDER = b'{"path": "/Shared/of-a-stranger"}'


def send(
    workspace: LocalWorkspace, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> int:
    # No client library may mend the headers on their way.
    connection = http.client.HTTPConnection(workspace.host.removeprefix("http://"), timeout=60)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_listens_on_this_machine_only(databricks_local: LocalWorkspace) -> None:
    assert listening(databricks_local).keys() == {"127.0.0.1"}


@pytest.mark.parametrize(
    "host",
    [
        "rebound.example",
        "127.0.0.1/.well-known/?",
        "127.0.0.1/.well-known/#",
        "127.0.0.1/oidc/.well-known/",
        "user@127.0.0.1",
        "127.0.0.1:port",
        "[",
        "",
    ],
)
def test_no_host_header_takes_the_place_of_the_token(databricks_local: LocalWorkspace, host: str) -> None:
    status = send(databricks_local, "POST", "/api/2.0/workspace/mkdirs", {"Host": host}, NEW_FOLDER)
    assert status in (400, 401)
    assert not (databricks_local.root / "workspace/Shared/of-a-stranger").exists()


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "application/json"])
def test_a_form_of_another_site_does_nothing_for_who_has_logged_in(
    databricks_local: LocalWorkspace, kind: str
) -> None:
    link = databricks_local.call("POST", "/api/databricks-local/logins", {})["url"]
    connection = http.client.HTTPConnection(databricks_local.host.removeprefix("http://"), timeout=60)
    connection.request("GET", link.removeprefix(databricks_local.host))
    cookie = connection.getresponse().headers["set-cookie"].partition(";")[0]
    connection.close()

    headers = {
        "Host": databricks_local.host.removeprefix("http://"),
        "Origin": "http://elsewhere.example",
        "Content-Type": kind,
        "Cookie": cookie,
    }
    assert send(databricks_local, "GET", "/", headers) == 200
    assert send(databricks_local, "POST", "/api/2.0/workspace/mkdirs", headers, NEW_FOLDER) == 401
    assert not (databricks_local.root / "workspace/Shared/of-a-stranger").exists()


def test_no_other_site_may_read_an_answer(databricks_local: LocalWorkspace) -> None:
    asked = urllib.request.Request(
        databricks_local.host + "/.well-known/databricks-config",
        headers={"Origin": "http://elsewhere.example"},
    )
    with urllib.request.urlopen(asked, timeout=60) as answer:
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    asked = urllib.request.Request(
        databricks_local.host + "/api/2.0/workspace/mkdirs",
        method="OPTIONS",
        headers={"Origin": "http://elsewhere.example", "Access-Control-Request-Method": "POST"},
    )
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=60)
    assert not [name for name in refused.value.headers if name.lower().startswith("access-control-")]


def test_a_wheel_unpacks_into_its_environment_only(databricks_local: LocalWorkspace, tmp_path: Path) -> None:
    content = io.BytesIO()
    names = ["climber.py", "../climbed.py", "a/../../../climbed.py", f"{tmp_path}/climbed.py"]
    info = "climber-1.0.dist-info"
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, "")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: climber\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "".join(f"{name},,\n" for name in names))
    client = databricks_local.client()
    client.dbfs.upload("/climber-1.0-py3-none-any.whl", io.BytesIO(content.getvalue()))
    client.workspace.upload("/Shared/climb.py", io.BytesIO(b"import climber"), format=ImportFormat.AUTO)
    task = SubmitTask(
        "climb",
        spark_python_task=SparkPythonTask("/Workspace/Shared/climb.py"),
        libraries=[Library(whl="dbfs:/climber-1.0-py3-none-any.whl")],
        new_cluster=ClusterSpec(spark_version="17.3.x-scala2.13", num_workers=0),
    )
    client.jobs.submit(tasks=[task]).result()
    assert not [*tmp_path.iterdir(), *databricks_local.root.parent.rglob("climbed.py")]
