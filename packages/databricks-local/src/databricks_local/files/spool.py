"""Uploads that are not whole yet: files that no route shows, moved into place at once when they are."""

import asyncio
import shutil
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import BinaryIO

from databricks_local.errors import ApiError

_CHUNK = 1 << 20


class TooLargeError(Exception):
    """An upload went over its limit."""


class Spool:
    """A folder on the file system of all others, emptied when the server starts."""

    def __init__(self, folder: Path) -> None:
        """Remove what a killed server left.

        Args:
            folder: Where uploads grow.
        """
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, mode=0o700)
        self._folder = folder
        self._numbers = count(1)

    @asynccontextmanager
    async def receive(self, chunks: AsyncIterable[bytes], limit: int) -> AsyncIterator[Path]:
        """Write an upload to a file, which is gone afterwards unless it was moved.

        Args:
            chunks: The content.
            limit: Bytes it may have.

        Raises:
            TooLargeError: It has more.
        """
        file = self.new()
        try:
            with file.open("wb", buffering=0) as stream:
                await _write(chunks, stream, limit)
            yield file
        finally:
            file.unlink(missing_ok=True)

    @asynccontextmanager
    async def hold(self, content: bytes) -> AsyncIterator[Path]:
        """Write content to a file, which is gone afterwards unless it was moved."""
        file = self.new()
        try:
            await asyncio.to_thread(file.write_bytes, content)
            yield file
        finally:
            file.unlink(missing_ok=True)

    def new(self) -> Path:
        """Return a path that nothing has."""
        return self._folder / str(next(self._numbers))


async def _write(chunks: AsyncIterable[bytes], stream: BinaryIO, limit: int) -> None:
    buffer, size = bytearray(), 0
    async for chunk in chunks:
        buffer += chunk
        size += len(chunk)
        if size > limit:
            raise TooLargeError(size)
        if len(buffer) >= _CHUNK:
            await asyncio.to_thread(stream.write, bytes(buffer))
            buffer.clear()
    if buffer:
        await asyncio.to_thread(stream.write, bytes(buffer))


def too_large(size: int, limit: int) -> ApiError:
    """Return the answer to a file that is over the workspace's limit: 400.

    Args:
        size: Its bytes.
        limit: The bytes it may have.
    """
    message = f"File size imported is ({size} bytes), exceeded max size ({limit} bytes)"
    return ApiError(400, "MAX_NOTEBOOK_SIZE_EXCEEDED", message)
