"""What can go wrong, each with the HTTP status and the code that a caller sees."""

from collections.abc import Sequence
from typing import ClassVar


class DeployError(Exception):
    """A request that was not carried out.

    Attributes:
        status: the HTTP status of the answer.
        code: one word for programs.
        problems: a sentence for each thing to mend; empty where the message says it all.
        uploaded: whether the set of the repository was stored before it failed, so that the next deploy of
            any repository of the deployment takes it along.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"

    def __init__(self, message: str, problems: Sequence[str] = ()):
        super().__init__(message)
        self.problems = list(problems)
        self.uploaded = False


class BadRequestError(DeployError):
    """The request, or a file that it names, is not as it must be."""

    status = 400
    code = "bad_request"

    def __init__(self, problems: Sequence[str]):
        count = "one problem" if len(problems) == 1 else f"{len(problems)} problems"
        super().__init__(f"The request has {count}: nothing was changed.", problems)


class NotAllowedError(DeployError):
    """The deployment is not one that this function serves."""

    status = 403
    code = "not_allowed"


class ConflictError(DeployError):
    """Another repository of the deployment has the same file or DAG, or wrote at the same time."""

    status = 409
    code = "conflict"


class InProgressError(DeployError):
    """The same request is being carried out by another invocation."""

    status = 409
    code = "in_progress"


class RequestIdReusedError(DeployError):
    """Another request was made with this request id."""

    status = 422
    code = "request_id_reused"


class StorageError(DeployError):
    """The bucket or the table does not hold what it must, or did not answer."""

    status = 500
    code = "storage_failed"


class AstroError(DeployError):
    """Astro did not take the bundle, or did not say that it has it."""

    status = 502
    code = "astro_failed"


class BusyError(DeployError):
    """Another deploy of the same deployment held its lock for too long."""

    status = 503
    code = "busy"


class SettingsError(DeployError):
    """A variable of the function's environment is missing or wrong."""

    code = "settings"
