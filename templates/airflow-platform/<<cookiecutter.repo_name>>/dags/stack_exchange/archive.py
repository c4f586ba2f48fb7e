"""Takes the wanted members out of the archive, in bounded memory, and counts their rows.

The format is 7z. A member of Stack Exchange's archives is an XML file with an element `<row …/>`
for each post or user, whose values are all attributes: in them `<` is written as `&lt;`.
"""

import io
import lzma
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import py7zr
from py7zr.io import Py7zIO, WriterFactory

from stack_exchange.errors import ArchiveError, RefusedError

# Stack Exchange's archives unpack to about ten times their size, votes alone to forty times.
LARGEST_RATIO = 200
# py7zr unpacks what it reads at once. XML unpacks to some 4 MB then.
READ_BYTES = 128 * 1024
ROW = b"<row "


@dataclass(frozen=True)
class Extracted:
    """A member on disk.

    Attributes:
        file: where.
        rows: elements `<row …/>` in it.
    """

    file: Path
    rows: int


def extract(
    archive: Path, members: Sequence[str], folder: Path, most_bytes: int
) -> dict[str, Extracted]:
    """Write members of an archive to a folder; nothing else of it is written anywhere.

    Args:
        archive: a 7z file.
        members: their names, which have no folder in them.
        folder: where to; files of these names in it are replaced.
        most_bytes: that the members may have together.

    Returns:
        Each member by its name. All have the checksum that the archive says.

    Raises:
        ArchiveError: the archive is damaged, or the disk is too small.
        RefusedError: a member is missing or is there twice, is not a file, has no row or is too
            large, or the archive has a name in it that leads out of a folder.
    """
    counted: dict[str, _CountedFile] = {}
    try:
        with _ShortReads(archive) as opened, py7zr.SevenZipFile(opened, "r") as unpacked:
            needed = _check(unpacked, archive, members)
            if needed > most_bytes:
                raise RefusedError(
                    f"{' and '.join(members)} have {needed} bytes where {most_bytes} are allowed:"
                    " raise the disk of the task if they should be taken."
                )
            if needed > (free := shutil.disk_usage(folder).free):
                raise ArchiveError(
                    f"{needed} bytes are to be written where {free} are free: give the task a"
                    " larger disk."
                )
            # Only from here on, as the header of an archive must come whole.
            opened.longest = READ_BYTES
            unpacked.extract(targets=list(members), factory=_Files(folder, counted))
    except (py7zr.exceptions.ArchiveError, lzma.LZMAError, EOFError, OSError) as error:
        raise ArchiveError(f"The archive {archive.name} cannot be unpacked: {error}.") from error
    finally:
        for file in counted.values():
            file.release()
    for name, file in counted.items():
        if not file.rows:
            raise RefusedError(f"{name} has no row: look into the archive.")
    return {name: Extracted(file.path, file.rows) for name, file in counted.items()}


def _check(unpacked: py7zr.SevenZipFile, archive: Path, members: Sequence[str]) -> int:
    """Return how many bytes the members have together, if the archive is one to be unpacked."""
    entries = unpacked.list()
    for entry in entries:
        parts = {*PurePosixPath(entry.filename).parts, *PureWindowsPath(entry.filename).parts}
        if entry.filename.startswith(("/", "\\")) or ".." in parts or ":" in entry.filename:
            raise RefusedError(
                f"The archive has a member {entry.filename!r}, which leads out of its folder:"
                " nothing of it is taken."
            )
    # What comes before a member is unpacked, too, to get to it.
    total, packed = sum(entry.uncompressed for entry in entries), archive.stat().st_size
    if total > LARGEST_RATIO * packed:
        raise RefusedError(
            f"The archive unpacks from {packed} to {total} bytes, more than {LARGEST_RATIO} times"
            " its size: nothing of it is taken."
        )
    needed = 0
    for name in members:
        found = [entry for entry in entries if entry.filename == name]
        if len(found) != 1 or not found[0].is_file:
            what = "is not a file" if len(found) == 1 else f"is there {len(found)} times"
            raise RefusedError(f"{name} {what} in the archive: nothing of it is taken.")
        needed += found[0].uncompressed
    return needed


class _ShortReads(io.FileIO):
    """A file that gives at most `longest` bytes at once.

    py7zr reads a megabyte, and keeps all that it unpacks to in memory, up to 128 MB three times
    over: with less of the former there is less of the latter.
    """

    longest: int | None = None

    def read(self, size: int = -1, /) -> bytes:
        if self.longest is not None and not 0 <= size <= self.longest:
            size = self.longest
        return super().read(size)


class _CountedFile(Py7zIO):
    """A file that is written once, and whose rows are counted on the way."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._file = path.open("wb")
        self._tail = b""

    def write(self, s: bytes | bytearray) -> int:
        # A row may begin in one piece and go on in the next.
        self.rows += (self._tail + s[: len(ROW) - 1]).count(ROW) + s.count(ROW)
        self._tail = bytes(self._tail + s[-len(ROW) + 1 :])[-len(ROW) + 1 :]
        return self._file.write(s)

    def flush(self) -> None:
        self._file.flush()

    def size(self) -> int:
        return self._file.tell()

    # py7zr seeks when it has written all, for those who want to read it.
    def seek(self, *_: int) -> int:
        return 0

    def read(self, *_: int | None) -> bytes:
        raise io.UnsupportedOperation("read")

    def release(self) -> None:
        self._file.close()


class _Files(WriterFactory):
    """Opens a file in a folder for each member that py7zr unpacks."""

    def __init__(self, folder: Path, opened: dict[str, _CountedFile]) -> None:
        self._folder = folder
        self._opened = opened

    def create(self, filename: str) -> Any:
        self._opened[filename] = _CountedFile(self._folder / filename)
        return self._opened[filename]
