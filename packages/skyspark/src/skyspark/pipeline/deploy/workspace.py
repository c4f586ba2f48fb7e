"""A workspace through the Databricks SDK: logging in, files, and errors as sentences."""

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, TypeVar

from skyspark.errors import DeployError

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

T = TypeVar("T")

# A create is asked for so often, in all.
_ATTEMPTS = 3


@dataclass(frozen=True)
class State:
    """What a workspace remembers of a deployment, so that every machine finds it.

    Attributes:
        pipeline_id: The Lakeflow pipeline.
        job_id: The job.
        release: The release whose files are whole and that the pipeline reads.
    """

    pipeline_id: str | None = None
    job_id: int | None = None
    release: str | None = None


def connect(profile: str | None) -> "Workspace":
    """Log in, as the SDK finds out how: a profile, the environment, OAuth.

    Args:
        profile: A profile of ``~/.databrickscfg``; ``None`` leaves it to the SDK.

    Raises:
        DeployError: The SDK is not installed, finds nothing to log in with, or is refused.
    """
    try:
        from databricks.sdk import WorkspaceClient
    except ImportError:
        raise DeployError("the Databricks SDK is not installed: pip install 'skyspark[deploy]'.") from None
    with explained("the workspace"):
        client = WorkspaceClient(profile=profile) if profile else WorkspaceClient()
        return Workspace(client, client.current_user.me().user_name or "")


class Workspace:
    """A workspace and who is logged in.

    Attributes:
        client: The SDK's client.
        user: The user's name, or a service principal's application id.
    """

    def __init__(self, client: "WorkspaceClient", user: str) -> None:
        self.client = client
        self.user = user

    @property
    def host(self) -> str:
        """The workspace's address."""
        return str(self.client.config.host)

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, **query: Any
    ) -> dict[str, Any]:
        """Call a route of the REST API; throttled calls are repeated by the SDK.

        Args:
            method: Of HTTP.
            path: Such as ``/api/2.0/pipelines``.
            body: Sent as JSON.
            query: Parameters.
        """
        answer = self.client.api_client.do(method, path, query=query, body=body)
        return answer if isinstance(answer, dict) else {}

    def create(
        self,
        path: str,
        body: dict[str, Any],
        find: Callable[[], T | None],
        made: Callable[[dict[str, Any]], T],
    ) -> T:
        """Create something once, even if an answer is lost on the way.

        Args:
            path: The route that creates it.
            body: Sent as JSON.
            find: Looks whether it is there.
            made: Takes from the answer what names it.

        Returns:
            What names it.
        """
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.errors import (
            InvalidParameterValue,
            PermissionDenied,
            Unauthenticated,
        )

        # The SDK repeats a call whose connection breaks, and a second create may make a second one.
        config = self.client.config.deep_copy()  # type: ignore[no-untyped-call]
        config.retry_timeout_seconds = 1
        once = WorkspaceClient(config=config).api_client
        attempts = _ATTEMPTS
        while True:
            try:
                answer = once.do("POST", path, body=body)
            except (PermissionDenied, Unauthenticated, InvalidParameterValue):
                raise
            except OSError:
                # Also an answer that was lost, or a throttled call that was not let through.
                found = find()
                if found is not None:
                    return found
                attempts -= 1
                if not attempts:
                    raise
            else:
                return made(answer if isinstance(answer, dict) else {})

    def read(self, path: str) -> bytes | None:
        """Return what a file holds, or ``None`` where there is none."""
        from databricks.sdk.errors import NotFound

        try:
            with self.client.workspace.download(path) as content:
                return bytes(content.read())
        except NotFound:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Write a file as it is, with the folders above it."""
        from databricks.sdk.service.workspace import ImportFormat

        self.client.workspace.mkdirs(str(PurePosixPath(path).parent))
        # As JSON: the SDK does not repeat a throttled upload of the other kind.
        text = base64.b64encode(content).decode()
        self.client.workspace.import_(path, content=text, format=ImportFormat.RAW, overwrite=True)

    def folders(self, path: str) -> list[str]:
        """Return the paths of the folders in a folder; none where it is not there."""
        from databricks.sdk.errors import NotFound
        from databricks.sdk.service.workspace import ObjectType

        try:
            found = list(self.client.workspace.list(path))
        except NotFound:
            return []
        return sorted(one.path or "" for one in found if one.object_type == ObjectType.DIRECTORY)

    def delete(self, path: str) -> None:
        """Delete a folder with all that is in it."""
        self.client.workspace.delete(path, recursive=True)

    def read_state(self, folder: str) -> State:
        """Return what a deployment's folder remembers.

        Raises:
            DeployError: The file is not one of ours.
        """
        content = self.read(f"{folder}/state.json")
        if content is None:
            return State()
        try:
            return State(**json.loads(content))
        except (ValueError, TypeError):
            raise DeployError(f"{folder}/state.json in {self.host} cannot be read: remove it.") from None

    def write_state(self, folder: str, state: State) -> None:
        """Let a deployment's folder remember."""
        self.write(f"{folder}/state.json", json.dumps(asdict(state), indent=1).encode())


def only(ids: list[str], kind: str, name: str) -> str | None:
    """Return the one id that a name stands for, or ``None``.

    Args:
        ids: What has the name.
        kind: What it is, in the plural.
        name: The name.

    Raises:
        DeployError: There are several.
    """
    if len(ids) > 1:
        raise DeployError(
            f"there are {len(ids)} {kind} with the name '{name}' ({', '.join(ids)}): "
            "delete or rename all but one."
        )
    return ids[0] if ids else None


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the SDK's errors into sentences, without what it was logged in with.

    Args:
        what: What was being done, as the object of a sentence.

    Raises:
        DeployError: The SDK raised an error.
    """
    try:
        yield
    except ImportError:
        raise
    except Exception as error:
        from databricks.sdk.errors import NotFound, PermissionDenied, Unauthenticated
        from databricks.sdk.errors.base import DatabricksError

        reason = " ".join(str(error).split())
        if isinstance(error, Unauthenticated):
            sentence = f"{what}: the login is not valid ({reason}): log in again, or check the token."
        elif isinstance(error, PermissionDenied):
            sentence = f"{what}: this login may not do that ({reason})."
        elif isinstance(error, NotFound):
            sentence = f"{what}: it is not there ({reason})."
        elif isinstance(error, DatabricksError):
            sentence = f"{what}: the workspace refused ({reason})."
        elif isinstance(error, TimeoutError):
            sentence = f"{what}: the workspace did not answer in time: try again."
        elif isinstance(error, ValueError) and "auth" in reason:
            sentence = (
                f"{what}: there is nothing to log in with: run 'databricks auth login', name a --profile, "
                "or set DATABRICKS_HOST and DATABRICKS_TOKEN."
            )
        elif isinstance(error, OSError):
            sentence = f"{what}: the workspace cannot be reached ({type(error).__name__}): check its address."
        else:
            raise
        raise DeployError(sentence) from error
