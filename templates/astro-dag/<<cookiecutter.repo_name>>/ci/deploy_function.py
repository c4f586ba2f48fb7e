"""Asks the deploy function, an AWS Lambda, to deploy, until it has answered for good."""

import json
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError

# Of a synchronous invocation: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_BYTES = 6 * 1024 * 1024
_LONGEST_INVOCATION = 900
# A function that breaks off again and again will not get further.
_MOST_BREAKS = 3
_PASSING = {"TooManyRequestsException", "ServiceException", "EC2ThrottledException", "Throttling"}


class DeployFunctionError(Exception):
    """The function did not deploy.

    Attributes:
        exit_code: what a program that could not deploy for this reason ends with.
        problems: a sentence for each thing to mend.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, problems: list[str] | None = None):
        super().__init__(message)
        self.problems = problems or []


class RefusedError(DeployFunctionError):
    """The function does not take what was sent: it has to be mended here."""

    exit_code = 1


class UnavailableError(DeployFunctionError):
    """The function or the Deployment was busy or out of reach for too long: try again later."""

    exit_code = 3


class FailedError(DeployFunctionError):
    """The function, or what it needs, failed."""


class _BrokenOffError(UnavailableError):
    """The function was stopped before it could answer, by its time limit for example."""


def deploy(
    function: str, request: Mapping[str, Any], *, seconds: float, pause: float = 5
) -> dict[str, Any]:
    """Invoke the function with one request until it has deployed, or has said that it will not.

    What is lost on the way does no harm: it carries a request id out once and repeats its answer.

    Args:
        function: its name or ARN.
        request: see `dag_request.build_request`.
        seconds: how long to try.
        pause: how long to wait after a failure that may pass, where the function does not say.

    Returns:
        The body of its answer.

    Raises:
        RefusedError: it refused the request.
        UnavailableError: time is over.
        FailedError: it failed.
    """
    payload = json.dumps(request, ensure_ascii=False).encode()
    if len(payload) > _MOST_BYTES:
        raise RefusedError(
            f"The files of dags/ make a request of {len(payload):,} bytes, and AWS Lambda takes "
            f"{_MOST_BYTES:,}: keep data in a bucket."
        )
    client = _client()
    breaks = 0
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = _invoke(client, function, payload)
        except UnavailableError as error:
            last, wait = error, pause
            breaks += isinstance(error, _BrokenOffError)
            if breaks == _MOST_BREAKS:
                raise FailedError(str(error)) from error
        else:
            body = answer["body"]
            if answer["statusCode"] == 200 and body.get("status") == "deployed":
                return body
            last, wait = _refusal(function, answer), float(body.get("retry_after", pause))
            if not isinstance(last, UnavailableError):
                raise last
        if time.monotonic() + wait > deadline:
            raise last
        time.sleep(wait)


def _client() -> Any:
    # An answer that is late is asked for again by `deploy`, and not behind its back.
    config = Config(
        connect_timeout=10,
        read_timeout=_LONGEST_INVOCATION + 10,
        retries={"total_max_attempts": 1},
        tcp_keepalive=True,
    )
    try:
        return boto3.client("lambda", config=config)
    except BotoCoreError as error:
        raise FailedError(f"AWS cannot be asked: {error}") from error


def _invoke(client: Any, function: str, payload: bytes) -> dict[str, Any]:
    try:
        response = client.invoke(FunctionName=function, Payload=payload)
        text = response["Payload"].read()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        kind = UnavailableError if code in _PASSING else FailedError
        raise kind(f"The function {function} cannot be invoked: {error}.") from error
    except (HTTPClientError, IncompleteReadError) as error:
        raise UnavailableError(f"The function {function} is out of reach: {error}.") from error
    except BotoCoreError as error:
        raise FailedError(f"The function {function} cannot be invoked: {error}") from error
    if "FunctionError" in response:
        raise _BrokenOffError(f"The function {function} broke off: {text.decode(errors='replace')}")
    try:
        answer = json.loads(text)
        return {"statusCode": int(answer["statusCode"]), "body": dict(answer["body"])}
    except (KeyError, TypeError, ValueError) as error:
        raise FailedError(_not_ours(function)) from error


def _refusal(function: str, answer: Mapping[str, Any]) -> DeployFunctionError:
    """Say in which way a request was not carried out."""
    status, body = answer["statusCode"], answer["body"]
    if status < 400 or not isinstance(body.get("message"), str):
        return FailedError(_not_ours(function))
    kind: type[DeployFunctionError] = FailedError if status >= 500 else RefusedError
    if body.get("error") in ("busy", "in_progress"):
        kind = UnavailableError
    return kind(body["message"], body.get("problems", []))


def _not_ours(function: str) -> str:
    return f"The function {function} did not answer as a deploy function does: is it the right one?"
