"""What the process of an update is told: a spec of ``spark-pipelines`` with all names resolved.

The fields of the plan are those of a ``spark-pipeline.yml`` of Spark 4.1 (name, storage, catalog, schema,
configuration), beside the files of its libraries, where Python imports from and what is to be refreshed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from databricks_local.pipelines.lakeflow_sql import LakeflowSqlError, translated
from databricks_local.pipelines.records import Update

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

_NOTEBOOK_PYTHON = "# Databricks notebook source"
_NOTEBOOK_SQL = "-- Databricks notebook source"
_MAGIC = "# MAGIC %"
_HARMLESS_MAGIC = ("# MAGIC %md", "# MAGIC %python")


class PlanError(Exception):
    """A pipeline cannot be run as it is; the message is a sentence."""


@dataclass(frozen=True)
class Source:
    """A file of a pipeline.

    Attributes:
        path: Its path in the workspace.
        text: Its content; SQL in Spark's words.
        kind: ``py`` or ``sql``.
    """

    path: str
    text: str
    kind: str


@dataclass(frozen=True)
class Found:
    """A file or notebook of the workspace.

    Attributes:
        path: Its path there; that of a notebook has no ending.
        file: Where it lies.
    """

    path: str
    file: Path


def sources(files: Iterator[Found] | list[Found], warnings: list[str]) -> list[Source]:
    """Return the files that declare a pipeline, in the order of their paths.

    Args:
        files: What its libraries name.
        warnings: Takes a sentence about each thing that has no effect here.

    Raises:
        PlanError: A file cannot be run.
    """
    found = []
    for each in sorted(files, key=lambda file: file.path):
        text = each.file.read_text(encoding="utf-8", errors="replace")
        kind = _kind(each, text)
        if kind == "sql":
            try:
                result = translated(text)
            except LakeflowSqlError as error:
                raise PlanError(f"{each.path}: {error}") from None
            warnings += [f"{each.path}: {warning}" for warning in result.warnings]
            text = result.text
        elif kind == "py":
            _check_magic(each.path, text)
        found.append(Source(each.path, text, kind))
    if not found:
        raise PlanError("[NO_TABLES_IN_PIPELINE] the libraries of the pipeline name no Python or SQL file.")
    return found


def _kind(found: Found, text: str) -> str:
    first = text.partition("\n")[0].strip()
    suffix = PurePosixPath(found.path).suffix or found.file.suffix
    if suffix == ".py" or first == _NOTEBOOK_PYTHON:
        return "py"
    if suffix == ".sql" or first == _NOTEBOOK_SQL:
        return "sql"
    raise PlanError(
        f"{found.path}: a pipeline is made of Python and SQL files and notebooks, and this is neither."
    )


def _check_magic(path: str, text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_MAGIC) and not line.startswith(_HARMLESS_MAGIC):
            raise PlanError(
                f"{path}, line {number}: {line.removeprefix('# MAGIC ')[:40]} is not imitated in notebooks of a "
                "pipeline: name packages in environment.dependencies, put SQL into a file of its own."
            )


def plan_of(workspace: "Workspace", update: Update, folder: Path, files: list[Source]) -> dict[str, Any]:
    """Return the plan of an update.

    Args:
        workspace: The workspace.
        update: The update.
        folder: Its own folder.
        files: What declares the pipeline; written to the folder.

    Raises:
        PlanError: The catalog is unknown.
    """
    spec, request = update.spec, update.request
    catalog = spec.get("catalog") or "spark_catalog"
    if catalog not in (*workspace.config.catalogs, "spark_catalog", "hive_metastore"):
        raise PlanError(f"[NO_SUCH_CATALOG_EXCEPTION] Catalog '{catalog}' was not found.")
    written = []
    for number, source in enumerate(files):
        file = folder / f"{number:03d}-{PurePosixPath(source.path).stem}.{source.kind}"
        file.write_text(source.text, encoding="utf-8")
        written.append({"path": source.path, "file": str(file), "kind": source.kind})
    storage = folder.parent.parent / "storage"
    return {
        "name": spec["name"],
        "storage": storage.as_uri(),
        "catalog": "spark_catalog" if catalog == "hive_metastore" else catalog,
        "schema": spec.get("schema") or spec.get("target") or "default",
        "configuration": _configuration(spec),
        "catalogs": list(workspace.config.catalogs),
        "sources": written,
        "full_refresh": bool(request.get("full_refresh")),
        "refresh_selection": request.get("refresh_selection", []),
        "full_refresh_selection": request.get("full_refresh_selection", []),
        "validate_only": bool(request.get("validate_only")),
        "events": str(folder / "events.jsonl"),
    }


def _configuration(spec: Mapping[str, Any]) -> dict[str, str]:
    """Return what sessions take while they run; Spark's own static settings are the process's."""
    return {
        key: value for key, value in spec.get("configuration", {}).items() if not key.startswith("spark.")
    }
