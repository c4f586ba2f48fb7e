"""What the host says of the archive."""

from collections.abc import Iterator

import pytest
import requests

from archive_host import ArchiveHost, cut_after, fail
from stack_exchange import listing, transport
from stack_exchange.errors import ArchiveError, RefusedError
from stack_exchange.listing import ListedFile, look_up, place


@pytest.fixture
def host() -> Iterator[ArchiveHost]:
    with ArchiveHost(b"archive").serve() as host:
        yield host


@pytest.fixture
def session(host: ArchiveHost) -> Iterator[requests.Session]:
    with transport.open_session(host.url) as session:
        yield session


@pytest.mark.parametrize(
    ("url", "list_url", "name"),
    [
        (
            "https://archive.org/download/stackexchange/ai.stackexchange.com.7z",
            "https://archive.org/download/stackexchange/stackexchange_files.xml",
            "ai.stackexchange.com.7z",
        ),
        (
            "https://archive.org/download/stackexchange_2025/data%20dump/ai.7z",
            "https://archive.org/download/stackexchange_2025/stackexchange_2025_files.xml",
            "data dump/ai.7z",
        ),
        (
            "https://mirror.example.com/dumps/ai.7z?token=1",
            "https://mirror.example.com/dumps/dumps_files.xml",
            "ai.7z",
        ),
    ],
)
def test_the_list_lies_where_the_item_is(url: str, list_url: str, name: str) -> None:
    assert place(url) == (list_url, name)


def test_size_and_checksum_are_those_of_the_file(
    session: requests.Session, host: ArchiveHost
) -> None:
    assert look_up(session, host.url) == ListedFile(host.url, 7, "sha1", host.listed["sha1"])


def test_a_list_may_come_in_any_pieces(
    session: requests.Session, host: ArchiveHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "CHUNK_BYTES", 1)
    assert look_up(session, host.url).checksum == host.listed["sha1"]


def test_a_list_that_does_not_come_is_asked_for_again(
    session: requests.Session, host: ArchiveHost
) -> None:
    host.list_faults = [fail(503), cut_after(3)]
    waited: list[float] = []
    assert look_up(session, host.url, waited.append).size == 7
    assert waited == [1, 2]


def test_a_file_that_is_not_listed_is_refused(session: requests.Session, host: ArchiveHost) -> None:
    with pytest.raises(RefusedError, match=r"lists no none\.7z"):
        look_up(session, host.url.replace("test.stackexchange.com", "none"))


@pytest.mark.parametrize(
    "listed",
    [
        {"size": "7"},
        {"sha1": "0" * 40},
        {"size": "0", "sha1": "0" * 40},
        {"size": "-7", "sha1": "0" * 40},
        {"size": "7", "sha1": "0" * 39},
        {"size": "7", "sha1": "../" + "0" * 37},
    ],
)
def test_a_file_without_a_size_or_checksum_is_not_downloaded(
    session: requests.Session, host: ArchiveHost, listed: dict[str, str]
) -> None:
    host.listed = listed
    with pytest.raises(ArchiveError, match="says no size or no checksum"):
        look_up(session, host.url)


def test_a_list_that_is_cut_off_is_not_believed(
    session: requests.Session, host: ArchiveHost
) -> None:
    half = host.list_text.partition("</files>")[0].encode()
    host.list_faults = [lambda handler: handler.answer(200, half)]
    with pytest.raises(ArchiveError, match="is not a list of files"):
        look_up(session, host.url)


def test_a_list_with_entities_is_refused(session: requests.Session, host: ArchiveHost) -> None:
    bomb = b'<!DOCTYPE files [<!ENTITY a "aaaaaaaaaa">]><files>&a;</files>'
    host.list_faults = [lambda handler: handler.answer(200, bomb)]
    with pytest.raises(RefusedError, match="DOCTYPE"):
        look_up(session, host.url)


def test_a_list_without_end_is_not_read_to_its_end(
    session: requests.Session, host: ArchiveHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "LONGEST_LIST", 100)
    with pytest.raises(ArchiveError, match="more than 100 bytes"):
        look_up(session, host.url)
