"""Comparing rows column by column, NULL being equal to NULL."""

from pyspark.sql import Column
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows
from pyspark.sql.types import ArrayType, DataType, MapType, StructType

from skyspark.identifiers import quote


def is_comparable(kind: DataType) -> bool:
    """Say whether Spark compares values of a type: maps and variants it does not, at any depth."""
    if isinstance(kind, StructType):
        return all(is_comparable(field.dataType) for field in kind.fields)
    if isinstance(kind, ArrayType):
        return is_comparable(kind.elementType)
    return not isinstance(kind, MapType) and kind.typeName() != "variant"


def comparable_sql(alias: str, name: str, kind: DataType) -> str:
    """Return the SQL to compare a column by: itself, or its JSON text where Spark cannot compare it.

    Args:
        alias: The alias of the table or frame.
        name: The column.
        kind: Its type.
    """
    column = f"{alias}.{quote(name)}"
    return column if is_comparable(kind) else f"to_json(named_struct('v', {column}))"


def comparable(column: Column, kind: DataType) -> Column:
    """Return a column to compare by, as ``comparable_sql`` does."""
    return column if is_comparable(kind) else F.to_json(F.struct(column.alias("v")))
