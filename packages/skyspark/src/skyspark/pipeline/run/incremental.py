"""Reading only what is new: the state is the table itself, so that a kill cannot part state and data."""

from typing import TYPE_CHECKING

from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

from skyspark.identifiers import TableName, quote, text
from skyspark.load.columns import require_columns
from skyspark.pipeline.model import Incremental

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def newer(frame: "DataFrame", target: TableName, incremental: Incremental, *, merged: bool) -> "DataFrame":
    """Return the rows of an input that the table does not have yet; all of them while there is no table.

    Args:
        frame: The input.
        target: The table that is written.
        incremental: The column to compare by.
        merged: Whether the table is merged into: rows at the maximum are then read again, for a merge of what
            is there changes nothing.

    Raises:
        ColumnNotFoundError: The input or the table lacks the column.
    """
    spark = frame.sparkSession
    column = incremental.column
    require_columns(str(target), [column], frame.columns, "incremental")
    if not spark.catalog.tableExists(target.sql):
        return frame
    table = spark.table(target.sql)
    require_columns(str(target), [column], table.columns, "incremental")
    kind = next(f.dataType for f in table.schema.fields if f.name.casefold() == column.casefold())
    highest = F.max(F.col(quote(column)))
    # As text or microseconds, since a Python datetime would be taken for one of this machine's time zone.
    if kind.typeName() == "timestamp":
        (found,) = table.agg(F.unix_micros(highest)).first() or (None,)
        bound = f"timestamp_micros({found})"
    else:
        (found,) = table.agg(highest.cast("string")).first() or (None,)
        bound = f"CAST({text(str(found))} AS {kind.simpleString()})"
    if found is None:
        return frame
    if incremental.lookback is not None:
        bound += f" - INTERVAL {incremental.lookback}"
    # A literal and no subquery: Delta then skips the files that hold only older rows.
    return frame.where(f"{quote(column)} {'>=' if merged else '>'} {bound}")
