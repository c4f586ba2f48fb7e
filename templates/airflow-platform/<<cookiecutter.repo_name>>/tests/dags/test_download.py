"""The download: a whole and right file, or an error, whatever the host does."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from archive_host import (
    PATH,
    ArchiveHost,
    Handler,
    announce,
    begin_elsewhere,
    cut_after,
    end_after,
    fail,
    give,
    ignore_range,
    replace_by,
    send_without_end,
    stall_after,
)
from stack_exchange import listing, transport
from stack_exchange.download import CHUNK_BYTES, download
from stack_exchange.errors import ArchiveError, RefusedError
from stack_exchange.listing import ListedFile

CONTENT = bytes(range(256)) * 4096
OTHER = CONTENT[::-1]


@pytest.fixture
def host() -> Iterator[ArchiveHost]:
    with ArchiveHost(CONTENT).serve() as host:
        yield host


@pytest.fixture
def session(host: ArchiveHost) -> Iterator[requests.Session]:
    with transport.open_session(host.url) as session:
        yield session


@pytest.fixture
def listed(host: ArchiveHost) -> ListedFile:
    checksum = hashlib.sha1(CONTENT).hexdigest()
    return ListedFile(host.url, len(CONTENT), "sha1", checksum)


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def fetch(
    session: requests.Session, listed: ListedFile, tmp_path: Path, waited: list[float]
) -> Callable[[], bytes]:
    """Return what downloads the file, and returns it."""
    return lambda: download(session, listed, tmp_path, waited.append).read_bytes()


def left(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir() if path.suffix != ".validator")


def test_a_file_comes_whole(fetch: Callable[[], bytes], host: ArchiveHost) -> None:
    assert fetch() == CONTENT
    assert host.ranges() == [None]


def test_a_file_that_is_there_is_not_downloaded_again(
    fetch: Callable[[], bytes], host: ArchiveHost
) -> None:
    fetch()
    assert fetch() == CONTENT
    assert host.ranges() == [None]


def test_a_download_goes_on_where_it_was_cut_off(
    fetch: Callable[[], bytes], host: ArchiveHost, waited: list[float]
) -> None:
    host.faults = [cut_after(300_000), cut_after(200_000)]
    assert fetch() == CONTENT
    assert host.ranges() == [None, "bytes=300000-", "bytes=500000-"]
    assert host.asked[-1][1]["If-Range"] == host.tag
    assert waited == [1, 1]


def test_an_answer_that_ends_too_early_is_not_the_end(
    fetch: Callable[[], bytes], host: ArchiveHost
) -> None:
    host.faults = [end_after(300_000)]
    assert fetch() == CONTENT
    assert host.ranges() == [None, "bytes=300000-"]


def test_a_later_task_on_the_same_disk_goes_on_too(
    fetch: Callable[[], bytes], host: ArchiveHost
) -> None:
    # What was received counts as the first of the attempts.
    host.faults = [cut_after(300_000), *[fail(503)] * (transport.ATTEMPTS - 1)]
    with pytest.raises(ArchiveError, match="gave up after 6 attempts"):
        fetch()
    host.asked.clear()
    assert fetch() == CONTENT
    assert host.ranges() == ["bytes=300000-"]


def test_a_host_from_which_nothing_comes_is_left(
    fetch: Callable[[], bytes], host: ArchiveHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_chunks = 300_000 // CHUNK_BYTES * CHUNK_BYTES

    def stall(handler: Handler) -> None:
        # On a busy machine the client may leave before it has come as far, and comes back.
        start = handler.start() or 0
        (stall_after(300_000 - start) if start < whole_chunks else give)(handler)

    monkeypatch.setattr(transport, "TIMEOUT", (60, 0.5))
    host.faults = [stall] * 20
    assert fetch() == CONTENT
    assert (host.ranges()[0], host.ranges()[-1]) == (None, f"bytes={whole_chunks}-")


def test_a_host_that_ignores_ranges_sends_it_all_again(
    fetch: Callable[[], bytes], host: ArchiveHost
) -> None:
    host.faults = [cut_after(300_000), ignore_range]
    assert fetch() == CONTENT


def test_a_host_that_ignores_ranges_and_cuts_off_is_given_up(
    fetch: Callable[[], bytes], host: ArchiveHost
) -> None:
    def cut(handler: object) -> None:
        del handler.headers["Range"]
        cut_after(300_000)(handler)

    host.faults = [cut] * 20
    with pytest.raises(ArchiveError, match=r"ended after|was cut off"):
        fetch()
    assert len(host.ranges()) == transport.ATTEMPTS


def test_a_part_from_elsewhere_is_not_taken(fetch: Callable[[], bytes], host: ArchiveHost) -> None:
    host.faults = [cut_after(300_000), begin_elsewhere]
    assert fetch() == CONTENT
    assert host.ranges() == [None, "bytes=300000-", None]


def test_a_range_that_the_host_refuses_is_not_asked_for_again(
    fetch: Callable[[], bytes], host: ArchiveHost
) -> None:
    host.faults = [cut_after(300_000), fail(416)]
    assert fetch() == CONTENT
    assert host.ranges() == [None, "bytes=300000-", None]


@pytest.mark.parametrize("other", [OTHER, OTHER[:-1]], ids=["same size", "another size"])
def test_a_file_that_is_replaced_in_between_is_not_mixed(
    fetch: Callable[[], bytes], host: ArchiveHost, tmp_path: Path, other: bytes
) -> None:
    host.faults = [cut_after(300_000), replace_by(other)]
    with pytest.raises(ArchiveError, match="replac"):
        fetch()
    assert left(tmp_path) == []
    # The host was asked for the rest of the file as it was, and so sent all of the other one.
    assert "If-Range" in host.asked[-1][1]


def test_a_damaged_file_is_thrown_away(
    fetch: Callable[[], bytes], host: ArchiveHost, tmp_path: Path
) -> None:
    host.faults = [lambda handler: handler.answer(200, CONTENT[:-1] + b"x")]
    with pytest.raises(ArchiveError, match="the host's list says"):
        fetch()
    assert left(tmp_path) == []
    assert fetch() == CONTENT


@pytest.mark.parametrize("length", [len(CONTENT) - 1, len(CONTENT) + 1])
def test_a_length_that_is_not_the_listed_one_is_refused_before_anything_is_received(
    fetch: Callable[[], bytes], host: ArchiveHost, tmp_path: Path, length: int
) -> None:
    host.faults = [announce(length)]
    with pytest.raises(ArchiveError, match=f"has {length} bytes where"):
        fetch()
    assert left(tmp_path) == []


def test_a_host_that_does_not_end_does_not_fill_the_disk(
    fetch: Callable[[], bytes], host: ArchiveHost, tmp_path: Path
) -> None:
    host.faults = [send_without_end]
    with pytest.raises(ArchiveError, match="sends more than"):
        fetch()
    assert left(tmp_path) == []


def test_a_disk_that_is_too_small_is_not_filled(
    fetch: Callable[[], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=len(CONTENT) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ArchiveError, match="larger disk"):
        fetch()
    assert left(tmp_path) == []


def test_downloads_of_other_archives_make_room(fetch: Callable[[], bytes], tmp_path: Path) -> None:
    (tmp_path / "0000.part").write_bytes(b"of last month")
    fetch()
    assert left(tmp_path) == [".7z"]


def test_a_file_that_is_gone_is_not_asked_for_again(
    fetch: Callable[[], bytes], host: ArchiveHost, waited: list[float]
) -> None:
    host.faults = [fail(404)]
    with pytest.raises(RefusedError, match="does not exist"):
        fetch()
    assert waited == []


def test_a_host_that_is_overloaded_is_asked_again_when_it_says(
    fetch: Callable[[], bytes], host: ArchiveHost, waited: list[float]
) -> None:
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    host.faults = [
        fail(503, {"Retry-After": "17"}),
        fail(429, {"Retry-After": past}),
        fail(500, {"Retry-After": "soon"}),
    ]
    assert fetch() == CONTENT
    assert waited == [17, 2, 4]


def test_a_long_pause_is_left_to_the_next_try_of_the_task(
    fetch: Callable[[], bytes], host: ArchiveHost, waited: list[float]
) -> None:
    host.faults = [fail(503, {"Retry-After": "86400"})]
    with pytest.raises(ArchiveError, match="pause of 86400 s"):
        fetch()
    assert waited == []


def test_a_redirect_is_followed(fetch: Callable[[], bytes], host: ArchiveHost) -> None:
    host.faults = [fail(302, {"Location": PATH})]
    assert fetch() == CONTENT


def test_a_redirect_to_an_unencrypted_host_is_refused(
    fetch: Callable[[], bytes], host: ArchiveHost, waited: list[float]
) -> None:
    host.faults = [fail(302, {"Location": "http://192.0.2.1/archive.7z"})]
    with pytest.raises(RefusedError, match="not encrypted"):
        fetch()
    assert waited == []


@pytest.mark.parametrize("url", ["https://archive.org/x.7z", "http://localhost/x.7z"])
def test_loopback_is_asked_without_encryption_only_if_it_is_what_was_asked_for(
    host: ArchiveHost, url: str
) -> None:
    with transport.open_session(url) as session, pytest.raises(RefusedError):
        session.get(host.url)
    assert host.asked == []


def test_the_checksum_may_be_md5(
    session: requests.Session, host: ArchiveHost, tmp_path: Path
) -> None:
    del host.listed["sha1"]
    listed = listing.look_up(session, host.url)
    assert listed.algorithm == "md5"
    assert download(session, listed, tmp_path).read_bytes() == CONTENT
