"""Merging with history: slowly changing dimensions of type 2.

The history of every key in the source is built anew from what is stored and what is new, as a series of
events in the order of the sequence, and then put in place by one MERGE. Late rows, several changes of a key
at once and a second run thereby need no cases of their own.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows
from pyspark.sql.types import StructField, StructType

from skyspark.errors import SchemaMismatchError
from skyspark.identifiers import TableName, quote
from skyspark.load.columns import missing_columns, new_columns, require_types
from skyspark.load.comparison import comparable, comparable_sql
from skyspark.load.failures import translated
from skyspark.load.keys import columns
from skyspark.load.layout import create_table

# Lakeflow's AUTO CDC names them so.
START = "__START_AT"
END = "__END_AT"

_SOURCE_WINS = "__skyspark_new"
_STORED = "__skyspark_stored"
_OBSOLETE = "__skyspark_obsolete"


def merge_history(
    source: DataFrame,
    name: TableName,
    keys: Sequence[str],
    sequence_by: str | None,
    exclude: Sequence[str],
    deleted: str,
    layout: Mapping[str, Sequence[str] | None],
) -> None:
    """Merge a checked source into a table with history.

    Args:
        source: The rows, with a column that marks deletes.
        name: The table; created when absent.
        keys: The key columns.
        sequence_by: The column that orders the rows of a key; ``None`` takes the present time.
        exclude: Columns that are not stored.
        deleted: The name of the column that marks deletes.
        layout: ``partitions`` and ``cluster_by`` of a table that is created.

    Raises:
        SchemaMismatchError: The table keeps no history, or columns or types do not fit.
    """
    spark = source.sparkSession
    left_out = {column.casefold() for column in (*exclude, deleted)}
    fields = [field for field in source.schema.fields if field.name.casefold() not in left_out]
    start = F.col(quote(sequence_by)) if sequence_by else F.lit(datetime.now(UTC)).cast("timestamp")
    # `sequence_by` may be excluded from the stored columns: it lives on as the start.
    new = source.withColumn(START, start).select(
        *columns([field.name for field in fields]), START, deleted, F.lit(True).alias(_SOURCE_WINS)
    )
    if not spark.catalog.tableExists(name.sql):
        with translated(str(name), "merge"):
            made = _changes(new.withColumn(_STORED, F.lit(False)), keys, fields, deleted).drop(_OBSOLETE)
            create_table(made, name, partitions=layout["partitions"], cluster_by=layout["cluster_by"])
        return
    table = spark.table(name.sql).schema
    _require_history(name, table, new, fields)
    added = set(new_columns(StructType(fields), table))
    stored = spark.table(name.sql).join(new.select(*columns(keys)).distinct(), list(keys), "left_semi")
    for field in fields:
        if field.name in added:
            stored = stored.withColumn(field.name, F.lit(None).cast(field.dataType))
    events = new.withColumn(_STORED, F.lit(False)).unionByName(_stored_events(stored, keys, fields, deleted))
    change = _changes(events, keys, fields, deleted)
    with translated(str(name), "merge"):
        spark.sql(_statement(name, keys, fields, added), change=change).collect()


def _require_history(
    name: TableName, table: StructType, new: DataFrame, fields: Sequence[StructField]
) -> None:
    if START not in table.names or END not in table.names:
        raise SchemaMismatchError(
            str(name), f"merge: it keeps no history (no {START}, {END}): merge with scd_type=1."
        )
    given = StructType([*fields, new.schema[START], StructField(END, new.schema[START].dataType)])
    require_types(str(name), given, table, "merge")
    if lacking := missing_columns(given, table):
        raise SchemaMismatchError(
            str(name),
            f"merge: the frame lacks {', '.join(lacking)}, and a version with history is a whole row: "
            "add the column(s), NULL if there is nothing to say.",
        )


def _stored_events(
    stored: DataFrame, keys: Sequence[str], fields: Sequence[StructField], deleted: str
) -> DataFrame:
    names = [field.name for field in fields]
    follower = "__skyspark_follower"
    by_key = Window.partitionBy(*columns(keys)).orderBy(START)
    versions = stored.withColumn(follower, F.lead(START).over(by_key))
    old = F.lit(False).alias(_SOURCE_WINS)
    starts = versions.select(
        *columns(names), START, F.lit(False).alias(deleted), old, F.lit(True).alias(_STORED)
    )
    # A version that ends where no other one starts was ended by a delete.
    ends = versions.where(F.col(END).isNotNull() & ~F.col(END).eqNullSafe(F.col(follower)))
    return starts.unionByName(
        ends.select(
            *columns(names),
            F.col(END).alias(START),
            F.lit(True).alias(deleted),
            old,
            F.lit(False).alias(_STORED),
        )
    )


def _changes(
    events: DataFrame, keys: Sequence[str], fields: Sequence[StructField], deleted: str
) -> DataFrame:
    """Return the versions that the events make, and the stored ones they make obsolete, marked as such."""
    by_key = Window.partitionBy(*columns(keys)).orderBy(START)
    moment = Window.partitionBy(*columns(keys), START)
    rank, state, previous, counts = (f"__skyspark_{x}" for x in ("rank", "state", "previous", "counts"))
    is_key = {key.casefold() for key in keys}
    values = [field for field in fields if field.name.casefold() not in is_key]
    compared = F.struct(
        F.col(deleted).alias("deleted"),
        *(
            F.when(~F.col(deleted), comparable(F.col(quote(field.name)), field.dataType)).alias(f"v{i}")
            for i, field in enumerate(values)
        ),
    )
    # Of several events at one moment the source's counts.
    once = (
        events.withColumn(_STORED, F.max(_STORED).over(moment))
        .withColumn(rank, F.row_number().over(moment.orderBy(F.col(_SOURCE_WINS).desc(), deleted)))
        .where(F.col(rank) == 1)
    )
    # A version equal to the one before is no change, and a delete of what is not there is none either.
    is_change = F.when(F.col(previous).isNull(), ~F.col(deleted)).otherwise(
        ~F.col(state).eqNullSafe(F.col(previous))
    )
    judged = once.withColumn(state, compared).withColumn(previous, F.lag(state).over(by_key))
    # Backwards, since Spark goes through "all that follow" anew for every row.
    backwards = Window.partitionBy(*columns(keys)).orderBy(F.col(START).desc())
    later = backwards.rowsBetween(Window.unboundedPreceding, -1)
    return (
        judged.withColumn(counts, is_change)
        .withColumn(END, F.last(F.when(F.col(counts), F.col(START)), ignorenulls=True).over(later))
        .withColumn(_OBSOLETE, ~F.col(counts) | F.col(deleted))
        .where(~F.col(_OBSOLETE) | F.col(_STORED))
        .select(*columns([field.name for field in fields]), START, END, _OBSOLETE)
    )


def _statement(name: TableName, keys: Sequence[str], fields: Sequence[StructField], added: set[str]) -> str:
    on = " AND ".join(f"t.{quote(column)} = s.{quote(column)}" for column in [*keys, START])
    is_key = {key.casefold() for key in keys}
    differs = [f"NOT (t.{quote(END)} <=> s.{quote(END)})"]
    differs += [
        f"s.{quote(f.name)} IS NOT NULL"
        if f.name in added
        else f"NOT ({comparable_sql('t', f.name, f.dataType)} <=> {comparable_sql('s', f.name, f.dataType)})"
        for f in fields
        if f.name.casefold() not in is_key
    ]
    written = [*(f.name for f in fields), START, END]
    assigned = ", ".join(f"{quote(c)} = s.{quote(c)}" for c in written if c.casefold() not in is_key)
    names = ", ".join(map(quote, written))
    given = ", ".join(f"s.{quote(c)}" for c in written)
    return "\n".join(
        (
            f"MERGE WITH SCHEMA EVOLUTION INTO {name.sql} AS t USING {{change}} AS s ON {on}",
            f"WHEN MATCHED AND s.{_OBSOLETE} THEN DELETE",
            f"WHEN MATCHED AND ({' OR '.join(differs)}) THEN UPDATE SET {assigned}",
            f"WHEN NOT MATCHED AND NOT s.{_OBSOLETE} THEN INSERT ({names}) VALUES ({given})",  # noqa: S608 - identifiers are quoted
        )
    )
