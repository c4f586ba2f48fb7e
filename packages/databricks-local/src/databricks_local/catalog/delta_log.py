"""What a Delta table's log says of the table, read without Spark.

The format is documented at https://github.com/delta-io/delta/blob/master/PROTOCOL.md. Only commits are read:
a table whose metadata is in a checkpoint alone is there, but has no columns here.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_COMMIT = re.compile(r"\d{20}\.json")
_NAMES = {
    "long": "bigint",
    "integer": "int",
    "short": "smallint",
    "byte": "tinyint",
}
_KINDS = {"INTEGER": "INT"}


@dataclass(frozen=True)
class DeltaTable:
    """A table as its log describes it.

    Attributes:
        metadata: The newest ``metaData`` action; empty when only a checkpoint holds it.
        changed_ms: When the newest commit was made, in milliseconds since the epoch.
        columns: Columns as Unity Catalog's API shows them.
    """

    metadata: dict[str, Any]
    changed_ms: int
    columns: list[dict[str, Any]]


def read(table: Path) -> DeltaTable | None:
    """Return what the log of a table says, or None when the folder is no Delta table.

    Args:
        table: The table's folder.
    """
    log = table / "_delta_log"
    commits = sorted((file for file in _files(log) if _COMMIT.fullmatch(file.name)), reverse=True)
    if not commits:
        return None
    metadata: dict[str, Any] = {}
    changed_ms = 0
    for commit in commits:
        for action in _actions(commit):
            changed_ms = changed_ms or int(action.get("commitInfo", {}).get("timestamp", 0))
            metadata = metadata or action.get("metaData", {})
        if metadata:
            break
    return DeltaTable(metadata, changed_ms or int(metadata.get("createdTime", 0)), _columns(metadata))


def _files(log: Path) -> list[Path]:
    try:
        return list(log.iterdir())
    except OSError:
        return []


def _actions(commit: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = commit.read_text(encoding="utf-8").splitlines()
    except OSError:
        # A task dropped the table in between.
        return
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            # A commit that is being written ends in half a line.
            return


def _columns(metadata: dict[str, Any]) -> list[dict[str, Any]]:
    if not metadata:
        return []
    partitions = metadata.get("partitionColumns", [])
    columns = []
    for position, field in enumerate(json.loads(metadata["schemaString"])["fields"]):
        column = {
            "name": field["name"],
            "type_text": _text(field["type"]),
            "type_name": _kind(field["type"]),
            "type_json": json.dumps(field),
            "position": position,
            "nullable": field["nullable"],
        }
        if column["type_name"] == "DECIMAL":
            precision, _, scale = field["type"].removeprefix("decimal(").removesuffix(")").partition(",")
            column |= {"type_precision": int(precision), "type_scale": int(scale)}
        if "comment" in field["metadata"]:
            column["comment"] = field["metadata"]["comment"]
        if field["name"] in partitions:
            column["partition_index"] = partitions.index(field["name"])
        columns.append(column)
    return columns


def _text(kind: Any) -> str:
    if isinstance(kind, str):
        return _NAMES.get(kind, kind)
    if kind["type"] == "array":
        return f"array<{_text(kind['elementType'])}>"
    if kind["type"] == "map":
        return f"map<{_text(kind['keyType'])},{_text(kind['valueType'])}>"
    return "struct<" + ",".join(f"{f['name']}:{_text(f['type'])}" for f in kind["fields"]) + ">"


def _kind(kind: Any) -> str:
    name = (kind if isinstance(kind, str) else kind["type"]).partition("(")[0].upper()
    return _KINDS.get(name, name)
