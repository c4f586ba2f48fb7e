"""Reads a request from an event: the request as it is, or as API Gateway wraps it."""

import base64
import json
from typing import Any

from pydantic import ValidationError

from astro_dag_deploy.errors import BadRequestError
from astro_dag_deploy.model.problems import kind_of, sentences, where
from astro_dag_deploy.model.request import DeployRequest

# 5,000 files have fewer values. Each that is not known costs memory for its own sentence.
_MAX_VALUES = 100_000
_MAX_DEPTH = 50
_Object = dict[str, Any]


def is_proxy(event: object) -> bool:
    """Whether an event is of a proxy integration of API Gateway, of a REST API or of an HTTP API.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    if not isinstance(event, dict):
        return False
    context = event.get("requestContext")
    return "httpMethod" in event or (isinstance(context, dict) and "http" in context)


def read_event(event: object, aws_request_id: str) -> DeployRequest:
    """Read a request.

    Args:
        event: a JSON value: `{"astroWorkspace", "astroDeployment", "repo", "requestId", "body": {"dags"}}`,
            or a proxy event whose query or body has these keys.
        aws_request_id: the id of the invocation, which is that of the request if it has no other.

    Raises:
        BadRequestError: it is no request; all its problems are named.
    """
    if not isinstance(event, dict):
        raise BadRequestError([f"The event must be an object, not {kind_of(event)}."])
    if excess := _excess(event):
        raise BadRequestError([f"The event {excess}."])
    problems: list[str] = []
    header = context_id = None
    if is_proxy(event):
        outside = _read_query(event, problems)
        body = _read_body(event.get("body"), problems, is_base64=bool(event.get("isBase64Encoded")))
        header = _read_idempotency_key(event, problems)
        context_id = _object_of(event, "requestContext", problems).get("requestId")
    else:
        outside = {name: value for name, value in event.items() if name != "body"}
        body = _read_body(event.get("body"), problems)
    fields = _merge(outside, body or {}, problems)
    fields["requestId"] = next(
        given for given in (header, fields.get("requestId"), context_id, aws_request_id) if given is not None
    )
    try:
        request = DeployRequest.model_validate(fields)
    except ValidationError as error:
        found = sentences(error)
        # Whoever's body cannot be read need not be told what is not in it.
        problems += [problem for problem in found if body is not None or not problem.startswith("dags:")]
    if problems:
        raise BadRequestError(problems)
    return request


def _read_query(event: _Object, problems: list[str]) -> _Object:
    for name, values in _object_of(event, "multiValueQueryStringParameters", problems).items():
        if isinstance(values, list) and any(value != values[0] for value in values):
            problems.append(f"{where([name])}: is in the query more than once.")
    return _object_of(event, "queryStringParameters", problems)


def _read_idempotency_key(event: _Object, problems: list[str]) -> Any:
    # Names of headers have no case; an HTTP API sends them in small letters, a REST API as they came.
    headers = _object_of(event, "headers", problems)
    values = [value for name, value in headers.items() if name.lower() == "idempotency-key"]
    if any(value != values[0] for value in values):
        problems.append("Idempotency-Key: is among the headers more than once.")
    return values[0] if values else None


def _read_body(body: Any, problems: list[str], *, is_base64: bool = False) -> _Object | None:
    """Return the object that a body is or holds as JSON; None where there is none, which is a problem."""
    if isinstance(body, str):
        try:
            body = _parse(base64.b64decode(body, validate=True).decode() if is_base64 else body)
        except _NotAcceptedError as error:
            problems.append(f"body: {error}.")
            return None
        except ValueError:
            problems.append("body: is not base64 of UTF-8, as isBase64Encoded says.")
            return None
    if body is None:
        problems.append("body: is missing; it must be an object with dags.")
    elif not isinstance(body, dict):
        problems.append(f"body: must be an object, not {kind_of(body)}.")
    else:
        return body
    return None


class _NotAcceptedError(Exception):
    """Text that is no JSON, or not one that all programs read alike."""


def _parse(text: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise _NotAcceptedError(
            f"is not JSON: line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except (ValueError, RecursionError):
        raise _NotAcceptedError("has a number that is too long, or is nested too deeply") from None
    if excess := _excess(value):
        raise _NotAcceptedError(excess)
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> _Object:
    # Of two lists of DAGs in one object the first would be dropped, and its DAGs removed from the deployment.
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise _NotAcceptedError("has an object with the same name twice")
    return fields


def _refuse_constant(name: str) -> Any:
    raise _NotAcceptedError(f"has {name}, which is not JSON")


def _object_of(event: _Object, name: str, problems: list[str]) -> _Object:
    found = event.get(name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        problems.append(f"{name}: must be an object, not {kind_of(found)}.")
        return {}
    return found


def _merge(outside: _Object, body: _Object, problems: list[str]) -> _Object:
    fields = {name: value for name, value in outside.items() if value is not None}
    for name, value in body.items():
        if value is not None and fields.setdefault(name, value) != value:
            problems.append(
                f"{where([name])}: is one thing in the body and another outside of it; give it once."
            )
    return fields


def _excess(value: object) -> str:
    """Say in which way a JSON value is too large, without recursion; empty if it is not."""
    level, count = [value], 0
    for _ in range(_MAX_DEPTH):
        count += len(level)
        if count > _MAX_VALUES:
            return f"has more than {_MAX_VALUES:,} values"
        level = [
            child
            for item in level
            if isinstance(item, dict | list)
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return ""
    return f"is nested more than {_MAX_DEPTH} deep"
