"""The bucket of the DAGs: every version of an object is kept, and a reader names the version it means."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from astro_dag_deploy.errors import ConflictError, StorageError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client as BotoS3Client

# The last is raised where an answer ends in its middle, and it is none of botocore's own.
CALL_ERRORS = (ClientError, BotoCoreError, ResponseParserError)
# As many as a client's pool has connections, see main.
PARALLEL = 16
# A repository of a deployment: `dags/` alone, or a prefix without its slash, is none.
_REPOSITORY = re.compile(r"dags/[^/]+/[^/]+/[^/]+/")
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
_DELETED_AT_ONCE = 1000

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Stored:
    """An object as it was read.

    Attributes:
        content: its bytes.
        etag: names the content, for a write that must find it unchanged.
        version_id: names the version.
    """

    content: bytes
    etag: str
    version_id: str


class S3Client:
    """Reads and writes one bucket with versions.

    Args:
        bucket: its name.
        client: boto3's client for S3.
    """

    def __init__(self, bucket: str, client: "BotoS3Client"):
        self._bucket = bucket
        self._client = client
        self._versioned = False

    def require_versions(self) -> None:
        """Refuse a bucket that overwrites what it holds.

        Raises:
            StorageError: it keeps no versions, or does not answer.
        """
        if self._versioned:
            return
        with self._explained("read the versioning of", ""):
            status = self._client.get_bucket_versioning(Bucket=self._bucket).get("Status")
        if status != "Enabled":
            raise StorageError(f"Bucket {self._bucket} keeps no versions: switch its versioning on.")
        self._versioned = True

    def keys(self, prefix: str) -> list[str]:
        """List the keys that begin with a prefix, in order.

        Raises:
            StorageError: the bucket does not answer.
        """
        with self._explained("list", prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def latest(self, prefix: str) -> dict[str, str]:
        """List the current objects below a prefix: version id by key.

        Raises:
            StorageError: the bucket does not answer.
        """
        with self._explained("list", prefix):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self._bucket, Prefix=prefix
            )
            return {
                entry["Key"]: entry["VersionId"]
                for page in pages
                for entry in page.get("Versions", [])
                if entry["IsLatest"]
            }

    def get(self, key: str, version_id: str | None = None) -> Stored | None:
        """Read an object, or a version of it; None where there is none.

        Raises:
            StorageError: the bucket does not answer.
        """
        version = {"VersionId": version_id} if version_id else {}
        with self._explained("read", key):
            try:
                found = self._client.get_object(Bucket=self._bucket, Key=key, **version)  # type: ignore[arg-type]
                # The bytes come after the answer: their loss is a failure of the same read.
                return Stored(found["Body"].read(), found["ETag"], found.get("VersionId", ""))
            except ClientError as error:
                if _code(error) in ("NoSuchKey", "NoSuchVersion", "404"):
                    return None
                raise

    def put(self, key: str, content: bytes, content_type: str) -> str:
        """Write an object and return the id of the version.

        Raises:
            StorageError: the bucket did not take it.
        """
        with self._explained("write", key):
            answer = self._client.put_object(
                Bucket=self._bucket, Key=key, Body=content, ContentType=content_type
            )
        return answer["VersionId"]

    def replace(self, key: str, content: bytes, content_type: str, *, seen: Stored | None) -> None:
        """Write an object unless somebody else wrote it since it was seen.

        Args:
            key: its key.
            content: its new bytes.
            content_type: its media type.
            seen: what it was, None for not there.

        Raises:
            ConflictError: somebody did.
            StorageError: the bucket did not take it.
        """
        condition = {"IfMatch": seen.etag} if seen else {"IfNoneMatch": "*"}
        with self._explained("write", key):
            try:
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=content,
                    ContentType=content_type,
                    **condition,  # type: ignore[arg-type]
                )
            except ClientError as error:
                if _code(error) not in ("PreconditionFailed", "ConditionalRequestConflict", "412", "409"):
                    raise
                # A write whose answer got lost is sent again, and then meets itself.
                now = self.get(key)
                if now is None or now.content != content:
                    raise ConflictError(
                        f"s3://{self._bucket}/{key} was written by another deploy at the same time: try "
                        "again."
                    ) from None

    def clear_prefix(self, prefix: str, keep: Collection[str] = ()) -> int:
        """Hide the files of a repository, but those to keep; their versions stay.

        Args:
            prefix: `dags/<workspace>/<deployment>/<repository>/`, nothing shorter.
            keep: the keys that stay.

        Returns:
            How many there were to hide.

        Raises:
            ValueError: the prefix is not that of one repository.
            StorageError: not all could be hidden.
        """
        if not _REPOSITORY.fullmatch(prefix):
            raise ValueError(f"{prefix!r} is not the prefix of a repository of a deployment")
        stale = [key for key in self.keys(prefix) if key not in keep]
        for start in range(0, len(stale), _DELETED_AT_ONCE):
            batch = stale[start : start + _DELETED_AT_ONCE]
            with self._explained("delete from", prefix):
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True}
                )
            if refused := answer.get("Errors"):
                raise StorageError(
                    f"Could not delete s3://{self._bucket}/{refused[0].get('Key')}: {refused[0].get('Code')}."
                )
        return len(stale)

    @contextmanager
    def _explained(self, verb: str, key: str) -> Iterator[None]:
        try:
            yield
        except CALL_ERRORS as error:
            raise StorageError(f"Could not {verb} s3://{self._bucket}/{key}: {explain(error)}.") from None


def explain(error: ClientError | BotoCoreError | ResponseParserError) -> str:
    """Say in a few words what AWS said: its code and message hold no secret, as those of a request might."""
    if isinstance(error, ClientError):
        said = error.response.get("Error", {})
        return f"{said.get('Code', 'Unknown')}, {said.get('Message', '').rstrip('.')}"
    return type(error).__name__


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """Call a function for each item, some at a time, and return the results in order.

    The first failure ends it: what has not begun is not begun, what has is waited for.
    """
    with ThreadPoolExecutor(PARALLEL, thread_name_prefix="s3") as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")
