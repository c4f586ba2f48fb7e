"""The Files API: ``/api/2.0/fs/files`` and ``/api/2.0/fs/directories`` for files in volumes."""

import asyncio
import base64
import binascii
import errno
import os
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from email.utils import formatdate, parsedate_to_datetime
from typing import BinaryIO

from databricks.sdk.service.files import FilesAPI
from starlette.responses import Response, StreamingResponse

from databricks_local.api import Call, Endpoint
from databricks_local.errors import ApiError
from databricks_local.fields import fields, fields_of
from databricks_local.files.folder import Entry, Folder, parts_of
from databricks_local.files.spool import TooLargeError

_CHUNK = 1 << 20
# https://docs.databricks.com/api/workspace/files/upload and …/listdirectorycontents
_LARGEST_FILE = 5 << 30
_LARGEST_PAGE = 1000

_UPLOAD = fields({"overwrite": bool})
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


async def upload(call: Call) -> object:
    """Write the body to a file; folders above it are made."""
    overwrite = _UPLOAD.check(dict(call.request.query_params)).get("overwrite", False)
    parts = _within_volume(call)
    folder = call.workspace.catalogs.volumes
    _refuse_to_replace(folder, parts, overwrite=overwrite)
    try:
        async with call.workspace.spool.receive(call.request.stream(), _LARGEST_FILE) as file:
            # The volume may have been deleted, and the file made, while the body came in.
            _within_volume(call)
            _refuse_to_replace(folder, parts, overwrite=overwrite)
            folder.make_folders(parts[:-1])
            folder.put(parts, file)
    except TooLargeError:
        raise _refused(400, "FILE_TOO_LARGE", "The file is larger than 5 GiB.") from None
    except FileExistsError:
        raise _is_a_file() from None
    return Response(status_code=204)


async def start_upload(call: Call) -> object:
    """Answer the start of an upload in parts: its parts are refused, so that clients send it in one."""
    values = fields({"action": str, "overwrite": bool}, required=["action"]).check(
        dict(call.request.query_params)
    )
    if values["action"] != "initiate-upload":
        raise _not_enabled()
    overwrite = values.get("overwrite", False)
    _refuse_to_replace(call.workspace.catalogs.volumes, _within_volume(call), overwrite=overwrite)
    return {"multipart_upload": {"session_token": uuid.uuid4().hex}}


async def refuse_presigned(_: Call) -> object:
    """Refuse URLs of a cloud's storage: no cloud is there; clients fall back to this API."""
    raise _not_enabled()


async def download(call: Call) -> object:
    """Send a file, or the part of it that ``Range`` asks for."""
    folder, parts = call.workspace.catalogs.volumes, _within_volume(call)
    entry = _file(folder, parts)
    try:
        stream = folder.open(parts)
    except FileNotFoundError:
        raise _file_missing() from None
    # What was opened counts: another file may have been put in its place since.
    status = os.fstat(stream.fileno())
    entry = Entry(entry.name, is_dir=False, size=status.st_size, modified_ns=status.st_mtime_ns)
    try:
        first, last, code = _asked(call, entry)
    except ApiError:
        stream.close()
        raise
    headers = _headers(entry) | {"content-length": str(last - first + 1)}
    if code == 206:
        headers["content-range"] = f"bytes {first}-{last}/{entry.size}"
    return StreamingResponse(_chunks(stream, first, last - first + 1), status_code=code, headers=headers)


async def file_metadata(call: Call) -> object:
    """Tell the size of a file in the headers."""
    entry = _file(call.workspace.catalogs.volumes, _within_volume(call))
    return Response(headers=_headers(entry) | {"content-length": str(entry.size)})


async def delete_file(call: Call) -> object:
    """Remove a file."""
    folder, parts = call.workspace.catalogs.volumes, _within_volume(call)
    _file(folder, parts)
    folder.remove(parts, recursive=False)
    return Response(status_code=204)


async def make_directory(call: Call) -> object:
    """Make a folder and those above it."""
    try:
        call.workspace.catalogs.volumes.make_folders(_within_volume(call))
    except FileExistsError:
        raise _is_a_file() from None
    return Response(status_code=204)


async def directory_metadata(call: Call) -> object:
    """Tell whether a folder is there."""
    _directory(call.workspace.catalogs.volumes, _within_volume(call))
    return Response()


async def list_directory(call: Call) -> object:
    """Return a page of what is in a folder."""
    folder, parts = call.workspace.catalogs.volumes, _within_volume(call)
    _directory(folder, parts)
    size, after = call.values.get("page_size", _LARGEST_PAGE), _page_start(call.values.get("page_token"))
    if not 0 <= size <= _LARGEST_PAGE:
        raise _refused(400, "INVALID_PAGE_SIZE", f"page_size must be from 0 to {_LARGEST_PAGE}.")
    size = size or _LARGEST_PAGE
    left = [entry for entry in folder.entries(parts) if entry.name > after]
    path = "/Volumes/" + "/".join(parts)
    page: dict[str, object] = {"contents": [_listed(path, entry) for entry in left[:size]]}
    if len(left) > size:
        page["next_page_token"] = base64.urlsafe_b64encode(left[size - 1].name.encode()).decode()
    return page


async def delete_directory(call: Call) -> object:
    """Remove an empty folder."""
    folder, parts = call.workspace.catalogs.volumes, _within_volume(call)
    _directory(folder, parts)
    if len(parts) == 3:
        raise _refused(400, "PATH_IS_A_VOLUME", "The root directory of a volume cannot be deleted.")
    try:
        folder.remove(parts, recursive=False)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        raise _refused(
            400, "DIRECTORY_IS_NOT_EMPTY", "The directory is not empty. This API only deletes empty ones."
        ) from None
    return Response(status_code=204)


def _within_volume(call: Call) -> tuple[str, ...]:
    parts = parts_of("/" + call.path["path"])
    if parts[:1] != ("Volumes",):
        first = parts[0] if parts else ""
        raise _refused(
            400,
            "UNSUPPORTED_FIRST_PATH_COMPONENT",
            f"Invalid path: unsupported first path component: {first}",
        )
    if len(parts) < 4:
        message = "Invalid path: write /Volumes/<catalog>/<schema>/<volume>/…"
        raise _refused(400, "INVALID_PATH", message)
    volume = call.workspace.catalogs.find("volume", ".".join(parts[1:4]))
    if volume is None or any("." in part for part in parts[1:4]):
        message = f"Volume '{'.'.join(parts[1:4])}' does not exist."
        raise _refused(404, "VOLUME_NOT_FOUND", message)
    return (volume["catalog_name"], volume["schema_name"], volume["name"], *parts[4:])


def _file(folder: Folder, parts: Sequence[str]) -> Entry:
    entry = folder.find(parts)
    if entry is None or entry.is_dir:
        raise _file_missing()
    return entry


def _directory(folder: Folder, parts: Sequence[str]) -> None:
    entry = folder.find(parts)
    if entry is None or not entry.is_dir:
        message = "The directory being accessed is not found."
        raise _refused(404, "DIRECTORY_IS_NOT_FOUND", message)


def _refuse_to_replace(folder: Folder, parts: Sequence[str], *, overwrite: bool) -> None:
    entry = folder.find(parts)
    if entry is not None and entry.is_dir:
        message = (
            "The given path points to an existing directory. This API only supports operations on files."
        )
        raise _refused(409, "PATH_IS_A_DIRECTORY", message)
    if entry is not None and not overwrite:
        raise _refused(409, "FILE_ALREADY_EXISTS", "The file being created already exists.")


def _asked(call: Call, entry: Entry) -> tuple[int, int, int]:
    """Return the first and the last byte to send, and the status that says whether that is all."""
    if _changed_since(call.request.headers.get("if-unmodified-since"), entry):
        raise ApiError(412, "FAILED_PRECONDITION", "The file was changed since.")
    match = _RANGE.fullmatch(call.request.headers.get("range", ""))
    if match is None or match[0] == "bytes=-":
        return 0, entry.size - 1, 200
    if match[1]:
        first, last = int(match[1]), min(int(match[2] or entry.size), entry.size - 1)
    else:
        first, last = max(entry.size - int(match[2]), 0), entry.size - 1
    if first > last:
        raise ApiError(
            416,
            "INVALID_ARGUMENT",
            "The requested range is not in the file.",
            headers={"content-range": f"bytes */{entry.size}"},
        )
    return first, last, 206


def _changed_since(moment: str | None, entry: Entry) -> bool:
    try:
        limit = parsedate_to_datetime(moment or "").timestamp()
    except ValueError:
        # Without a date, or with none that can be read, the header asks for nothing (RFC 9110, 13.1.4).
        return False
    return entry.modified_ns // 1_000_000_000 > limit


async def _chunks(stream: BinaryIO, first: int, length: int) -> AsyncIterator[bytes]:
    with stream:
        stream.seek(first)
        while length:
            chunk = await asyncio.to_thread(stream.read, min(length, _CHUNK))
            if not chunk:
                # A task shortened the file: the length that was promised cannot be kept.
                return
            length -= len(chunk)
            yield chunk


def _headers(entry: Entry) -> dict[str, str]:
    return {
        "content-type": "application/octet-stream",
        "accept-ranges": "bytes",
        "last-modified": formatdate(entry.modified_ns // 1_000_000_000, usegmt=True),
    }


def _listed(path: str, entry: Entry) -> dict[str, object]:
    shown: dict[str, object] = {"path": f"{path}/{entry.name}", "name": entry.name}
    if entry.is_dir:
        return shown | {"is_directory": True}
    return shown | {"is_directory": False, "file_size": entry.size, "last_modified": entry.modified_ms}


def _page_start(token: str | None) -> str:
    try:
        return base64.b64decode((token or "").encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise _refused(400, "INVALID_PAGE_TOKEN", "The page token is not one that was given out.") from None


def _file_missing() -> ApiError:
    return _refused(404, "FILE_NOT_FOUND", "The file being accessed is not found.")


def _is_a_file() -> ApiError:
    message = "The given path points to an existing file. This API does not support operations on files."
    return _refused(409, "PATH_IS_A_FILE", message)


def _not_enabled() -> ApiError:
    return _refused(403, "API_IS_NOT_ENABLED", "Presigned URLs API is not enabled")


_CODES = {400: "BAD_REQUEST", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ALREADY_EXISTS"}


def _refused(status: int, reason: str, message: str) -> ApiError:
    detail = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": f"FILES_API_{reason}",
        "domain": "filesystem.databricks.com",
        "metadata": {},
    }
    return ApiError(status, _CODES[status], message, details=[detail])


_FILE = "/api/2.0/fs/files/{path:path}"
_DIRECTORY = "/api/2.0/fs/directories/{path:path}"

ENDPOINTS = (
    Endpoint("PUT", _FILE, upload, None),
    Endpoint("POST", _FILE, start_upload, None),
    Endpoint("GET", _FILE, download, None),
    Endpoint("HEAD", _FILE, file_metadata, None),
    Endpoint("DELETE", _FILE, delete_file, None),
    Endpoint("PUT", _DIRECTORY, make_directory, None),
    Endpoint("HEAD", _DIRECTORY, directory_metadata, None),
    Endpoint(
        "GET",
        _DIRECTORY,
        list_directory,
        fields_of(FilesAPI.list_directory_contents, without=["directory_path"]),
    ),
    Endpoint("DELETE", _DIRECTORY, delete_directory, None),
    Endpoint("POST", "/api/2.0/fs/create-upload-part-urls", refuse_presigned, None),
    Endpoint("POST", "/api/2.0/fs/create-resumable-upload-url", refuse_presigned, None),
    Endpoint("POST", "/api/2.0/fs/create-abort-upload-url", refuse_presigned, None),
    Endpoint("POST", "/api/2.0/fs/create-download-url", refuse_presigned, None),
)
