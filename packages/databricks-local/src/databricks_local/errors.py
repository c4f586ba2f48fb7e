"""What goes wrong: told to callers of the API as the service does, to people in one sentence."""

from collections.abc import Mapping, Sequence


class ApiError(Exception):
    """An answer other than success, as the service words it: ``{"error_code": …, "message": …}``.

    Attributes:
        status: The HTTP status.
        error_code: The service's name for the kind of error, such as ``RESOURCE_DOES_NOT_EXIST``.
        message: The sentence.
        headers: More headers of the answer, such as ``Retry-After``.
        details: What newer routes add for programs, such as ``google.rpc.ErrorInfo`` with a reason.
    """

    def __init__(
        self,
        status: int,
        error_code: str,
        message: str,
        *,
        headers: Mapping[str, str] | None = None,
        details: Sequence[Mapping[str, object]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code
        self.message = message
        self.headers = dict(headers or {})
        self.details = list(details)


def malformed(message: str) -> ApiError:
    """Return the answer to a request that cannot be read: 400."""
    return ApiError(400, "MALFORMED_REQUEST", message)


def invalid(message: str) -> ApiError:
    """Return the answer to a value that is not accepted: 400."""
    return ApiError(400, "INVALID_PARAMETER_VALUE", message)


def wrong_state(message: str) -> ApiError:
    """Return the answer to a call that does not fit what the object is doing: 400."""
    return ApiError(400, "INVALID_STATE", message)


def exists(message: str, *, status: int = 400) -> ApiError:
    """Return the answer to the making of what is there already: 400, or 409 in newer routes."""
    return ApiError(status, "RESOURCE_ALREADY_EXISTS", message)


def missing(message: str) -> ApiError:
    """Return the answer to a name or id that nothing has: 404."""
    return ApiError(404, "RESOURCE_DOES_NOT_EXIST", message)


def conflict(message: str) -> ApiError:
    """Return the answer to a name that is taken, or to an object that is busy: 409."""
    return ApiError(409, "RESOURCE_CONFLICT", message)


def denied(message: str) -> ApiError:
    """Return the answer to what the caller may not do: 403."""
    return ApiError(403, "PERMISSION_DENIED", message)


def not_imitated(route: str) -> ApiError:
    """Return the answer to a route of the service that this workspace does not have: 501.

    Args:
        route: Method and path, such as ``GET /api/2.0/sql/warehouses``.
    """
    return ApiError(501, "NOT_IMPLEMENTED", f"databricks-local does not imitate {route}.")


class LocalError(Exception):
    """A user's mistake at the command line, or a machine that is not ready: one sentence, no traceback.

    Attributes:
        exit_code: What the program ends with: 2 for a wrong request, 1 for what could not be done.
    """

    exit_code = 1


class ConfigError(LocalError):
    """An option or a file that is not accepted."""

    exit_code = 2


class RootInUseError(LocalError):
    """Another server works on the same root folder."""


class NotServingError(LocalError):
    """A server did not come up, or is not there."""
