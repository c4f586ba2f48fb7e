"""From the host to S3: what is there when it goes well, and when it does not."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from archive_host import LIST_PATH, ArchiveHost
from site_archive import pack, pack_site, xml
from stack_exchange import landing
from stack_exchange.archive import Extracted
from stack_exchange.assets import (
    BUCKET,
    BUCKET_REGION,
    POSTS_ASSET,
    POSTS_KEY,
    SITE,
    USERS_KEY,
    archive_url,
)
from stack_exchange.errors import ArchiveError, RefusedError
from stack_exchange.landing import Landing
from stack_exchange.listing import ListedFile
from stack_exchange.produce import bring

LISTED = ListedFile("https://archive.org/x.7z", 10, "sha1", "0" * 40)
# The least that S3 takes.
PART = 5 * 1024 * 1024


pytestmark = pytest.mark.usefixtures("s3", "host")


@pytest.fixture(autouse=True)
def disk(temp: Path) -> Iterator[Path]:
    """Return the disk, on which nothing unpacked may be left, whatever happens."""
    yield temp
    assert not list(temp.rglob("*.xml"))


def objects(s3: Any) -> dict[str, bytes]:
    keys = [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def unfinished(s3: Any) -> list[str]:
    uploads = s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])
    return [upload["Key"] for upload in uploads]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[..., bool]], None]:
    """Return what lets an operation of S3 fail when a function of its parameters says so."""

    def fail(operation: str, when: Callable[..., bool]) -> None:
        get_conn = S3Hook.get_conn

        def break_off(params: dict[str, Any], **_: object) -> None:
            if when(params):
                raise ConnectionError(f"{operation} is broken")

        def connect(hook: S3Hook) -> Any:
            client = get_conn(hook)
            client.meta.events.register(f"before-parameter-build.s3.{operation}", break_off)
            return client

        monkeypatch.setattr(S3Hook, "get_conn", connect)

    return fail


def test_the_archive_is_archive_orgs_unless_another_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("STACK_EXCHANGE_ARCHIVE_URL", raising=False)
    assert archive_url() == f"https://archive.org/download/stackexchange/{SITE}.7z"
    monkeypatch.setenv("STACK_EXCHANGE_ARCHIVE_URL", "https://mirror.example.com/x.7z")
    assert archive_url() == "https://mirror.example.com/x.7z"


def test_an_object_says_what_it_came_from(s3: Any, host: ArchiveHost) -> None:
    bring(most_bytes=10**9)
    head = s3.head_object(Bucket=BUCKET, Key=POSTS_KEY)
    assert head["Metadata"] == {"archive-checksum": f"sha1:{host.listed['sha1']}", "rows": "3"}
    assert head["ContentType"] == "application/xml"


def test_one_object_that_is_not_current_brings_both(s3: Any, host: ArchiveHost) -> None:
    bring(most_bytes=10**9)
    s3.put_object(Bucket=BUCKET, Key=USERS_KEY, Body=b"of another archive")
    host.asked.clear()
    bring(most_bytes=10**9)
    assert objects(s3) == {POSTS_KEY: xml("posts", 3), USERS_KEY: xml("users", 2)}
    assert len(host.ranges()) == 1


def test_a_run_that_died_between_the_uploads_is_completed(
    s3: Any, host: ArchiveHost, failing: Callable[..., None]
) -> None:
    bring(most_bytes=10**9)
    host.replace(pack_site(4, 5))
    broken = [USERS_KEY]
    failing("PutObject", lambda params: params["Key"] in broken)
    with pytest.raises(ConnectionError):
        bring(most_bytes=10**9)
    assert objects(s3) == {POSTS_KEY: xml("posts", 4), USERS_KEY: xml("users", 2)}
    broken.clear()
    assert {landed.rows for landed in bring(most_bytes=10**9).values()} == {4, 5}
    assert objects(s3) == {POSTS_KEY: xml("posts", 4), USERS_KEY: xml("users", 5)}


@pytest.mark.parametrize(
    "packed",
    [
        pack(("Posts.xml", xml("posts", 4))),
        pack(("Posts.xml", xml("posts", 4)), ("Users.xml", xml("users", 0))),
    ],
    ids=["one is missing", "one is empty"],
)
def test_no_object_is_replaced_before_both_are_good(
    s3: Any, host: ArchiveHost, packed: bytes
) -> None:
    bring(most_bytes=10**9)
    host.replace(packed)
    with pytest.raises(RefusedError):
        bring(most_bytes=10**9)
    assert objects(s3) == {POSTS_KEY: xml("posts", 3), USERS_KEY: xml("users", 2)}


def test_the_archive_counts_among_what_the_disk_holds(s3: Any, host: ArchiveHost) -> None:
    needed = len(host.content) + len(xml("posts", 3)) + len(xml("users", 2))
    with pytest.raises(RefusedError, match="are allowed"):
        bring(most_bytes=needed - 1)
    assert objects(s3) == {}
    assert bring(most_bytes=needed)


def test_an_archive_larger_than_the_disk_is_not_downloaded(host: ArchiveHost) -> None:
    with pytest.raises(RefusedError, match="are allowed"):
        bring(most_bytes=len(host.content) - 1)
    assert [path for path, _ in host.asked] == [LIST_PATH]


def test_the_disk_is_empty_afterwards(disk: Path) -> None:
    bring(most_bytes=10**9)
    assert not [path for path in disk.rglob("*") if path.is_file()]


def test_the_download_stays_for_another_try_when_s3_fails(
    host: ArchiveHost, failing: Callable[..., None]
) -> None:
    broken = [True]
    failing("PutObject", lambda _: bool(broken))
    with pytest.raises(ConnectionError):
        bring(most_bytes=10**9)
    broken.clear()
    host.asked.clear()
    bring(most_bytes=10**9)
    assert host.ranges() == []


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Extracted:
    """Return a member of three parts."""
    monkeypatch.setattr(landing, "PART_BYTES", PART)
    file = tmp_path / "large"
    file.write_bytes(os.urandom(2 * PART + 1))
    return Extracted(file, 7)


def test_a_large_object_comes_in_parts_with_checksums(s3: Any, large: Extracted) -> None:
    landed = Landing(BUCKET, BUCKET_REGION).upload(POSTS_KEY, large, LISTED)
    assert (landed.rows, landed.bytes) == (7, 2 * PART + 1)
    assert objects(s3) == {POSTS_KEY: large.file.read_bytes()}
    assert s3.head_object(Bucket=BUCKET, Key=POSTS_KEY)["ETag"].endswith('-3"')


def test_every_part_is_sent_with_a_checksum(large: Extracted, failing: Callable[..., None]) -> None:
    asked = []
    failing("UploadPart", lambda params: asked.append(params["ChecksumAlgorithm"]))
    Landing(BUCKET, BUCKET_REGION).upload(POSTS_KEY, large, LISTED)
    assert asked == ["SHA256"] * 3


def test_an_upload_that_fails_leaves_the_old_object_and_no_parts(
    s3: Any, large: Extracted, failing: Callable[..., None]
) -> None:
    s3.put_object(Bucket=BUCKET, Key=POSTS_KEY, Body=b"old")
    failing("UploadPart", lambda params: params["PartNumber"] == 3)
    with pytest.raises(ConnectionError):
        Landing(BUCKET, BUCKET_REGION).upload(POSTS_KEY, large, LISTED)
    assert objects(s3) == {POSTS_KEY: b"old"}
    assert unfinished(s3) == []


def test_parts_that_a_killed_pod_left_are_deleted(s3: Any) -> None:
    other = POSTS_KEY + ".of-somebody-else"
    for key in (POSTS_KEY, USERS_KEY, other):
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    bring(most_bytes=10**9)
    assert unfinished(s3) == [other]


def test_an_object_that_somebody_else_writes_meanwhile_is_no_success(
    s3: Any, large: Extracted, failing: Callable[..., None]
) -> None:
    def overwrite(params: dict[str, Any]) -> bool:
        s3.put_object(Bucket=BUCKET, Key=params["Key"], Body=b"of somebody else")
        return False

    failing("HeadObject", overwrite)
    with pytest.raises(ArchiveError, match="is not what was sent"):
        Landing(BUCKET, BUCKET_REGION).upload(POSTS_KEY, large, LISTED)


def test_what_is_in_s3_is_told_with_its_asset(host: ArchiveHost) -> None:
    first = bring(most_bytes=10**9)
    assert first[POSTS_ASSET].extra() == {
        "archive": host.url,
        "checksum": f"sha1:{host.listed['sha1']}",
        "rows": 3,
        "bytes": len(xml("posts", 3)),
    }
    # As it is told when it is found there.
    assert bring(most_bytes=10**9) == first
