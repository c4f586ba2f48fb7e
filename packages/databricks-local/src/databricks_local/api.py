"""What one route is: a method, a path, the fields it takes and the coroutine that answers."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request

from databricks_local.errors import malformed
from databricks_local.fields import Fields

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace


@dataclass(frozen=True)
class Call:
    """One request whose caller is known and whose fields are checked.

    Attributes:
        workspace: What the call is about.
        request: The request itself, for raw bodies and headers.
        path: The parameters of the route's path.
        values: The fields of the query and of the JSON body.
    """

    workspace: "Workspace"
    request: Request
    path: Mapping[str, str]
    values: dict[str, Any]


Handler = Callable[[Call], Awaitable[object]]


@dataclass(frozen=True)
class Endpoint:
    """A route.

    Attributes:
        method: The HTTP method; a GET route answers HEAD too.
        path: The path as Starlette writes it: ``/api/2.0/fs/files/{path:path}``.
        handler: Returns a mapping to send as JSON, or a Starlette response.
        fields: What query and body may hold; ``None``: the handler reads the request itself.
    """

    method: str
    path: str
    handler: Handler
    fields: Fields | None


async def values_of(request: Request, fields: Fields) -> dict[str, Any]:
    """Return the checked fields of a request: its query and, when it has one, its JSON body.

    Args:
        request: The request.
        fields: What it may hold.

    Raises:
        ApiError: 400: the body is no JSON object, or a field is not accepted.
    """
    values: dict[str, object] = dict(request.query_params)
    body = await request.body()
    if body.strip():
        try:
            content = json.loads(body)
        except ValueError:
            raise malformed("Could not parse request object: the body is no valid JSON.") from None
        if not isinstance(content, dict):
            raise malformed("Could not parse request object: the body must be a JSON object.")
        if b"\\u" in body and not _can_be_sent(content):
            raise malformed("Could not parse request object: half a surrogate pair is no character.")
        values |= content
    return fields.check(values)


def _can_be_sent(content: object) -> bool:
    # Python's parser takes an escape such as \ud800 alone, but neither an answer nor the store can hold it.
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
