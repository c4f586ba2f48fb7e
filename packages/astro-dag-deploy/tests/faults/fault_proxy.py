"""A loopback proxy before AWS and Astro: it names every call, and has those go wrong that a test wants to.

Whatever calls a deploy makes, whichever library makes them, and in whichever process, they come by here.
"""

import http.client
import re
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

_OF_ONE_CONNECTION = {"connection", "expect", "keep-alive", "transfer-encoding", "content-length"}
# What an item of the table is, from its key.
_ITEM = re.compile(rb'"id":\s*\{"S":\s*"(\w+)#')


class Wrong(Enum):
    """What goes wrong with an attempt of a call."""

    REFUSED = "it is answered with 500, without its effect"
    RESET = "the connection ends before its effect"
    LOST = "the connection ends after its effect, without an answer"
    CUT = "the connection ends in the middle of its answer"


Rule = Callable[[str, int], Wrong | None]


class FaultProxy:
    """Passes calls on, as a context manager.

    A call and its repetitions by the client have one name, such as `S3 GET dags/ws/dep/orders/a.py #1`: the
    last part tells calls apart that are otherwise the same.

    Attributes:
        aws: the address that stands for that of AWS.
        astro: the address that stands for that of Astro.
        calls: the names of all calls, in order.
        round: how often it was begun anew, which tells connections apart.
        rule: says what goes wrong with an attempt of a call, by its name and the attempt's number from 1.
        before: called with the name before each attempt is passed on.
        after: called with the name and the status when it had its effect, before its answer.

    Args:
        aws: where AWS is.
        astro: where Astro is.
        hidden: names of one test, and what stands for them in the names of calls.
    """

    def __init__(self, aws: str, astro: str, hidden: Mapping[str, str]):
        self._hidden = hidden
        self._lock = threading.Lock()
        self.round = 0
        # The conditions of moto are checked, and then it writes: other threads may come between.
        self._aws_at_a_time = threading.Lock()
        self._servers = [_Server(self, upstream) for upstream in (aws, astro)]
        self.aws, self.astro = (f"http://127.0.0.1:{server.server_port}" for server in self._servers)
        self.forget()

    def forget(self) -> None:
        """Begin anew: no calls, and nothing goes wrong."""
        with self._lock:
            # What comes by a connection from before is of a process that was killed.
            self.round += 1
            self.calls: list[str] = []
            self._names: dict[str, str] = {}
            self._same: Counter[str] = Counter()
            self._attempts: Counter[str] = Counter()
        self.rule: Rule = lambda call, attempt: None
        self.before: Callable[[str], None] = lambda call: None
        self.after: Callable[[str, int], None] = lambda call, status: None

    def attempts(self, call: str) -> int:
        """Return how often a call was tried."""
        return self._attempts[call]

    def __enter__(self) -> Self:
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def carry(self, handler: "_Handler", body: bytes) -> None:
        """Pass a request on, and its answer back, unless something goes wrong with it."""
        if handler.server.rounds[handler.client_address] != self.round:
            handler.answer(*self._forward(handler, body))
            return
        call, attempt = self._named(handler, body)
        self.before(call)
        wrong = self.rule(call, attempt)
        if wrong is Wrong.REFUSED:
            handler.answer(500, [], b"")
        elif wrong is Wrong.RESET:
            handler.drop()
        else:
            status, headers, content = self._forward(handler, body)
            self.after(call, status)
            if wrong is Wrong.LOST:
                handler.drop()
            else:
                handler.answer(status, headers, content, cut=wrong is Wrong.CUT)

    def _forward(self, handler: "_Handler", body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        upstream = handler.server.upstream
        address = urlsplit(upstream)
        headers = dict(_passed_on(handler.headers.items()))
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=600)
        try:
            if handler.server is self._servers[0]:
                with self._aws_at_a_time:
                    connection.request(handler.command, handler.path, body, headers)
                    answer = connection.getresponse()
                    content = answer.read()
            else:
                connection.request(handler.command, handler.path, body, headers)
                answer = connection.getresponse()
                # The address that a bundle is to be uploaded to.
                content = answer.read().replace(upstream.encode(), self.astro.encode())
            return answer.status, _passed_on(answer.getheaders()), content
        finally:
            connection.close()

    def _named(self, handler: "_Handler", body: bytes) -> tuple[str, int]:
        text = _describe(handler, body, to_aws=handler.server is self._servers[0])
        for hidden, shown in self._hidden.items():
            text = text.replace(hidden, shown)
        text = re.sub(r"(?<!\bS)\d+", "N", text)
        with self._lock:
            # It stays when boto3 repeats a call.
            identity = handler.headers.get("amz-sdk-invocation-id", text)
            if identity not in self._names:
                self._same[text] += 1
                self._names[identity] = f"{text} #{self._same[text]}"
                self.calls.append(self._names[identity])
            name = self._names[identity]
            self._attempts[name] += 1
            return name, self._attempts[name]


def has_effect(call: str) -> bool:
    """Whether a call changes something; of one that does not, a lost answer is as good as none."""
    return " GET " not in call and " Get" not in call


def _passed_on(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in headers if name.lower() not in _OF_ONE_CONNECTION]


def _describe(handler: "_Handler", body: bytes, *, to_aws: bool) -> str:
    address = urlsplit(handler.path)
    if not to_aws:
        return f"Astro {handler.command} {address.path}"
    if operation := handler.headers.get("X-Amz-Target"):
        item = _ITEM.search(body)
        return " ".join([*re.split(r"_\d+\.|\.", operation), *([item[1].decode()] if item else [])])
    if body.startswith(b"Action="):
        return f"SES {dict(parse_qsl(body.decode()))['Action']}"
    bucket, _, key = unquote(address.path).removeprefix("/").partition("/")
    query = [
        name if not value else f"{name}={'*' if name == 'versionId' else value}"
        for name, value in parse_qsl(address.query, keep_blank_values=True)
    ]
    return " ".join(["S3", handler.command, key or bucket, *query])


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, proxy: FaultProxy, upstream: str):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy
        self.upstream = upstream
        self.rounds: dict[Any, int] = {}

    def process_request(self, request: Any, client_address: Any) -> None:
        # Here and not in its thread, which may begin late: connections are taken in the order they come.
        self.rounds[client_address] = self.proxy.round
        super().process_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients are killed in the middle."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # An answer leaves whole.
    wbufsize = -1
    server: _Server

    def do_GET(self) -> None:
        if "Transfer-Encoding" in self.headers:
            raise NotImplementedError("a body in chunks")
        self.server.proxy.carry(self, self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def handle_expect_100(self) -> bool:
        # boto3 waits a second for it before it sends a body.
        super().handle_expect_100()
        self.wfile.flush()
        return True

    def answer(
        self, status: int, headers: list[tuple[str, str]], content: bytes, *, cut: bool = False
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.wfile.flush()
        if cut:
            self.drop()

    def drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""
