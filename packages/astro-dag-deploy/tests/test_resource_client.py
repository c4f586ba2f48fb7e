"""Files fetched from moto's S3 and from a loopback server with TLS that behaves badly in every way."""

import gzip
import json
import socket
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from astro_dag_deploy.model.request import Resource
from astro_dag_deploy.utils import resource_client
from astro_dag_deploy.utils.resource_client import ResourceClient, ResourceError
from bad_server import BOUND, CONTENT, SIGNATURE, BadServer, certificate, serving
from botocore.config import Config
from clocks import Ticking
from stack import make_bucket


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server on a busy machine takes its time for an answer."""
    monkeypatch.setattr(resource_client, "_CONNECT_SECONDS", 600.0)
    monkeypatch.setattr(resource_client, "_READ_SECONDS", 600.0)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def port(pem: Path) -> Iterator[int]:
    """The port of the server."""
    with serving(pem) as port:
        yield port


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
    return ResourceClient(s3, buckets, hosts, bound, **{"pauses": (0.0, 0.0), "seconds": 600.0, **options})


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


def test_a_body_of_s3_has_its_bounds_too(
    port: int, pem: Path, trusted: None, aws: str, monkeypatch: pytest.MonkeyPatch
):
    """boto3 at the bad server: the name of the bucket says how it behaves."""
    s3 = boto3.client(
        "s3",
        endpoint_url=f"https://127.0.0.1:{port}",
        verify=str(pem),
        config=Config(read_timeout=600, retries={"total_max_attempts": 1}),
    )

    def fetch(key: str, **options: Any) -> bytes:
        bucket = key.partition("/")[0]
        return client(s3, buckets=[bucket], **options).fetch(at(f"s3://{key}"))

    assert fetch("plain/a") == CONTENT
    assert fetch("exact/a") == b"x" * BOUND
    assert fetch("cut/a") == CONTENT
    assert "more than the 100,000 bytes" in refusal(lambda: fetch("large/a"))
    assert "more than the 100,000 bytes" in refusal(lambda: fetch("chunks/a"))
    with monkeypatch.context() as patch:
        patch.setattr(resource_client, "time", Ticking(100))
        assert "took longer than 600 seconds" in refusal(lambda: fetch("slow/a", bound=10**9))
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


def test_a_file_is_waited_for_so_long_only(over_https: Fetch, monkeypatch: pytest.MonkeyPatch):
    assert "did not answer in time" in refusal(lambda: over_https("late", seconds=0.3))
    # What would come after the pause is after the end.
    path = f"status/503/{uuid.uuid4().hex}"
    assert "answered 503 (once)" in refusal(lambda: over_https(path, pauses=(601.0,)))
    monkeypatch.setattr(resource_client, "time", Ticking(100))
    assert "took longer than 600 seconds" in refusal(lambda: over_https("drops"))


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
