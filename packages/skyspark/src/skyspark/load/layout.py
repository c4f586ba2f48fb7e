"""How an existing Delta table is laid out, and writing into it without losing that."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows
from pyspark.sql.types import StructType

from skyspark.errors import TableLayoutError
from skyspark.identifiers import TableName, quote
from skyspark.load.columns import (
    missing_columns,
    new_columns,
    require_columns,
    require_types,
    unfit_types,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """What decides where an existing table's rows go.

    Attributes:
        schema: Its columns.
        clustering: Its clustering columns.
        find_partitions: Asks the catalog for its partition columns.
    """

    schema: StructType
    clustering: tuple[str, ...]
    find_partitions: Callable[[], tuple[str, ...]]

    @cached_property
    def partitions(self) -> tuple[str, ...]:
        """Its partition columns, in the order of the schema."""
        # Listing columns takes longer than all else together, and most writes need not know.
        return self.find_partitions()


def folded(columns: Iterable[str]) -> list[str]:
    """Return column names as Spark compares them: without regard to case."""
    return [column.casefold() for column in columns]


def same_columns(one: Iterable[str], other: Iterable[str]) -> bool:
    """Say whether two lists name the same columns, in whatever order."""
    return sorted(folded(one)) == sorted(folded(other))


def read_layout(spark: SparkSession, name: TableName) -> Layout:
    """Return the layout of a Delta table.

    Raises:
        TableLayoutError: The table is not a Delta table.
    """
    properties = {row["key"] for row in spark.sql(f"SHOW TBLPROPERTIES {name.sql}").collect()}
    if "delta.minReaderVersion" not in properties:
        raise TableLayoutError(str(name), "it is not a Delta table: drop it, or choose another name.")
    clustering: tuple[str, ...] = ()
    # DESCRIBE DETAIL counts the table's files, which takes a second and more even where there are few.
    if "clusteringColumns" in properties:
        (detail,) = spark.sql(f"DESCRIBE DETAIL {name.sql}").select("clusteringColumns").collect()
        clustering = tuple(detail[0])

    def find_partitions() -> tuple[str, ...]:
        return tuple(column.name for column in spark.catalog.listColumns(name.sql) if column.isPartition)

    return Layout(spark.table(name.sql).schema, clustering, find_partitions)


def create_schema(spark: SparkSession, name: TableName) -> None:
    """Create the schema of a table that is about to be created, unless it is there."""
    if name.schema_sql and not spark.catalog.databaseExists(name.schema_sql):
        log.info("creating schema %s", name.schema_sql)
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {name.schema_sql}")


def create_table(
    df: DataFrame,
    name: TableName,
    *,
    partitions: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
    transaction: tuple[str, int] | None = None,
) -> None:
    """Create a Delta table, and its schema, from a frame.

    Args:
        df: The rows.
        name: The table; it does not exist.
        partitions: Partition columns.
        cluster_by: Clustering columns, in place of ``partitions``.
        transaction: An application's id and a version, to be remembered by the table.
    """
    spark = df.sparkSession
    create_schema(spark, name)
    if not cluster_by:
        writer = df.writeTo(name.sql).using("delta").options(**_marks(transaction))
        if partitions:
            first, *rest = (df[quote(column)] for column in partitions)
            writer = writer.partitionedBy(first, *rest)
        writer.create()
        return
    columns = ", ".join(map(quote, cluster_by))
    # DataFrameWriter.clusterBy().saveAsTable fails outside Databricks.
    spark.sql(
        f"CREATE TABLE {name.sql} USING delta CLUSTER BY ({columns}) AS SELECT * FROM {{frame}}",  # noqa: S608 - identifiers are quoted
        frame=df if transaction is None else spark.createDataFrame([], df.schema),
    )
    if transaction is not None:
        # CREATE TABLE AS takes no options of the writer.
        df.writeTo(name.sql).options(**_marks(transaction)).append()


def _marks(transaction: tuple[str, int] | None) -> dict[str, str]:
    # Delta's documentation, "Idempotent table writes in foreachBatch".
    if transaction is None:
        return {}
    return {"txnAppId": transaction[0], "txnVersion": str(transaction[1])}


def write_into(
    df: DataFrame,
    name: TableName,
    mode: str,
    layout: Layout,
    *,
    replace_where: str | None = None,
    partitions: Sequence[str] | None = None,
    cluster_by: Sequence[str] | None = None,
    transaction: tuple[str, int] | None = None,
) -> None:
    """Write into an existing table.

    Args:
        df: The rows.
        name: The table.
        mode: ``append``, ``overwrite`` or ``overwrite_partitions``.
        layout: The table's layout.
        replace_where: With ``overwrite``: what to replace.
        partitions: With ``overwrite`` of the whole table: the partitioning it shall have.
        cluster_by: The clustering it shall have; ``None`` keeps what it has.
        transaction: An application's id and a version; nothing is written if the table has seen it.

    Raises:
        SchemaMismatchError: A type does not fit, and not the whole table is replaced.
    """
    whole = mode == "overwrite" and replace_where is None
    if whole and _is_reshaped(df, layout, partitions):
        _replace(df, name, layout, layout.partitions if partitions is None else partitions)
    else:
        require_types(str(name), df.schema, layout.schema, mode)
        if added := new_columns(df.schema, layout.schema):
            log.info("table %s gets the new columns %s", name, ", ".join(added))
        if replace_where is not None:
            writer = df.write.format("delta").mode("overwrite").option("mergeSchema", "true")
            writer.option("replaceWhere", replace_where).saveAsTable(name.sql)
        else:
            into = df.writeTo(name.sql).option("mergeSchema", "true").options(**_marks(transaction))
            if whole:
                into.overwrite(F.lit(True))
            elif mode == "overwrite_partitions":
                into.overwritePartitions()
            else:
                into.append()
    _keep_clustering(df.sparkSession, name, layout, cluster_by)


def _is_reshaped(df: DataFrame, layout: Layout, partitions: Sequence[str] | None) -> bool:
    return bool(
        (partitions is not None and not same_columns(partitions, layout.partitions))
        or missing_columns(df.schema, layout.schema)
        or unfit_types(df.schema, layout.schema)
    )


def _replace(df: DataFrame, name: TableName, layout: Layout, partitions: Sequence[str]) -> None:
    require_columns(str(name), partitions, df.columns, "partition")
    log.info("table %s is replaced with another schema or partitioning", name)
    # Delta takes the frame's columns as they are: their comments would be lost.
    comments = {
        f.name.casefold(): f.metadata["comment"] for f in layout.schema.fields if "comment" in f.metadata
    }
    described = df.select(
        *(
            df[quote(c)].alias(c, metadata={"comment": comments[c.casefold()]})
            if c.casefold() in comments
            else df[quote(c)]
            for c in df.columns
        )
    )
    if partitions:
        writer = described.write.format("delta").mode("overwrite").option("overwriteSchema", "true")
        writer.partitionBy(*partitions).saveAsTable(name.sql)
    else:
        # saveAsTable would fail in Spark's in-memory catalog when the table had partitions.
        described.writeTo(name.sql).option("overwriteSchema", "true").overwrite(F.lit(True))


def _keep_clustering(
    spark: SparkSession, name: TableName, before: Layout, cluster_by: Sequence[str] | None
) -> None:
    wanted = before.clustering if cluster_by is None else cluster_by
    if not wanted:
        return
    after = read_layout(spark, name)
    present = [column for column in wanted if column.casefold() in folded(after.schema.names)]
    # Delta's open-source writer drops the clustering columns when it replaces all rows.
    if present and folded(after.clustering) != folded(present):
        spark.sql(f"ALTER TABLE {name.sql} CLUSTER BY ({', '.join(map(quote, present))})")
