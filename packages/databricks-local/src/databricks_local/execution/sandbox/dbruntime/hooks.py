"""What Databricks adds to PySpark: ``pyspark.dbutils``, and catalogs that each session knows."""

from __future__ import annotations

import functools
import json
import os
import sys
from importlib.machinery import ModuleSpec, SourceFileLoader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import ModuleType
    from typing import Any

_SESSIONS = "pyspark.sql.session"
_DBUTILS = "pyspark.dbutils"


def install() -> None:
    """Have the imports of this process pass here."""
    sys.meta_path.insert(0, _Finder())


class _Finder:
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname == _DBUTILS:
            file = os.path.join(os.path.dirname(__file__), "pyspark_dbutils.py")
            return ModuleSpec(fullname, SourceFileLoader(fullname, file), origin=file)
        if fullname != _SESSIONS:
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(fullname, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _SessionLoader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _SessionLoader:
    def __init__(self, own: Any) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        created: ModuleType | None = self._own.create_module(spec)
        return created

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        session = module.SparkSession
        session.__init__ = _with_catalogs(session.__init__)
        session.Builder.getOrCreate = _with_metastore(session.Builder.getOrCreate)


def _with_metastore(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def get_or_create(builder: Any) -> Any:
        address = os.environ.get("DATABRICKS_LOCAL_METASTORE")
        if address:
            # It comes up on the first call, so that it gets ready while Java starts.
            import socket

            host, _, port = address.rpartition(":")
            socket.create_connection((host, int(port)), timeout=10).close()
        return original(builder)

    return get_or_create


def _with_catalogs(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def initialize(session: Any, *arguments: Any, **named: Any) -> None:
        original(session, *arguments, **named)
        catalogs = session._jsparkSession.sessionState().catalogManager()
        for name in json.loads(os.environ.get("DATABRICKS_LOCAL_CATALOGS", "[]")):
            # All catalogs are names of the one metastore that the session has.
            catalogs.catalog(name).setDelegateCatalog(catalogs.v2SessionCatalog())
        # Once for each process: other sessions of it share the metastore.
        for name in json.loads(os.environ.pop("DATABRICKS_LOCAL_SCHEMAS", "[]")):
            quoted = name.replace("`", "``")
            session.sql(f"CREATE SCHEMA IF NOT EXISTS spark_catalog.`{quoted}`")

    return initialize
