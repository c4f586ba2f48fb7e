"""Saving a frame as a Delta table: whole, by partition, by predicate, or clustered."""

from collections.abc import Sequence
from typing import Literal, get_args

from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

from skyspark.errors import ReplaceWhereError, TableExistsError, TableLayoutError, WriteModeError, suggest
from skyspark.identifiers import TableName
from skyspark.load.columns import require_columns, require_frame
from skyspark.load.failures import translated
from skyspark.load.layout import create_table, read_layout, same_columns, write_into

Mode = Literal["overwrite", "overwrite_partitions", "append", "error", "ignore"]


def save_delta_table(
    df: DataFrame,
    table_name: str,
    partitions: Sequence[str] | None = None,
    mode: Mode = "overwrite",
    replaceWhere: str | None = None,  # noqa: N803 - Delta's own name for it
    *,
    transaction: tuple[str, int] | None = None,
) -> None:
    """Save a frame as a Delta table, which is created when absent.

    Columns are matched by name. In an existing table new columns are added, and a missing column is NULL;
    only ``overwrite`` of the whole table may also change types and drop columns. What the table has beyond
    its columns - comments, constraints, properties, clustering - stays.

    Args:
        df: The rows.
        table_name: One to three parts, such as ``silver.posts``.
        partitions: Partition columns. ``None`` keeps an existing table as it is.
        mode: ``overwrite`` replaces all rows, or those that meet ``replaceWhere``; ``overwrite_partitions``
            replaces the partitions that the frame has rows of; ``append`` adds; ``error`` refuses, ``ignore``
            skips when the table exists.
        replaceWhere: With ``overwrite``: a condition in SQL; all rows of the frame must meet it.
        transaction: With ``append``: the id of an application and a version. The table remembers the highest
            version of each application, and what comes with that or a lower one is not appended again.

    Raises:
        TableNameError: The name is none.
        WriteModeError: The mode is unknown or does not go with the other arguments.
        ColumnNotFoundError: A partition column is not in the frame.
        SchemaMismatchError: A type does not fit the table.
        TableLayoutError: The existing table is partitioned otherwise.
        TableExistsError: The mode is ``error`` and the table exists.
        ReplaceWhereError: A row does not meet ``replaceWhere``, or it is no condition on this table.
        ConstraintViolationError: A row breaks a constraint of the table.
        ConcurrentWriteError: Another writer changed the table meanwhile.
    """
    name = _checked(df, table_name, mode, replaceWhere, transaction)
    require_columns(str(name), partitions or (), df.columns, "partition")
    spark = df.sparkSession
    if not spark.catalog.tableExists(name.sql):
        with translated(str(name), mode):
            rows = _all_meeting(df, replaceWhere)
            create_table(rows, name, partitions=partitions, transaction=transaction)
        return
    if _settled(name, mode):
        return
    layout = read_layout(spark, name)
    whole = mode == "overwrite" and replaceWhere is None
    if partitions is not None and not whole and not same_columns(partitions, layout.partitions):
        raise TableLayoutError(
            str(name),
            f"mode {mode}: it is partitioned by {list(layout.partitions)}, not by {list(partitions)}: "
            "only mode overwrite of the whole table can change that.",
        )
    if mode == "overwrite_partitions" and not layout.partitions:
        raise WriteModeError(
            str(name), "mode overwrite_partitions: it has no partitions: use overwrite with replaceWhere."
        )
    with translated(str(name), mode):
        write_into(
            df,
            name,
            mode,
            layout,
            replace_where=replaceWhere,
            partitions=partitions,
            transaction=transaction,
        )


def save_delta_table_clustered(
    df: DataFrame,
    table_name: str,
    cluster_by: Sequence[str],
    mode: Mode = "overwrite",
    replaceWhere: str | None = None,  # noqa: N803 - Delta's own name for it
    *,
    transaction: tuple[str, int] | None = None,
) -> None:
    """Save a frame as a Delta table with liquid clustering, which is created when absent.

    As ``save_delta_table``; an existing table gets the clustering columns that are named here.

    Args:
        df: The rows.
        table_name: One to three parts, such as ``silver.posts``.
        cluster_by: One to four columns of the frame (Delta clusters by no more).
        mode: As for ``save_delta_table``, without ``overwrite_partitions``.
        replaceWhere: With ``overwrite``: a condition in SQL; all rows of the frame must meet it.
        transaction: As for ``save_delta_table``.

    Raises:
        TableLayoutError: The existing table is partitioned, or the number of columns is not one to four.
        SkySparkError: As for ``save_delta_table``.
    """
    name = _checked(df, table_name, mode, replaceWhere, transaction)
    require_columns(str(name), cluster_by, df.columns, "clustering")
    if mode == "overwrite_partitions":
        raise WriteModeError(
            str(name), "mode overwrite_partitions: a clustered table has no partitions: use replaceWhere."
        )
    if isinstance(cluster_by, str) or not 1 <= len(cluster_by) <= 4:
        raise TableLayoutError(str(name), "it is clustered by a list of one to four columns.")
    spark = df.sparkSession
    if not spark.catalog.tableExists(name.sql):
        with translated(str(name), mode):
            rows = _all_meeting(df, replaceWhere)
            create_table(rows, name, cluster_by=cluster_by, transaction=transaction)
        return
    if _settled(name, mode):
        return
    layout = read_layout(spark, name)
    if not layout.clustering and layout.partitions:
        raise TableLayoutError(
            str(name),
            f"it is partitioned by {list(layout.partitions)} and a table has partitions or clustering, "
            "not both: "
            "drop it, or save it with save_delta_table.",
        )
    with translated(str(name), mode):
        write_into(
            df,
            name,
            mode,
            layout,
            replace_where=replaceWhere,
            cluster_by=cluster_by,
            transaction=transaction,
        )


def _checked(
    df: DataFrame,
    table_name: str,
    mode: str,
    replace_where: str | None,
    transaction: tuple[str, int] | None,
) -> TableName:
    name = TableName.parse(table_name)
    modes = get_args(Mode)
    if mode not in modes:
        raise WriteModeError(
            str(name), f"mode '{mode}' is unknown{suggest(str(mode), modes)}: use one of {', '.join(modes)}."
        )
    require_frame(str(name), df.schema)
    if transaction is not None and mode != "append":
        raise WriteModeError(str(name), f"mode {mode}: transaction goes with mode append only.")
    if replace_where is not None:
        if mode != "overwrite":
            raise WriteModeError(str(name), f"mode {mode}: replaceWhere goes with mode overwrite only.")
        try:
            # Asking for the schema makes Spark analyse the condition, on Spark Connect too.
            _ = df.filter(replace_where).schema
        except AnalysisException as error:
            reason = str(error).splitlines()[0]
            raise ReplaceWhereError(
                str(name), f"replaceWhere '{replace_where}' is no condition on the frame: {reason}"
            ) from error
    return name


def _all_meeting(df: DataFrame, replace_where: str | None) -> DataFrame:
    # Delta checks this in an existing table only. The error is raised as the rows go by: a look at them
    # before would compute the frame twice.
    if replace_where is None:
        return df
    refused = F.raise_error(F.lit("DELTA_REPLACE_WHERE_MISMATCH")).cast("boolean")
    return df.where(
        F.when(F.coalesce(F.expr(f"({replace_where}\n)"), F.lit(False)), F.lit(True)).otherwise(refused)
    )


def _settled(name: TableName, mode: str) -> bool:
    if mode == "error":
        raise TableExistsError(str(name), "mode error: it exists already: use append or overwrite.")
    return mode == "ignore"
