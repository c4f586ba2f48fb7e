"""The function's entry point: an event in, an answer out, whatever happens."""

import functools
import hashlib
import json
import traceback
from collections.abc import Mapping
from typing import Any, Protocol

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyAlreadyInProgressError,
    IdempotencyInconsistentStateError,
    IdempotencyPersistenceLayerError,
    IdempotencyValidationError,
)

from astro_dag_deploy.errors import (
    BusyError,
    DeployError,
    InProgressError,
    NotAllowedError,
    RequestIdReusedError,
    StorageError,
)
from astro_dag_deploy.event import is_proxy, read_event
from astro_dag_deploy.model.dag_deploy import DagDeploy
from astro_dag_deploy.model.dag_upload import DagUpload
from astro_dag_deploy.model.request import DeployRequest
from astro_dag_deploy.services import Services
from astro_dag_deploy.settings import Settings
from astro_dag_deploy.utils.metrics import measured

# Seconds that are kept back: for one's own deploy behind another's, and for what comes after Astro's answer.
_FOR_THE_DEPLOY = 60.0
_FOR_THE_END = 10.0
_LEASE_BEYOND_THE_END = 5.0
# How long a request id is remembered, and when to ask again about one that is at work.
_REMEMBERED = 24 * 60 * 60
_RETRY_AFTER = 5
# Whose failure is the caller's own, or no failure of a deploy at all.
_WITHOUT_MAIL = (InProgressError, NotAllowedError, RequestIdReusedError)

logger = Logger(service="astro-dag-deploy")


class Context(Protocol):
    """What is used of Lambda's context."""

    @property
    def aws_request_id(self) -> str:
        """The id of the invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""


def handler(event: Any, context: Context) -> dict[str, Any]:
    """Store the DAGs of a repository and deploy those of all repositories of its deployment.

    Args:
        event: the request, by itself or as API Gateway wraps it; see the README for both.
        context: Lambda's.

    Returns:
        `statusCode` and `body`; for API Gateway the body is text and there are `headers`.
    """
    logger.append_keys(invocation=context.aws_request_id)
    request: DeployRequest | None = None
    try:
        request = read_event(event, context.aws_request_id)
        logger.append_keys(request_id=request.request_id, **request.whose)
        services = _services()
        services.settings.ids_of(request.target)
        answer = _answer(200, _once(request, services, context))
        logger.info("deployed", answer=answer["body"])
    except DeployError as error:
        logger.error("failed", code=error.code, reason=str(error), problems=error.problems)  # noqa: TRY400
        answer = _failure(error, request, context)
    except Exception as error:  # noqa: BLE001 - whoever called gets an answer
        # The text of an unknown exception may hold an address with a signature.
        frames = traceback.format_tb(error.__traceback__)
        logger.error("failed", code="internal", reason=type(error).__name__, frames=frames)  # noqa: TRY400
        answer = _failure(
            DeployError("The function failed in a way it does not know: its log has the place."),
            request,
            context,
        )
    finally:
        logger.remove_keys(["invocation", "request_id", "workspace", "deployment", "repo"])
    return _for_gateway(answer) if is_proxy(event) else answer


@functools.cache
def _services() -> Services:
    return Services(Settings.from_environment())


def _once(request: DeployRequest, services: Services, context: Context) -> dict[str, Any]:
    """Carry a request out, or say again what came of it when it was."""
    config = IdempotencyConfig(
        event_key_jmespath="[workspace, deployment, repo, request_id]",
        payload_validation_jmespath="digest",
        raise_on_no_idempotency_key=True,
        expires_after_seconds=_REMEMBERED,
        hash_function="sha256",
        lambda_context=context,  # type: ignore[arg-type]
    )

    @idempotent_function(  # type: ignore[untyped-decorator]
        data_keyword_argument="record",
        persistence_store=services.finished,
        config=config,
        key_prefix="request",
    )
    def carry_out(*, record: Mapping[str, str]) -> dict[str, Any]:  # noqa: ARG001 - the decorator's key
        return _deploy(request, services, context)

    content = request.model_dump_json(exclude={"request_id"}).encode()
    record = {
        **request.whose,
        "request_id": request.request_id,
        "digest": hashlib.sha256(content).hexdigest(),
    }
    try:
        body: dict[str, Any] = carry_out(record=record)
    except (IdempotencyAlreadyInProgressError, IdempotencyInconsistentStateError):
        raise InProgressError(
            f"Request {request.request_id} is being carried out: ask again later."
        ) from None
    except IdempotencyValidationError:
        raise RequestIdReusedError(
            f"Request id {request.request_id} was used for other DAGs of {request.repo}: take a new one."
        ) from None
    except IdempotencyPersistenceLayerError as error:
        raise _own_error(error) or StorageError(
            f"Table {services.settings.state_table} did not answer, so it is not known whether request "
            f"{request.request_id} was carried out: send it again."
        ) from None
    return body


def _own_error(error: BaseException | None) -> DeployError | None:
    """Find the failure of a deploy behind that of forgetting its request."""
    while error is not None:
        if isinstance(error, DeployError):
            return error
        error = error.__context__
    return None


def _deploy(request: DeployRequest, services: Services, context: Context) -> dict[str, Any]:
    def left() -> float:
        return context.get_remaining_time_in_millis() / 1000

    target = request.target
    upload = DagUpload(
        request, services.s3, services.resources, max_set_bytes=services.settings.max_set_bytes
    )
    with measured("parse", request.whose):
        upload.download_resources()
    lock = services.lock(target, left() + _LEASE_BEYOND_THE_END)
    try:
        with measured("deploy", request.whose), lock.held(max(left() - _FOR_THE_DEPLOY, 0)):
            stored = upload.upload_dag(lock)
            deployed = DagDeploy(
                target, services.s3, services.deployer(target), lock, ids=services.settings.ids_of(target)
            ).deploy(
                f"{request.repo}, request {request.request_id}",
                seconds=max(left() - _FOR_THE_END, 1),
                allow_empty=request.remove_all is not None,
            )
    except DeployError as error:
        error.uploaded = upload.is_stored
        raise
    return {
        "status": "deployed",
        **request.whose,
        "request_id": request.request_id,
        "dags": sorted(dag.dag_id for dag in request.dags),
        "repos": list(deployed.repos),
        "files": {
            "uploaded": stored.uploaded,
            "unchanged": stored.unchanged,
            "removed": stored.removed,
            "deployed": deployed.files,
        },
        "astro_version": deployed.astro_version,
    }


def _failure(error: DeployError, request: DeployRequest | None, context: Context) -> dict[str, Any]:
    body = {
        "status": "failed",
        "error": error.code,
        "message": str(error),
        "problems": error.problems,
        "uploaded": error.uploaded,
        "request_id": request.request_id if request else context.aws_request_id,
    }
    if request and not isinstance(error, _WITHOUT_MAIL):
        _mail(request, body)
    return _answer(error.status, body, retry=isinstance(error, BusyError | InProgressError))


def _mail(request: DeployRequest, body: Mapping[str, Any]) -> None:
    try:
        services = _services()
    except DeployError:
        return
    if services.mail:
        dags = [dag.model_dump(exclude={"dag_file", "dependencies"}) for dag in request.dags]
        services.mail.email_failure({**request.whose, **body, "dags": dags}, services.settings.environment)


def _answer(status: int, body: Mapping[str, Any], *, retry: bool = False) -> dict[str, Any]:
    return {
        "statusCode": status,
        "body": {**body, "retry_after": _RETRY_AFTER} if retry else dict(body),
    }


def _for_gateway(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Put an answer into the form of a proxy integration.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
    """
    headers = {"Content-Type": "application/json"}
    if seconds := answer["body"].get("retry_after"):
        headers["Retry-After"] = str(seconds)
    return {"statusCode": answer["statusCode"], "headers": headers, "body": json.dumps(answer["body"])}
