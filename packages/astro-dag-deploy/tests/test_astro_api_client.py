"""A deploy by the API ends with the bundle in place, or with an error; a lost answer is neither."""

import logging
import socket
import ssl
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from astro_api import Fault
from astro_dag_deploy.errors import AstroError, SettingsError
from astro_dag_deploy.utils import http_session
from astro_dag_deploy.utils.astro_api_client import AstroApiClient
from astro_dag_deploy.utils.astro_cli_client import AstroCliClient
from astro_dag_deploy.utils.http_session import HttpSession, InsecureAddressError, NoAnswerError
from astro_program import install_astro
from clocks import Hurried
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)
NEW = {"orders/pipeline.py": b"A = 1\n", "query.sql": b"select 1"}
PATH = "/v1/organizations/organization1/deployments/deployment1"


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The clock of all requests, for which pauses take no time."""
    clock = Hurried()
    monkeypatch.setattr(http_session, "time", clock)
    # A server on a busy machine takes its time for a handshake.
    monkeypatch.setattr(http_session, "_CONNECT_SECONDS", 600.0)
    return clock


@pytest.fixture
def project(tmp_path):
    return make_project(tmp_path / "project", NEW)


def make_project(folder, files):
    (folder / "dags").mkdir(parents=True)
    for name, content in files.items():
        path = folder / "dags" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture
def deploy(api, token, project):
    """Deploy the project; all but what is named is as it should be."""

    def run(project=project, *, token=token, organization="organization1", **options):
        client = AstroApiClient(api.url, organization, lambda: token)
        defaults = {
            "workspace": "workspace1",
            "deployment": "deployment1",
            "description": "orders, build 7",
            "seconds": 120.0,
        }
        return client.deploy(project, **defaults | options)

    return run


@pytest.fixture
def has_old(api, deploy, tmp_path):
    """Give the deployment DAGs, which a deploy that is none must leave."""
    old = {"old.py": b"OLD = 1\n"}
    deploy(make_project(tmp_path / "old", old))
    api.requests.clear()
    return old


def test_the_version_is_that_of_the_bundle_that_astro_has(deploy, api, has_old):
    deployed = deploy()
    assert api.bundle("deployment1") == NEW
    assert deployed.version == api.version("deployment1") != ""
    made = api.deploys("deployment1")[-1]
    assert (made.status, made.version, made.description) == ("DEPLOYED", deployed.version, "orders, build 7")
    assert api.requests == [
        ("GET", PATH),
        ("POST", f"{PATH}/deploys"),
        ("PUT", "/storage/deployment1"),
        ("POST", f"{PATH}/deploys/{made.id}/finalize"),
        ("GET", f"{PATH}/deploys/{made.id}"),
    ]


def test_both_adapters_leave_the_same(deploy, api, token, project, tmp_path):
    deploy()
    api.add_deployment("deployment2")
    cli = AstroCliClient(str(install_astro(api, tmp_path / "bin")), lambda: token)
    cli.deploy(project, workspace="workspace1", deployment="deployment2", description="", seconds=600)
    assert api.bundle("deployment1") == NEW
    assert api.bundle("deployment2") == api.bundle("deployment1")


def test_an_empty_set_is_deployed_only_when_it_was_asked_for(deploy, api, has_old, tmp_path):
    empty = make_project(tmp_path / "empty", {})
    with pytest.raises(AstroError, match="no Python file"):
        deploy(empty)
    assert api.requests == []
    assert api.bundle("deployment1") == has_old
    deploy(empty, allow_empty=True)
    assert api.bundle("deployment1") == {}


ROUTES = ["get_deployment", "create_deploy", "upload", "finalize_deploy", "get_deploy"]
PASSING = {
    "503": Fault(status=503),
    "429": Fault(status=429, headers={"Retry-After": "0"}),
    "dropped before": Fault(drop="before"),
    "dropped after": Fault(drop="after"),
}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_waited_out(deploy, api, has_old, route, fault):
    before = api.calls(route)
    api.fault(route, PASSING[fault], calls=2)
    deployed = deploy()
    assert api.bundle("deployment1") == NEW
    assert deployed.version == api.version("deployment1")
    # A finalize that was heard must not be said again.
    again = 0 if (route, fault) == ("finalize_deploy", "dropped after") else 2
    assert api.calls(route) - before == 1 + again


@pytest.mark.parametrize("route", ROUTES)
def test_what_does_not_pass_is_no_success(deploy, api, has_old, route):
    api.fault(route, Fault(status=502, message="bad gateway"), calls=None)
    with pytest.raises(AstroError):
        deploy()
    if route != "get_deploy":
        assert api.bundle("deployment1") == has_old


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_that_does_not_come_is_no_success(deploy, api, has_old, route):
    api.fault(route, Fault(seconds=600), calls=None)
    with pytest.raises(
        AstroError, match=r"127\.0\.0\.1 did not answer \(ReadTimeoutError\)|no time was left"
    ):
        deploy(seconds=0.5)
    if route != "get_deploy":
        assert api.bundle("deployment1") == has_old


def test_a_deploy_that_failed_is_no_success(deploy, api, has_old):
    api.fault("finalize_deploy", Fault(ends_as="FAILED"))
    with pytest.raises(AstroError, match=r"Deploy deploy2 ended as FAILED"):
        deploy()
    assert api.bundle("deployment1") == has_old


def test_a_deploy_that_never_ends_is_no_success(deploy, api, has_old):
    api.fault("finalize_deploy", Fault(ends_as="INITIALIZED"))
    with pytest.raises(
        AstroError, match=r"Deploy deploy2 is INITIALIZED and did not become DEPLOYED in time"
    ):
        deploy()
    assert api.bundle("deployment1") == has_old


def test_a_refusal_after_a_lost_answer_tells_nothing(deploy, api):
    api.fault("finalize_deploy", Fault(ends_as="INITIALIZED", drop="after"))
    with pytest.raises(AstroError, match="did not become DEPLOYED in time"):
        deploy()
    assert api.calls("finalize_deploy") == 2


def test_a_refused_finalize_is_said(deploy, api, has_old):
    api.fault("finalize_deploy", Fault(status=409, message="Another deploy is newer."))
    with pytest.raises(AstroError, match=r"Could not finalize the deploy: 409, Another deploy is newer\.$"):
        deploy()
    assert api.bundle("deployment1") == has_old


def test_another_version_than_the_uploaded_is_no_success(deploy, api):
    api.fault("get_deploy", Fault(omit="dagTarballVersion"))
    with pytest.raises(AstroError, match=r"Astro deployed version None in deploy deploy1"):
        deploy()


def test_an_upload_without_a_version_is_not_finalized(deploy, api, has_old):
    api.fault("upload", Fault(omit="x-ms-version-id"))
    with pytest.raises(AstroError, match="named no version of the bundle"):
        deploy()
    assert api.bundle("deployment1") == has_old


@pytest.mark.parametrize(
    ("deployment", "options", "said"),
    [
        ({"takes_dags": False}, {}, "DAG-only deploys are off for deployment deployment1"),
        ({}, {"workspace": "workspace2"}, "Deployment deployment1 is not in workspace workspace2"),
        ({"type": "HYBRID"}, {}, "is of the type HYBRID, whose bundles need Astronomer's monitoring DAG"),
        (
            {},
            {"deployment": "another"},
            r"Could not read the deployment: 404, Deployment another not found\.",
        ),
        ({}, {"organization": "another"}, "Could not read the deployment: 404"),
        ({}, {"deployment": "../deployment1"}, "Could not read the deployment: 404"),
        ({}, {"token": "wrong"}, r"Astro refused the API token \(401\)"),
        ({}, {"token": "two\nlines"}, "The API token is empty or has spaces"),
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_is_made(deploy, api, deployment, options, said):
    api.add_deployment("deployment1", **deployment)
    with pytest.raises(AstroError, match=said):
        deploy(**options)
    assert api.calls("create_deploy") == 0


def test_no_address_for_the_bundle_is_refused(deploy, api):
    api.fault("create_deploy", Fault(omit="dagsUploadUrl"))
    with pytest.raises(AstroError, match="named no address for the DAGs of deployment1"):
        deploy()


def test_an_answer_that_is_none_of_the_api_is_refused(deploy, api):
    api.fault("get_deployment", Fault(status=200))
    with pytest.raises(AstroError, match="Astro's answer is not one of its API"):
        deploy()


def test_a_redirect_is_not_followed(deploy, api):
    api.fault("get_deployment", Fault(status=302, headers={"Location": f"{api.url}/elsewhere"}))
    with pytest.raises(AstroError, match="Could not read the deployment: 302"):
        deploy()
    assert api.requests == [("GET", PATH)]


def test_an_upload_that_expired_is_refused(deploy, api, has_old):
    api.fault("upload", Fault(status=403))
    with pytest.raises(AstroError, match=r"Astro's storage did not take the bundle: 403\."):
        deploy()
    assert api.bundle("deployment1") == has_old


def test_a_description_is_one_line_of_what_astro_takes(deploy, api):
    deploy(description="first\nsecond " + "x" * 1000)
    description = api.deploys("deployment1")[0].description
    assert description.startswith("first second x")
    assert len(description) == 500


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (format_datetime(NOW + timedelta(minutes=10), usegmt=True), 600.0),
        ("soon", 0.5),
        ("", 0.5),
    ],
    ids=["seconds", "date", "nonsense", "none"],
)
def test_the_server_says_how_long_to_wait(deploy, api, clock, monkeypatch, value, seconds):
    waits = []
    monkeypatch.setattr(clock, "sleep", waits.append)
    monkeypatch.setattr(clock, "time", NOW.timestamp)
    api.fault("create_deploy", Fault(status=429, headers={"Retry-After": value}))
    deploy(seconds=3600.0)
    assert waits == [seconds]


def test_a_wait_beyond_the_time_is_not_begun(deploy, api, clock, monkeypatch):
    waits = []
    monkeypatch.setattr(clock, "sleep", waits.append)
    api.fault("create_deploy", Fault(status=429, headers={"Retry-After": "601"}, message="Too many requests"))
    with pytest.raises(AstroError, match="Could not create a deploy: 429, Too many requests"):
        deploy()
    assert waits == []


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1",
        "ftp://x",
        "https://[::1",
        "api.example.com",
    ],
)
def test_a_token_travels_over_https_alone(url):
    with pytest.raises(SettingsError, match="ASTRO_API_URL must be an https address"):
        AstroApiClient(url, "organization1", lambda: "token")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://x.example"]
)
def test_http_is_for_this_machine(url):
    AstroApiClient(url, "organization1", lambda: "token")


def test_a_bundle_travels_over_https_alone(deploy, api):
    api.storage = "http://storage.example.com"
    with pytest.raises(AstroError) as caught:
        deploy()
    assert str(caught.value) == (
        "Could not upload the bundle: the address of storage.example.com does not begin with https://."
    )


def test_insecure_addresses_are_refused_by_every_request():
    with pytest.raises(InsecureAddressError):
        HttpSession(5.0).request("GET", "http://api.example.com", headers={})


@contextmanager
def tls_server(folder):
    """Serve TLS with a certificate that nobody knows, and count what is said after it was taken."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "key")
    connections, heard = [], []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(connection)
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        heard.append(secure.recv(1))
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], connections, heard
        listener.shutdown(socket.SHUT_RDWR)


def test_a_certificate_that_nobody_knows_gets_no_token_and_no_second_try(tmp_path):
    with tls_server(tmp_path) as (port, connections, heard):
        with pytest.raises(NoAnswerError, match=r"localhost did not answer \(SSLError\)"):
            HttpSession(600.0).request("GET", f"https://localhost:{port}/?sig=1", headers={})
        assert (len(connections), heard) == (1, [])


def test_no_secret_is_in_an_error_or_log(deploy, api, token, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    # Whatever fetched a file in this process before has had it say less.
    caplog.set_level(logging.DEBUG, "urllib3")
    deploy()
    errors = []
    for route, fault in [
        ("get_deployment", Fault(status=400, message=f"Bearer {token} is odd")),
        ("create_deploy", Fault(drop="before")),
        ("upload", Fault(status=403)),
        ("upload", Fault(drop="before")),
        ("upload", Fault(omit="x-ms-version-id")),
        ("finalize_deploy", Fault(ends_as="FAILED")),
        ("finalize_deploy", Fault(status=400)),
        ("get_deploy", Fault(status=404)),
    ]:
        api.fault(route, fault, calls=None if fault.drop else 1)
        with pytest.raises(AstroError) as caught:
            deploy()
        errors += [repr(caught.value), repr(caught.value.__cause__)]
        api.forget_faults()
    api.storage = "https://storage.example.com:99999"
    with pytest.raises(AstroError, match=r"storage\.example\.com did not answer") as caught:
        deploy()
    errors += [repr(caught.value), repr(caught.value.__cause__)]
    printed = capfd.readouterr()
    everything = "\n".join([*errors, caplog.text, printed.out, printed.err])
    assert "Bearer *** is odd" in everything
    # urllib3 tells what it asks for.
    assert "PUT /storage/deployment1 HTTP" in caplog.text.replace('"', "")
    for secret in (token, *(made.signature for made in api.deploys("deployment1"))):
        assert secret not in everything
