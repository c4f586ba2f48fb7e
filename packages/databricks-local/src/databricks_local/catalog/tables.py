"""The managed tables of the warehouse, as Unity Catalog's API shows tables.

Views, and tables that lie elsewhere, are known to the metastore alone and do not show.
"""

import contextlib
import os
import uuid
from pathlib import Path
from typing import Any

from databricks_local.catalog import delta_log

_DEFAULT = "default"
_ENDING = ".db"


class Tables:
    """The warehouse folder: ``<schema>.db/<table>``, and ``<table>`` for the schema ``default``."""

    def __init__(self, warehouse: Path, metastore_id: str, user: str) -> None:
        """Name what is shown.

        Args:
            warehouse: The folder; tasks make it.
            metastore_id: The metastore that all tables are in.
            user: Who owns them.
        """
        self._warehouse = warehouse
        self._metastore_id = metastore_id
        self._user = user

    def schemas(self) -> dict[str, int]:
        """Return the schemas that tasks made, with when, in milliseconds since the epoch."""
        return {
            folder.name.removesuffix(_ENDING): folder.stat().st_mtime_ns // 1_000_000
            for folder in _folders(self._warehouse)
            if folder.name.endswith(_ENDING)
        }

    def names(self, schema: str) -> list[str]:
        """Return the names of a schema's tables."""
        folders = _folders(self._folder(schema))
        return [folder.name for folder in folders if (folder / "_delta_log").is_dir()]

    def get(self, catalog: str, schema: str, name: str) -> dict[str, Any] | None:
        """Return a table, or None.

        Args:
            catalog: The catalog it is asked for in.
            schema: Its schema.
            name: Its name, in lower case.
        """
        if name not in self.names(schema):
            return None
        folder = self._folder(schema) / name
        table = delta_log.read(folder)
        if table is None:
            return None
        full_name = f"{catalog}.{schema}.{name}"
        shown = {
            "name": name,
            "catalog_name": catalog,
            "schema_name": schema,
            "full_name": full_name,
            "table_type": "MANAGED",
            "data_source_format": "DELTA",
            "columns": table.columns,
            "storage_location": folder.as_uri(),
            "table_id": table.metadata.get("id") or str(uuid.uuid5(uuid.NAMESPACE_URL, full_name)),
            "metastore_id": self._metastore_id,
            "owner": self._user,
            "properties": table.metadata.get("configuration", {}),
            "created_at": table.metadata.get("createdTime", table.changed_ms),
            "created_by": self._user,
            "updated_at": table.changed_ms,
            "updated_by": self._user,
        }
        if table.metadata.get("description"):
            shown["comment"] = table.metadata["description"]
        return shown

    def is_empty(self, schema: str) -> bool:
        """Return whether a schema holds no tables, of whatever format."""
        return all(schema == _DEFAULT and f.name.endswith(_ENDING) for f in _folders(self._folder(schema)))

    def remove_schema(self, schema: str) -> None:
        """Remove the folder of a schema that is empty."""
        if schema != _DEFAULT:
            with contextlib.suppress(FileNotFoundError):
                self._folder(schema).rmdir()

    def _folder(self, schema: str) -> Path:
        return self._warehouse if schema == _DEFAULT else self._warehouse / (schema + _ENDING)


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as found:
            return sorted(Path(entry) for entry in found if entry.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []
