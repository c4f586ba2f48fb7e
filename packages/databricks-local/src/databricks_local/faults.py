"""Faults on demand: what a network and a busy service do to a client now and then, for tests.

They are kept in the memory of the server: a restart ends them all.
"""

import asyncio
import random
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import Any, Literal

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from databricks_local.api import Call, Endpoint
from databricks_local.errors import invalid, missing
from databricks_local.fields import fields

_OWN_ROUTES = "/api/databricks-local/"
_TRANSPORT = "databricks_local.transport"
_LONGEST_LATENCY_MS = 600_000

# The kinds of error that clients treat apart, worded as the service does.
_ERRORS: Mapping[int, tuple[str, str]] = {
    429: ("REQUEST_LIMIT_EXCEEDED", "Your request was rejected since the rate limit is exceeded."),
    500: ("INTERNAL_ERROR", "An internal error occurred."),
    503: ("TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
    504: ("DEADLINE_EXCEEDED", "The request took too long."),
}
_WITH_RETRY_AFTER = (429, 503)


@dataclass
class Fault:
    """What goes wrong with some requests.

    Attributes:
        fault_id: Its number.
        route: Pattern of the paths it hits, as ``fnmatch`` has them: ``/api/2.?/jobs/runs/*``.
        method: The HTTP method it hits; ``None``: all.
        latency_ms: How long the request waits before anything else happens.
        status: The status that is answered in place of the call: 429, 500, 503 or 504.
        retry_after: Seconds in the header ``Retry-After`` of a 429 or 503; ``None``: no header.
        reset: Resets the connection ``before`` the call, which then never happens, or ``after`` its effect.
        probability: Of each request that matches, the part that is hit.
        seed: Makes the draws repeatable.
        count: How often it happens at most; ``None``: always.
        happened: How often it did.
    """

    fault_id: int
    route: str = "*"
    method: str | None = None
    latency_ms: int = 0
    status: int | None = None
    retry_after: int | None = None
    reset: Literal["before", "after"] | None = None
    probability: float = 1.0
    seed: int | None = None
    count: int | None = None
    happened: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Refuse what could not happen.

        Raises:
            ApiError: 400: the fault does nothing, or a value is out of range.
        """
        if not self.latency_ms and self.status is None and self.reset is None:
            raise invalid("A fault needs latency_ms, status or reset.")
        if not 0 <= self.latency_ms <= _LONGEST_LATENCY_MS:
            raise invalid(f"latency_ms must be from 0 to {_LONGEST_LATENCY_MS}.")
        if self.status is not None and self.status not in _ERRORS:
            raise invalid(f"status must be one of {', '.join(map(str, _ERRORS))}.")
        if self.reset not in (None, "before", "after"):
            raise invalid("reset must be 'before' or 'after'.")
        if self.status is not None and self.reset is not None:
            raise invalid("A fault has a status or a reset, not both.")
        if self.retry_after is not None and (self.status not in _WITH_RETRY_AFTER or self.retry_after < 0):
            raise invalid("retry_after is for a status of 429 or 503, and not negative.")
        if not 0 < self.probability <= 1:
            raise invalid("probability must be above 0 and not above 1.")
        if self.count is not None and self.count < 1:
            raise invalid("count must be at least 1.")
        self._random = random.Random(self.seed)  # noqa: S311

    def hits(self, method: str, path: str) -> bool:
        """Return whether it happens to a request, and count it if so."""
        if self.count is not None and self.happened >= self.count:
            return False
        if self.method not in (None, method) or not fnmatchcase(path, self.route):
            return False
        if self._random.random() >= self.probability:
            return False
        self.happened += 1
        return True

    def shown(self) -> dict[str, Any]:
        """Return it as the API shows it: fields that were not set are absent."""
        values = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return {name: value for name, value in values.items() if value is not None}


class Faults:
    """The faults of one server, in the order in which they were added."""

    def __init__(self) -> None:
        self._faults: dict[int, Fault] = {}
        self._ids = count(1)

    def add(self, values: Mapping[str, Any]) -> Fault:
        """Add a fault.

        Args:
            values: Attributes of ``Fault`` but ``fault_id`` and ``happened``.

        Raises:
            ApiError: 400: as ``Fault`` says.
        """
        fault = Fault(next(self._ids), **values)
        self._faults[fault.fault_id] = fault
        return fault

    def remove(self, fault_id: int) -> None:
        """End a fault.

        Raises:
            ApiError: 404: there is none with this number.
        """
        if self._faults.pop(fault_id, None) is None:
            raise missing(f"Fault {fault_id} does not exist.")

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def all(self) -> list[Fault]:
        """Return the faults there are, those that will not happen again too."""
        return list(self._faults.values())

    def drawn(self, method: str, path: str) -> tuple[float, Fault | None]:
        """Return the seconds that a request waits, and the fault that ends it, if one does."""
        latency = 0.0
        for fault in self._faults.values():
            if not fault.hits(method, path):
                continue
            latency += fault.latency_ms / 1000
            if fault.status is not None or fault.reset is not None:
                return latency, fault
        return latency, None


class FaultyApp:
    """An ASGI application that answers as another one does, but for the faults."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        """Wrap an application.

        Args:
            app: The outermost application: what it sends reaches the network.
            faults: What goes wrong.
        """
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(_OWN_ROUTES):
            await self._app(scope, receive, send)
            return
        latency, fault = self._faults.drawn(scope["method"], scope["path"])
        if latency:
            await asyncio.sleep(latency)
        if fault is None:
            await self._app(scope, receive, send)
        elif fault.status is not None:
            await _error(fault)(scope, receive, send)
        else:
            if fault.reset == "after":
                await self._app(scope, receive, _unsent)
            await _reset(scope, receive)


class ResettableProtocol(H11Protocol):
    """uvicorn's protocol for HTTP, whose connections an application can reset."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Hand the connection to the application with each of its requests."""
        super().connection_made(transport)
        app: Callable[..., Any] = self.app

        async def with_transport(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[_TRANSPORT] = transport
            await app(scope, receive, send)

        self.app = with_transport


async def _reset(scope: Scope, receive: Receive) -> None:
    transport: asyncio.Transport = scope["extensions"][_TRANSPORT]
    # A socket that does not linger is closed with RST, as by a load balancer that dies, not with FIN.
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _unsent(message: Message) -> None:
    pass


def _error(fault: Fault) -> JSONResponse:
    error_code, message = _ERRORS[fault.status or 500]
    headers = {"X-Databricks-Local-Fault": str(fault.fault_id)}
    if fault.retry_after is not None:
        headers["Retry-After"] = str(fault.retry_after)
    content = {"error_code": error_code, "message": message}
    return JSONResponse(content, status_code=fault.status or 500, headers=headers)


async def list_faults(call: Call) -> object:
    """Return all faults, with how often each happened."""
    return {"faults": [fault.shown() for fault in call.workspace.faults.all()]}


async def add_fault(call: Call) -> object:
    """Add a fault and return it."""
    return call.workspace.faults.add(call.values).shown()


async def clear_faults(call: Call) -> object:
    """End all faults."""
    call.workspace.faults.clear()
    return {}


async def remove_fault(call: Call) -> object:
    """End one fault."""
    call.workspace.faults.remove(int(call.path["fault_id"]))
    return {}


ENDPOINTS = (
    Endpoint("GET", "/api/databricks-local/faults", list_faults, fields({})),
    Endpoint(
        "POST",
        "/api/databricks-local/faults",
        add_fault,
        fields(
            {
                "route": str,
                "method": str,
                "latency_ms": int,
                "status": int,
                "retry_after": int,
                "reset": str,
                "probability": float,
                "seed": int,
                "count": int,
            }
        ),
    ),
    Endpoint("DELETE", "/api/databricks-local/faults", clear_faults, fields({})),
    Endpoint("DELETE", "/api/databricks-local/faults/{fault_id:int}", remove_fault, fields({})),
)
