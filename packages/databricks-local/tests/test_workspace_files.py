import base64
import io
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import (
    DatabricksError,
    InvalidParameterValue,
    NotFound,
    ResourceAlreadyExists,
    ResourceConflict,
)
from databricks.sdk.errors import NotImplemented as NotImitated
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType
from databricks_local.process import LocalWorkspace

NOTEBOOK = b"# Databricks notebook source\nprint(1)\n\n# COMMAND ----------\n\n# MAGIC %sql\n# MAGIC SELECT 2"


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


@pytest.fixture
def folder(client: WorkspaceClient) -> str:
    path = f"/Users/local@databricks.local/{uuid.uuid4().hex}"
    client.workspace.mkdirs(path)
    return path


def upload(client: WorkspaceClient, path: str, content: bytes, *, overwrite: bool = False) -> None:
    client.workspace.upload(path, io.BytesIO(content), format=ImportFormat.AUTO, overwrite=overwrite)


def send(workspace: LocalWorkspace, method: str, path: str, body: bytes | None = None) -> bytes:
    request = urllib.request.Request(
        workspace.host + path,
        method=method,
        data=body,
        headers={"Authorization": f"Bearer {workspace.token}"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read()


def test_a_file_comes_back_byte_for_byte(client: WorkspaceClient, folder: str) -> None:
    content = bytes(range(256)) * 10
    upload(client, f"{folder}/data.bin", content)
    with client.workspace.download(f"{folder}/data.bin") as stream:
        assert stream.read() == content
    status = client.workspace.get_status(f"{folder}/data.bin")
    assert status.object_type == ObjectType.FILE
    assert status.size == len(content)
    assert status.language is None
    assert status.created_at
    assert status.created_at == status.modified_at
    assert status.resource_id == str(status.object_id)


def test_a_file_lies_where_tasks_find_it(
    client: WorkspaceClient, databricks_local: LocalWorkspace, folder: str
) -> None:
    upload(client, f"{folder}/module.py", b"x = 1\n")
    upload(client, f"{folder}/steps.py", NOTEBOOK)
    real = databricks_local.root / "workspace" / folder.strip("/")
    assert (real / "module.py").read_bytes() == b"x = 1\n"
    assert (real / "steps").read_bytes() == NOTEBOOK


def test_both_spellings_name_one_object(client: WorkspaceClient, folder: str) -> None:
    upload(client, f"/Workspace{folder}/a.txt", b"1")
    short, long = (client.workspace.get_status(f"{start}{folder}/a.txt") for start in ("", "/Workspace"))
    assert short.object_id == long.object_id
    assert (short.path, long.path) == (f"{folder}/a.txt", f"/Workspace{folder}/a.txt")
    listed = [o.path for o in client.workspace.list(f"/Workspace{folder}")]
    assert listed == [f"/Workspace{folder}/a.txt"]


@pytest.mark.parametrize(
    ("ending", "content", "language"),
    [
        (".py", NOTEBOOK, Language.PYTHON),
        (".sql", b"-- Databricks notebook source\nSELECT 1", Language.SQL),
        (".scala", b"// Databricks notebook source\nprintln(1)", Language.SCALA),
        (".r", b"# Databricks notebook source\r\nprint(1)", Language.R),
    ],
)
def test_a_first_line_makes_a_notebook(
    client: WorkspaceClient, folder: str, ending: str, content: bytes, language: Language
) -> None:
    upload(client, f"{folder}/steps{ending}", content)
    status = client.workspace.get_status(f"{folder}/steps")
    assert (status.object_type, status.language) == (ObjectType.NOTEBOOK, language)
    with client.workspace.download(f"{folder}/steps", format=ExportFormat.SOURCE) as stream:
        assert stream.read() == content
    with pytest.raises(NotFound):
        client.workspace.get_status(f"{folder}/steps{ending}")


def test_python_without_that_line_stays_a_file(client: WorkspaceClient, folder: str) -> None:
    upload(client, f"{folder}/plain.py", b"print(1)\n# Databricks notebook source\n")
    assert client.workspace.get_status(f"{folder}/plain.py").object_type == ObjectType.FILE


def test_a_jupyter_notebook_runs_as_source_and_goes_back_as_jupyter(
    client: WorkspaceClient, databricks_local: LocalWorkspace, folder: str
) -> None:
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": ["# Title\n", "text"]},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": "x = 1\nprint(x)"},
        {"cell_type": "code", "metadata": {}, "outputs": [], "source": ["%sql\n", "SELECT 1"]},
    ]
    book = {"cells": cells, "metadata": {"language_info": {"name": "python"}}, "nbformat": 4}
    upload(client, f"{folder}/book.ipynb", json.dumps(book).encode())
    status = client.workspace.get_status(f"{folder}/book")
    assert (status.object_type, status.language) == (ObjectType.NOTEBOOK, Language.PYTHON)
    source = (databricks_local.root / "workspace" / folder.strip("/") / "book").read_text()
    assert source == (
        "# Databricks notebook source\n# MAGIC %md\n# MAGIC # Title\n# MAGIC text"
        "\n\n# COMMAND ----------\n\nx = 1\nprint(x)"
        "\n\n# COMMAND ----------\n\n# MAGIC %sql\n# MAGIC SELECT 1\n"
    )
    exported = client.workspace.export(f"{folder}/book", format=ExportFormat.AUTO)
    assert exported.file_type == "ipynb"
    back = json.loads(base64.b64decode(exported.content or ""))
    assert [(c["cell_type"], "".join(c["source"])) for c in back["cells"]] == [
        ("markdown", "# Title\ntext"),
        ("code", "x = 1\nprint(x)"),
        ("code", "%sql\nSELECT 1"),
    ]
    path = urllib.parse.quote(f"{folder}/book")
    shown = databricks_local.call("GET", f"/api/2.0/workspace/get-status?path={path}&return_export_info=true")
    assert shown["repos_export_format"] == "JUPYTER"


def test_a_broken_jupyter_notebook_is_refused(client: WorkspaceClient, folder: str) -> None:
    with pytest.raises(DatabricksError, match="not a Jupyter notebook"):
        upload(client, f"{folder}/book.ipynb", b'{"cells": 1}')
    assert list(client.workspace.list(folder)) == []


def test_source_needs_a_language_and_gets_its_first_line(client: WorkspaceClient, folder: str) -> None:
    content = base64.b64encode(b"print(1)").decode()
    with pytest.raises(InvalidParameterValue, match=r"language of .* is missing"):
        client.workspace.import_(f"{folder}/n", content=content, format=ImportFormat.SOURCE)
    client.workspace.import_(
        f"{folder}/n.py", content=content, format=ImportFormat.SOURCE, language=Language.PYTHON
    )
    assert client.workspace.get_status(f"{folder}/n.py").object_type == ObjectType.NOTEBOOK
    exported = client.workspace.export(f"{folder}/n.py")
    assert base64.b64decode(exported.content or "") == b"# Databricks notebook source\nprint(1)"
    assert exported.file_type == "py"


def test_archives_are_not_imitated(client: WorkspaceClient, folder: str) -> None:
    with pytest.raises(NotImitated, match="DBC"):
        client.workspace.import_(f"{folder}/x", content="AAAA", format=ImportFormat.DBC)
    with pytest.raises(NotImitated, match="directory"):
        client.workspace.export(folder)


def test_content_that_is_not_base64_is_refused(client: WorkspaceClient, folder: str) -> None:
    with pytest.raises(DatabricksError, match="'content' is not base64"):
        client.workspace.import_(f"{folder}/x.txt", content="no base64!", format=ImportFormat.AUTO)


def test_an_existing_file_is_replaced_only_when_asked(client: WorkspaceClient, folder: str) -> None:
    upload(client, f"{folder}/a.txt", b"old")
    before = client.workspace.get_status(f"{folder}/a.txt").object_id
    with pytest.raises(DatabricksError, match="already exists") as caught:
        upload(client, f"{folder}/a.txt", b"new")
    assert caught.value.error_code == "RESOURCE_ALREADY_EXISTS"
    upload(client, f"{folder}/a.txt", b"new", overwrite=True)
    with client.workspace.download(f"{folder}/a.txt") as stream:
        assert stream.read() == b"new"
    assert client.workspace.get_status(f"{folder}/a.txt").object_id == before


def test_an_existing_notebook_says_how_to_replace_it(client: WorkspaceClient, folder: str) -> None:
    upload(client, f"{folder}/steps.py", NOTEBOOK)
    with pytest.raises(ResourceAlreadyExists, match=r"already exists\. Please pass overwrite"):
        upload(client, f"{folder}/steps.py", NOTEBOOK)
    with pytest.raises(DatabricksError, match=r"type mismatch \(asked: FILE, actual: NOTEBOOK\)"):
        upload(client, f"{folder}/steps", b"plain", overwrite=True)


def test_a_missing_parent_is_404(client: WorkspaceClient, folder: str) -> None:
    with pytest.raises(NotFound, match=rf"The parent folder \({folder}/no\) does not exist\."):
        upload(client, f"{folder}/no/a.txt", b"1")
    with pytest.raises(NotFound, match="doesn't exist"):
        client.workspace.download(f"{folder}/no/a.txt")


def test_too_large_a_file_is_refused(client: WorkspaceClient, folder: str) -> None:
    with pytest.raises(DatabricksError, match=r"\(10485761 bytes\), exceeded max size \(10485760 bytes\)"):
        upload(client, f"{folder}/large.bin", b"\0" * (10 * 1024 * 1024 + 1))
    assert list(client.workspace.list(folder)) == []


def test_larger_files_come_by_import_file_but_do_not_go_by_export(
    client: WorkspaceClient, databricks_local: LocalWorkspace, folder: str
) -> None:
    content = b"0123456789abcdef" * 700_000
    path = "/api/2.0/workspace-files/import-file/" + urllib.parse.quote(f"{folder[1:]}/large.bin", safe="")
    send(databricks_local, "POST", f"{path}?overwrite=false", content)
    assert client.workspace.get_status(f"{folder}/large.bin").size == len(content)
    assert send(databricks_local, "GET", f"/api/2.0/workspace-files{folder}/large.bin") == content
    with pytest.raises(DatabricksError) as caught:
        client.workspace.download(f"{folder}/large.bin")
    assert caught.value.error_code == "MAX_NOTEBOOK_SIZE_EXCEEDED"


def test_import_file_makes_notebooks_and_answers_as_the_cli_expects(
    client: WorkspaceClient, databricks_local: LocalWorkspace, folder: str
) -> None:
    def put(name: str, *, overwrite: str = "false") -> None:
        path = urllib.parse.quote(f"Workspace{folder}/{name}", safe="")
        send(
            databricks_local,
            "POST",
            f"/api/2.0/workspace-files/import-file/{path}?overwrite={overwrite}",
            NOTEBOOK,
        )

    put("steps.py")
    put("steps.py", overwrite="true")
    put("data.txt")
    assert {(o.path, o.object_type) for o in client.workspace.list(folder)} == {
        (f"{folder}/steps", ObjectType.NOTEBOOK),
        (f"{folder}/data.txt", ObjectType.FILE),
    }
    codes = {}
    for name in ("steps.py", "data.txt", "no/data.txt"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            put(name)
        codes[name] = (caught.value.code, "already exists." in caught.value.read().decode())
    assert codes == {"steps.py": (400, True), "data.txt": (409, True), "no/data.txt": (404, False)}


def test_folders_are_made_listed_and_deleted(client: WorkspaceClient, folder: str) -> None:
    client.workspace.mkdirs(f"{folder}/a/b")
    client.workspace.mkdirs(f"{folder}/a/b")
    upload(client, f"{folder}/a/b/x.txt", b"1")
    upload(client, f"{folder}/a/steps.py", NOTEBOOK)
    found = {o.path for o in client.workspace.list(folder, recursive=True)}
    assert found == {f"{folder}/a/b/x.txt", f"{folder}/a/steps"}
    with pytest.raises(DatabricksError, match="not empty") as caught:
        client.workspace.delete(f"{folder}/a")
    assert caught.value.error_code == "DIRECTORY_NOT_EMPTY"
    client.workspace.delete(f"{folder}/a", recursive=True)
    assert list(client.workspace.list(folder)) == []
    client.workspace.delete(folder)
    with pytest.raises(NotFound, match=rf"Path \({folder}\) doesn't exist\."):
        client.workspace.delete(folder)
    with pytest.raises(NotFound):
        list(client.workspace.list(folder))


def test_a_folder_cannot_take_the_name_of_a_file(client: WorkspaceClient, folder: str) -> None:
    upload(client, f"{folder}/a", b"1")
    for path in (f"{folder}/a", f"{folder}/a/b"):
        with pytest.raises(ResourceAlreadyExists):
            client.workspace.mkdirs(path)
    with pytest.raises(NotFound):
        upload(client, f"{folder}/a/b.txt", b"1")


def test_a_file_is_listed_as_itself(client: WorkspaceClient, folder: str) -> None:
    upload(client, f"{folder}/a.txt", b"1")
    assert [o.path for o in client.workspace.list(f"{folder}/a.txt")] == [f"{folder}/a.txt"]


def test_notebooks_can_be_listed_by_when_they_changed(client: WorkspaceClient, folder: str) -> None:
    upload(client, f"{folder}/old.py", NOTEBOOK)
    upload(client, f"{folder}/a.txt", b"1")
    moment = client.workspace.get_status(f"{folder}/old").modified_at
    assert moment
    newer = client.workspace.list(folder, notebooks_modified_after=moment)
    assert {o.path for o in newer} == {f"{folder}/a.txt"}
    older = client.workspace.list(folder, notebooks_modified_after=moment - 1)
    assert {o.path for o in older} == {f"{folder}/a.txt", f"{folder}/old"}


def test_files_that_tasks_write_are_seen(
    client: WorkspaceClient, databricks_local: LocalWorkspace, folder: str
) -> None:
    real = databricks_local.root / "workspace" / folder.strip("/")
    (real / "report.csv").write_text("a,b\n")
    seen = client.workspace.get_status(f"{folder}/report.csv")
    assert (seen.object_type, seen.size) == (ObjectType.FILE, 4)
    (real / "report.csv").unlink()
    assert list(client.workspace.list(folder)) == []


def test_the_root_and_home_folders_stay(client: WorkspaceClient) -> None:
    assert {"/Users", "/Shared", "/Repos"} <= {o.path for o in client.workspace.list("/")}
    assert client.workspace.get_status("/").path == "/"
    for path in ("/", "/Workspace", "/Shared", "/Users", "/Workspace/Users/local@databricks.local"):
        with pytest.raises(DatabricksError, match="cannot be deleted"):
            client.workspace.delete(path, recursive=True)
    client.workspace.mkdirs("/own")
    client.workspace.delete("/own")


def test_fields_that_the_service_lacks_are_refused(databricks_local: LocalWorkspace, folder: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        databricks_local.call("POST", "/api/2.0/workspace/mkdirs", {"path": folder, "parents": True})
    assert "unknown field 'parents'" in caught.value.read().decode()


def test_concurrent_uploads_leave_one_whole_file(
    client: WorkspaceClient, databricks_local: LocalWorkspace, folder: str
) -> None:
    contents = [bytes([65 + number]) * (1_000_000 + 300_000 * number) for number in range(8)]

    def write(content: bytes) -> None:
        for _ in range(3):
            upload(client, f"{folder}/same.bin", content, overwrite=True)

    threads = [threading.Thread(target=write, args=(content,)) for content in contents]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        try:
            with client.workspace.download(f"{folder}/same.bin") as stream:
                seen.add(stream.read())
        except NotFound:
            continue
    for thread in threads:
        thread.join()
    with client.workspace.download(f"{folder}/same.bin") as stream:
        seen.add(stream.read())
    assert seen <= set(contents)
    assert list((databricks_local.root / "uploads").iterdir()) == []


def test_only_one_of_many_wins_without_overwrite(client: WorkspaceClient, folder: str) -> None:
    outcomes: list[bool] = []

    def write() -> None:
        try:
            upload(client, f"{folder}/once.txt", b"x" * 100_000)
            outcomes.append(True)
        except (ResourceAlreadyExists, ResourceConflict, DatabricksError):
            outcomes.append(False)

    threads = [threading.Thread(target=write) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 5 + [True]


def test_all_is_there_after_a_restart(databricks_local_factory: Callable[..., LocalWorkspace]) -> None:
    workspace = databricks_local_factory("--user", "someone@example.com")
    client = workspace.client()
    upload(client, "/Users/someone@example.com/steps.py", NOTEBOOK)
    client.secrets.create_scope("kept")
    before = client.workspace.get_status("/Users/someone@example.com/steps").as_dict()
    workspace.kill()
    (workspace.root / "uploads" / "half").write_bytes(b"half")
    client = workspace.start().client()
    assert client.workspace.get_status("/Users/someone@example.com/steps").as_dict() == before
    assert [scope.name for scope in client.secrets.list_scopes()] == ["kept"]
    assert list((workspace.root / "uploads").iterdir()) == []
