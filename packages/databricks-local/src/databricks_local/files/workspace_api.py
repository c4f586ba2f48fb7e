"""Routes of the workspace tree: ``/api/2.0/workspace`` and ``/api/2.0/workspace-files``."""

import asyncio
import base64
from pathlib import PurePosixPath
from typing import Any

from databricks.sdk.service.workspace import WorkspaceAPI
from starlette.responses import Response

from databricks_local.api import Call, Endpoint, values_of
from databricks_local.errors import invalid, not_imitated
from databricks_local.fields import fields, fields_of
from databricks_local.files import notebooks
from databricks_local.files.forms import decoded, is_form, read_form
from databricks_local.files.notebooks import Notebook
from databricks_local.files.spool import TooLargeError, too_large
from databricks_local.files.tree import WorkspaceObject

# https://docs.databricks.com/api/workspace/workspace/import: what import and export take;
# https://docs.databricks.com/files/workspace: the largest workspace file.
_LARGEST_IMPORT = 10 << 20
_LARGEST_FILE = 500 << 20

_IMPORT = fields_of(WorkspaceAPI.import_, required=["path"])
_IMPORT_FILE = fields({"overwrite": bool})


async def get_status(call: Call) -> object:
    """Tell what is at a path."""
    path = call.values["path"]
    found = call.workspace.tree.get(path)
    shown = _shown(found, _spelled(path, found))
    if call.values.get("return_export_info") and found.kind == "NOTEBOOK":
        shown["repos_export_format"] = "JUPYTER" if found.jupyter else "SOURCE"
    return shown


async def mkdirs(call: Call) -> object:
    """Make a folder and those above it."""
    call.workspace.tree.make_directories(call.values["path"])
    return {}


async def list_objects(call: Call) -> object:
    """List a folder; ``notebooks_modified_after`` leaves older notebooks out."""
    path, after = call.values["path"], call.values.get("notebooks_modified_after", 0)
    found = call.workspace.tree.children(path)
    objects = [o for o in found if o.kind != "NOTEBOOK" or o.modified_ms > after]
    return {"objects": [_shown(o, _spelled(path, o)) for o in objects]} if objects else {}


async def delete(call: Call) -> object:
    """Remove a file, a notebook or a folder."""
    recursive = call.values.get("recursive", False)
    call.workspace.tree.delete(call.values["path"], recursive=recursive)
    return {}


async def import_object(call: Call) -> object:
    """Take a file or a notebook, as JSON with base64 or as a form with a file."""
    if is_form(call.request):
        given, content = await read_form(call.request, "content")
        values = _IMPORT.check(given)
    else:
        values = await values_of(call.request, _IMPORT)
        content = decoded(values.get("content", ""), "content")
    if len(content) > _LARGEST_IMPORT:
        raise too_large(len(content), _LARGEST_IMPORT)
    path = values["path"]
    notebook = _notebook(values.get("format", "SOURCE"), values.get("language"), path, content)
    if notebook and values.get("format") == "AUTO":
        path = path.removesuffix(PurePosixPath(path).suffix)
    await _put(call, path, notebook, content, overwrite=values.get("overwrite", False))
    return {}


async def import_file(call: Call) -> object:
    """Take a file as the body; one that is a notebook becomes one, without its ending."""
    values = _IMPORT_FILE.check(dict(call.request.query_params))
    path = "/" + call.path["path"]
    overwrite = values.get("overwrite", False)
    try:
        async with call.workspace.spool.receive(call.request.stream(), _LARGEST_FILE) as file:
            # Only what may be a notebook is read, and no notebook is larger than what import takes.
            small = file.stat().st_size <= _LARGEST_IMPORT
            content = await asyncio.to_thread(file.read_bytes) if small else b""
            notebook = notebooks.detect(path, content) if small else None
            if notebook is None:
                call.workspace.tree.put(path, file, None, overwrite=overwrite)
                return {}
    except TooLargeError as error:
        raise too_large(error.args[0], _LARGEST_FILE) from None
    path = path.removesuffix(PurePosixPath(path).suffix)
    await _put(call, path, notebook, content, overwrite=overwrite)
    return {}


async def read_file(call: Call) -> object:
    """Send the content of a file or notebook as it is."""
    path = "/" + call.path["path"]
    found = call.workspace.tree.get(path)
    if found.kind == "DIRECTORY":
        raise invalid(f"Path ({path}) is a directory.")
    return Response(await _content(call, path, found, "AUTO"), media_type="application/octet-stream")


async def export(call: Call) -> object:
    """Send a file or notebook, as JSON with base64 or, with ``direct_download``, as it is."""
    path, wanted = call.values["path"], call.values.get("format", "SOURCE")
    found = call.workspace.tree.get(path)
    if found.kind == "DIRECTORY":
        raise not_imitated(f"GET /api/2.0/workspace/export of a directory ({path})")
    if found.size > _LARGEST_IMPORT:
        raise too_large(found.size, _LARGEST_IMPORT)
    content = await _content(call, path, found, wanted)
    if call.values.get("direct_download"):
        return Response(content, media_type="application/octet-stream")
    ending = PurePosixPath(path).suffix
    if found.language:
        jupyter = wanted == "JUPYTER" or (wanted == "AUTO" and found.jupyter)
        ending = notebooks.ending(found.language, jupyter=jupyter)
    return {"content": base64.b64encode(content).decode(), "file_type": ending.removeprefix(".")}


async def _put(call: Call, path: str, notebook: Notebook | None, content: bytes, *, overwrite: bool) -> None:
    async with call.workspace.spool.hold(notebook.source if notebook else content) as file:
        call.workspace.tree.put(path, file, notebook, overwrite=overwrite)


async def _content(call: Call, path: str, found: WorkspaceObject, wanted: str) -> bytes:
    if wanted in ("DBC", "HTML", "R_MARKDOWN"):
        raise not_imitated(f"GET /api/2.0/workspace/export?format={wanted}")
    content = await asyncio.to_thread(call.workspace.tree.read, path)
    if found.language is None:
        if wanted == "JUPYTER":
            raise invalid(f"Path ({path}) is a file: only notebooks are exported as JUPYTER.")
        return content
    if wanted == "JUPYTER" or (wanted == "AUTO" and found.jupyter):
        return notebooks.to_jupyter(found.language, content)
    return content


def _notebook(format_: str, language: str | None, path: str, content: bytes) -> Notebook | None:
    if format_ == "AUTO":
        return notebooks.detect(path, content)
    if format_ == "RAW":
        return None
    if format_ == "JUPYTER":
        return notebooks.from_jupyter(content)
    if format_ != "SOURCE":
        raise not_imitated(f"POST /api/2.0/workspace/import with format {format_}")
    if language is None:
        raise invalid(f"The language of {path} is missing: it is required for the SOURCE format.")
    return notebooks.from_source(language, content)


def _spelled(path: str, found: WorkspaceObject) -> str:
    # The caller's spelling with or without /Workspace is kept, as on the service.
    return f"/Workspace{found.path}" if path.lstrip("/").split("/", 1)[0] == "Workspace" else found.path


def _shown(found: WorkspaceObject, path: str) -> dict[str, Any]:
    shown = {
        "object_type": found.kind,
        "path": path.rstrip("/") or "/",
        "object_id": found.object_id,
        "resource_id": str(found.object_id),
    }
    if found.kind != "DIRECTORY":
        shown |= {"created_at": found.created_ms, "modified_at": found.modified_ms}
    if found.kind == "FILE":
        shown["size"] = found.size
    if found.language:
        shown["language"] = found.language
    return shown


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/2.0/workspace/get-status",
        get_status,
        fields_of(
            WorkspaceAPI.get_status,
            extra={"return_export_info": bool, "return_git_info": bool},
            required=["path"],
        ),
    ),
    Endpoint("POST", "/api/2.0/workspace/mkdirs", mkdirs, fields_of(WorkspaceAPI.mkdirs, required=["path"])),
    Endpoint("GET", "/api/2.0/workspace/list", list_objects, fields_of(WorkspaceAPI.list, required=["path"])),
    Endpoint("POST", "/api/2.0/workspace/delete", delete, fields_of(WorkspaceAPI.delete, required=["path"])),
    Endpoint("POST", "/api/2.0/workspace/import", import_object, None),
    Endpoint(
        "GET",
        "/api/2.0/workspace/export",
        export,
        fields_of(WorkspaceAPI.export, extra={"direct_download": bool}, required=["path"]),
    ),
    Endpoint("POST", "/api/2.0/workspace-files/import-file/{path:path}", import_file, None),
    Endpoint("GET", "/api/2.0/workspace-files/{path:path}", read_file, None),
)
