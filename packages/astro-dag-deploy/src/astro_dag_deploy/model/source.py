"""Where a file comes from: an object of S3, or an address of https."""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

HTTPS_PORT = 443

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html and object-keys.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY_BYTES = 1024
# So strict that no two programs can take another part of it for the host.
_HTTPS = re.compile(
    r"https://(?P<host>[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[^?#]*)(?P<query>\?[^#]*)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class S3Source:
    """An object of S3.

    Attributes:
        bucket: its bucket.
        key: its key, as it is.
    """

    bucket: str
    key: str

    def __str__(self) -> str:
        # A presigned address may have been turned into this form by hand.
        return f"s3://{self.bucket}/{self.key.partition('?')[0]}"

    @property
    def file_name(self) -> str:
        """The last part of the key; empty for a folder."""
        return self.key.rpartition("/")[2]


@dataclass(frozen=True)
class HttpsSource:
    """An address of https.

    Attributes:
        host: the host in small letters.
        port: the port.
        path: its path, percent-encoded as it was given.
        query: its query with the question mark, or empty; a secret, if the address is presigned.
    """

    host: str
    port: int
    path: str
    query: str = field(repr=False)

    def __str__(self) -> str:
        port = "" if self.port == HTTPS_PORT else f":{self.port}"
        return f"https://{self.host}{port}{self.path}"

    @property
    def file_name(self) -> str:
        """The last part of the path, decoded; empty for a folder."""
        return unquote(self.path, errors="strict").rpartition("/")[2]


def parse_source(text: str) -> S3Source | HttpsSource:
    """Read `s3://bucket/key` or `https://host/path?query`.

    Raises:
        ValueError: it is neither; the words follow the text.
    """
    if text.startswith("s3://"):
        return _parse_s3(text)
    if text[:8].lower() == "https://":
        return _parse_https(text)
    raise ValueError("is neither s3://bucket/key nor https://host/path")


def _parse_s3(text: str) -> S3Source:
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError("does not name a bucket: it must be s3://bucket/key")
    if not key:
        raise ValueError("has no key: it must be s3://bucket/key")
    if not key.isprintable() or len(key.encode()) > _KEY_BYTES:
        raise ValueError(f"has a key that cannot be printed or has more than {_KEY_BYTES} bytes")
    # What passes a request on may take these for folders, and read from another bucket.
    if {".", ".."} & set(key.split("/")):
        raise ValueError("has a part that is . or .. in its key")
    return S3Source(bucket, key)


def _parse_https(text: str) -> HttpsSource:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("has a character that must be percent-encoded")
    if "#" in text:
        raise ValueError("has a fragment: leave out what follows the #")
    if "@" in text[8:].partition("?")[0].partition("/")[0]:
        raise ValueError("has a user before its host: take a presigned address")
    match = _HTTPS.fullmatch(text)
    if not match or ".." in match["host"]:
        raise ValueError("must be https://host/path or https://host:port/path")
    port = int(match["port"] or HTTPS_PORT)
    if port > 65535:
        raise ValueError("has a port above 65535")
    source = HttpsSource(match["host"].lower(), port, match["path"], match["query"] or "")
    try:
        unquote(source.path, errors="strict")
    except UnicodeDecodeError:
        raise ValueError("has a path that is not percent-encoded UTF-8") from None
    return source
