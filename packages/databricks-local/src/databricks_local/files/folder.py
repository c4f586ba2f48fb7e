"""A folder of this machine that no path leaves, whatever its name says and wherever links in it point."""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from databricks_local.errors import invalid

# What file systems and object stores take; a longer name could be listed, but not opened by a task.
_LONGEST_NAME = 255
_LONGEST_PATH = 1024

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def parts_of(path: str) -> tuple[str, ...]:
    """Return the names that a path of the API is made of; doubled slashes count once.

    Args:
        path: An absolute path such as ``/Users/me/notebook``.

    Raises:
        ApiError: 400: it is relative, too long, or holds what cannot be a name.
    """
    if not _can_be_told(path):
        raise invalid("Path contains characters that are not allowed in names.")
    if not path.startswith("/"):
        raise invalid(f"Path must be absolute: {path}")
    parts = tuple(part for part in path.split("/") if part)
    if any(part in (".", "..") for part in parts):
        raise invalid(f"Path must not contain '.' or '..': {path}")
    if len(path.encode()) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise invalid(f"Path is too long: names may have {_LONGEST_NAME} bytes, paths {_LONGEST_PATH}.")
    return parts


@dataclass(frozen=True)
class Entry:
    """A file or a folder.

    Attributes:
        name: Its name within its parent.
        is_dir: Whether it is a folder.
        size: Bytes; 0 for a folder.
        modified_ns: When it was changed, in nanoseconds since the epoch, by the machine's clock.
    """

    name: str
    is_dir: bool
    size: int
    modified_ns: int

    @property
    def modified_ms(self) -> int:
        """When it was changed, in milliseconds since the epoch."""
        return self.modified_ns // 1_000_000


class Folder:
    """A folder whose content is reached by names, one below the other.

    Symbolic links, sockets and pipes that a task may have left are not there for it, as on the service.
    """

    def __init__(self, root: Path) -> None:
        """Make the folder unless it is there.

        Args:
            root: Where it is.
        """
        self.root = root
        root.mkdir(parents=True, exist_ok=True, mode=0o700)

    def find(self, parts: Sequence[str]) -> Entry | None:
        """Return what the names lead to, or None."""
        if not parts:
            return _entry("", self.root.stat())
        try:
            with self._parent(parts) as parent:
                return _entry(parts[-1], os.stat(parts[-1], dir_fd=parent, follow_symlinks=False))
        except FileNotFoundError:
            return None

    def local(self, parts: Sequence[str]) -> Path | None:
        """Return where it really is, or None when it is not there."""
        return self.root.joinpath(*parts) if self.find(parts) else None

    def entries(self, parts: Sequence[str]) -> list[Entry]:
        """Return what is in a folder, by name.

        Raises:
            FileNotFoundError: There is no such folder.
        """
        with self._open(parts) as folder, os.scandir(folder) as found:
            entries = [_entry(item.name, item.stat(follow_symlinks=False)) for item in found]
        return sorted((e for e in entries if e and _can_be_told(e.name)), key=lambda e: e.name)

    def make_folders(self, parts: Sequence[str]) -> None:
        """Make a folder and those above it that are missing.

        Raises:
            FileExistsError: One of the names is taken by something else.
        """
        for depth in range(1, len(parts) + 1):
            # A name that a file or a link has shows itself as a folder that is missing one level below.
            with (
                contextlib.suppress(FileExistsError, FileNotFoundError),
                self._parent(parts[:depth]) as parent,
            ):
                os.mkdir(parts[depth - 1], 0o700, dir_fd=parent)
        found = self.find(parts)
        if found is None or not found.is_dir:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))

    def open(self, parts: Sequence[str]) -> BinaryIO:
        """Open a file for reading.

        Raises:
            FileNotFoundError: There is no such file.
        """
        if not parts:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        with self._parent(parts) as parent:
            try:
                descriptor = os.open(parts[-1], _FILE, dir_fd=parent)
            except OSError as error:
                raise _as_missing(error) from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return os.fdopen(descriptor, "rb")

    def put(self, parts: Sequence[str], file: Path) -> None:
        """Move a whole file to a name, over the file that may be there, at once.

        Args:
            parts: The names; those above the last one must be folders.
            file: The file, on the same file system.

        Raises:
            FileNotFoundError: A folder above it is missing.
            IsADirectoryError: The name is a folder's.
        """
        with self._parent(parts) as parent:
            os.rename(file, parts[-1], dst_dir_fd=parent)

    def move(self, source: Sequence[str], target: Sequence[str]) -> None:
        """Move a file or a folder to another name; nothing may be there.

        Raises:
            FileNotFoundError: It, or the folder above the target, is missing.
        """
        with self._parent(source) as source_parent, self._parent(target) as target_parent:
            os.rename(source[-1], target[-1], src_dir_fd=source_parent, dst_dir_fd=target_parent)

    def remove(self, parts: Sequence[str], *, recursive: bool) -> None:
        """Remove a file or a folder.

        Args:
            parts: The names, at least one.
            recursive: Whether a folder may hold something.

        Raises:
            FileNotFoundError: It is not there.
            OSError: ``ENOTEMPTY``: the folder holds something.
        """
        entry = self.find(parts)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        with self._parent(parts) as parent:
            if not entry.is_dir:
                os.unlink(parts[-1], dir_fd=parent)
            elif recursive:
                shutil.rmtree(parts[-1], dir_fd=parent)
            else:
                os.rmdir(parts[-1], dir_fd=parent)

    def _parent(self, parts: Sequence[str]) -> contextlib.AbstractContextManager[int]:
        return self._open(parts[:-1])

    @contextlib.contextmanager
    def _open(self, parts: Sequence[str]) -> Iterator[int]:
        # Each folder is opened from the one above it and never through a link, so that no task can put
        # a link into the way between a check and the use of a path.
        descriptor = os.open(self.root, _DIRECTORY & ~os.O_NOFOLLOW)
        try:
            for part in parts:
                try:
                    below = os.open(part, _DIRECTORY, dir_fd=descriptor)
                except OSError as error:
                    raise _as_missing(error) from None
                os.close(descriptor)
                descriptor = below
            yield descriptor
        finally:
            os.close(descriptor)


def _can_be_told(name: str) -> bool:
    # Control characters are in no name of the service, and half a surrogate pair cannot be sent at all.
    return not any(c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in name)


def _entry(name: str, status: os.stat_result) -> Entry | None:
    is_dir = stat.S_ISDIR(status.st_mode)
    if not is_dir and not stat.S_ISREG(status.st_mode):
        return None
    return Entry(name, is_dir, 0 if is_dir else status.st_size, status.st_mtime_ns)


def _as_missing(error: OSError) -> OSError:
    if error.errno in (errno.ENOTDIR, errno.ELOOP, errno.ENXIO, errno.EMLINK, errno.EOPNOTSUPP):
        return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    return error
