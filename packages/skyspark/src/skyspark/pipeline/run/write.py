"""Writing the rows of a table in its target's way."""

from typing import TYPE_CHECKING

from skyspark.identifiers import TableName
from skyspark.load import merge_delta_table, save_delta_table, save_delta_table_clustered
from skyspark.pipeline.model import Table, WriteMode

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def write(
    frame: "DataFrame", name: TableName, table: Table, mode: WriteMode, transaction: tuple[str, int] | None
) -> None:
    """Write rows; the table is created when absent.

    Args:
        frame: The rows.
        name: The table's full name.
        table: The table.
        mode: How it is written.
        transaction: What marks an append: an application's id and a version, as Delta knows them.

    Raises:
        TableError: As the functions of ``skyspark.load``.
    """
    target = table.target
    if mode == "merge":
        merge_delta_table(
            frame,
            str(name),
            target.keys,
            delete_where=target.delete_where,
            scd_type=target.scd_type,
            sequence_by=target.sequence_by,
            exclude_columns=target.exclude_columns,
            partitions=target.partition_by or None,
            cluster_by=target.cluster_by or None,
        )
        return
    marked = transaction if mode == "append" else None
    if target.cluster_by:
        save_delta_table_clustered(
            frame,
            str(name),
            target.cluster_by,
            mode=mode,
            replaceWhere=target.replace_where,
            transaction=marked,
        )
        return
    save_delta_table(
        frame,
        str(name),
        target.partition_by or None,
        mode=mode,
        replaceWhere=target.replace_where,
        transaction=marked,
    )


def write_quarantine(frame: "DataFrame", name: str, transaction: tuple[str, int]) -> None:
    """Append dropped rows to a quarantine table.

    Args:
        frame: The rows, with the rules they broke.
        name: The quarantine table's full name.
        transaction: As for ``write``.
    """
    save_delta_table(frame, name, mode="append", transaction=transaction)
