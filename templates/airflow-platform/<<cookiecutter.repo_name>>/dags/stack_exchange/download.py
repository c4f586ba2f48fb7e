"""Brings the archive to the disk of this machine, and checks that it is what the host has.

What was received stays in a file with the ending `.part` until it is whole. A try that is cut off,
in this process or in an earlier one on the same disk, is gone on with from there.
"""

import hashlib
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import requests

from stack_exchange import transport
from stack_exchange.errors import ArchiveError
from stack_exchange.listing import ListedFile
from stack_exchange.transport import InterruptedTransferError

# What is lost of the chunk that was being received when nothing came any more.
CHUNK_BYTES = 64 * 1024


def download(
    session: requests.Session,
    listed: ListedFile,
    folder: Path,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Download a file, unless the folder has it already.

    Args:
        session: from `transport.open_session`.
        listed: the file as the host describes it.
        folder: to which nobody else writes; downloads of other files in it are deleted.
        wait: waits for seconds, between attempts.

    Returns:
        The whole file, whose size and checksum are those that the host says.

    Raises:
        ArchiveError: it could not be had, or is not what the host describes.
        RefusedError: the host does not give it.
    """
    whole = folder / f"{listed.checksum}.7z"
    part = whole.with_suffix(".part")
    validator = whole.with_suffix(".validator")
    for other in folder.iterdir():
        if other not in (whole, part, validator):
            other.unlink()
    if not whole.exists():
        transport.insist(
            lambda: _receive(session, listed, part, validator), lambda: _size(part), wait
        )
        part.rename(whole)
    _verify(whole, listed)
    return whole


def _receive(
    session: requests.Session, listed: ListedFile, part: Path, validator_file: Path
) -> None:
    """Receive what is still missing.

    Raises:
        InterruptedTransferError: something is missing still.
    """
    received = _size(part) if validator_file.exists() else 0
    if received == listed.size:
        return
    headers = {}
    if 0 < received < listed.size:
        headers["Range"] = f"bytes={received}-"
        # With it the host sends the whole file when it is not the same one any more.
        if validator := validator_file.read_text(encoding="ascii"):
            headers["If-Range"] = validator
    with transport.get(session, listed.url, headers) as response:
        received = _offset(response, listed, received, part)
        _refuse_without_room(part.parent, listed.size - received)
        validator_file.write_text(_validator(response), encoding="ascii")
        with part.open("ab" if received else "wb") as file:
            for chunk in transport.body(response, CHUNK_BYTES):
                received += len(chunk)
                if received > listed.size:
                    part.unlink()
                    raise ArchiveError(
                        f"{listed.url} sends more than the {listed.size} bytes that the host's list"
                        " says: try again when the host has finished replacing it."
                    )
                file.write(chunk)
    if received < listed.size:
        raise InterruptedTransferError(
            f"{listed.url} ended after {received} of {listed.size} bytes"
        )


def _offset(response: requests.Response, listed: ListedFile, asked: int, part: Path) -> int:
    """Return at which byte of the file the body of an answer begins."""
    if response.status_code == 200:
        start, total = 0, response.headers.get("Content-Length", str(listed.size))
    else:
        # RFC 9110, section 14.4
        found = re.fullmatch(
            r"bytes (\d+)-\d+/(\d+)", response.headers.get("Content-Range", "").strip()
        )
        if response.status_code != 206 or not found or int(found[1]) != asked:
            part.unlink(missing_ok=True)
            raise InterruptedTransferError(f"{listed.url} does not go on at byte {asked}")
        start, total = asked, found[2]
    if total != str(listed.size):
        part.unlink(missing_ok=True)
        raise ArchiveError(
            f"{listed.url} has {total} bytes where the host's list says {listed.size}: try again"
            " when the host has finished replacing it."
        )
    return start


def _validator(response: requests.Response) -> str:
    """Return what names this state of the file in `If-Range`, which takes no weak tag."""
    tag = response.headers.get("ETag", "")
    validator = tag if tag.startswith('"') else response.headers.get("Last-Modified", "")
    return validator if validator.isascii() else ""


def _verify(file: Path, listed: ListedFile) -> None:
    with file.open("rb") as opened:
        checksum = hashlib.file_digest(opened, listed.algorithm).hexdigest()
    if checksum != listed.checksum or _size(file) != listed.size:
        file.unlink()
        raise ArchiveError(
            f"The {listed.algorithm} of {listed.url} is {checksum} where the host's list says"
            f" {listed.checksum}: it was damaged or replaced on the way, and is downloaded anew by"
            " the next try."
        )


def _refuse_without_room(folder: Path, missing: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < missing:
        raise ArchiveError(
            f"{missing} bytes are to be written where {free} are free: give the task a larger disk."
        )


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
