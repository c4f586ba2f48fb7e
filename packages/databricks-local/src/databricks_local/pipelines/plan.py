"""What the process of an update is told: a spec of ``spark-pipelines`` with all names resolved.

The fields of the plan are those of a ``spark-pipeline.yml`` of Spark 4.1 (name, storage, catalog, schema,
configuration), beside the files of its libraries, where Python imports from and what is to be refreshed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from databricks_local.pipelines.lakeflow_sql import LakeflowSqlError, translated
from databricks_local.pipelines.records import Update

if TYPE_CHECKING:
    from databricks_local.files.tree import FileTree, WorkspaceObject
    from databricks_local.workspace import Workspace

_MAGIC = "# MAGIC %"
_HARMLESS_MAGIC = ("# MAGIC %md", "# MAGIC %python")
_KINDS = {"PYTHON": "py", "SQL": "sql", ".py": "py", ".sql": "sql"}


class PlanError(Exception):
    """A pipeline cannot be run as it is; the message is a sentence."""


@dataclass(frozen=True)
class Source:
    """A file or notebook of a pipeline.

    Attributes:
        path: Its path in the workspace.
        text: Its content; SQL in Spark's words.
        kind: ``py`` or ``sql``.
    """

    path: str
    text: str
    kind: str


def sources(tree: "FileTree", libraries: Sequence[Mapping[str, Any]], warnings: list[str]) -> list[Source]:
    """Return what declares a pipeline, in the order of the paths.

    Args:
        tree: The workspace's files.
        libraries: As the pipeline's spec has them.
        warnings: Takes a sentence about each thing that has no effect here.

    Raises:
        PlanError: A file is missing or cannot be run.
    """
    found = {each.path: each for library in libraries for each in _objects(tree, library)}
    if not found:
        raise PlanError("[NO_TABLES_IN_PIPELINE] the libraries of the pipeline name no Python or SQL file.")
    return [_source(tree, found[path], warnings) for path in sorted(found)]


def _objects(tree: "FileTree", library: Mapping[str, Any]) -> Iterator["WorkspaceObject"]:
    (kind, named), *_ = library.items()
    path = named["include" if kind == "glob" else "path"]
    folder = path.endswith("/**") and kind == "glob"
    there = tree.find(path.removesuffix("/**") if folder else path)
    if there is None or (there.kind == "DIRECTORY") is not folder:
        what = "folder" if folder else "notebook" if kind == "notebook" else "file"
        raise PlanError(f"[FILE_NOT_FOUND] the {what} {path} of the pipeline is not in the workspace.")
    yield from _below(tree, there) if folder else (there,)


def _below(tree: "FileTree", folder: "WorkspaceObject") -> Iterator["WorkspaceObject"]:
    for each in tree.children(folder.path):
        name = PurePosixPath(each.path).name
        if each.kind == "DIRECTORY":
            if name != "__pycache__":
                yield from _below(tree, each)
        elif each.kind == "NOTEBOOK" or PurePosixPath(name).suffix in _KINDS:
            yield each


def _source(tree: "FileTree", each: "WorkspaceObject", warnings: list[str]) -> Source:
    path = f"/Workspace{each.path}"
    kind = _KINDS.get(each.language or PurePosixPath(path).suffix)
    if kind is None:
        raise PlanError(f"{path}: a pipeline is made of Python and SQL, and this is neither.")
    text = tree.read(each.path).decode(errors="replace")
    if kind == "sql":
        try:
            result = translated(text)
        except LakeflowSqlError as error:
            raise PlanError(f"{path}: {error}") from None
        warnings += [f"{path}: {warning}" for warning in result.warnings]
        text = result.text
    elif each.kind == "NOTEBOOK":
        _check_magic(path, text)
    return Source(path, text, kind)


def _check_magic(path: str, text: str) -> None:
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(_MAGIC) and not line.startswith(_HARMLESS_MAGIC):
            command = line.removeprefix("# MAGIC ")[:40]
            raise PlanError(
                f"{path}, line {number}: {command} is not imitated in notebooks of a pipeline: name packages "
                "in environment.dependencies, put SQL into a file of its own."
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
    if catalog not in (*workspace.catalogs.catalog_names(), "spark_catalog", "hive_metastore"):
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
        "catalogs": workspace.catalogs.catalog_names(),
        "schemas": _schemas(workspace),
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


def _schemas(workspace: "Workspace") -> list[str]:
    """Return the schemas that were made by the API, which sessions may not know yet."""
    return [
        f"`{catalog}`.`{schema['name']}`"
        for catalog in workspace.catalogs.catalog_names()
        for schema in workspace.catalogs.schemas(catalog)
    ]
