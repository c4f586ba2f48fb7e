"""Merging the changes of a stream into a table: AUTO CDC."""

from skyspark.pipeline.model import Target
from skyspark.pipeline.sql.dataset import identifier, identifiers


def auto_cdc(flow: str, table: str, changes: str, target: Target) -> str:
    """Return the statement that merges a stream of changes into a table (Databricks, "AUTO CDC INTO").

    Args:
        flow: The flow's name, quoted.
        table: The table's name, quoted.
        changes: The relation that streams the changes, quoted.
        target: How they are merged, with ``sequence_by``.

    Raises:
        QueryError: A name cannot be written.
    """
    lines = [
        f"CREATE FLOW {flow} AS AUTO CDC INTO {table}",
        f"FROM STREAM({changes})",
        f"KEYS ({identifiers(target.keys)})",
    ]
    if target.delete_where is not None:
        lines.append(f"APPLY AS DELETE WHEN {target.delete_where}")
    lines.append(f"SEQUENCE BY {identifier(target.sequence_by or '')}")
    if target.exclude_columns:
        lines.append(f"COLUMNS * EXCEPT ({identifiers(target.exclude_columns)})")
    lines.append(f"STORED AS SCD TYPE {target.scd_type}")
    return "\n".join(lines)
