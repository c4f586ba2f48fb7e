"""dbutils.fs: files of DBFS, volumes, the workspace and the machine."""

import os
import shutil
from typing import Any, NamedTuple

from .paths import local


class FileInfo(NamedTuple):
    """An entry of a folder.

    Attributes:
        path: Its whole path.
        name: Its name; that of a folder ends in a slash.
        size: Bytes; 0 for a folder.
        modificationTime: Epoch milliseconds.
    """

    path: str
    name: str
    size: int
    modificationTime: int  # noqa: N815

    def isDir(self) -> bool:  # noqa: N802
        """Say whether it is a folder."""
        return self.name.endswith("/")

    def isFile(self) -> bool:  # noqa: N802
        """Say whether it is a file."""
        return not self.isDir()


class ExecutionError(Exception):
    """A command of ``dbutils.fs`` failed; the text names the Java exception that a cluster would have."""


class Files:
    """The commands of ``dbutils.fs``. A path without a scheme is one of DBFS."""

    def ls(self, path: str) -> list[FileInfo]:
        """List a folder, or tell of one file."""
        found = _existing(path)
        shown = _shown(path)
        if os.path.isfile(found):
            return [_info(shown, found)]
        names = sorted(os.listdir(found))
        return [_info(f"{shown.rstrip('/')}/{name}", os.path.join(found, name)) for name in names]

    def mkdirs(self, path: str) -> bool:
        """Make a folder and those above it."""
        os.makedirs(_place(path), exist_ok=True)
        return True

    def put(self, path: str, contents: str, overwrite: bool = False) -> bool:
        """Write a text into a file."""
        found = _place(path)
        if os.path.exists(found) and not overwrite:
            raise ExecutionError(
                f"org.apache.hadoop.fs.FileAlreadyExistsException: {_shown(path)} already exists"
            )
        os.makedirs(os.path.dirname(found), exist_ok=True)
        with open(found, "w", encoding="utf-8") as file:
            file.write(contents)
        print(f"Wrote {len(contents.encode())} bytes.")
        return True

    def head(self, path: str, maxBytes: int = 65536) -> str:  # noqa: N803
        """Return the start of a file."""
        with open(_existing(path), "rb") as file:
            return file.read(maxBytes).decode(errors="replace")

    def cp(self, source: str, target: str, recurse: bool = False) -> bool:
        """Copy a file, or with ``recurse`` a folder."""
        found, place = _existing(source), _place(target)
        if os.path.isdir(found):
            if not recurse:
                raise ExecutionError(
                    f"java.io.IOException: {_shown(source)} is a directory: set recurse to copy it"
                )
            shutil.copytree(found, place, dirs_exist_ok=True)
            return True
        if os.path.isdir(place):
            place = os.path.join(place, os.path.basename(found))
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copyfile(found, place)
        return True

    def mv(self, source: str, target: str, recurse: bool = False) -> bool:
        """Move a file, or with ``recurse`` a folder."""
        self.cp(source, target, recurse)
        return self.rm(source, recurse)

    def rm(self, path: str, recurse: bool = False) -> bool:
        """Remove a file, or with ``recurse`` a folder that holds something; say whether there was one."""
        found = _place(path)
        if not os.path.lexists(found):
            return False
        if not os.path.isdir(found) or os.path.islink(found):
            os.remove(found)
        elif recurse:
            shutil.rmtree(found)
        elif os.listdir(found):
            raise ExecutionError(
                f"java.io.IOException: {_shown(path)} is not empty: set recurse to remove it"
            )
        else:
            os.rmdir(found)
        return True


def _shown(path: str) -> str:
    """Return a path with its scheme."""
    if ":/" in path.partition("/")[0] + "/":
        return path
    return f"dbfs:/{path.lstrip('/')}"


def _place(path: str) -> str:
    """Return where a path lies on this machine."""
    scheme, _, rest = _shown(path).partition(":")
    plain = "/" + rest.lstrip("/")
    if scheme == "file":
        return str(local(plain))
    if scheme != "dbfs":
        raise ExecutionError(f"java.io.IOException: databricks-local does not imitate dbutils.fs for {path}")
    below_dbfs = os.path.normpath(plain)
    return str(local(below_dbfs if below_dbfs.startswith("/Volumes/") else f"/dbfs{below_dbfs}"))


def _existing(path: str) -> str:
    found = _place(path)
    if not os.path.exists(found):
        raise ExecutionError(f"java.io.FileNotFoundException: No such file or directory: {_shown(path)}")
    return found


def _info(shown: str, found: str) -> FileInfo:
    status: Any = os.stat(found)
    folder = os.path.isdir(found)
    name = os.path.basename(shown.rstrip("/"))
    modified = int(status.st_mtime * 1000)
    if folder:
        return FileInfo(f"{shown}/", f"{name}/", 0, modified)
    return FileInfo(shown, name, status.st_size, modified)
