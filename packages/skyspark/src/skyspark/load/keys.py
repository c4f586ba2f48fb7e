"""What a merge demands of its source before it touches the table: complete and unique keys."""

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

from skyspark.errors import MergeKeyError
from skyspark.identifiers import quote

_SHOWN = 3


def columns(names: Sequence[str], alias: str | None = None) -> list[Column]:
    """Return columns by their names, whatever characters these hold.

    Args:
        names: Column names.
        alias: The frame's alias, where several frames have such columns.
    """
    prefix = f"{alias}." if alias else ""
    return [F.col(prefix + quote(name)) for name in names]


def require_keys(df: DataFrame, table: str, keys: Sequence[str], sequence_by: str | None) -> None:
    """Refuse NULL or repeated keys: MERGE inserts the first anew in every run, and the second twice.

    Args:
        df: The source.
        table: The table that is merged into.
        keys: The key columns.
        sequence_by: The column that orders rows of one key: they must differ there.

    Raises:
        MergeKeyError: A key or ``sequence_by`` is NULL, or two rows have the same.
    """
    unique = [*keys, sequence_by] if sequence_by else list(keys)
    nulls = F.lit(False)
    for column in columns(unique):
        nulls = nulls | column.isNull()
    # One pass finds both: groups of NULL keys, and groups of more than one row.
    bad = df.groupBy(*columns(unique)).agg(F.count(F.lit(1)).alias("rows")).where(nulls | (F.col("rows") > 1))
    found = bad.limit(_SHOWN).collect()
    if not found:
        return
    for row in found:
        if missing := [name for name, value in zip(unique, row, strict=False) if value is None]:
            raise MergeKeyError(
                table,
                f"merge: '{missing[0]}' is NULL in {row['rows']} row(s) of the frame: filter or fill them.",
            )
    shown = "; ".join(
        ", ".join(f"{name}={value!r}" for name, value in zip(unique, row, strict=False)) for row in found
    )
    hint = (
        "these rows cannot be put in order: deduplicate them."
        if sequence_by
        else "deduplicate it, or name sequence_by to keep the last row of each key."
    )
    raise MergeKeyError(table, f"merge: the frame has several rows for {shown}: {hint}")
