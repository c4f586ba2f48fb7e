"""A loopback server with TLS that gives files and behaves badly in every way."""

import contextlib
import datetime
import gzip
import ipaddress
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

CONTENT = b"A = 1\n"
BOUND = 100_000
SIGNATURE = "X-Amz-Signature=5ecre7"


def certificate(folder: Path) -> Path:
    """Make a certificate of this machine and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    names = [
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        *(x509.DNSName(host) for host in ("files.test", "*.files.test", "otherfiles.test")),
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


class BadServer(BaseHTTPRequestHandler):
    """Answers as the path says; counts what it was asked for."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[Counter[str]] = Counter()
    headers_seen: ClassVar[dict[str, dict[str, str]]] = {}

    def handle(self) -> None:
        # Whoever has enough, or trusts no such certificate, hangs up.
        with contextlib.suppress(OSError):
            super().handle()

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].split("/")[1]
        self.asked[self.path] += 1
        self.headers_seen[name] = dict(self.headers)
        self.close_connection = True
        getattr(self, f"give_{name}")(self.asked[self.path])

    def answer(self, status: int, body: bytes = b"", *, length: str | None = "", **headers: str) -> None:
        self.send_response(status)
        for header, value in headers.items():
            self.send_header(header.replace("_", "-"), value)
        if length is not None:
            self.send_header("Content-Length", length or str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def give_plain(self, attempt: int) -> None:
        self.close_connection = False
        self.answer(200, CONTENT)

    def give_status(self, attempt: int) -> None:
        self.answer(int(self.path.split("/")[2]), b"{}")

    def give_recovered(self, attempt: int) -> None:
        self.answer(503 if attempt < 3 else 200, CONTENT)

    def give_reset(self, attempt: int) -> None:
        if attempt == 3:
            self.answer(200, CONTENT)

    def give_cut(self, attempt: int) -> None:
        self.answer(200, CONTENT, length="1000" if attempt == 1 else "")

    def give_large(self, attempt: int) -> None:
        # Who would read it waits in vain.
        self.answer(200, length=str(BOUND + 1))
        self.server.stopped.wait(60)  # type: ignore[attr-defined]

    def give_exact(self, attempt: int) -> None:
        self.answer(200, b"x" * BOUND)

    def give_odd_header(self, attempt: int) -> None:
        self.send_response(200)
        self.wfile.write(b"".join([*self._headers_buffer, b"no header\r\n\r\n"]))

    def give_less_than_said(self, attempt: int) -> None:
        self.answer(200, b"y" * 1000, length="10")
        self.endless(b"y" * 1000)

    def give_no_length(self, attempt: int) -> None:
        self.answer(200, length=None)
        self.endless(b"x" * 1000)

    def give_odd_length(self, attempt: int) -> None:
        self.answer(200, length="ten")
        self.endless(b"x" * 1000)

    def give_chunks(self, attempt: int) -> None:
        self.answer(200, length=None, Transfer_Encoding="chunked")
        self.endless(b"3e8\r\n" + b"x" * 1000 + b"\r\n")

    def give_some_chunks(self, attempt: int) -> None:
        self.answer(200, b"3\r\nA =\r\n3\r\n 1\n\r\n0\r\n\r\n", length=None, Transfer_Encoding="chunked")

    def give_drops(self, attempt: int) -> None:
        self.answer(200, length="1000")
        self.endless(b"x", pause=0.02)

    def give_slow(self, attempt: int) -> None:
        self.answer(200, length="100000000")
        self.endless(b"x" * 70_000, pause=0.1)

    def give_late(self, attempt: int) -> None:
        self.server.stopped.wait()  # type: ignore[attr-defined]

    def give_redirect(self, attempt: int) -> None:
        self.answer(302, Location=f"https://{self.headers['Host']}/plain/redirected?{SIGNATURE}")

    def give_bomb(self, attempt: int) -> None:
        self.answer(200, gzip.compress(bytes(10_000_000)), Content_Encoding="gzip")

    def endless(self, piece: bytes, pause: float = 0.0) -> None:
        while not self.server.stopped.wait(pause):  # type: ignore[attr-defined]
            self.wfile.write(piece)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@contextlib.contextmanager
def serving(pem: Path) -> Iterator[int]:
    """Serve with a certificate, and give the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BadServer)
    server.stopped = threading.Event()  # type: ignore[attr-defined]
    server.daemon_threads = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    # The handshake belongs to the thread of a connection: one that fails must not stop the server.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.stopped.set()  # type: ignore[attr-defined]
    server.shutdown()
    server.server_close()
    thread.join()
