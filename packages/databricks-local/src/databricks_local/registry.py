"""All routes there are."""

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from starlette.routing import BaseRoute

from databricks_local.api import Endpoint
from databricks_local.page.routes import routes
from databricks_local.workspace import Workspace

_MODULES = (
    "databricks_local.control",
    "databricks_local.faults",
    "databricks_local.identity",
    "databricks_local.permissions",
    "databricks_local.compute",
    "databricks_local.secret_scopes",
    "databricks_local.catalog.api",
    "databricks_local.files.workspace_api",
    "databricks_local.files.dbfs_api",
    "databricks_local.files.volumes_api",
    "databricks_local.jobs.api",
    "databricks_local.jobs.runs_api",
    "databricks_local.pipelines.api",
    "databricks_local.page.routes",
)


def endpoints() -> Iterable[Endpoint]:
    """Return the routes of the API."""
    for name in _MODULES:
        if find_spec(name.rpartition(".")[0]) and find_spec(name):
            yield from import_module(name).ENDPOINTS


def pages(workspace: Workspace) -> Iterable[BaseRoute]:
    """Return the routes for people.

    Args:
        workspace: What they show.
    """
    return routes(workspace)
