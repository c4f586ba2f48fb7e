"""HTTPS requests that are tried again for as long as there is time."""

import ipaddress
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import urlsplit

import urllib3

_CONNECT_SECONDS = 10.0
# https://learn.microsoft.com/rest/api/storageservices/setting-timeouts-for-blob-service-operations
_READ_SECONDS = 60.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0


class _WithoutQueries(logging.Filter):
    """Keeps signed addresses, which urllib3 prints when it debugs, out of logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                each.partition("?")[0] if isinstance(each, str) else each for each in record.args
            )
        return True


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQueries())


class InsecureAddressError(Exception):
    """An address that is not https, and not on this machine."""


class NoAnswerError(Exception):
    """A request that had no answer; it may have had its effect.

    Attributes:
        final: whether there is no use in trying again.
    """

    def __init__(self, message: str, *, final: bool = False):
        super().__init__(message)
        self.final = final


@dataclass(frozen=True)
class Answer:
    """An answer to a request.

    Attributes:
        status: its HTTP status.
        headers: by name, whatever its case.
        content: its body.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_passing(self) -> bool:
        """Whether the same request may do better later."""
        return self.status == 429 or self.status >= 500


class HttpSession:
    """Makes requests within a time.

    Args:
        seconds: how long all of them may take.
    """

    def __init__(self, seconds: float):
        self._deadline = time.monotonic() + seconds
        self._pool = urllib3.PoolManager(retries=False)

    def try_once(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | BinaryIO | None = None
    ) -> Answer:
        """Make a request.

        Args:
            method: its HTTP method.
            url: an https address; http on this machine.
            headers: its headers.
            body: its content, or a file that holds it from its beginning to its end.

        Raises:
            NoAnswerError: nothing came back; the sentence names the host, never the address.
            InsecureAddressError: the address is neither https nor on this machine.
        """
        require_secure(url)
        left = self._deadline - time.monotonic()
        host = urlsplit(url).hostname
        if left <= 0:
            raise NoAnswerError(f"no time was left to ask {host}", final=True)
        timeout = urllib3.Timeout(connect=min(left, _CONNECT_SECONDS), read=min(left, _READ_SECONDS))
        try:
            answer = self._pool.request(
                method,
                url,
                headers={**headers, **_length(body)},
                body=body,
                timeout=timeout,
                redirect=False,
            )
        except urllib3.exceptions.HTTPError as error:
            # Its text may hold the address, signature and all.
            final = isinstance(error, urllib3.exceptions.SSLError | urllib3.exceptions.LocationValueError)
            raise NoAnswerError(f"{host} did not answer ({type(error).__name__})", final=final) from None
        return Answer(answer.status, answer.headers, answer.data)

    def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes | BinaryIO | None = None
    ) -> Answer:
        """Make a request, and again after a pause where it had no answer or one that may pass.

        It must be harmless twice; the arguments are those of `try_once`.

        Returns:
            The first answer that is not passing, or the last one when the time is up.

        Raises:
            NoAnswerError: nothing came back, until the time was up.
            InsecureAddressError: the address is neither https nor on this machine.
        """
        number = 0
        while True:
            try:
                answer = self.try_once(method, url, headers=headers, body=body)
            except NoAnswerError as error:
                if error.final or not self.pause(number):
                    raise
            else:
                if not answer.is_passing or not self.pause(number, answer):
                    return answer
            number += 1

    def pause(self, number: int, answer: Answer | None = None) -> bool:
        """Wait before the next try.

        Args:
            number: of the try that was made, from 0.
            answer: what it was answered, which may say how long to wait.

        Returns:
            Whether there is time for another; without, there is no wait.
        """
        wait = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE)
        if answer is not None:
            wait = max(wait, _retry_after(answer.headers.get("Retry-After", "")))
        if time.monotonic() + wait >= self._deadline:
            return False
        time.sleep(wait)
        return True


def require_secure(url: str) -> None:
    """Refuse an address over which a token would travel in the clear.

    Raises:
        InsecureAddressError: it is not https, nor http on this machine.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise InsecureAddressError("it is no address") from None
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme != "http" or not _is_loopback(parts.hostname or ""):
        raise InsecureAddressError(
            f"the address of {parts.hostname or 'no host'} does not begin with https://"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _length(body: bytes | BinaryIO | None) -> Mapping[str, str]:
    """Rewind a file and return the header with its size: without, it would be sent in chunks."""
    if body is None or isinstance(body, bytes):
        return {}
    size = body.seek(0, os.SEEK_END)
    body.seek(0)
    return {"Content-Length": str(size)}


def _retry_after(value: str) -> float:
    """Return the seconds of a Retry-After, 0 for none: https://www.rfc-editor.org/rfc/rfc9110#field.retry-after."""
    if value.isascii() and value.isdigit():
        return float(value)
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except ValueError:
        return 0.0
