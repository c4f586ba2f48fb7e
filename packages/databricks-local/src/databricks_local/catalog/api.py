"""Routes of Unity Catalog: ``/api/2.1/unity-catalog``."""

from collections.abc import Sequence
from typing import Any

from databricks.sdk.service.catalog import CatalogsAPI, SchemasAPI, TablesAPI, VolumesAPI

from databricks_local.api import Call, Endpoint
from databricks_local.catalog.records import METASTORE_ID
from databricks_local.errors import ApiError, invalid
from databricks_local.fields import fields, fields_of
from databricks_local.identity import WORKSPACE_ID

_ROOT = "/api/2.1/unity-catalog"
_LARGEST_PAGE = 1000


async def create_catalog(call: Call) -> object:
    """Make a catalog."""
    return call.workspace.catalogs.create_catalog(call.values)


async def get_catalog(call: Call) -> object:
    """Return a catalog."""
    return call.workspace.catalogs.get("catalog", call.path["name"])


async def list_catalogs(call: Call) -> object:
    """Return a page of the catalogs."""
    return _page(call, "catalogs", call.workspace.catalogs.catalogs())


async def update_catalog(call: Call) -> object:
    """Change a catalog."""
    return call.workspace.catalogs.update("catalog", call.path["name"], call.values)


async def delete_catalog(call: Call) -> object:
    """Remove a catalog."""
    call.workspace.catalogs.delete_catalog(call.path["name"], force=call.values.get("force", False))
    return {}


async def create_schema(call: Call) -> object:
    """Make a schema."""
    return call.workspace.catalogs.create_schema(call.values)


async def get_schema(call: Call) -> object:
    """Return a schema."""
    return call.workspace.catalogs.get("schema", call.path["full_name"])


async def list_schemas(call: Call) -> object:
    """Return a page of the schemas of a catalog."""
    return _page(call, "schemas", call.workspace.catalogs.schemas(call.values["catalog_name"]))


async def update_schema(call: Call) -> object:
    """Change a schema."""
    return call.workspace.catalogs.update("schema", call.path["full_name"], call.values)


async def delete_schema(call: Call) -> object:
    """Remove a schema."""
    call.workspace.catalogs.delete_schema(call.path["full_name"], force=call.values.get("force", False))
    return {}


async def create_volume(call: Call) -> object:
    """Make a volume."""
    return call.workspace.catalogs.create_volume(call.values)


async def get_volume(call: Call) -> object:
    """Return a volume."""
    return call.workspace.catalogs.get("volume", call.path["name"])


async def list_volumes(call: Call) -> object:
    """Return a page of the volumes of a schema."""
    schema = f"{call.values['catalog_name']}.{call.values['schema_name']}"
    return _page(call, "volumes", call.workspace.catalogs.volumes_of(schema))


async def update_volume(call: Call) -> object:
    """Change a volume."""
    return call.workspace.catalogs.update("volume", call.path["name"], call.values)


async def delete_volume(call: Call) -> object:
    """Remove a volume with its files."""
    call.workspace.catalogs.delete_volume(call.path["name"])
    return {}


async def get_table(call: Call) -> object:
    """Return a table with its columns."""
    full_name = call.path["full_name"]
    found = _table(call, full_name)
    if found is None:
        raise ApiError(404, "TABLE_DOES_NOT_EXIST", f"Table '{full_name}' does not exist.")
    return found


async def table_exists(call: Call) -> object:
    """Tell whether there is a table."""
    return {"table_exists": _table(call, call.path["full_name"]) is not None}


async def list_tables(call: Call) -> object:
    """Return a page of the tables of a schema."""
    catalogs = call.workspace.catalogs
    schema = catalogs.get("schema", f"{call.values['catalog_name']}.{call.values['schema_name']}")
    names = [{"full_name": name} for name in catalogs.tables.names(schema["name"])]
    page = _page(call, "tables", names)
    found = [
        catalogs.tables.get(schema["catalog_name"], schema["name"], t["full_name"]) for t in page["tables"]
    ]
    hidden = {what for what in ("columns", "properties") if call.values.get(f"omit_{what}")}
    page["tables"] = [{k: v for k, v in table.items() if k not in hidden} for table in found if table]
    return page


async def current_metastore(call: Call) -> object:
    """Return the metastore of the workspace."""
    return {
        "metastore_id": METASTORE_ID,
        "workspace_id": WORKSPACE_ID,
        "default_catalog_name": call.workspace.config.catalogs[0] if call.workspace.config.catalogs else "",
    }


def _table(call: Call, full_name: str) -> dict[str, Any] | None:
    names = full_name.lower().split(".")
    if len(names) != 3 or not all(names):
        raise invalid(f"'{full_name}' is not a full name of a table: write catalog.schema.table.")
    catalogs = call.workspace.catalogs
    if catalogs.find("schema", ".".join(names[:2])) is None:
        return None
    return catalogs.tables.get(*names)


def _page(call: Call, what: str, items: Sequence[dict[str, Any]]) -> dict[str, Any]:
    # Items come by name, so the last name of a page says where the next one begins.
    after, wanted = call.values.get("page_token", ""), call.values.get("max_results", 0)
    if wanted < 0:
        raise invalid(f"max_results must not be negative, but is {wanted}.")
    size = min(wanted or _LARGEST_PAGE, _LARGEST_PAGE)
    left = [item for item in items if item["full_name"] > after]
    page: dict[str, Any] = {what: left[:size]}
    if len(left) > size:
        page["next_page_token"] = left[size - 1]["full_name"]
    return page


_NAME = ["name"]
_FULL_NAME = ["full_name"]

ENDPOINTS = (
    Endpoint("POST", f"{_ROOT}/catalogs", create_catalog, fields_of(CatalogsAPI.create, required=["name"])),
    Endpoint("GET", f"{_ROOT}/catalogs", list_catalogs, fields_of(CatalogsAPI.list)),
    Endpoint("GET", f"{_ROOT}/catalogs/{{name}}", get_catalog, fields_of(CatalogsAPI.get, without=_NAME)),
    Endpoint(
        "PATCH", f"{_ROOT}/catalogs/{{name}}", update_catalog, fields_of(CatalogsAPI.update, without=_NAME)
    ),
    Endpoint(
        "DELETE", f"{_ROOT}/catalogs/{{name}}", delete_catalog, fields_of(CatalogsAPI.delete, without=_NAME)
    ),
    Endpoint(
        "POST",
        f"{_ROOT}/schemas",
        create_schema,
        fields_of(SchemasAPI.create, required=["name", "catalog_name"]),
    ),
    Endpoint("GET", f"{_ROOT}/schemas", list_schemas, fields_of(SchemasAPI.list, required=["catalog_name"])),
    Endpoint(
        "GET", f"{_ROOT}/schemas/{{full_name}}", get_schema, fields_of(SchemasAPI.get, without=_FULL_NAME)
    ),
    Endpoint(
        "PATCH",
        f"{_ROOT}/schemas/{{full_name}}",
        update_schema,
        fields_of(SchemasAPI.update, without=_FULL_NAME),
    ),
    Endpoint(
        "DELETE",
        f"{_ROOT}/schemas/{{full_name}}",
        delete_schema,
        fields_of(SchemasAPI.delete, without=_FULL_NAME),
    ),
    Endpoint(
        "POST",
        f"{_ROOT}/volumes",
        create_volume,
        fields_of(VolumesAPI.create, required=["name", "catalog_name", "schema_name", "volume_type"]),
    ),
    Endpoint(
        "GET",
        f"{_ROOT}/volumes",
        list_volumes,
        fields_of(VolumesAPI.list, required=["catalog_name", "schema_name"]),
    ),
    Endpoint("GET", f"{_ROOT}/volumes/{{name}}", get_volume, fields_of(VolumesAPI.read, without=_NAME)),
    Endpoint(
        "PATCH", f"{_ROOT}/volumes/{{name}}", update_volume, fields_of(VolumesAPI.update, without=_NAME)
    ),
    Endpoint(
        "DELETE", f"{_ROOT}/volumes/{{name}}", delete_volume, fields_of(VolumesAPI.delete, without=_NAME)
    ),
    Endpoint(
        "GET",
        f"{_ROOT}/tables",
        list_tables,
        fields_of(TablesAPI.list, required=["catalog_name", "schema_name"]),
    ),
    Endpoint("GET", f"{_ROOT}/tables/{{full_name}}", get_table, fields_of(TablesAPI.get, without=_FULL_NAME)),
    Endpoint(
        "GET",
        f"{_ROOT}/tables/{{full_name}}/exists",
        table_exists,
        fields_of(TablesAPI.exists, without=_FULL_NAME),
    ),
    Endpoint("GET", f"{_ROOT}/current-metastore-assignment", current_metastore, fields({})),
)
