"""Where databricks-sdk asks for the credentials of a notebook or job."""

from collections.abc import Callable

from .task import current


def init_runtime_native_auth() -> tuple[str, Callable[[], dict[str, str]]]:
    """Return the workspace's address and a function that gives the headers of a request."""
    task = current()
    return task.host, lambda: {"Authorization": f"Bearer {task.token}"}
