"""What is done to a table besides writing its rows."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from skyspark.errors import RunStateError
from skyspark.identifiers import TableName, quote
from skyspark.load import save_table_metadata
from skyspark.pipeline.model import Table
from skyspark.pipeline.run.context import RunContext

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def describe(name: TableName, table: Table) -> None:
    """Give a table its comment and properties.

    Args:
        name: Its full name.
        table: The table.
    """
    if table.description is not None or table.target.properties:
        save_table_metadata(str(name), comment=table.description, properties=table.target.properties)


def compact(spark: "SparkSession", name: TableName, table: Table) -> None:
    """Compact a table's files where its target asks for it.

    Args:
        spark: The session.
        name: Its full name.
        table: The table.
    """
    if not (table.target.optimize or table.target.zorder):
        return
    columns = ", ".join(map(quote, table.target.zorder))
    spark.sql(f"OPTIMIZE {name.sql}" + (f" ZORDER BY ({columns})" if columns else "")).collect()


def require_same_mode(run: RunContext, table: Table) -> None:
    """Refuse a table that was made in the other mode; the folder of its checkpoint says in which.

    Args:
        run: The run.
        table: The table.

    Raises:
        RunStateError: It was made in the other mode, or one of table and checkpoint was removed.
    """
    name, checkpoint = run.name(table), run.checkpoint(table)
    if not run.is_stream(table):
        if checkpoint.is_dir():
            raise RunStateError(
                f"table {name} was made by a stream ({checkpoint}): make it anew with a full refresh to "
                "change it to batch."
            )
        return
    exists = run.spark.catalog.tableExists(name.sql)
    if exists and not checkpoint.is_dir():
        raise RunStateError(
            f"table {name} was made in batch, or its checkpoint {checkpoint} was removed: make it anew with "
            "a full refresh, a stream would append everything again."
        )
    if not exists and (checkpoint / "commits").is_dir() and any((checkpoint / "commits").iterdir()):
        raise RunStateError(
            f"table {name} was dropped and its checkpoint {checkpoint} goes on after it: make it anew with a "
            "full refresh."
        )


def remove(run: RunContext, table: Table) -> None:
    """Drop a table, its quarantine table and its checkpoint.

    Args:
        run: The run.
        table: The table.
    """
    checkpoint = run.checkpoint(table)
    # In one step, and first: what a kill leaves is refused by the next run, and never taken for whole.
    gone = checkpoint.with_name(f".removed-{uuid4().hex}")
    if checkpoint.is_dir():
        checkpoint.rename(gone)
    run.spark.sql(f"DROP TABLE IF EXISTS {run.name(table).sql}")
    if (quarantine := run.pipeline.quarantine_name(table)) is not None:
        run.spark.sql(f"DROP TABLE IF EXISTS {TableName.parse(quarantine).sql}")
    if gone.is_dir():
        shutil.rmtree(gone, ignore_errors=True)


def checkpoint_folder(run: RunContext, table: Table) -> Path:
    """Make and return the folder of a table's checkpoint: from here on the table is a stream's.

    Args:
        run: The run.
        table: The table.
    """
    folder = run.checkpoint(table)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
