"""Files fetched from moto's S3 and from a loopback server with TLS that behaves badly in every way."""

import contextlib
import datetime
import gzip
import ipaddress
import json
import socket
import ssl
import threading
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import boto3
import pytest
from astro_dag_deploy.model.request import Resource
from astro_dag_deploy.utils.resource_client import ResourceClient, ResourceError, problems_of
from botocore.config import Config
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from stack import make_bucket

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
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
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
        self.server.stopped.wait(20)  # type: ignore[attr-defined]

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
        self.server.stopped.wait(3)  # type: ignore[attr-defined]
        self.answer(200, CONTENT)

    def give_redirect(self, attempt: int) -> None:
        self.answer(302, Location=f"https://{self.headers['Host']}/plain/redirected?{SIGNATURE}")

    def give_bomb(self, attempt: int) -> None:
        self.answer(200, gzip.compress(bytes(10_000_000)), Content_Encoding="gzip")

    def endless(self, piece: bytes, pause: float = 0.0) -> None:
        while not self.server.stopped.wait(pause):  # type: ignore[attr-defined]
            self.wfile.write(piece)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def port(pem: Path) -> Iterator[int]:
    """The port of the server."""
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


@pytest.fixture
def trusted(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))


@pytest.fixture
def bucket(aws: str) -> str:
    name = f"sources-{uuid.uuid4().hex}"
    make_bucket(name)
    return name


Fetch = Callable[..., bytes]


@pytest.fixture
def over_https(port: int, trusted: None) -> Fetch:
    """Fetches a path from the server."""

    def fetch(path: str, **options: Any) -> bytes:
        return client(hosts=[f"127.0.0.1:{port}"], **options).fetch(
            at(f"https://127.0.0.1:{port}/{path}?{SIGNATURE}")
        )

    return fetch


def client(
    s3: Any = None, *, hosts: Any = (), buckets: Any = (), bound: int = BOUND, **options: Any
) -> ResourceClient:
    return ResourceClient(s3, buckets, hosts, bound, **{"pauses": (0.0, 0.0), **options})


def at(source: str) -> Resource:
    return Resource.model_validate({"path": "orders/a.py", "source": source})


def refusal(fetch: Callable[[], bytes]) -> str:
    """Return what is said, which must name the path and the source, without what is secret."""
    with pytest.raises(ResourceError) as raised:
        fetch()
    sentence = str(raised.value)
    assert sentence.startswith(("orders/a.py: https://", "orders/a.py: s3://", "orders/a.py: the text"))
    assert sentence.endswith(".")
    assert "5ecre7" not in sentence
    return sentence


def test_text_is_utf_8_and_bounded():
    resource = Resource.model_validate({"path": "orders/a.py", "text": "é = 1\n"})
    assert client(bound=7).fetch(resource) == "é = 1\n".encode()
    sentence = refusal(lambda: client(bound=6).fetch(resource))
    assert sentence.startswith(
        "orders/a.py: the text in the request has more than the 6 bytes that are allowed"
    )


def test_an_object_is_read(bucket: str):
    s3 = boto3.client("s3")
    for key, content in {"a.py": CONTENT, "x/ü ?#%20.py": b"", "large": b"x" * BOUND}.items():
        s3.put_object(Bucket=bucket, Key=key, Body=content)
        assert client(s3, buckets=[bucket]).fetch(at(f"s3://{bucket}/{key}")) == content


def test_an_object_that_cannot_be_had_is_named(bucket: str):
    s3 = boto3.client("s3")
    s3.put_object(Bucket=bucket, Key="large", Body=b"x" * (BOUND + 1))
    s3.put_object(Bucket=bucket, Key="packed", Body=gzip.compress(b""), ContentEncoding="gzip")
    s3.put_object(Bucket=bucket, Key="secret/a", Body=b"")
    denied = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/secret/*",
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
    fetcher = client(s3, buckets=[bucket, "no-such-bucket"])

    def said(source: str) -> str:
        return refusal(lambda: fetcher.fetch(at(source)))

    assert said(f"s3://{bucket}/no?{SIGNATURE}") == f"orders/a.py: s3://{bucket}/no does not exist."
    assert "bucket that does not exist" in said("s3://no-such-bucket/a")
    assert "the function's role may not read it" in said(f"s3://{bucket}/secret/a")
    assert "more than the 100,000 bytes" in said(f"s3://{bucket}/large")
    assert "compressed" in said(f"s3://{bucket}/packed")
    assert "have it put into SOURCE_BUCKETS" in said(f"s3://{bucket}-other/a")
    assert "have it put into SOURCE_BUCKETS" in said(f"s3://{bucket[:-1]}/a")


def test_a_body_of_s3_has_its_bounds_too(port: int, pem: Path, trusted: None, aws: str):
    """boto3 at the bad server: the name of the bucket says how it behaves."""
    s3 = boto3.client(
        "s3",
        endpoint_url=f"https://127.0.0.1:{port}",
        verify=str(pem),
        config=Config(read_timeout=3, retries={"total_max_attempts": 1}),
    )

    def fetch(key: str, **options: Any) -> bytes:
        bucket = key.partition("/")[0]
        return client(s3, buckets=[bucket], **options).fetch(at(f"s3://{key}"))

    assert fetch("plain/a") == CONTENT
    assert fetch("exact/a") == b"x" * BOUND
    assert fetch("cut/a") == CONTENT
    assert "more than the 100,000 bytes" in refusal(lambda: fetch("large/a"))
    assert "more than the 100,000 bytes" in refusal(lambda: fetch("chunks/a"))
    assert "took longer than 0.3 seconds" in refusal(lambda: fetch("slow/a", seconds=0.3, bound=10**9))
    assert "S3 answered 503" in refusal(lambda: fetch("status/503/a"))
    assert "is refused by S3 with 400" in refusal(lambda: fetch("status/400/a"))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("plain/a.py", CONTENT),
        ("plain//a%20b.py", CONTENT),
        ("exact", b"x" * BOUND),
        ("recovered", CONTENT),
        ("reset", CONTENT),
        ("cut", CONTENT),
        ("some_chunks", CONTENT),
    ],
)
def test_an_address_is_read(over_https: Fetch, path: str, content: bytes):
    path = f"{path}/{uuid.uuid4().hex}"
    assert over_https(path) == content
    seen = BadServer.headers_seen[path.split("/")[0]]
    assert seen["Accept-Encoding"] == "identity"
    assert BadServer.asked[f"/{path}?{SIGNATURE}"] >= 1


@pytest.mark.parametrize(
    ("path", "words", "attempts"),
    [
        ("large", "more than the 100,000 bytes", 1),
        ("no_length", "more than the 100,000 bytes", 1),
        ("odd_length", "more than the 100,000 bytes", 1),
        ("chunks", "more than the 100,000 bytes", 1),
        ("redirect", "redirects (302), which is not followed", 1),
        ("bomb", "is compressed by its Content-Encoding", 1),
        ("status/400", "answered 400", 1),
        ("status/204", "answered 204", 1),
        ("status/403", "the signature of its address may be too old", 1),
        ("status/404", "does not exist (404)", 1),
        ("status/429", "answered 429 (3 times): send the request again", 3),
        ("status/500", "answered 500 (3 times): send the request again", 3),
    ],
)
def test_an_address_that_gives_no_file_is_named(over_https: Fetch, path: str, words: str, attempts: int):
    path = f"{path}/{uuid.uuid4().hex}"
    assert words in refusal(lambda: over_https(path))
    assert BadServer.asked[f"/{path}?{SIGNATURE}"] == attempts


def test_a_redirect_is_not_followed(over_https: Fetch):
    BadServer.headers_seen.pop("plain", None)
    refusal(lambda: over_https("redirect/x"))
    assert "plain" not in BadServer.headers_seen


def test_no_log_has_a_signature(over_https: Fetch, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    over_https("plain")
    over_https("odd_header")
    refusal(lambda: over_https("status/404/x"))
    assert "5ecre7" not in caplog.text


def test_no_more_is_read_than_the_answer_says(over_https: Fetch):
    assert over_https("less_than_said") == b"y" * 10
    assert over_https("plain/after") == CONTENT


def test_a_file_is_waited_for_so_long_only(over_https: Fetch):
    assert "took longer than 0.3 seconds" in refusal(lambda: over_https("drops", seconds=0.3))
    assert "did not answer in time" in refusal(lambda: over_https("late", seconds=0.3))
    # What would come after the pause is after the end.
    path = f"status/503/{uuid.uuid4().hex}"
    assert "answered 503 (once)" in refusal(lambda: over_https(path, seconds=0.3, pauses=(0.4,)))


def test_a_certificate_must_be_one_that_the_system_trusts(
    port: int, monkeypatch: pytest.MonkeyPatch, pem: Path
):
    def fetch() -> bytes:
        return client(hosts=[f"127.0.0.1:{port}"]).fetch(at(f"https://127.0.0.1:{port}/plain"))

    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    assert "has no valid certificate: self-signed certificate" in refusal(fetch)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    assert fetch() == CONTENT


def test_a_certificate_must_be_of_the_host(port: int, trusted: None, everywhere: None):
    with pytest.raises(ResourceError, match="has no valid certificate: Hostname mismatch"):
        client(hosts=[f"wrong.test:{port}"]).fetch(at(f"https://wrong.test:{port}/plain"))


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name is this machine."""
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("files.test:{port}", "files.test:{port}"),
        ("files.test:{port}", "FILES.test:{port}"),
        ("*.test:{port}", "files.test:{port}"),
        ("*.test:{port}", "a.files.test:{port}"),
        ("*.files.test:{port}", "a.files.test:{port}"),
    ],
)
def test_an_allowed_host_is_asked(allowed: str, host: str, port: int, trusted: None, everywhere: None):
    fetcher = client(hosts=["x.test", allowed.format(port=port)])
    assert fetcher.fetch(at(f"https://{host.format(port=port)}/plain")) == CONTENT


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("", "files.test:{port}"),
        ("*", "files.test:{port}"),
        ("files.test", "files.test:{port}"),
        ("files.test:443", "files.test:{port}"),
        ("files.test:{port}", "files.test"),
        ("files.test:{port}", "a.files.test:{port}"),
        ("files.test:{port}", "otherfiles.test:{port}"),
        ("*.files.test:{port}", "files.test:{port}"),
        ("*.files.test:{port}", "otherfiles.test:{port}"),
        ("*files.test:{port}", "otherfiles.test:{port}"),
        ("f*.test:{port}", "files.test:{port}"),
        ("127.0.0.1:{port}", "files.test:{port}"),
    ],
)
def test_another_host_is_not_asked(allowed: str, host: str, port: int, trusted: None, everywhere: None):
    path = f"plain/{uuid.uuid4().hex}"
    fetcher = client(hosts=[allowed.format(port=port)])
    with pytest.raises(ResourceError, match="have it put into SOURCE_HOSTS"):
        fetcher.fetch(at(f"https://{host.format(port=port)}/{path}"))
    assert not BadServer.asked[f"/{path}"]


def test_a_host_that_is_not_there_is_named():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{free.getsockname()[1]}"
        sentence = refusal(lambda: client(hosts=[host]).fetch(at(f"https://{host}/a?{SIGNATURE}")))
    assert "could not be reached (3 times): send the request again" in sentence


@pytest.mark.parametrize(
    "content",
    [
        b"",
        "é = 1\n".encode(),
        b"\xef\xbb\xbfa = 1\r\n",
        b"# -*- coding: latin-1 -*-\na = '\xe9'\n",
        b"raise SystemExit('this does not run')\n",
        b"x = 1 is 1\nassert (x, 'always')\ny = '\\d'\n",
    ],
)
def test_python_compiles(content: bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert problems_of("orders/a.py", content) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a = 1\nb = = 2\n", "line 2: invalid syntax."),
        (b"def f(:\n", "line 1: "),
        (b"if x:\nprint(1)\n", "line 2: expected an indented block"),
        (b"return 1\n", "line 1: 'return' outside function."),
        (b"<<<<<<< HEAD\n", "line 1: "),
        (b"a = '\xe9'\n", "utf-8"),
        (b"# coding: no-such-encoding\n", "no-such-encoding"),
        (b"a = 1\0\n", "null bytes"),
        (b"(" * 1000, "too many nested parentheses"),
        (b"-" * 200_000 + b"1", "nested too deeply"),
        (b"a" + b"+a" * 100_000, "nested too deeply"),
        (b"from __future__ import braces\n", "not a chance"),
    ],
)
def test_what_is_no_python_is_named_with_its_line(content: bytes, words: str):
    (problem,) = problems_of("orders/a.py", content)
    assert problem.startswith("orders/a.py: Python 3.")
    assert " does not compile it: " in problem
    assert words in problem.lower()
    assert problem.endswith(".")


def test_python_that_would_take_all_memory_is_not_compiled():
    assert problems_of("dags/a.py", b"#" * (256 * 1024)) == []
    [problem] = problems_of("dags/a.py", b"#" * (256 * 1024 + 1))
    assert "has more than the 262,144 bytes that a file of Python may have" in problem


def test_other_files_are_not_compiled():
    for path in ("a.sql", "a.pyc", "py", ".airflowignore"):
        assert problems_of(path, b"\xff\0 no (python") == []
