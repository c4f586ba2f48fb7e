"""No path, however it is spelled, and no link leads out of the folders."""

import base64
import http.client
import json
import os
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest
from databricks.sdk.service.catalog import VolumeType
from databricks_local.process import LocalWorkspace
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

MARK = b"content of the property test"

PIECES = st.one_of(
    st.sampled_from(
        ["..", ".", "", "...", "%2e%2e", "%2E.", "%2F", "..%2f..", "%252e%252e", "\\..", "~", "a\0b", "a\nb"]
    ),
    st.sampled_from(["Workspace", "Volumes", "main", "default", "paths", "Users", "file:", "dbfs:", "-r"]),
    st.text(min_size=1, max_size=8),
    st.sampled_from(["\ud800", "a\udcff"]),
    st.integers(250, 300).map(lambda length: "n" * length),
)
PATHS = st.lists(PIECES, min_size=1, max_size=6).map("/".join)
ROUTES = st.sampled_from(
    ["import", "import-file", "mkdirs", "dbfs", "dbfs-mkdirs", "dbfs-move", "volume", "volume-mkdirs"]
)


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    """A workspace in whose folder nothing else happens: all of it is looked at."""
    workspace = databricks_local_factory()
    client = workspace.client()
    client.volumes.create("main", "default", "paths", VolumeType.MANAGED)
    client.dbfs.put("/there", contents=base64.b64encode(b"there").decode())
    return workspace


def call(workspace: LocalWorkspace, method: str, path: str, body: bytes) -> tuple[int, bytes]:
    # No client library may tidy the path up on its way.
    connection = http.client.HTTPConnection(workspace.host.removeprefix("http://"), timeout=60)
    connection.putrequest(method, path, skip_accept_encoding=True)
    connection.putheader("Authorization", f"Bearer {workspace.token}")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    response = connection.getresponse()
    answer = response.status, response.read()
    connection.close()
    return answer


def attempt(workspace: LocalWorkspace, route: str, path: str) -> tuple[int, bytes]:
    content = base64.b64encode(MARK).decode()
    quoted = urllib.parse.quote(path.encode("utf-8", "surrogatepass"), safe="/%")
    if route == "import-file":
        return call(workspace, "POST", f"/api/2.0/workspace-files/import-file/{quoted}?overwrite=true", MARK)
    if route == "volume":
        target = f"/api/2.0/fs/files/Volumes/main/default/paths/{quoted}?overwrite=true"
        return call(workspace, "PUT", target, MARK)
    if route == "volume-mkdirs":
        return call(workspace, "PUT", f"/api/2.0/fs/directories/Volumes/main/default/paths/{quoted}", b"")
    api, body = {
        "import": (
            "workspace/import",
            {"path": path, "content": content, "format": "RAW", "overwrite": True},
        ),
        "mkdirs": ("workspace/mkdirs", {"path": path}),
        "dbfs": ("dbfs/put", {"path": path, "contents": content, "overwrite": True}),
        "dbfs-mkdirs": ("dbfs/mkdirs", {"path": path}),
        "dbfs-move": ("dbfs/move", {"source_path": "/there", "destination_path": path}),
    }[route]
    return call(workspace, "POST", f"/api/2.0/{api}", json.dumps(body).encode())


def outside(root: Path) -> set[Path]:
    """Return all there is beside the folders that paths lead to."""
    inside = {root / "workspace", root / "dbfs", root / "volumes/main/default/paths"}
    found = set()
    for folder, folders, files in os.walk(root.parent):
        here = Path(folder)
        folders[:] = [name for name in folders if here / name not in inside]
        found |= {here / name for name in [*folders, *files]}
    # SQLite's own files come and go.
    return {path for path in found if not path.name.startswith("state.sqlite")}


@settings(max_examples=250, suppress_health_check=list(HealthCheck))
@given(route=ROUTES, absolute=st.booleans(), path=PATHS)
def test_no_path_leaves_its_folder(workspace: LocalWorkspace, route: str, absolute: bool, path: str) -> None:
    before = outside(workspace.root)
    status, answer = attempt(workspace, route, "/" * absolute + path)
    assert status < 500, (status, answer)
    assert outside(workspace.root) == before
    if route == "dbfs-move" and status == 200:
        # It must be there for the next example.
        body = {"path": "/there", "contents": base64.b64encode(b"there").decode(), "overwrite": True}
        assert call(workspace, "POST", "/api/2.0/dbfs/put", json.dumps(body).encode())[0] == 200


@settings(max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    name=st.text(
        st.characters(exclude_characters="/", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40
    )
)
def test_any_name_that_is_taken_comes_back(workspace: LocalWorkspace, name: str) -> None:
    quoted = urllib.parse.quote(name, safe="")
    status, answer = attempt(workspace, "volume", f"names/of/this/test/{quoted}")
    if name in (".", ".."):
        assert status == 400
        return
    assert status == 204, answer
    folder = "/Volumes/main/default/paths/names/of/this/test"
    path = f"/api/2.0/fs/files{folder}/{quoted}"
    assert call(workspace, "GET", path, b"") == (200, MARK)
    listed = workspace.call("GET", f"/api/2.0/fs/directories{folder}")["contents"]
    assert name in [entry["name"] for entry in listed]
    assert call(workspace, "DELETE", path, b"")[0] == 204


@pytest.fixture
def linked(workspace: LocalWorkspace, tmp_path: Path) -> str:
    """Lay links as a task could, and return the name of the folder that holds them."""
    (tmp_path / "secret.txt").write_text("secret")
    name = tmp_path.name
    for root in ("workspace/Shared", "dbfs", "volumes/main/default/paths"):
        folder = workspace.root / root / name
        folder.mkdir()
        (folder / "folder").symlink_to(tmp_path)
        (folder / "file").symlink_to(tmp_path / "secret.txt")
        os.mkfifo(folder / "pipe")
    return name


READS = {
    "workspace": "/api/2.0/workspace/export?direct_download=true&path=/Shared/{}",
    "workspace-files": "/api/2.0/workspace-files/Shared/{}",
    "status": "/api/2.0/workspace/get-status?path=/Shared/{}",
    "list": "/api/2.0/workspace/list?path=/Shared/{}",
    "dbfs": "/api/2.0/dbfs/read?path=/{}",
    "dbfs-list": "/api/2.0/dbfs/list?path=/{}",
    "volume": "/api/2.0/fs/files/Volumes/main/default/paths/{}",
    "volume-list": "/api/2.0/fs/directories/Volumes/main/default/paths/{}",
}


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize("path", ["folder", "folder/secret.txt", "file", "pipe"])
def test_links_and_pipes_are_not_there(workspace: LocalWorkspace, linked: str, read: str, path: str) -> None:
    status, answer = call(workspace, "GET", read.format(f"{linked}/{path}"), b"")
    assert status == 404
    assert b"secret" not in answer.replace(b"secret.txt", b"")


@pytest.mark.parametrize("listing", ["list", "dbfs-list", "volume-list"])
def test_links_do_not_show(workspace: LocalWorkspace, linked: str, listing: str) -> None:
    status, answer = call(workspace, "GET", READS[listing].format(linked), b"")
    assert status == 200
    assert b"folder" not in answer
    assert b"pipe" not in answer


@pytest.mark.parametrize(
    ("route", "start"),
    [
        ("import", "/Shared/"),
        ("import-file", "/Shared/"),
        ("mkdirs", "/Shared/"),
        ("dbfs", "/"),
        ("volume", "/"),
    ],
)
def test_nothing_is_written_through_links(
    workspace: LocalWorkspace, linked: str, tmp_path: Path, route: str, start: str
) -> None:
    for path in ("folder/new.txt", "folder/new/deep.txt", "folder"):
        attempt(workspace, route, f"{start}{linked}/{path}")
    # A file may take the place of a link, but never of what the link points at.
    status, _ = attempt(workspace, route, f"{start}{linked}/file")
    assert status < 500
    assert [path.name for path in tmp_path.iterdir()] == ["secret.txt"]
    assert (tmp_path / "secret.txt").read_text() == "secret"


def test_deleting_a_folder_leaves_what_its_links_point_at(
    workspace: LocalWorkspace, linked: str, tmp_path: Path
) -> None:
    client = workspace.client()
    client.workspace.delete(f"/Shared/{linked}", recursive=True)
    client.dbfs.delete(f"/{linked}", recursive=True)
    assert (tmp_path / "secret.txt").read_text() == "secret"
    assert not (workspace.root / "dbfs" / linked).exists()


def test_a_relative_path_is_refused(workspace: LocalWorkspace) -> None:
    status, answer = attempt(workspace, "mkdirs", "Users/x")
    assert (status, b"Path must be absolute: Users/x" in answer) == (400, True)
