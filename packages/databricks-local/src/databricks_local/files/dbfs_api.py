"""Routes of DBFS: ``/api/2.0/dbfs``."""

import asyncio
import base64
import errno
from typing import Any

from databricks.sdk.service.files import DbfsAPI

from databricks_local.api import Call, Endpoint, values_of
from databricks_local.errors import ApiError, denied, invalid
from databricks_local.fields import fields_of
from databricks_local.files.dbfs import Dbfs, names
from databricks_local.files.folder import Entry
from databricks_local.files.forms import decoded, is_form, read_form

# https://docs.databricks.com/api/workspace/dbfs: what one call may carry, and what read returns by itself.
_LARGEST_BLOCK = 1 << 20
_READ_LENGTH = 500_000

_PUT = fields_of(DbfsAPI.put, required=["path"])


async def put(call: Call) -> object:
    """Write a file at once, from base64 in JSON or from a form."""
    if is_form(call.request):
        given, content = await read_form(call.request, "contents")
        values = _PUT.check(given)
    else:
        values = await values_of(call.request, _PUT)
        content = _block(values.get("contents", ""), "contents")
    dbfs, path = _dbfs(call, values["path"])
    async with call.workspace.spool.hold(content) as file:
        dbfs.put(path, file, overwrite=values.get("overwrite", False))
    return {}


async def create(call: Call) -> object:
    """Begin a file that comes in blocks."""
    dbfs, path = _dbfs(call, call.values["path"])
    return {"handle": dbfs.open_stream(path, overwrite=call.values.get("overwrite", False))}


async def add_block(call: Call) -> object:
    """Add a block to a file that was begun."""
    block = _block(call.values["data"], "data")
    call.workspace.dbfs.add_block(call.values["handle"], block)
    return {}


async def close(call: Call) -> object:
    """End a file that was begun."""
    call.workspace.dbfs.close_stream(call.values["handle"])
    return {}


async def read(call: Call) -> object:
    """Return a part of a file in base64."""
    offset, length = call.values.get("offset", 0), call.values.get("length", _READ_LENGTH)
    if offset < 0:
        raise invalid(f"Offset must be a non-negative number. Found: {offset}")
    if length < 0:
        raise invalid(f"Length must be a non-negative number. Found: {length}")
    if length > _LARGEST_BLOCK:
        message = f"Attempted to read {length} bytes. Maximum read size is {_LARGEST_BLOCK}"
        raise ApiError(400, "MAX_READ_SIZE_EXCEEDED", message)
    dbfs, path = _dbfs(call, call.values["path"])
    if dbfs.get(path).is_dir:
        raise invalid(f"Cannot read {path}: it is a directory.")

    def part() -> bytes:
        with dbfs.folder.open(names(path)) as stream:
            stream.seek(offset)
            return stream.read(length)

    content = await asyncio.to_thread(part)
    return {"bytes_read": len(content), "data": base64.b64encode(content).decode()}


async def get_status(call: Call) -> object:
    """Tell what is at a path."""
    dbfs, path = _dbfs(call, call.values["path"])
    return _shown(names(path), dbfs.get(path))


async def list_files(call: Call) -> object:
    """List a folder; for a file itself."""
    dbfs, path = _dbfs(call, call.values["path"])
    entry, parts = dbfs.get(path), names(path)
    if not entry.is_dir:
        return {"files": [_shown(parts, entry)]}
    found = [_shown((*parts, e.name), e) for e in dbfs.folder.entries(parts)]
    return {"files": found} if found else {}


async def mkdirs(call: Call) -> object:
    """Make a folder and those above it."""
    dbfs, path = _dbfs(call, call.values["path"])
    dbfs.make_folders(path)
    return {}


async def move(call: Call) -> object:
    """Move a file or a folder."""
    dbfs, source = _dbfs(call, call.values["source_path"])
    _, target = _dbfs(call, call.values["destination_path"])
    dbfs.move(source, target)
    return {}


async def delete(call: Call) -> object:
    """Remove a file or a folder; one that is not there is no error."""
    dbfs, path = _dbfs(call, call.values["path"])
    parts = names(path)
    if not parts:
        raise denied("The root of DBFS cannot be deleted.")
    if dbfs.folder.find(parts) is None:
        return {}
    try:
        dbfs.folder.remove(parts, recursive=call.values.get("recursive", False))
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        message = "Directory is not empty. Use recursive delete or remove contents first."
        raise ApiError(400, "BAD_REQUEST", message) from None
    return {}


def _dbfs(call: Call, path: str) -> tuple[Dbfs, str]:
    # Volumes show under DBFS' root to Spark, but this API never served them.
    if names(path)[:1] == ("Volumes",):
        raise denied("No operations allowed on this path")
    return call.workspace.dbfs, path


def _block(text: str, field: str) -> bytes:
    block = decoded(text, field)
    if len(block) > _LARGEST_BLOCK:
        message = f"The block of {len(block)} bytes exceeds the maximum of {_LARGEST_BLOCK} bytes."
        raise ApiError(400, "MAX_BLOCK_SIZE_EXCEEDED", message)
    return block


def _shown(parts: tuple[str, ...], entry: Entry) -> dict[str, Any]:
    return {
        "path": "/" + "/".join(parts),
        "is_dir": entry.is_dir,
        "file_size": entry.size,
        "modification_time": entry.modified_ms,
    }


ENDPOINTS = (
    Endpoint("POST", "/api/2.0/dbfs/put", put, None),
    Endpoint("POST", "/api/2.0/dbfs/create", create, fields_of(DbfsAPI.create, required=["path"])),
    Endpoint(
        "POST",
        "/api/2.0/dbfs/add-block",
        add_block,
        fields_of(DbfsAPI.add_block, required=["handle", "data"]),
    ),
    Endpoint("POST", "/api/2.0/dbfs/close", close, fields_of(DbfsAPI.close, required=["handle"])),
    Endpoint("GET", "/api/2.0/dbfs/read", read, fields_of(DbfsAPI.read, required=["path"])),
    Endpoint("GET", "/api/2.0/dbfs/get-status", get_status, fields_of(DbfsAPI.get_status, required=["path"])),
    Endpoint("GET", "/api/2.0/dbfs/list", list_files, fields_of(DbfsAPI.list, required=["path"])),
    Endpoint("POST", "/api/2.0/dbfs/mkdirs", mkdirs, fields_of(DbfsAPI.mkdirs, required=["path"])),
    Endpoint(
        "POST",
        "/api/2.0/dbfs/move",
        move,
        fields_of(DbfsAPI.move, required=["source_path", "destination_path"]),
    ),
    Endpoint("POST", "/api/2.0/dbfs/delete", delete, fields_of(DbfsAPI.delete, required=["path"])),
)
