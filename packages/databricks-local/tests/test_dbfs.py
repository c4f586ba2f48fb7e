import base64
import subprocess
import uuid
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    BadRequest,
    DatabricksError,
    NotFound,
    PermissionDenied,
    ResourceAlreadyExists,
)
from databricks.sdk.service.files import DbfsAPI
from databricks_local.process import LocalWorkspace


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


@pytest.fixture
def folder(client: WorkspaceClient) -> str:
    path = f"/tmp/{uuid.uuid4().hex}"
    client.dbfs.mkdirs(path)
    return path


def put(client: WorkspaceClient, path: str, content: bytes, *, overwrite: bool = False) -> None:
    client.dbfs.put(path, contents=base64.b64encode(content).decode(), overwrite=overwrite)


def test_a_file_is_put_and_read(
    client: WorkspaceClient, databricks_local: LocalWorkspace, folder: str
) -> None:
    put(client, f"dbfs:{folder}/new/a.txt", b"hello")
    read = client.dbfs.read(f"{folder}/new/a.txt", offset=1, length=3)
    assert (read.bytes_read, base64.b64decode(read.data or "")) == (3, b"ell")
    assert client.dbfs.read(f"{folder}/new/a.txt", offset=5).bytes_read == 0
    assert (databricks_local.root / "dbfs" / folder[1:] / "new/a.txt").read_bytes() == b"hello"


def test_a_large_file_comes_in_blocks(client: WorkspaceClient, folder: str) -> None:
    content = bytes(range(256)) * 10_000
    with client.dbfs.open(f"{folder}/large.bin", write=True) as stream:
        stream.write(content)
        assert list(client.dbfs.list(folder)) == []
    with client.dbfs.open(f"{folder}/large.bin", read=True) as stream:
        assert stream.read() == content


def test_blocks_have_a_limit_and_need_a_stream(client: WorkspaceClient, folder: str) -> None:
    handle = client.dbfs.create(f"{folder}/a.bin").handle
    assert handle
    with pytest.raises(DatabricksError) as caught:
        client.dbfs.add_block(handle, base64.b64encode(b"x" * (1024 * 1024 + 1)).decode())
    assert caught.value.error_code == "MAX_BLOCK_SIZE_EXCEEDED"
    client.dbfs.close(handle)
    for call in (lambda: client.dbfs.close(handle), lambda: client.dbfs.add_block(handle, "AAAA")):
        with pytest.raises(NotFound, match=f"No stream found for handle: {handle}"):
            call()


def test_an_existing_file_is_replaced_only_when_asked(client: WorkspaceClient, folder: str) -> None:
    put(client, f"{folder}/a.txt", b"old")
    with pytest.raises(ResourceAlreadyExists, match="A file or directory already exists at the input path"):
        put(client, f"{folder}/a.txt", b"new")
    with pytest.raises(ResourceAlreadyExists):
        client.dbfs.create(f"{folder}/a.txt")
    put(client, f"{folder}/a.txt", b"new", overwrite=True)
    assert client.dbfs.get_status(f"{folder}/a.txt").file_size == 3
    with pytest.raises(ResourceAlreadyExists):
        put(client, folder, b"new", overwrite=True)


def test_folders_are_listed_by_name(client: WorkspaceClient, folder: str) -> None:
    put(client, f"{folder}/b.txt", b"12")
    client.dbfs.mkdirs(f"{folder}/a")
    shown = [(f.path, f.is_dir, f.file_size) for f in client.dbfs.list(f"dbfs:{folder}")]
    assert shown == [(f"{folder}/a", True, 0), (f"{folder}/b.txt", False, 2)]
    assert [f.path for f in client.dbfs.list(f"{folder}/b.txt")] == [f"{folder}/b.txt"]
    assert list(client.dbfs.list(f"{folder}/a")) == []
    with pytest.raises(NotFound, match=rf"No file or directory exists on path dbfs:{folder}/no\."):
        list(client.dbfs.list(f"{folder}/no"))


def test_a_folder_cannot_take_the_name_of_a_file(client: WorkspaceClient, folder: str) -> None:
    put(client, f"{folder}/a", b"1")
    with pytest.raises(ResourceAlreadyExists, match=rf"because dbfs:{folder}/a is an existing file\."):
        client.dbfs.mkdirs(f"{folder}/a/b")
    with pytest.raises(ResourceAlreadyExists):
        put(client, f"{folder}/a/b.txt", b"1")


def test_files_and_folders_move(client: WorkspaceClient, folder: str) -> None:
    put(client, f"{folder}/a/x.txt", b"1")
    put(client, f"{folder}/b.txt", b"2")
    client.dbfs.move(f"{folder}/a", f"{folder}/new/c")
    assert client.dbfs.get_status(f"{folder}/new/c/x.txt").file_size == 1
    with pytest.raises(NotFound):
        client.dbfs.move(f"{folder}/a", f"{folder}/d")
    with pytest.raises(ResourceAlreadyExists):
        client.dbfs.move(f"{folder}/b.txt", f"{folder}/new/c/x.txt")
    with pytest.raises(BadRequest, match="into itself"):
        client.dbfs.move(f"{folder}/new", f"{folder}/new/c/deep")
    assert client.dbfs.get_status(f"{folder}/new/c/x.txt").file_size == 1


def test_folders_are_deleted(client: WorkspaceClient, folder: str) -> None:
    put(client, f"{folder}/a/x.txt", b"1")
    with pytest.raises(BadRequest, match=r"Directory is not empty\. Use recursive delete"):
        # The SDK's own wrapper refuses this before it asks.
        DbfsAPI(client.api_client).delete(f"{folder}/a")
    client.dbfs.delete(f"{folder}/a", recursive=True)
    DbfsAPI(client.api_client).delete(f"{folder}/a")
    assert not client.dbfs.exists(f"{folder}/a")
    with pytest.raises(PermissionDenied):
        client.dbfs.delete("/", recursive=True)


def test_reading_has_limits(client: WorkspaceClient, folder: str) -> None:
    put(client, f"{folder}/a.txt", b"1")
    with pytest.raises(DatabricksError) as caught:
        client.dbfs.read(f"{folder}/a.txt", length=1024 * 1024 + 1)
    assert caught.value.error_code == "MAX_READ_SIZE_EXCEEDED"
    with pytest.raises(BadRequest, match="Offset must be a non-negative number"):
        client.dbfs.read(f"{folder}/a.txt", offset=-1)
    with pytest.raises(BadRequest, match="it is a directory"):
        client.dbfs.read(folder)


def test_volumes_are_not_reached_through_dbfs(client: WorkspaceClient) -> None:
    with pytest.raises(PermissionDenied, match="No operations allowed on this path"):
        client.api_client.do("GET", "/api/2.0/dbfs/list", query={"path": "/Volumes/main/default"})


def test_a_form_is_taken_too(databricks_local: LocalWorkspace, folder: str, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\0\1\2")
    config = tmp_path / "curl"
    config.write_text(f'header = "Authorization: Bearer {databricks_local.token}"\n')
    command = ["curl", "-sS", "--fail", "-K", config, "-F", f"path={folder}/a.bin", "-F"]
    command += [f"contents=@{tmp_path / 'a.bin'}", f"{databricks_local.host}/api/2.0/dbfs/put"]
    subprocess.run(command, check=True, timeout=60)
    assert (databricks_local.root / "dbfs" / folder[1:] / "a.bin").read_bytes() == b"\0\1\2"
