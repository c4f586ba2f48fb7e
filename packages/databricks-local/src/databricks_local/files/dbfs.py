"""DBFS: a folder, and the streams through which files come into it block by block."""

from dataclasses import dataclass
from pathlib import Path

from databricks_local.errors import ApiError, exists, invalid, missing
from databricks_local.files.folder import Entry, Folder, parts_of
from databricks_local.files.spool import Spool
from databricks_local.store import Store

_SCHEME = "dbfs:"


@dataclass(frozen=True)
class _Stream:
    path: str
    file: Path
    overwrite: bool


class Dbfs:
    """The files of DBFS.

    Attributes:
        folder: Where they are.
    """

    def __init__(self, root: Path, store: Store, spool: Spool) -> None:
        """Open the folder.

        Args:
            root: Where it is.
            store: Numbers the streams.
            spool: Where files grow until they are whole.
        """
        self.folder = Folder(root)
        self._store = store
        self._spool = spool
        self._streams: dict[int, _Stream] = {}

    def local(self, path: str) -> Path:
        """Return where a file or folder really is, for tasks.

        Args:
            path: With or without ``dbfs:``.

        Raises:
            ApiError: 404: nothing is there; 400: it cannot be a path.
        """
        found = self.folder.local(names(path))
        if found is None:
            raise _missing(path)
        return found

    def get(self, path: str) -> Entry:
        """Return a file or folder.

        Raises:
            ApiError: 404: nothing is there.
        """
        found = self.folder.find(names(path))
        if found is None:
            raise _missing(path)
        return found

    def put(self, path: str, file: Path, *, overwrite: bool) -> None:
        """Move a whole file to a path; folders above it are made.

        Raises:
            ApiError: 400: something is there that may not be overwritten.
        """
        parts = names(path)
        self.refuse_to_replace(path, overwrite=overwrite)
        self._make_folders(path, parts[:-1])
        self.folder.put(parts, file)

    def refuse_to_replace(self, path: str, *, overwrite: bool) -> None:
        """Check that a file may be put at a path.

        Raises:
            ApiError: 400: something is there that may not be overwritten.
        """
        there = self.folder.find(names(path))
        if there is not None and (there.is_dir or not overwrite):
            raise exists(f"A file or directory already exists at the input path {_shown(path)}.")

    def make_folders(self, path: str) -> None:
        """Make a folder and those above it.

        Raises:
            ApiError: 400: a file has one of the names.
        """
        self._make_folders(path, names(path))

    def move(self, source: str, target: str) -> None:
        """Move a file or a folder with all that is in it.

        Raises:
            ApiError: 404: it is not there; 400: something is at the target, or the target is within it.
        """
        self.get(source)
        source_parts, target_parts = names(source), names(target)
        if self.folder.find(target_parts) is not None:
            raise exists(f"A file or directory already exists at the input path {_shown(target)}.")
        if target_parts[: len(source_parts)] == source_parts:
            raise invalid(f"Cannot move {_shown(source)} into itself: {_shown(target)}.")
        self._make_folders(target, target_parts[:-1])
        self.folder.move(source_parts, target_parts)

    def open_stream(self, path: str, *, overwrite: bool) -> int:
        """Begin a file that comes in blocks.

        Returns:
            The number of the stream; a restart of the server closes it.

        Raises:
            ApiError: 400: something is there that may not be overwritten.
        """
        self.refuse_to_replace(path, overwrite=overwrite)
        file = self._spool.new()
        file.touch(0o600)
        handle = self._store.next_id("dbfs_stream")
        self._streams[handle] = _Stream(path, file, overwrite)
        return handle

    def add_block(self, handle: int, block: bytes) -> None:
        """Add a block to the end of a stream.

        Raises:
            ApiError: 404: there is no such stream.
        """
        with self._stream(handle).file.open("ab") as stream:
            stream.write(block)

    def close_stream(self, handle: int) -> None:
        """End a stream: its file is there from now on.

        Raises:
            ApiError: 404: there is no such stream; 400: something came to its path that may not be
                overwritten.
        """
        stream = self._stream(handle)
        del self._streams[handle]
        try:
            self.put(stream.path, stream.file, overwrite=stream.overwrite)
        finally:
            stream.file.unlink(missing_ok=True)

    def _stream(self, handle: int) -> _Stream:
        if handle not in self._streams:
            raise missing(f"No stream found for handle: {handle}")
        return self._streams[handle]

    def _make_folders(self, path: str, parts: tuple[str, ...]) -> None:
        try:
            self.folder.make_folders(parts)
        except FileExistsError:
            shown = _shown(path)
            raise exists(
                f"Cannot create directory {shown} because {_file_on(self.folder, parts)} is an existing file."
            ) from None


def names(path: str) -> tuple[str, ...]:
    """Return the names that a path is made of.

    Args:
        path: With or without ``dbfs:``.

    Raises:
        ApiError: 400: it cannot be a path.
    """
    return parts_of(path.removeprefix(_SCHEME))


def _file_on(folder: Folder, parts: tuple[str, ...]) -> str:
    for depth in range(1, len(parts) + 1):
        entry = folder.find(parts[:depth])
        if entry is None or not entry.is_dir:
            return _SCHEME + "/" + "/".join(parts[:depth])
    return _SCHEME + "/" + "/".join(parts)


def _shown(path: str) -> str:
    return _SCHEME + path.removeprefix(_SCHEME)


def _missing(path: str) -> ApiError:
    return missing(f"No file or directory exists on path {_shown(path)}.")
