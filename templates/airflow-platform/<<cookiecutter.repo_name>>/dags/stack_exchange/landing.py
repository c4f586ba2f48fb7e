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


class Landing:
    """A bucket, through Airflow's connection `aws_default`.

    Args:
        bucket: its name.
        region: where it is, whatever the connection or the machine says.
    """

    def __init__(self, bucket: str, region: str) -> None:
        self._bucket = bucket
        transfer = {
            "multipart_threshold": PART_BYTES,
            "multipart_chunksize": PART_BYTES,
            "max_concurrency": PARALLEL_PARTS,
        }
        self._hook = S3Hook(region_name=region, transfer_config_args=transfer)

    def find(self, key: str, listed: ListedFile) -> Landed | None:
        """Return the object if it is from this archive, else None."""
        head = self._hook.head_object(key, self._bucket) or {}
        metadata = head.get("Metadata", {})
        rows = metadata.get("rows", "")
        if metadata.get("archive-checksum") != checksum(listed) or not rows.isdigit():
            return None
        return Landed(listed.url, checksum(listed), int(rows), head["ContentLength"])

    def upload(self, key: str, member: Extracted, listed: ListedFile) -> Landed:
        """Replace an object with a file, in parts; readers see the old one until all are there.

        Raises:
            ArchiveError: S3 does not have afterwards what was sent.
        """
        arguments = {
            "Metadata": {"archive-checksum": checksum(listed), "rows": str(member.rows)},
            "ContentType": "application/xml",
            "ChecksumAlgorithm": CHECKSUM,
        }
        self._hook.get_conn().upload_file(
            str(member.file),
            self._bucket,
            key,
            ExtraArgs=arguments,
            Config=self._hook.transfer_config,
        )
        landed = self.find(key, listed)
        sent = (member.rows, member.file.stat().st_size)
        if landed is None or (landed.rows, landed.bytes) != sent:
            raise ArchiveError(
                f"s3://{self._bucket}/{key} is not what was sent: does somebody else write it?"
            )
        return landed

    def abort_uploads(self, key: str) -> None:
        """Delete the parts of unfinished uploads to a key: a killed pod leaves them, unseen."""
        client = self._hook.get_conn()
        pages = client.get_paginator("list_multipart_uploads")
        for page in pages.paginate(Bucket=self._bucket, Prefix=key):
            for begun in page.get("Uploads", []):
                if begun["Key"] == key:
                    client.abort_multipart_upload(
                        Bucket=self._bucket, Key=key, UploadId=begun["UploadId"]
                    )
