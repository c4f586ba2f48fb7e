"""The objects in S3: which archive each is from, and how a newer one gets there."""

from dataclasses import asdict, dataclass
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook

from stack_exchange.archive import Extracted
from stack_exchange.errors import ArchiveError
from stack_exchange.listing import ListedFile

PART_BYTES = 16 * 1024 * 1024
PARALLEL_PARTS = 4
# What S3 and the client compute of each part: a part that arrives otherwise is not taken.
CHECKSUM = "SHA256"


@dataclass(frozen=True)
class Landed:
    """What an object is, as its asset event says.

    Attributes:
        archive: the address that the archive came from.
        checksum: the archive's, as `sha1:<hexadecimal digits>`.
        rows: elements `<row …/>` in the object.
        bytes: of the object.
    """

    archive: str
    checksum: str
    rows: int
    bytes: int

    def extra(self) -> dict[str, Any]:
        """Return it as what an asset event carries."""
        return asdict(self)


def checksum(listed: ListedFile) -> str:
    """Return an archive's checksum as objects and events carry it."""
    return f"{listed.algorithm}:{listed.checksum}"


def find(bucket: str, key: str, listed: ListedFile) -> Landed | None:
    """Return the object if it is from this archive, else None."""
    head = S3Hook().head_object(key, bucket) or {}
    metadata = head.get("Metadata", {})
    rows = metadata.get("rows", "")
    if metadata.get("archive-checksum") != checksum(listed) or not rows.isdigit():
        return None
    return Landed(listed.url, checksum(listed), int(rows), head["ContentLength"])


def upload(bucket: str, key: str, member: Extracted, listed: ListedFile) -> Landed:
    """Replace an object with a file, in parts; a reader sees the old object until all are there.

    Raises:
        ArchiveError: S3 does not have afterwards what was sent.
    """
    metadata = {"archive-checksum": checksum(listed), "rows": str(member.rows)}
    hook = S3Hook(
        transfer_config_args={
            "multipart_threshold": PART_BYTES,
            "multipart_chunksize": PART_BYTES,
            "max_concurrency": PARALLEL_PARTS,
        },
        extra_args={
            "Metadata": metadata,
            "ContentType": "application/xml",
            "ChecksumAlgorithm": CHECKSUM,
        },
    )
    hook.load_file(member.file, key, bucket, replace=True)
    landed = find(bucket, key, listed)
    if landed is None or landed.bytes != member.file.stat().st_size or landed.rows != member.rows:
        raise ArchiveError(
            f"s3://{bucket}/{key} is not what was sent: does somebody else write it?"
        )
    return landed


def abort_uploads(bucket: str, key: str) -> None:
    """Delete the parts of uploads to a key that were not finished: a killed pod leaves them."""
    client = S3Hook().get_conn()
    pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=key)
    for page in pages:
        for begun in page.get("Uploads", []):
            if begun["Key"] == key:
                client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=begun["UploadId"])
