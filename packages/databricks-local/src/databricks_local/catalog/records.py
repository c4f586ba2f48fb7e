"""Catalogs, schemas and volumes as they are kept; schemas that tasks made are read from the warehouse."""

import json
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from databricks_local.catalog.tables import Tables
from databricks_local.clock import Clock
from databricks_local.errors import ApiError, invalid, not_imitated
from databricks_local.files.folder import Folder
from databricks_local.store import Store

SCHEMA = """
CREATE TABLE IF NOT EXISTS securables (
    kind TEXT NOT NULL,
    full_name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (kind, full_name)
) STRICT
"""

METASTORE_ID = str(uuid.uuid5(uuid.NAMESPACE_URL, "databricks-local"))

_LONGEST_NAME = 255
_RENAMED = ("name", "full_name")


class Catalogs:
    """The catalogs of one workspace. Names are kept in lower case, as Unity Catalog does.

    All catalogs share one metastore: a schema that a task made is there under each of them.

    Attributes:
        volumes: The files of volumes: ``<catalog>/<schema>/<volume>/…``.
        tables: The tables in the warehouse.
    """

    def __init__(self, root: Path, store: Store, clock: Clock, *, user: str, names: Iterable[str]) -> None:
        """Open the records, with the catalogs that are there from the start.

        Args:
            root: The folder of the workspace.
            store: Keeps what is made through the API.
            clock: The workspace's time.
            user: Who owns what is made.
            names: Names of catalogs.
        """
        self.volumes = Folder(root / "volumes")
        self.tables = Tables(root / "warehouse", METASTORE_ID, user)
        self._store = store
        self._clock = clock
        self._user = user
        for name in names:
            if self.find("catalog", name) is None:
                self.create_catalog({"name": name})

    def find(self, kind: str, full_name: str) -> dict[str, Any] | None:
        """Return a catalog, schema or volume as the API shows it, or None.

        Args:
            kind: ``catalog``, ``schema`` or ``volume``.
            full_name: Its name with those above it: ``main.bronze.landing``.
        """
        full_name = full_name.lower()
        row = self._store.db.execute(
            "SELECT content FROM securables WHERE kind = ? AND full_name = ?", (kind, full_name)
        ).fetchone()
        if row:
            found: dict[str, Any] = json.loads(row["content"])
            return found
        catalog, _, name = full_name.partition(".")
        if kind == "schema" and name in self.tables.schemas() and self.find("catalog", catalog):
            return self._made_by_task(catalog, name)
        return None

    def get(self, kind: str, full_name: str) -> dict[str, Any]:
        """Return a catalog, schema or volume as the API shows it.

        Raises:
            ApiError: 404: it is not there.
        """
        found = self.find(kind, full_name)
        if found is None:
            message = f"{kind.capitalize()} '{full_name}' does not exist."
            raise ApiError(404, f"{kind.upper()}_DOES_NOT_EXIST", message)
        return found

    def catalogs(self) -> list[dict[str, Any]]:
        """Return all catalogs, by name."""
        return self._kept("catalog", "")

    def catalog_names(self) -> list[str]:
        """Return the names of the catalogs."""
        return [catalog["name"] for catalog in self.catalogs()]

    def schemas(self, catalog: str) -> list[dict[str, Any]]:
        """Return the schemas of a catalog, by name, those that tasks made too.

        Raises:
            ApiError: 404: there is no such catalog.
        """
        catalog = self.get("catalog", catalog)["name"]
        kept = {schema["name"]: schema for schema in self._kept("schema", f"{catalog}.")}
        made = {name: self._made_by_task(catalog, name) for name in self.tables.schemas()}
        return [schema for _, schema in sorted({**made, **kept}.items())]

    def volumes_of(self, schema: str) -> list[dict[str, Any]]:
        """Return the volumes of a schema, by name.

        Args:
            schema: Its full name.

        Raises:
            ApiError: 404: there is no such schema.
        """
        return self._kept("volume", self.get("schema", schema)["full_name"] + ".")

    def create_catalog(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Make a catalog with its schema ``default``.

        Args:
            values: The fields of the request.

        Raises:
            ApiError: 400: the name is taken or cannot be one.
        """
        name = _name("Catalog", values["name"])
        content = {**values, "catalog_type": "MANAGED_CATALOG", "securable_type": "CATALOG"}
        with self._store.transaction():
            made = self._create("catalog", name, name, content)
            self.create_schema({"name": "default", "catalog_name": name})
        return made

    def create_schema(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Make a schema.

        Args:
            values: The fields of the request.

        Raises:
            ApiError: 404: there is no such catalog; 400: the name is taken or cannot be one.
        """
        catalog = self.get("catalog", values["catalog_name"])["name"]
        name = _name("Schema", values["name"])
        content = {**values, "catalog_name": catalog, "catalog_type": "MANAGED_CATALOG"}
        return self._create("schema", name, f"{catalog}.{name}", content)

    def create_volume(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Make a volume and its folder.

        Args:
            values: The fields of the request.

        Raises:
            ApiError: 404: there is no such schema; 400: the name is taken or cannot be one.
        """
        if values["volume_type"] != "MANAGED":
            raise not_imitated("POST /api/2.1/unity-catalog/volumes with volume_type EXTERNAL")
        if "storage_location" in values:
            raise invalid("CreateVolume storage_location can not be provided.")
        schema = self.get("schema", f"{values['catalog_name']}.{values['schema_name']}")
        name = _name("Volume", values["name"])
        parts = (schema["catalog_name"], schema["name"], name)
        content = {**values, "catalog_name": parts[0], "schema_name": parts[1]}
        content["storage_location"] = self.volumes.root.joinpath(*parts).as_uri()
        made = self._create("volume", name, ".".join(parts), content)
        self.volumes.make_folders(parts)
        return made

    def update(self, kind: str, full_name: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """Change a catalog, schema or volume.

        Args:
            kind: ``catalog``, ``schema`` or ``volume``.
            full_name: Its name.
            values: The fields of the request; ``new_name`` renames it.

        Raises:
            ApiError: 404: it is not there; 400: the new name is taken or cannot be one; 501: what is in
                it would have to move too.
        """
        found = self.get(kind, full_name)
        changes = {**values, "updated_at": self._clock.now_ms(), "updated_by": self._user}
        new_name = changes.pop("new_name", None)
        with self._store.transaction():
            if new_name is not None:
                changes |= self._renamed(kind, found, _name(kind.capitalize(), new_name))
            self._remove(kind, found["full_name"])
            changed = {**found, **changes}
            self._keep(kind, changed)
        return changed

    def delete_catalog(self, name: str, *, force: bool) -> None:
        """Remove a catalog, with ``force`` also when it has schemas other than ``default``.

        Raises:
            ApiError: 404: it is not there; 400: it is not empty; 501: it holds tables.
        """
        catalog = self.get("catalog", name)["name"]
        schemas = self.schemas(catalog)
        others = [schema for schema in schemas if schema["name"] != "default"]
        if others and not force:
            message = f"Catalog '{catalog}' is not empty. The catalog has {len(others)} schemas(s)"
            raise ApiError(400, "INVALID_STATE", message)
        with self._store.transaction():
            for schema in schemas:
                # Catalogs are names of one metastore: what others show too is not this one's to drop.
                shared = any(
                    self.find("schema", f"{other}.{schema['name']}")
                    for other in self.catalog_names()
                    if other != catalog
                )
                self._delete_schema(schema, with_tables=not shared)
            self._remove("catalog", catalog)

    def delete_schema(self, full_name: str, *, force: bool) -> None:
        """Remove a schema, with ``force`` its volumes too.

        Raises:
            ApiError: 404: it is not there; 400: it is not empty; 501: it holds tables, which only tasks
                can drop.
        """
        schema = self.get("schema", full_name)
        tables = self.tables.names(schema["name"])
        volumes = self.volumes_of(schema["full_name"])
        if (tables or volumes) and not force:
            held = f"{len(tables)} tables(s), 0 functions(s), {len(volumes)} volumes(s)"
            message = f"Schema '{schema['full_name']}' is not empty. The schema has {held}"
            raise ApiError(400, "INVALID_STATE", message)
        self._delete_schema(schema, with_tables=True)

    def _delete_schema(self, schema: Mapping[str, Any], *, with_tables: bool) -> None:
        if with_tables and not self.tables.is_empty(schema["name"]):
            raise not_imitated("DELETE /api/2.1/unity-catalog/schemas of a schema with tables")
        for volume in self.volumes_of(schema["full_name"]):
            self.delete_volume(volume["full_name"])
        if with_tables:
            self.tables.remove_schema(schema["name"])
        self._remove("schema", schema["full_name"])

    def delete_volume(self, full_name: str) -> None:
        """Remove a volume and its files.

        Raises:
            ApiError: 404: it is not there.
        """
        volume = self.get("volume", full_name)
        parts = _parts(volume)
        self._remove("volume", volume["full_name"])
        if self.volumes.find(parts):
            self.volumes.remove(parts, recursive=True)

    def _create(self, kind: str, name: str, full_name: str, content: Mapping[str, Any]) -> dict[str, Any]:
        if self.find(kind, full_name) is not None:
            message = f"{kind.capitalize()} '{full_name}' already exists"
            raise ApiError(400, f"{kind.upper()}_ALREADY_EXISTS", message)
        now = self._clock.now_ms()
        made = {
            **content,
            "name": name,
            "full_name": full_name,
            f"{kind}_id": str(uuid.uuid4()),
            "metastore_id": METASTORE_ID,
            "owner": self._user,
            "created_at": now,
            "created_by": self._user,
            "updated_at": now,
            "updated_by": self._user,
        }
        if kind == "catalog":
            # A catalog has no id of its own in the API.
            del made["catalog_id"]
        self._keep(kind, made)
        return made

    def _renamed(self, kind: str, found: Mapping[str, Any], name: str) -> dict[str, Any]:
        above = found["full_name"].rpartition(".")[0]
        full_name = f"{above}.{name}" if above else name
        if full_name == found["full_name"]:
            return {}
        if self.find(kind, full_name) is not None:
            message = f"{kind.capitalize()} '{full_name}' already exists"
            raise ApiError(400, f"{kind.upper()}_ALREADY_EXISTS", message)
        if kind == "volume":
            parts = _parts(found)
            self.volumes.move(parts, (*parts[:-1], name))
            location = self.volumes.root.joinpath(*parts[:-1], name).as_uri()
            return {"name": name, "full_name": full_name, "storage_location": location}
        is_catalog = kind == "catalog"
        held = self.schemas(found["name"]) if is_catalog else self.volumes_of(found["full_name"])
        if held or (not is_catalog and found["name"] in self.tables.schemas()):
            raise not_imitated(f"PATCH /api/2.1/unity-catalog/{kind}s with new_name for what is not empty")
        return {"name": name, "full_name": full_name}

    def _made_by_task(self, catalog: str, name: str) -> dict[str, Any]:
        full_name = f"{catalog}.{name}"
        made_ms = self.tables.schemas()[name]
        return {
            "name": name,
            "catalog_name": catalog,
            "full_name": full_name,
            "catalog_type": "MANAGED_CATALOG",
            "schema_id": str(uuid.uuid5(uuid.UUID(METASTORE_ID), full_name)),
            "metastore_id": METASTORE_ID,
            "owner": self._user,
            "created_at": made_ms,
            "created_by": self._user,
            "updated_at": made_ms,
            "updated_by": self._user,
        }

    def _kept(self, kind: str, above: str) -> list[dict[str, Any]]:
        rows = self._store.db.execute(
            "SELECT content FROM securables WHERE kind = ? AND substr(full_name, 1, ?) = ?"
            " ORDER BY full_name",
            (kind, len(above), above),
        )
        return [json.loads(row["content"]) for row in rows]

    def _keep(self, kind: str, content: Mapping[str, Any]) -> None:
        self._store.db.execute(
            "INSERT INTO securables VALUES (?, ?, ?)", (kind, content["full_name"], json.dumps(content))
        )

    def _remove(self, kind: str, full_name: str) -> None:
        self._store.db.execute("DELETE FROM securables WHERE kind = ? AND full_name = ?", (kind, full_name))


def _parts(volume: Mapping[str, Any]) -> tuple[str, str, str]:
    return volume["catalog_name"], volume["schema_name"], volume["name"]


def _name(kind: str, name: str) -> str:
    wrong = [character for character in name if character in " ./\\" or not character.isprintable()]
    if not name or wrong or len(name.encode()) > _LONGEST_NAME:
        raise invalid(
            f'Invalid input: RPC Create{kind} Field managedcatalog.{kind}Info.name: name "{name}" is not a'
            " valid name. Valid names cannot contain spaces, periods, forward slashes, or control characters."
        )
    return name.lower()
