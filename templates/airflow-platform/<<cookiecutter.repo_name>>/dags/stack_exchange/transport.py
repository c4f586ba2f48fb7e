"""HTTP to the host of the archive: encrypted, with timeouts, and tried again when it may help."""

import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from stack_exchange.errors import ArchiveError, RefusedError

# Seconds to connect, and seconds in which at least one byte must come.
TIMEOUT = (10, 60)
ATTEMPTS = 6
# Seconds. A host that asks for more is left to the next try of the task, so that no pod waits.
LONGEST_WAIT = 300

T = TypeVar("T")


class InterruptedTransferError(Exception):
    """The transfer did not come to its end, but may when it is tried again.

    Attributes:
        retry_after: seconds the host asks to wait, 0 if it does not.
    """

    def __init__(self, message: str, retry_after: float = 0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _PlainHttp(HTTPAdapter):
    """Refuses http, to which a redirect could lead, too; loopback may be allowed, for tests."""

    def __init__(self, *, allow_loopback: bool) -> None:
        super().__init__()
        self._allow_loopback = allow_loopback

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        if not (self._allow_loopback and _is_loopback(request.url or "")):
            raise RefusedError(
                f"{request.url} is not encrypted: name an address with https for the archive."
            )
        return super().send(request, *args, **kwargs)


def _is_loopback(url: str) -> bool:
    try:
        return ipaddress.ip_address(urlsplit(url).hostname or "").is_loopback
    except ValueError:
        return False


def open_session(url: str) -> requests.Session:
    """Return a session for the host of an address, for `with`.

    Every hop of a redirect must be https. Only if the address itself is http to a loopback address
    (127.0.0.1, not a name), hops may be that, too.
    """
    session = requests.Session()
    loopback = urlsplit(url).scheme == "http" and _is_loopback(url)
    session.mount("http://", _PlainHttp(allow_loopback=loopback))
    # Bytes are counted and compared with sizes that the host publishes: none may be compressed.
    session.headers["Accept-Encoding"] = "identity"
    return session


@contextmanager
def get(
    session: requests.Session, url: str, headers: dict[str, str] | None = None
) -> Iterator[requests.Response]:
    """Ask for an address and hand out the answer, whose body is still to be read with `body`.

    Raises:
        InterruptedTransferError: the host cannot be reached, is overloaded or fails.
        RefusedError: the host does not have it or does not give it.
    """
    try:
        response = session.get(url, headers=headers, stream=True, timeout=TIMEOUT)
    except requests.RequestException as error:
        raise InterruptedTransferError(f"{url} cannot be reached: {error}") from error
    with response:
        status = response.status_code
        if status == 429 or status >= 500:
            raise InterruptedTransferError(
                f"{url} answers {status}", _seconds(response.headers.get("Retry-After", ""))
            )
        if status in (404, 410):
            raise RefusedError(
                f"{url} does not exist ({status}): check the site, or STACK_EXCHANGE_ARCHIVE_URL."
            )
        if status not in (200, 206, 416):
            raise RefusedError(f"{url} answers {status}: see whether the host still gives it away.")
        yield response


def body(response: requests.Response, chunk_bytes: int) -> Iterator[bytes]:
    """Read the body of an answer, `chunk_bytes` at a time.

    Raises:
        InterruptedTransferError: it ends before its length, or nothing comes for a while.
    """
    try:
        yield from response.raw.stream(chunk_bytes, decode_content=False)
    except urllib3.exceptions.HTTPError as error:
        raise InterruptedTransferError(f"{response.url} was cut off: {error}") from error


def insist(
    action: Callable[[], T],
    progress: Callable[[], int] = lambda: 0,
    wait: Callable[[float], None] = time.sleep,
) -> T:
    """Do something until it is not interrupted any more, with growing pauses.

    Args:
        action: raises InterruptedTransferError when it is to be done again.
        progress: how far it came, which is more than ever before when an attempt was worth it:
            only attempts that were not are counted.
        wait: waits for seconds.

    Raises:
        ArchiveError: ATTEMPTS in a row brought nothing, or the host asks for a long pause.
    """
    failures, furthest = 0, progress()
    while True:
        try:
            return action()
        except InterruptedTransferError as error:
            reached = progress()
            failures = 1 if reached > furthest else failures + 1
            furthest = max(reached, furthest)
            if failures >= ATTEMPTS:
                raise ArchiveError(f"{error}: gave up after {failures} attempts.") from error
            if error.retry_after > LONGEST_WAIT:
                raise ArchiveError(
                    f"{error} and asks for a pause of {error.retry_after:.0f} s."
                ) from error
            wait(max(error.retry_after, 2.0 ** (failures - 1)))


def _seconds(retry_after: str) -> float:
    """Return what `Retry-After` (RFC 9110, section 10.2.3) asks for: seconds, or a date."""
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after)
    try:
        then = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return max(0.0, (then - datetime.now(UTC)).total_seconds())
