"""The API Gateway in front of the deploy function, as its description and the stack's template have it.

A request of HTTP becomes an event of a proxy integration, and the answer a response:
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse
from werkzeug import Request, Response

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_BYTES = 6 * 1024 * 1024
SIGNATURE = "AWS4-HMAC-SHA256 Credential="
"""What an `Authorization` begins with, before the id of the access key."""

Handler = Callable[[Any, Any], dict[str, Any]]
Application = Callable[..., Iterable[bytes]]


def is_signed_by(request: Request, key: str) -> bool:
    """Whether a request carries a signature of an access key.

    The signature itself is not computed again: the key's id is made at random, and nobody else knows it.

    Args:
        request: The request.
        key: The id of the access key.
    """
    return request.headers.get("Authorization", "").startswith(f"{SIGNATURE}{key}/")


@dataclass
class Invocation:
    """Lambda's context of one invocation.

    Attributes:
        aws_request_id: Its id.
        end: When it is killed, by the monotonic clock, in seconds.
    """

    aws_request_id: str
    end: float

    def get_remaining_time_in_millis(self) -> int:
        """Return how long it may still take."""
        return max(int((self.end - time.monotonic()) * 1000), 0)


class Gateway:
    """The gateway with the function behind it, as a WSGI application.

    Attributes:
        path: Where requests are posted to, with the stage before it.
    """

    def __init__(self, handler: Handler, package: Path, key: str) -> None:
        """Read the description.

        Args:
            handler: The function.
            package: The folder with its `swagger.yml` and `template.yml`.
            key: The id of the access key whose requests are let in.
        """
        description = yaml_parse((package / "swagger.yml").read_text(encoding="utf-8"))
        resources = yaml_parse((package / "template.yml").read_text(encoding="utf-8"))["Resources"]
        ((self._resource, operations),) = description["paths"].items()
        self._method = next(iter(operations)).upper()
        integration = operations[self._method.lower()]["x-amazon-apigateway-integration"]
        self._patience = integration["timeoutInMillis"] / 1000
        self._own_answers = description["x-amazon-apigateway-gateway-responses"]
        self._stage = resources["DeployApi"]["Properties"]["StageName"]
        self._lifetime = float(resources["DeployFunction"]["Properties"]["Timeout"])
        self.path = f"/{self._stage}{self._resource}"
        self._handler = handler
        self._key = key
        self._invocations = ThreadPoolExecutor(thread_name_prefix="invocation")

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request of WSGI."""
        request = Request(environ)
        return self._answer(request, str(uuid.uuid4()))(environ, start_response)

    def _answer(self, request: Request, request_id: str) -> Response:
        # The real one says the same to a request without a signature and to one of a path that is not there.
        if (request.method, request.path) != (self._method, self.path) or not is_signed_by(
            request, self._key
        ):
            return self.own(403, "Missing Authentication Token", request_id)
        if (request.content_length or 0) > _MOST_BYTES:
            return self.own(413, "Request Too Long", request_id)
        event = self._event(request, request_id)
        context = Invocation(str(uuid.uuid4()), time.monotonic() + self._lifetime)
        invocation: Future[Mapping[str, Any]] = self._invocations.submit(self._handler, event, context)
        try:
            answer = invocation.result(self._patience)
        except FutureTimeoutError:
            return self.own(504, "Endpoint request timed out", request_id)
        except Exception as error:  # noqa: BLE001 (whatever it is, Lambda tells the gateway that it was)
            return self.own(502, f"Internal server error: {type(error).__name__}", request_id)
        if not _is_proxy_answer(answer):
            return self.own(502, "Malformed Lambda proxy response", request_id)
        return Response(answer["body"], answer["statusCode"], answer["headers"])

    def _event(self, request: Request, request_id: str) -> dict[str, Any]:
        query, headers = request.args, request.headers
        return {
            "resource": self._resource,
            "path": self._resource,
            "httpMethod": request.method,
            "headers": dict(headers.items()),
            "multiValueHeaders": {name: headers.getlist(name) for name, _ in headers},
            "queryStringParameters": {name: query.getlist(name)[-1] for name in query} or None,
            "multiValueQueryStringParameters": {name: query.getlist(name) for name in query} or None,
            "pathParameters": None,
            "stageVariables": None,
            "requestContext": {
                "requestId": request_id,
                "stage": self._stage,
                "resourcePath": self._resource,
                "httpMethod": request.method,
                "path": self.path,
                "identity": {"sourceIp": request.remote_addr, "accessKey": self._key},
            },
            "body": request.get_data().decode("utf-8", "replace") or None,
            "isBase64Encoded": False,
        }

    def own(self, status: int, message: str, request_id: str) -> Response:
        """Return what the gateway answers by itself, in the words of the description."""
        kind = "INTEGRATION_TIMEOUT" if status == 504 else f"DEFAULT_{status // 100}XX"
        own = self._own_answers[kind]
        text = own["responseTemplates"]["application/json"]
        text = text.replace("$context.error.messageString", json.dumps(message))
        text = text.replace("$context.requestId", request_id)
        headers = {
            name.removeprefix("gatewayresponse.header."): value.strip("'")
            for name, value in own.get("responseParameters", {}).items()
        }
        return Response(text, status, headers, content_type="application/json")


def _is_proxy_answer(answer: Mapping[str, Any]) -> bool:
    return (
        answer.keys() == {"statusCode", "headers", "body"}
        and isinstance(answer["statusCode"], int)
        and isinstance(answer["body"], str)
        and all(isinstance(text, str) for item in answer["headers"].items() for text in item)
    )
