"""The web application: who may call, which routes there are, and how errors are told."""

import contextlib
import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from databricks_local.api import Call, Endpoint, values_of
from databricks_local.errors import ApiError, not_imitated
from databricks_local.workspace import Workspace

log = logging.getLogger("databricks_local")

# Clients ask these before they have a token.
_OPEN = ("/.well-known/", "/oidc/.well-known/")


def make_app(workspace: Workspace, endpoints: Iterable[Endpoint], pages: Iterable[BaseRoute]) -> Starlette:
    """Return the application of a workspace.

    Args:
        workspace: What the routes work on; started and stopped with the application.
        endpoints: The routes of the API, for who holds the token.
        pages: Routes for people, which see to their callers themselves.
    """
    by_path: dict[str, list[Endpoint]] = defaultdict(list)
    for endpoint in endpoints:
        by_path[endpoint.path].append(endpoint)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await workspace.start()
        try:
            yield
        finally:
            await workspace.stop()

    async def unknown(request: Request) -> Response:
        return await _answered(workspace, request, None)

    routes: list[BaseRoute] = [_route(workspace, path, group) for path, group in by_path.items()]
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    routes += [*pages, Route("/api/{path:path}", unknown, methods=methods)]
    return Starlette(routes=routes, lifespan=lifespan)


def _route(workspace: Workspace, path: str, group: list[Endpoint]) -> Route:
    by_method = {endpoint.method: endpoint for endpoint in group}

    async def serve(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" and "HEAD" not in by_method else request.method
        return await _answered(workspace, request, by_method.get(method))

    # A method that the path lacks is a route that is not imitated, not a 405 of the web server.
    return Route(path, serve, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])


async def _answer(workspace: Workspace, request: Request, endpoint: Endpoint | None) -> Any:
    if endpoint is None:
        raise not_imitated(f"{request.method} {request.url.path}")
    values = await values_of(request, endpoint.fields) if endpoint.fields else {}
    return await endpoint.handler(Call(workspace, request, request.path_params, values))


async def _answered(workspace: Workspace, request: Request, endpoint: Endpoint | None) -> Response:
    try:
        # The path that led to the route: request.url is put together from the Host that the client claims.
        if not request.scope["path"].startswith(_OPEN):
            _authenticate(request, workspace.config.token)
        answer = await _answer(workspace, request, endpoint)
    except ApiError as error:
        if error.status == 501:
            log.warning("%s", error.message)
        content: dict[str, object] = {"error_code": error.error_code, "message": error.message}
        if error.details:
            content["details"] = error.details
        return JSONResponse(content, status_code=error.status, headers=error.headers)
    except Exception:
        # The sentence must not say what an exception of ours may hold.
        log.exception("%s %s failed", request.method, request.url.path)
        content = {
            "error_code": "INTERNAL_ERROR",
            "message": f"databricks-local failed at {request.method} {request.url.path}: its log says why.",
        }
        return JSONResponse(content, status_code=500)
    return answer if isinstance(answer, Response) else JSONResponse(answer)


def _authenticate(request: Request, token: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not given:
        message = "Credential was not sent or was of an unsupported type for this API."
        raise ApiError(401, "UNAUTHENTICATED", message)
    if not secrets.compare_digest(given.strip().encode(), token.encode()):
        raise ApiError(403, "PERMISSION_DENIED", "Invalid access token.")
