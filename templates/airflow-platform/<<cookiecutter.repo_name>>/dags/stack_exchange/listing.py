"""What the host says of the archive: its size and its checksum.

archive.org publishes with every item `<item>_files.xml`: a `<files>` of `<file name="…">`, each
with its `<size>` in bytes, `<md5>` and `<sha1>`.
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

import requests

from stack_exchange import transport
from stack_exchange.errors import ArchiveError, RefusedError

# The list of all sites has about half a megabyte.
LONGEST_LIST = 32 * 1024 * 1024
CHUNK_BYTES = 64 * 1024
# The first of these that is there is used.
CHECKSUMS = {"sha1": "[0-9a-f]{40}", "md5": "[0-9a-f]{32}"}


@dataclass(frozen=True)
class ListedFile:
    """A file as the host describes it.

    Attributes:
        url: where it is downloaded from.
        size: in bytes.
        algorithm: of the checksum, sha1 or md5.
        checksum: in lower-case hexadecimal digits.
    """

    url: str
    size: int
    algorithm: str
    checksum: str


def look_up(
    session: requests.Session, url: str, wait: Callable[[float], None] = time.sleep
) -> ListedFile:
    """Ask the host for what it says of a file.

    Args:
        session: from `transport.open_session`.
        url: of the file: `https://host/download/<item>/<name>`, or any other folder as the item.
        wait: waits for seconds, between attempts.

    Raises:
        ArchiveError: the list is not to be had, or not to be understood.
        RefusedError: the host lists no such file.
    """
    list_url, name = place(url)
    facts = transport.insist(lambda: _read(session, list_url, name), wait=wait)
    if facts is None:
        raise RefusedError(f"{list_url} lists no {name}: check the site's name.")
    size = facts.get("size", "")
    for algorithm, pattern in CHECKSUMS.items():
        checksum = facts.get(algorithm, "").lower()
        if re.fullmatch(pattern, checksum) and re.fullmatch("[1-9][0-9]*", size):
            return ListedFile(url, int(size), algorithm, checksum)
    raise ArchiveError(f"{list_url} says no size or no checksum of {name}: wait for the host.")


def place(url: str) -> tuple[str, str]:
    """Return the address of the list that a file is in, and the name that it has there."""
    parts = urlsplit(url)
    root, marker, inside = parts.path.partition("/download/")
    if marker and "/" in inside:
        item, _, name = inside.partition("/")
        folder = f"{root}{marker}{item}"
    else:
        folder, _, name = parts.path.rpartition("/")
        item = folder.rpartition("/")[2]
    return parts._replace(path=f"{folder}/{item}_files.xml", query="").geturl(), unquote(name)


def _read(session: requests.Session, list_url: str, name: str) -> dict[str, str] | None:
    search = _Search(name)
    with transport.get(session, list_url) as response:
        read = 0
        for chunk in transport.body(response, CHUNK_BYTES):
            read += len(chunk)
            if read > LONGEST_LIST:
                raise ArchiveError(f"{list_url} has more than {LONGEST_LIST} bytes: it is no list.")
            search.feed(chunk, list_url)
    search.feed(b"", list_url, last=True)
    return search.facts


class _Search:
    """Takes the facts of one file out of a list that is read once, piece by piece."""

    def __init__(self, name: str) -> None:
        self.facts: dict[str, str] | None = None
        self._name = name
        self._path: list[str] = []
        self._inside = False
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        # Entities, with which a short text becomes a long one, are declared in one.
        self._parser.StartDoctypeDeclHandler = self._doctype

    def feed(self, chunk: bytes, list_url: str, *, last: bool = False) -> None:
        try:
            self._parser.Parse(chunk, last)
        except expat.ExpatError as error:
            raise ArchiveError(f"{list_url} is not a list of files: {error}.") from error

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._path.append(tag)
        if self._path == ["files", "file"] and attributes.get("name") == self._name:
            self._inside, self.facts = True, {}

    def _end(self, _: str) -> None:
        self._path.pop()
        self._inside = self._inside and len(self._path) >= 2

    def _text(self, text: str) -> None:
        if self._inside and self.facts is not None and len(self._path) == 3:
            tag = self._path[-1]
            self.facts[tag] = self.facts.get(tag, "") + text.strip()

    def _doctype(self, *_: object) -> None:
        raise RefusedError("The host's list of files has a DOCTYPE, which no such list has.")
