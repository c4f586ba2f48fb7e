import io
import logging
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config
from databricks.sdk.errors import AlreadyExists, BadRequest, DatabricksError, NotFound
from databricks.sdk.service.catalog import VolumeType
from databricks_local.process import LocalWorkspace


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


@pytest.fixture
def volume(client: WorkspaceClient) -> str:
    name = f"v{uuid.uuid4().hex}"
    client.volumes.create("main", "default", name, VolumeType.MANAGED)
    return f"/Volumes/main/default/{name}"


def read(client: WorkspaceClient, path: str) -> bytes:
    with client.files.download(path).contents as stream:
        return stream.read()


def get(workspace: LocalWorkspace, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    request = urllib.request.Request(
        f"{workspace.host}/api/2.0/fs/files{path}",
        headers={"Authorization": f"Bearer {workspace.token}", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def reason(error: DatabricksError) -> str:
    return error.get_error_info()[0].reason


def test_a_file_comes_back_and_lies_where_tasks_find_it(
    client: WorkspaceClient, databricks_local: LocalWorkspace, volume: str
) -> None:
    client.files.upload(f"{volume}/in/a b/ä#?.bin", io.BytesIO(b"content"))
    assert read(client, f"{volume}/in/a b/ä#?.bin") == b"content"
    real = databricks_local.root / "volumes" / volume.removeprefix("/Volumes/")
    assert (real / "in/a b/ä#?.bin").read_bytes() == b"content"
    metadata = client.files.get_metadata(f"{volume}/in/a b/ä#?.bin")
    assert metadata.content_length == 7
    assert metadata.last_modified
    assert metadata.last_modified.endswith("GMT")


def test_an_empty_file_is_a_file(client: WorkspaceClient, volume: str) -> None:
    client.files.upload(f"{volume}/empty", io.BytesIO(b""))
    assert read(client, f"{volume}/empty") == b""


def test_an_existing_file_is_replaced_only_when_asked(client: WorkspaceClient, volume: str) -> None:
    client.files.upload(f"{volume}/a", io.BytesIO(b"old"))
    with pytest.raises(AlreadyExists, match="already exists") as caught:
        client.files.upload(f"{volume}/a", io.BytesIO(b"new"), overwrite=False)
    assert reason(caught.value) == "FILES_API_FILE_ALREADY_EXISTS"
    client.files.upload(f"{volume}/a", io.BytesIO(b"new"), overwrite=True)
    assert read(client, f"{volume}/a") == b"new"
    client.files.create_directory(f"{volume}/folder")
    with pytest.raises(DatabricksError, match="existing directory"):
        client.files.upload(f"{volume}/folder", io.BytesIO(b"new"), overwrite=True)


def test_files_to_and_from_disk(client: WorkspaceClient, volume: str, tmp_path: Path) -> None:
    (tmp_path / "up.bin").write_bytes(bytes(range(256)) * 20_000)
    client.files.upload_from(f"{volume}/x.bin", str(tmp_path / "up.bin"))
    client.files.download_to(f"{volume}/x.bin", str(tmp_path / "one.bin"))
    client.files.download_to(f"{volume}/x.bin", str(tmp_path / "many.bin"), use_parallel=True, parallelism=3)
    for name in ("one.bin", "many.bin"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "up.bin").read_bytes()


@pytest.mark.parametrize("parallel", [False, True])
def test_a_large_upload_falls_back_to_one_request(
    databricks_local: LocalWorkspace,
    volume: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    parallel: bool,
) -> None:
    # What the SDK does from 50 MB on, brought down to what a test can send.
    config = Config(host=databricks_local.host, token=databricks_local.token, auth_type="pat")
    config.files_ext_multipart_upload_min_stream_size = 100_000
    config.files_ext_multipart_upload_default_part_size = 50_000
    client = WorkspaceClient(config=config)
    content = bytes(range(256)) * 2000
    with caplog.at_level(logging.INFO):
        client.files.upload(f"{volume}/stream.bin", io.BytesIO(content), use_parallel=parallel)
        (tmp_path / "x.bin").write_bytes(content)
        client.files.upload_from(f"{volume}/file.bin", str(tmp_path / "x.bin"), use_parallel=parallel)
    assert caplog.text.count("Falling back to single-shot upload with Files API") >= 2
    assert read(client, f"{volume}/stream.bin") == read(client, f"{volume}/file.bin") == content
    with pytest.raises(AlreadyExists):
        client.files.upload(f"{volume}/stream.bin", io.BytesIO(content), overwrite=False)


@pytest.mark.parametrize(
    ("asked", "status", "content", "told"),
    [
        ("bytes=2-4", 206, b"234", "bytes 2-4/10"),
        ("bytes=7-", 206, b"789", "bytes 7-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=1-" + "9" * 5000, 200, b"0123456789", None),
    ],
)
def test_a_part_of_a_file_can_be_asked_for(
    client: WorkspaceClient,
    databricks_local: LocalWorkspace,
    volume: str,
    asked: str,
    status: int,
    content: bytes,
    told: str | None,
) -> None:
    client.files.upload(f"{volume}/digits", io.BytesIO(b"0123456789"))
    code, body, headers = get(databricks_local, f"{volume}/digits", Range=asked)
    assert (code, body, headers.get("content-range")) == (status, content, told)


def test_a_part_beyond_the_end_is_416_and_a_changed_file_412(
    client: WorkspaceClient, databricks_local: LocalWorkspace, volume: str
) -> None:
    client.files.upload(f"{volume}/digits", io.BytesIO(b"0123456789"))
    code, _, headers = get(databricks_local, f"{volume}/digits", Range="bytes=10-")
    assert (code, headers["content-range"]) == (416, "bytes */10")
    old = {"If-Unmodified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"}
    assert get(databricks_local, f"{volume}/digits", **old)[0] == 412
    _, _, headers = get(databricks_local, f"{volume}/digits")
    now = {"If-Unmodified-Since": headers["last-modified"], "Range": "bytes=9-"}
    assert get(databricks_local, f"{volume}/digits", **now)[:2] == (206, b"9")


def test_a_file_that_is_replaced_is_read_to_its_end(
    client: WorkspaceClient, databricks_local: LocalWorkspace, volume: str
) -> None:
    contents = [bytes([65 + number]) * 3_000_000 for number in range(4)]
    client.files.upload(f"{volume}/same", io.BytesIO(contents[0]))

    def write(content: bytes) -> None:
        for _ in range(2):
            client.files.upload(f"{volume}/same", io.BytesIO(content), overwrite=True)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert get(databricks_local, f"{volume}/same")[1] in contents
    for thread in threads:
        thread.join()
    assert read(client, f"{volume}/same") in contents


def test_folders_are_made_listed_page_by_page_and_deleted(client: WorkspaceClient, volume: str) -> None:
    client.files.create_directory(f"{volume}/a/b")
    client.files.create_directory(f"{volume}/a/b")
    for number in range(7):
        client.files.upload(f"{volume}/a/{number}.txt", io.BytesIO(b"x" * number))
    entries = list(client.files.list_directory_contents(f"{volume}/a", page_size=3))
    assert [e.name for e in entries] == [*(f"{number}.txt" for number in range(7)), "b"]
    assert (entries[2].path, entries[2].file_size, entries[2].is_directory) == (f"{volume}/a/2.txt", 2, False)
    assert entries[2].last_modified
    assert entries[7].is_directory
    client.files.get_directory_metadata(f"{volume}/a/b")
    with pytest.raises(BadRequest, match="not empty") as caught:
        client.files.delete_directory(f"{volume}/a")
    assert reason(caught.value) == "FILES_API_DIRECTORY_IS_NOT_EMPTY"
    client.files.delete_directory(f"{volume}/a/b")
    with pytest.raises(NotFound):
        client.files.get_directory_metadata(f"{volume}/a/b")


def test_what_is_missing_is_404(client: WorkspaceClient, volume: str) -> None:
    client.files.create_directory(f"{volume}/folder")
    client.files.upload(f"{volume}/file", io.BytesIO(b"1"))
    for path in (f"{volume}/no", f"{volume}/folder", f"{volume}/file/below"):
        with pytest.raises(NotFound, match="The file being accessed is not found"):
            client.files.download(path)
        with pytest.raises(NotFound):
            client.files.get_metadata(path)
        with pytest.raises(NotFound) as caught:
            client.files.delete(path)
        assert reason(caught.value) == "FILES_API_FILE_NOT_FOUND"
    for path in (f"{volume}/no", f"{volume}/file"):
        with pytest.raises(NotFound, match="The directory being accessed is not found"):
            list(client.files.list_directory_contents(path))
        with pytest.raises(NotFound):
            client.files.get_directory_metadata(path)


def test_a_file_is_in_nobodys_way(client: WorkspaceClient, volume: str) -> None:
    client.files.upload(f"{volume}/file", io.BytesIO(b"1"))
    for attempt in (f"{volume}/file", f"{volume}/file/below"):
        with pytest.raises(DatabricksError, match="existing file") as caught:
            client.files.create_directory(attempt)
        assert caught.value.error_code == "ALREADY_EXISTS"
    with pytest.raises(DatabricksError, match="existing file"):
        client.files.upload(f"{volume}/file/below", io.BytesIO(b"1"))


def test_a_volume_must_be_there_first(client: WorkspaceClient) -> None:
    with pytest.raises(NotFound, match=r"Volume 'main\.default\.nope' does not exist\.") as caught:
        client.files.upload("/Volumes/main/default/nope/a", io.BytesIO(b"1"))
    assert caught.value.error_code == "NOT_FOUND"
    with pytest.raises(NotFound):
        client.files.create_directory("/Volumes/main/nope/nope/a")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/tmp/a", "unsupported first path component: tmp"),
        ("/Volumes/main/default", "write /Volumes/<catalog>/<schema>/<volume>"),
    ],
)
def test_other_paths_are_refused(client: WorkspaceClient, path: str, said: str) -> None:
    with pytest.raises(BadRequest, match=said):
        client.files.upload(path, io.BytesIO(b"1"))


def test_the_root_of_a_volume_stays(client: WorkspaceClient, volume: str) -> None:
    assert list(client.files.list_directory_contents(volume)) == []
    with pytest.raises(BadRequest, match="cannot be deleted"):
        client.files.delete_directory(volume)


def test_dbutils_of_the_sdk_work_on_volumes(client: WorkspaceClient, volume: str) -> None:
    client.dbutils.fs.put(f"{volume}/a.txt", "hello")
    assert client.dbutils.fs.head(f"{volume}/a.txt") == "hello"
    client.dbutils.fs.cp(f"{volume}/a.txt", f"{volume}/b.txt")
    assert [f.name for f in client.dbutils.fs.ls(volume)] == ["a.txt", "b.txt"]
    client.dbutils.fs.rm(f"{volume}/b.txt")
    assert [f.name for f in client.dbutils.fs.ls(volume)] == ["a.txt"]


def test_a_broken_upload_leaves_nothing(
    client: WorkspaceClient, databricks_local: LocalWorkspace, volume: str
) -> None:
    class Broken(io.RawIOBase):
        left = 3

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
            if not self.left:
                raise OSError("the disk is gone")
            self.left -= 1
            buffer[:] = b"x" * len(buffer)
            return len(buffer)

    request = urllib.request.Request(
        f"{databricks_local.host}/api/2.0/fs/files{volume}/half?overwrite=true",
        method="PUT",
        data=io.BufferedReader(Broken()),
        headers={"Authorization": f"Bearer {databricks_local.token}", "Content-Length": "10000000"},
    )
    with pytest.raises(OSError, match="the disk is gone"):
        urllib.request.urlopen(request, timeout=60)
    assert list(client.files.list_directory_contents(volume)) == []
    uploads = databricks_local.root / "uploads"
    # The server has yet to see that the connection is closed.
    limit = time.monotonic() + 300
    while list(uploads.iterdir()):
        assert time.monotonic() < limit, "the half of the file stays"
        time.sleep(0.05)
