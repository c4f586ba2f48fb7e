"""A loopback Astro API: what the adapters and the Astro CLI 1.45 use of it, and the storage of the bundles.

A deployment has one bundle, and a finalized deploy replaces all of it. Faults come on request.
"""

import base64
import gzip
import io
import json
import re
import secrets
import socket
import tarfile
import threading
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

Route = Literal[
    "list_organizations",
    "get_organization",
    "get_deployment",
    "create_deploy",
    "get_deploy",
    "finalize_deploy",
    "upload",
]
_DEPLOYMENT = r"/v1/organizations/(?P<organization>[^/]+)/deployments/(?P<deployment>[^/]+)"
_ROUTES: list[tuple[Route, str, re.Pattern[str]]] = [
    ("list_organizations", "GET", re.compile(r"/v1/organizations")),
    ("get_organization", "GET", re.compile(r"/v1/organizations/(?P<organization>[^/]+)")),
    ("get_deployment", "GET", re.compile(_DEPLOYMENT)),
    ("create_deploy", "POST", re.compile(_DEPLOYMENT + "/deploys")),
    ("get_deploy", "GET", re.compile(_DEPLOYMENT + "/deploys/(?P<deploy>[^/]+)")),
    ("finalize_deploy", "POST", re.compile(_DEPLOYMENT + "/deploys/(?P<deploy>[^/]+)/finalize")),
    ("upload", "PUT", re.compile(r"/storage/(?P<deployment>[^/]+)")),
]


def api_token(
    organization: str, workspace: str, *, expires: float | None = None, permissions: bool = True
) -> str:
    """Return a token with the claims that the CLI reads out of it; nobody checks its signature."""
    claims: dict[str, Any] = {"apiTokenId": secrets.token_hex(8), "exp": expires or time.time() + 86400}
    if permissions:
        claims["permissions"] = [f"organizationId:{organization}", f"workspaceId:{workspace}"]
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256", "typ": "JWT"}, claims)]
    return ".".join(
        base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, secrets.token_bytes(64)]
    )


@dataclass
class Deployment:
    """A deployment.

    Attributes:
        uploads: the bundles that were uploaded, by version.
        bundle: the files that it has, by path.
        version: of the bundle that it has.
    """

    workspace: str
    takes_dags: bool
    type: str
    runtime: str
    uploads: dict[str, bytes] = field(default_factory=dict)
    bundle: dict[str, bytes] = field(default_factory=dict)
    version: str = ""


@dataclass
class Deploy:
    """A deploy of a deployment, from its beginning on."""

    id: str
    deployment: str
    description: str
    signature: str
    status: str = "INITIALIZED"
    version: str | None = None


@dataclass(frozen=True)
class Fault:
    """What goes wrong with some calls of a route.

    Attributes:
        status: answered instead of doing it.
        headers: of that answer.
        message: of that answer.
        drop: the connection ends without an answer, before the effect or after it.
        seconds: how long it takes before anything is done.
        ends_as: what a finalized deploy becomes, with 200, while the deployment keeps its bundle.
        omit: header or field that is left out of the answer.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    message: str = "the server is out of order"
    drop: Literal["", "before", "after"] = ""
    seconds: float = 0.0
    ends_as: Literal["", "FAILED", "INITIALIZED"] = ""
    omit: str = ""


class ApiError(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = status


class AstroApi:
    """The API on a free port of 127.0.0.1, as a context manager.

    Attributes:
        organization: the id of the one organization that there is.
        product: HOSTED or HYBRID.
        url: the address.
        storage: the address that uploads are sent to.
        tokens: the tokens that it takes.
        requests: method and path of all that was asked, without queries.
    """

    def __init__(self, organization: str = "organization1", *, port: int = 0):
        self.organization = organization
        self.product = "HOSTED"
        self.tokens: set[str] = set()
        self.requests: list[tuple[str, str]] = []
        self._deployments: dict[str, Deployment] = {}
        self._deploys: list[Deploy] = []
        self._blocks: dict[tuple[str, str], bytes] = {}
        self._faults: list[tuple[Route, range, Fault]] = []
        self._refused: list[int] = []
        self._calls: dict[Route, int] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(self, port)
        self.url = self.storage = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def add_token(self, workspace: str = "workspace1") -> str:
        """Return a new token that is taken."""
        token = api_token(self.organization, workspace)
        self.tokens.add(token)
        return token

    def add_deployment(
        self,
        deployment: str,
        workspace: str = "workspace1",
        *,
        takes_dags: bool = True,
        type: str = "STANDARD",  # noqa: A002
        runtime: str = "3.1-5",
        token: str = "",
    ) -> None:
        """Add a deployment without DAGs, and a token that is taken."""
        if token:
            self.tokens.add(token)
        self._deployments[deployment] = Deployment(workspace, takes_dags, type, runtime)

    def bundle(self, deployment: str) -> dict[str, bytes]:
        """Return the files that a deployment has, by their paths in the bundle."""
        with self._lock:
            return dict(self._deployments[deployment].bundle)

    def version(self, deployment: str) -> str:
        """Return the version of the bundle that a deployment has, empty before the first."""
        return self._deployments[deployment].version

    def deploys(self, deployment: str) -> list[Deploy]:
        """Return all deploys of a deployment, also those that came to nothing, in order."""
        with self._lock:
            return [deploy for deploy in self._deploys if deploy.deployment == deployment]

    def calls(self, route: Route) -> int:
        """Return how often a route was called."""
        return self._calls.get(route, 0)

    def fault(self, route: Route, fault: Fault, *, call: int = 1, calls: int | None = 1) -> None:
        """Have calls of a route go wrong.

        Args:
            route: the route.
            fault: what goes wrong.
            call: the first call that does, counted from now on, from 1.
            calls: how many do, None for all from then on.
        """
        with self._lock:
            first = self.calls(route) + call
            self._faults.append((route, range(first, first + calls if calls is not None else 10**9), fault))

    def forget_faults(self) -> None:
        """Have nothing go wrong any more."""
        with self._lock:
            self._faults.clear()

    def refuse_next(self, status: int, times: int = 1) -> None:
        """Have the next requests refused, whatever their routes; 0 takes back what is left of it."""
        with self._lock:
            self._refused = [status] * times

    def handle(self, handler: "_Handler") -> None:
        """Answer a request."""
        address = urlsplit(handler.path)
        with self._lock:
            self.requests.append((handler.command, address.path))
        body = handler.read_body()
        found = next(
            (
                (route, match)
                for route, method, pattern in _ROUTES
                if method == handler.command and (match := pattern.fullmatch(address.path))
            ),
            None,
        )
        if found is None:
            handler.answer(*self._no_route(address.path, handler.headers))
            return
        route, match = found
        fault = self._next_fault(route)
        if fault.seconds:
            self._closing.wait(fault.seconds)
        if fault.drop == "before":
            handler.drop()
            return
        if fault.status:
            handler.answer(
                fault.status, fault.headers, {"message": fault.message, "statusCode": fault.status}
            )
            return
        try:
            if route != "upload":
                self._authorize(handler.headers.get("Authorization", ""))
            query = {name: values[0] for name, values in parse_qs(address.query).items()}
            with self._lock:
                status, headers, content = getattr(self, f"_{route}")(
                    match, query, body, handler.headers, fault
                )
        except ApiError as error:
            status, headers, content = error.status, {}, {"message": str(error), "statusCode": error.status}
        if fault.drop == "after":
            handler.drop()
            return
        if content is not None:
            content.pop(fault.omit, None)
        headers.pop(fault.omit, None)
        handler.answer(status, headers, content)

    def _authorize(self, header: str) -> None:
        if header.removeprefix("Bearer ") not in self.tokens:
            raise ApiError(401, "Invalid authorization token")

    def _no_route(self, path: str, headers: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
        try:
            if path.startswith("/v1/"):
                self._authorize(headers.get("Authorization", ""))
        except ApiError as error:
            return error.status, {}, {"message": str(error), "statusCode": error.status}
        return 404, {}, {"message": "no such route", "statusCode": 404}

    def _next_fault(self, route: Route) -> Fault:
        with self._lock:
            number = self._calls[route] = self.calls(route) + 1
            if self._refused:
                return Fault(status=self._refused.pop())
            return next(
                (fault for name, calls, fault in self._faults if name == route and number in calls), Fault()
            )

    def _list_organizations(
        self, match: re.Match[str], *_: Any
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        one = {"id": self.organization, "name": self.organization, "product": self.product}
        return 200, {}, {"organizations": [one], "limit": 100, "offset": 0, "totalCount": 1}

    def _get_organization(self, match: re.Match[str], *_: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
        if match["organization"] != self.organization:
            raise ApiError(404, "Organization not found")
        return 200, {}, {"id": self.organization, "name": self.organization, "product": self.product}

    def _get_deployment(self, match: re.Match[str], *_: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
        found = self._found(match)
        shown = {
            "id": match["deployment"],
            "name": match["deployment"],
            "namespace": f"namespace-{match['deployment']}",
            "organizationId": self.organization,
            "workspaceId": found.workspace,
            "runtimeVersion": found.runtime,
            "isDagDeployEnabled": found.takes_dags,
            "isCicdEnforced": True,
            "type": found.type,
            "webServerUrl": f"{self.organization}.example.com/{match['deployment']}",
            "status": "HEALTHY",
        }
        if found.version:
            shown |= {"dagTarballVersion": found.version, "desiredDagTarballVersion": found.version}
        return 200, {}, shown

    def _create_deploy(
        self, match: re.Match[str], query: dict[str, str], body: bytes, *_: Any
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        found = self._found(match)
        asked = json.loads(body)
        if asked.get("type") != "DAG_ONLY":
            raise ApiError(400, "Invalid request: type must be DAG_ONLY")
        if len(asked.get("description") or "") > 500:
            raise ApiError(400, "Invalid request: description must have 500 characters at most")
        deploy = Deploy(
            f"deploy{len(self._deploys) + 1}",
            match["deployment"],
            asked.get("description") or "",
            secrets.token_urlsafe(24),
        )
        self._deploys.append(deploy)
        return 200, {}, self._shown(deploy, found, created=True)

    def _get_deploy(self, match: re.Match[str], *_: Any) -> tuple[int, dict[str, str], dict[str, Any]]:
        return 200, {}, self._shown(self._deploy(match), self._found(match))

    def _finalize_deploy(
        self, match: re.Match[str], query: dict[str, str], body: bytes, headers: Any, fault: Fault
    ) -> tuple[int, dict[str, str], dict[str, Any]]:
        found, deploy = self._found(match), self._deploy(match)
        version = json.loads(body).get("dagTarballVersion")
        if not version:
            raise ApiError(400, "Invalid request: dagTarballVersion is required")
        if deploy.version is not None:
            raise ApiError(400, f"Invalid request: deploy {deploy.id} was finalized already")
        if version not in found.uploads:
            raise ApiError(400, f"Invalid request: there is no bundle of version {version}")
        deploy.version = version
        deploy.status = fault.ends_as or "DEPLOYED"
        if not fault.ends_as:
            found.bundle = _unpacked(found.uploads[version])
            found.version = version
        return 200, {}, self._shown(deploy, found)

    def _upload(
        self, match: re.Match[str], query: dict[str, str], body: bytes, headers: Any, fault: Fault
    ) -> tuple[int, dict[str, str], None]:
        deployment = match["deployment"]
        if query.get("sig") not in {
            deploy.signature for deploy in self._deploys if deploy.deployment == deployment
        }:
            raise ApiError(403, "AuthenticationFailed")
        if query.get("comp") == "block":
            self._blocks[deployment, query["blockid"]] = body
            return 201, {}, None
        if query.get("comp") == "blocklist":
            names = [block.text or "" for block in ElementTree.fromstring(body)]
            body = b"".join(self._blocks[deployment, name] for name in names)
        elif headers.get("x-ms-blob-type") != "BlockBlob":
            raise ApiError(400, "MissingRequiredHeader: x-ms-blob-type")
        elif "Content-Length" not in headers:
            raise ApiError(411, "MissingContentLengthHeader")
        uploads = self._deployments[deployment].uploads
        version = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}{len(uploads) % 10}Z"
        uploads[version] = body
        return 201, {"x-ms-version-id": version, "ETag": f'"{version}"'}, None

    def _found(self, match: re.Match[str]) -> Deployment:
        found = self._deployments.get(match["deployment"])
        if match["organization"] != self.organization or found is None:
            raise ApiError(404, f"Deployment {match['deployment']} not found")
        return found

    def _deploy(self, match: re.Match[str]) -> Deploy:
        for deploy in self._deploys:
            if (deploy.id, deploy.deployment) == (match["deploy"], match["deployment"]):
                return deploy
        raise ApiError(404, f"Deploy {match['deploy']} not found")

    def _shown(self, deploy: Deploy, deployment: Deployment, *, created: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": deploy.id,
            "deploymentId": deploy.deployment,
            "description": deploy.description,
            "type": "DAG_ONLY",
            "status": deploy.status,
            "imageRepository": "images.example.com/airflow",
            "imageTag": "",
            "isDagDeployEnabled": deployment.takes_dags,
        }
        if deploy.version:
            shown["dagTarballVersion"] = deploy.version
        if created and deployment.takes_dags:
            shown["dagsUploadUrl"] = (
                f"{self.storage}/storage/{deploy.deployment}?sv=2024-11-04&sp=cw&sig={deploy.signature}"
            )
        return shown


def _unpacked(archive: bytes) -> dict[str, bytes]:
    try:
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive))) as bundle:
            contents = ((entry.name, bundle.extractfile(entry)) for entry in bundle if entry.isfile())
            return {name: content.read() for name, content in contents if content}
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise ApiError(400, f"Invalid request: the bundle is no tar.gz ({error})") from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # A slow answer must not hold up the end of a test.
    block_on_close = False

    def __init__(self, api: AstroApi, port: int):
        super().__init__(("127.0.0.1", port), _Handler)
        self.api = api

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that are killed in the middle are what tests do."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        self.server.api.handle(self)

    def do_POST(self) -> None:
        self.server.api.handle(self)

    def do_PUT(self) -> None:
        self.server.api.handle(self)

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            content = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                content += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return content
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status: int, headers: Mapping[str, str], content: Mapping[str, Any] | None) -> None:
        body = b"" if content is None else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if content is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drop(self) -> None:
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Print nothing."""
