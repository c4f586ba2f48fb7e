"""The host of the archive, on loopback: as archive.org is, and as a host should not be."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape, quoteattr

PATH = "/download/stackexchange/test.stackexchange.com.7z"
LIST_PATH = "/download/stackexchange/stackexchange_files.xml"
# Seconds for which a client may wait for more of a file.
LONGEST_STALL = 60


class ArchiveHost:
    """Serves one archive, with ranges, and the list of it.

    Attributes:
        content: the archive.
        listed: what the list says of it; a test may change it.
        faults: for each of the next requests for the archive, what is done instead of giving it.
        list_faults: likewise for the list.
        asked: path and headers of each request, in order.
    """

    def __init__(self, content: bytes) -> None:
        self.faults: list[Callable[[Handler], None]] = []
        self.list_faults: list[Callable[[Handler], None]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""
        self.replace(content)

    def replace(self, content: bytes) -> None:
        self.content = content
        self.tag = f'"{hashlib.sha256(content).hexdigest()}"'
        self.listed = {
            "size": str(len(content)),
            "md5": hashlib.md5(content).hexdigest(),
            "sha1": hashlib.sha1(content).hexdigest(),
        }

    @property
    def list_text(self) -> str:
        facts = "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in self.listed.items())
        others = "<size>1</size><sha1>" + "0" * 40 + "</sha1>"
        return (
            f'<?xml version="1.0"?><files><file name="other.7z">{others}</file>'
            f'<file name={quoteattr(PATH.rpartition("/")[2])} source="original">\n{facts}</file>'
            f'<file name="stackexchange_files.xml"><md5/></file></files>'
        )

    def ranges(self) -> list[str | None]:
        """Return the header `Range` of each request for the archive."""
        return [headers.get("Range") for path, headers in self.asked if path == PATH]

    @contextmanager
    def serve(self) -> Iterator["ArchiveHost"]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.host = self  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        self.url = f"http://127.0.0.1:{server.server_port}{PATH}"
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self) -> None:
        # A client may leave when it has heard enough.
        with suppress(ConnectionError):
            super().handle()

    @property
    def host(self) -> ArchiveHost:
        return self.server.host  # type: ignore[attr-defined]

    def do_GET(self) -> None:
        self.host.asked.append((self.path, dict(self.headers)))
        if self.path == PATH:
            (self.host.faults.pop(0) if self.host.faults else give)(self)
        elif self.path == LIST_PATH:
            (self.host.list_faults.pop(0) if self.host.list_faults else give_list)(self)
        else:
            self.answer(404)

    def answer(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        length: int | None = None,
    ) -> None:
        """Send an answer, whose length may be said to be another one than it is."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        if length is not None:
            self.close_connection = True

    def start(self) -> int | None:
        """Return the first byte that is asked for, None for the whole file."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range", self.host.tag)
        return int(found[1]) if found and condition == self.host.tag else None

    def log_message(self, *_: object) -> None:
        pass


def part(handler: Handler, start: int | None) -> tuple[int, bytes, dict[str, str]]:
    """Return status, body and headers of a right answer."""
    content, headers = handler.host.content, {"ETag": handler.host.tag, "Accept-Ranges": "bytes"}
    if start is None:
        return 200, content, headers
    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return 206, content[start:], headers


def give(handler: Handler) -> None:
    handler.answer(*part(handler, handler.start()))


def give_list(handler: Handler) -> None:
    handler.answer(200, handler.host.list_text.encode(), {"Content-Type": "text/xml"})


def cut_after(sent: int) -> Callable[[Handler], None]:
    """Close the connection when so many bytes of what was announced are sent."""

    def cut(handler: Handler) -> None:
        status, body, headers = part(handler, handler.start())
        handler.answer(status, body[:sent], headers, length=len(body))

    return cut


def stall_after(sent: int) -> Callable[[Handler], None]:
    """Send so many bytes of what was announced, and then nothing until the client has left."""

    def stall(handler: Handler) -> None:
        cut_after(sent)(handler)
        handler.wfile.flush()
        handler.connection.settimeout(LONGEST_STALL)
        handler.rfile.read(1)

    return stall


def fail(status: int, headers: dict[str, str] | None = None) -> Callable[[Handler], None]:
    return lambda handler: handler.answer(status, b"", headers)


def ignore_range(handler: Handler) -> None:
    handler.answer(*part(handler, None))


def begin_elsewhere(handler: Handler) -> None:
    handler.answer(*part(handler, (handler.start() or 0) + 1))


def replace_by(content: bytes) -> Callable[[Handler], None]:
    """Have another file from now on; the list still describes the one before."""

    def replace(handler: Handler) -> None:
        listed = handler.host.listed
        handler.host.replace(content)
        handler.host.listed = listed
        give(handler)

    return replace


def announce(length: int) -> Callable[[Handler], None]:
    """Say another length than the list does."""
    return lambda handler: handler.answer(200, handler.host.content, length=length)


def end_after(sent: int) -> Callable[[Handler], None]:
    """Say no length, and end too early as if it were the end."""

    def end(handler: Handler) -> None:
        piece = handler.host.content[:sent]
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%b\r\n0\r\n\r\n" % (len(piece), piece))

    return end


def send_without_end(handler: Handler) -> None:
    """Say no length, and send until nobody listens."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.close_connection = True
    for _ in range(10_000):
        handler.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
