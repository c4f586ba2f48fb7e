"""All routes there are."""

from collections.abc import Iterable
from itertools import chain

from starlette.routing import BaseRoute

from databricks_local import compute, control, faults, identity, permissions, secret_scopes
from databricks_local.api import Endpoint
from databricks_local.catalog import api as catalog_api
from databricks_local.files import dbfs_api, volumes_api, workspace_api
from databricks_local.jobs import api as jobs_api
from databricks_local.jobs import runs_api
from databricks_local.page import routes as page_routes
from databricks_local.pipelines import api as pipelines_api
from databricks_local.workspace import Workspace


def endpoints() -> Iterable[Endpoint]:
    """Return the routes of the API."""
    return chain(
        control.ENDPOINTS,
        faults.ENDPOINTS,
        identity.ENDPOINTS,
        permissions.ENDPOINTS,
        compute.ENDPOINTS,
        secret_scopes.ENDPOINTS,
        catalog_api.ENDPOINTS,
        workspace_api.ENDPOINTS,
        dbfs_api.ENDPOINTS,
        volumes_api.ENDPOINTS,
        jobs_api.ENDPOINTS,
        runs_api.ENDPOINTS,
        pipelines_api.ENDPOINTS,
        page_routes.ENDPOINTS,
    )


def pages(workspace: Workspace) -> Iterable[BaseRoute]:
    """Return the routes for people.

    Args:
        workspace: What they show.
    """
    return page_routes.routes(workspace)
