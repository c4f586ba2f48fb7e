"""Fetches the files that a request names, within bounds, and compiles those of Python."""

import logging
import ssl
import sys
import threading
import time
import warnings
from collections.abc import Callable, Collection, Sequence
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING

import urllib3
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from astro_dag_deploy.model.request import Resource
from astro_dag_deploy.model.source import HTTPS_PORT, HttpsSource, S3Source, parse_source

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 64 * 1024
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 10.0
_KEPT_CONNECTIONS = 16
# To compile dense source takes 400 times its size, and the function has 256 MB.
_MAX_PYTHON_BYTES = 256 * 1024
_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
# The filters of warnings are of the whole process.
_FILTERS = threading.Lock()


class ResourceError(Exception):
    """A file that cannot be had: a sentence with its path and its source, without the query of an address."""


class _RefusedError(Exception):
    """Why a source does not give a file; words that follow the source."""


class _PassingError(Exception):
    """What another attempt may not meet; words that follow the source."""


class ResourceClient:
    """Fetches files; safe to use from several threads.

    Args:
        s3: a client of boto3, which repeats failed calls by itself.
        allowed_buckets: the names of buckets that files may come from.
        allowed_hosts: `host`, `host:port` or `*.suffix`, in small letters; without a port 443 is meant.
        max_file_bytes: how large a file may be.
        seconds: how long a file may take, all attempts together.
        pauses: in seconds, one before each further attempt.
    """

    def __init__(
        self,
        s3: "S3Client",
        allowed_buckets: Collection[str],
        allowed_hosts: Collection[str],
        max_file_bytes: int,
        *,
        seconds: float = 60.0,
        pauses: Sequence[float] = (0.2, 1.0),
    ):
        self._s3 = s3
        self._allowed_buckets = frozenset(allowed_buckets)
        self._allowed_hosts = [entry.partition(":")[::2] for entry in allowed_hosts]
        self._max_file_bytes = max_file_bytes
        self._seconds = seconds
        self._pauses = tuple(pauses)

    def fetch(self, resource: Resource) -> bytes:
        """Return what is in a file.

        Raises:
            ResourceError: it is not there, not allowed, too large, or its source did not give it in time.
        """
        try:
            return self._fetch(resource)
        except _RefusedError as error:
            raise ResourceError(f"{resource.path}: {resource.origin} {error}.") from None

    def _fetch(self, resource: Resource) -> bytes:
        if resource.source is None:
            return self._within_bound((resource.text or "").encode())
        source = parse_source(resource.source)
        deadline = time.monotonic() + self._seconds
        attempt = 0
        while True:
            attempt += 1
            try:
                if isinstance(source, S3Source):
                    return self._read_s3(source, deadline)
                return self._read_https(source, deadline)
            except _PassingError as error:
                reason = str(error)
            pause = self._pauses[attempt - 1] if attempt <= len(self._pauses) else None
            if pause is None or time.monotonic() + pause > deadline:
                times = "once" if attempt == 1 else f"{attempt} times"
                raise _RefusedError(f"{reason} ({times}): send the request again")
            time.sleep(pause)

    def _read_s3(self, source: S3Source, deadline: float) -> bytes:
        if source.bucket not in self._allowed_buckets:
            raise _RefusedError("is in a bucket that is not allowed: have it put into SOURCE_BUCKETS")
        try:
            answer = self._s3.get_object(Bucket=source.bucket, Key=source.key)
        except ClientError as error:
            raise _RefusedError(_s3_reason(error)) from None
        except BotoCoreError as error:
            raise _RefusedError(f"could not be read: {type(error).__name__}") from None
        with closing(answer["Body"]) as body:
            self._require_bound(answer.get("ContentLength", 0))
            _require_plain(answer.get("ContentEncoding", ""))
            try:
                return self._read(body.read, deadline)
            except (BotoCoreError, HTTPError):
                raise _PassingError("broke off") from None

    def _read_https(self, source: HttpsSource, deadline: float) -> bytes:
        if not self._is_allowed(source):
            raise _RefusedError("is on a host that is not allowed: have it put into SOURCE_HOSTS")
        pool = self._https.connection_from_host(source.host, source.port, scheme="https")
        left = max(deadline - time.monotonic(), 0.001)
        try:
            with pool.urlopen(
                "GET",
                source.path + source.query,
                headers={"Accept-Encoding": "identity", "User-Agent": "astro-dag-deploy"},
                retries=False,
                redirect=False,
                timeout=urllib3.Timeout(total=left, connect=_CONNECT_SECONDS, read=_READ_SECONDS),
                preload_content=False,
                decode_content=False,
            ) as answer:
                _require_success(answer.status)
                self._require_bound(answer.length_remaining or 0)
                _require_plain(answer.headers.get("Content-Encoding", ""))
                return self._read(answer.read1, deadline)
        except SSLError as error:
            if error.args and isinstance(error.args[0], ssl.SSLCertVerificationError):
                raise _RefusedError(
                    f"has no valid certificate: {error.args[0].verify_message.rstrip('.')}"
                ) from None
            raise _PassingError("broke off") from None
        except ConnectTimeoutError:
            raise _PassingError("could not be reached") from None
        except ReadTimeoutError:
            raise _PassingError("did not answer in time") from None
        except ProtocolError:
            raise _PassingError("broke off") from None
        except HTTPError as error:
            raise _RefusedError(f"could not be read: {type(error).__name__}") from None

    def _read(self, read: Callable[[int], bytes], deadline: float) -> bytes:
        """Read to the end, where botocore compares length and checksum, or to the bound."""
        content = bytearray()
        while chunk := read(_CHUNK_BYTES):
            content += chunk
            self._require_bound(len(content))
            if time.monotonic() > deadline:
                raise _RefusedError(f"took longer than {self._seconds:g} seconds")
        return bytes(content)

    def _within_bound(self, content: bytes) -> bytes:
        self._require_bound(len(content))
        return content

    def _require_bound(self, size: int) -> None:
        if size > self._max_file_bytes:
            raise _RefusedError(
                f"has more than the {self._max_file_bytes:,} bytes that are allowed: raise MAX_FILE_BYTES, "
                "or keep data out of dags/"
            )

    def _is_allowed(self, source: HttpsSource) -> bool:
        return any(
            (port or str(HTTPS_PORT)) == str(source.port)
            and (name == source.host or (name.startswith("*.") and source.host.endswith(name[1:])))
            for name, port in self._allowed_hosts
        )

    @cached_property
    def _https(self) -> urllib3.PoolManager:
        # It logs whole addresses, of answers with odd headers even when it does not debug.
        logging.getLogger("urllib3").setLevel(logging.ERROR)
        # The default context trusts what the system trusts, or what SSL_CERT_FILE names.
        return urllib3.PoolManager(ssl_context=ssl.create_default_context(), maxsize=_KEPT_CONNECTIONS)


def problems_of(path: str, content: bytes) -> list[str]:
    """Compile a file of Python, without running any of it; other files have no problems.

    It is compiled by the Python that runs this: newer syntax is refused although the deployment may know it,
    and syntax that the deployment's Python is too old for is let through.

    Args:
        path: where the file lies.
        content: its bytes, in UTF-8 or what PEP 263 declares.

    Returns:
        A sentence with the line, if it does not compile.
    """
    if not path.endswith(".py"):
        return []
    if len(content) > _MAX_PYTHON_BYTES:
        return [
            f"{path}: has more than the {_MAX_PYTHON_BYTES:,} bytes that a file of Python may have: keep "
            "data in a file of its own."
        ]
    try:
        with _FILTERS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(content, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        place = f"line {error.lineno}: " if error.lineno else ""
        reason = f"{place}{error.msg}"
    except (RecursionError, MemoryError):
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    else:
        return []
    return [f"{path}: Python {_PYTHON} does not compile it: {reason}."]


def _s3_reason(error: ClientError) -> str:
    code = error.response["Error"].get("Code", "")
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code == "NoSuchBucket":
        return "is in a bucket that does not exist"
    if status == 404:
        return "does not exist"
    if status == 403:
        # S3 tells who may not list a bucket no more than this.
        return "does not exist, or the function's role may not read it"
    if status >= 500:
        return f"could not be read, S3 answered {code or status}: send the request again"
    return f"is refused by S3 with {code or status}"


def _require_success(status: int) -> None:
    if status == 200:
        return
    if status in (408, 425, 429) or status >= 500:
        raise _PassingError(f"answered {status}")
    if 300 <= status < 400:
        raise _RefusedError(f"redirects ({status}), which is not followed: give the address it leads to")
    if status in (401, 403):
        raise _RefusedError(f"may not be read ({status}): the signature of its address may be too old")
    if status in (404, 410):
        raise _RefusedError(f"does not exist ({status})")
    raise _RefusedError(f"answered {status}")


def _require_plain(encoding: str) -> None:
    """Refuse a compressed body: it could have any size. `aws-chunked` is what S3 recalls of an upload."""
    codings = {coding.strip().lower() for coding in encoding.split(",")} - {"", "identity", "aws-chunked"}
    if codings:
        raise _RefusedError("is compressed by its Content-Encoding: store it as it is")
