"""Merging a frame into a Delta table by keys: upsert, delete, and history (SCD type 2)."""

from collections.abc import Mapping, Sequence

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows
from pyspark.sql.types import StructType

from skyspark.errors import ColumnNotFoundError, SchemaMismatchError, WriteModeError
from skyspark.identifiers import TableName, quote
from skyspark.load.columns import new_columns, require_columns, require_frame, require_types
from skyspark.load.comparison import comparable_sql
from skyspark.load.failures import translated
from skyspark.load.history import END, START, merge_history
from skyspark.load.keys import columns, require_keys
from skyspark.load.layout import create_table

# Marks rows of the source that stand for a delete; never stored.
DELETED = "__skyspark_delete"


def merge_delta_table(
    df: DataFrame,
    table_name: str,
    keys: Sequence[str],
    *,
    delete_where: str | None = None,
    scd_type: int = 1,
    sequence_by: str | None = None,
    exclude_columns: Sequence[str] = (),
    partitions: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
) -> None:
    """Merge a frame into a Delta table by its keys; the table is created when absent.

    Running it again with the same frame changes nothing. New columns of the frame are added to the table;
    columns that the frame lacks keep their value in updated rows and are NULL in new ones. The frame is
    computed twice (to check its keys, then to merge), so it must give the same rows both times.

    With ``scd_type=2`` the table keeps every version of a row, valid from ``__START_AT`` until before
    ``__END_AT`` (NULL: still valid), the names Lakeflow's AUTO CDC uses. Late rows are put where they
    belong in the history.

    Args:
        df: The rows.
        table_name: One to three parts, such as ``silver.posts``.
        keys: The columns that identify a row.
        delete_where: A condition in SQL on the frame's columns: rows that meet it delete their key (type 1)
            or end its last version (type 2).
        scd_type: 1 keeps the latest row of each key, 2 keeps the history.
        sequence_by: The column that orders rows of one key. Type 1: the last row of a key wins, and never
            replaces a stored row that is later. Type 2: gives ``__START_AT``; without it that is the time
            of the merge.
        exclude_columns: Columns of the frame that are not stored, such as one only ``delete_where`` reads.
        partitions: Partition columns of a table that is created; one that is there stays as it is.
        cluster_by: Clustering columns of a table that is created, in place of ``partitions``.

    Raises:
        TableNameError: The name is none.
        WriteModeError: ``scd_type`` is neither 1 nor 2, or there are no keys.
        ColumnNotFoundError: A named column does not exist, or ``delete_where`` is no condition on the frame.
        MergeKeyError: A key is NULL, or several rows have the same key and nothing orders them.
        SchemaMismatchError: A type does not fit the table, or the table was made with the other ``scd_type``.
        ConstraintViolationError: A row breaks a constraint of the table.
        ConcurrentWriteError: Another writer changed the table meanwhile.
    """
    name = TableName.parse(table_name)
    if scd_type not in (1, 2):
        raise WriteModeError(str(name), f"merge: scd_type is 1 or 2, not {scd_type!r}.")
    if isinstance(keys, str) or not keys:
        raise WriteModeError(str(name), "merge: keys is a list of at least one column.")
    require_frame(str(name), df.schema)
    require_columns(str(name), keys, df.columns, "key")
    require_columns(str(name), exclude_columns, df.columns, "excluded")
    if sequence_by is not None:
        require_columns(str(name), [sequence_by], df.columns, "sequence_by")
    require_columns(str(name), partitions or (), df.columns, "partition")
    require_columns(str(name), cluster_by or (), df.columns, "clustering")
    layout = {"partitions": partitions, "cluster_by": cluster_by}
    _refuse_own_columns(name, df.schema)
    require_keys(df, str(name), keys, sequence_by)
    source = _with_delete_mark(df, name, delete_where)
    if scd_type == 2:
        merge_history(source, name, keys, sequence_by, exclude_columns, DELETED, layout)
    else:
        _merge_latest(source, name, keys, sequence_by, exclude_columns, layout)


def _merge_latest(
    source: DataFrame,
    name: TableName,
    keys: Sequence[str],
    sequence_by: str | None,
    exclude: Sequence[str],
    layout: Mapping[str, Sequence[str] | None],
) -> None:
    if sequence_by is not None:
        last = Window.partitionBy(*columns(keys)).orderBy(F.col(quote(sequence_by)).desc())
        rank = "__skyspark_rank"
        source = source.withColumn(rank, F.row_number().over(last)).where(F.col(rank) == 1).drop(rank)
    spark = source.sparkSession
    left_out = {column.casefold() for column in (*exclude, DELETED)}
    stored = [column for column in source.columns if column.casefold() not in left_out]
    if not spark.catalog.tableExists(name.sql):
        with translated(str(name), "merge"):
            create_table(
                source.where(~F.col(DELETED)).select(*columns(stored)),
                name,
                partitions=layout["partitions"],
                cluster_by=layout["cluster_by"],
            )
        return
    table = spark.table(name.sql).schema
    if START in table.names:
        raise SchemaMismatchError(str(name), f"merge: it keeps a history ({START}): merge with scd_type=2.")
    frame = StructType([field for field in source.schema.fields if field.name in stored])
    require_types(str(name), frame, table, "merge")
    require_columns(str(name), keys, table.names, "key")
    with translated(str(name), "merge"):
        spark.sql(_statement(name, keys, frame, table, sequence_by), source=source).collect()


def _statement(
    name: TableName, keys: Sequence[str], frame: StructType, table: StructType, sequence_by: str | None
) -> str:
    added = set(new_columns(frame, table))
    is_key = {key.casefold() for key in keys}
    values = [field for field in frame.fields if field.name.casefold() not in is_key]
    in_order = ""
    if sequence_by is not None and sequence_by in frame.names and sequence_by not in added:
        sequence = quote(sequence_by)
        in_order = f" AND (t.{sequence} IS NULL OR s.{sequence} >= t.{sequence})"
    on = " AND ".join(f"t.{quote(key)} = s.{quote(key)}" for key in keys)
    lines = [
        f"MERGE WITH SCHEMA EVOLUTION INTO {name.sql} AS t USING {{source}} AS s ON {on}",
        f"WHEN MATCHED AND s.{DELETED}{in_order} THEN DELETE",
    ]
    if values:
        # An update of what is equal would rewrite files and say in the change data feed that rows changed.
        differs = " OR ".join(
            f"s.{quote(field.name)} IS NOT NULL"
            if field.name in added
            else f"NOT ({comparable_sql('t', field.name, field.dataType)}"
            f" <=> {comparable_sql('s', field.name, field.dataType)})"
            for field in values
        )
        # Delta adds a new column only where the assignment does not say "t.".
        assigned = ", ".join(f"{quote(field.name)} = s.{quote(field.name)}" for field in values)
        lines.append(f"WHEN MATCHED{in_order} AND ({differs}) THEN UPDATE SET {assigned}")
    names = ", ".join(quote(field.name) for field in frame.fields)
    given = ", ".join(f"s.{quote(field.name)}" for field in frame.fields)
    lines.append(f"WHEN NOT MATCHED AND NOT s.{DELETED} THEN INSERT ({names}) VALUES ({given})")  # noqa: S608 - identifiers are quoted
    return "\n".join(lines)


def _refuse_own_columns(name: TableName, schema: StructType) -> None:
    own = {column.casefold() for column in (START, END, DELETED)}
    for column in schema.names:
        if column.casefold() in own:
            raise SchemaMismatchError(str(name), f"merge: the column name '{column}' is taken: rename it.")


def _with_delete_mark(df: DataFrame, name: TableName, delete_where: str | None) -> DataFrame:
    if delete_where is None:
        return df.withColumn(DELETED, F.lit(False))
    try:
        condition = F.expr(f"({delete_where})")
        kind = df.select(condition).schema[0].dataType.simpleString()
    except AnalysisException as error:
        reason = str(error).splitlines()[0]
        raise ColumnNotFoundError(
            str(name), f"merge: delete_where '{delete_where}' is no condition on the frame: {reason}"
        ) from error
    if kind != "boolean":
        raise ColumnNotFoundError(
            str(name), f"merge: delete_where '{delete_where}' is no condition: it gives {kind}."
        )
    return df.withColumn(DELETED, F.coalesce(condition, F.lit(False)))
