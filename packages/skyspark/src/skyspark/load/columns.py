"""Comparing a frame's columns with a table's, before anything is written."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from skyspark.errors import ColumnNotFoundError, SchemaMismatchError, suggest

if TYPE_CHECKING:
    from pyspark.sql.types import DataType, StructType

# Spark's SQL reference, "Type promotion and precedence": each type can be stored in those to its right.
_WIDENING = ("tinyint", "smallint", "int", "bigint")


def require_columns(table: str, wanted: Sequence[str], available: Iterable[str], role: str) -> None:
    """Refuse columns that do not exist.

    Args:
        table: The table that is written.
        wanted: The columns named by the caller.
        available: The columns there are; compared as Spark does, without regard to case.
        role: What the columns are for: "partition", "key".

    Raises:
        ColumnNotFoundError: One of them does not exist.
    """
    names = list(available)
    folded = {name.casefold() for name in names}
    for name in wanted:
        if name.casefold() not in folded:
            near = suggest(name, names)
            raise ColumnNotFoundError(
                table, f"the {role} column '{name}' does not exist{near}; there are {', '.join(names)}."
            )


def require_frame(table: str, schema: "StructType") -> None:
    """Refuse a frame that no table can hold: no columns, or one name twice.

    Args:
        table: The table that is written.
        schema: The frame's schema.

    Raises:
        SchemaMismatchError: It has no column, or two of one name (case does not count).
    """
    if not schema.names:
        raise SchemaMismatchError(table, "the frame has no columns.")
    seen: dict[str, str] = {}
    for name in schema.names:
        if name.casefold() in seen:
            raise SchemaMismatchError(
                table,
                f"the frame has two columns '{seen[name.casefold()]}' and '{name}': rename or drop one.",
            )
        seen[name.casefold()] = name


def new_columns(frame: "StructType", table: "StructType") -> list[str]:
    """Return the frame's columns that the table lacks, in the frame's order."""
    have = {name.casefold() for name in table.names}
    return [name for name in frame.names if name.casefold() not in have]


def missing_columns(frame: "StructType", table: "StructType") -> list[str]:
    """Return the table's columns that the frame lacks, in the table's order."""
    return new_columns(table, frame)


def unfit_types(frame: "StructType", stored: "StructType") -> list[str]:
    """Say which columns of a frame have a type that the table cannot store, one phrase each."""
    types = {field.name.casefold(): field for field in stored.fields}
    return [
        f"'{field.name}' is {field.dataType.simpleString()} and the table has {there.dataType.simpleString()}"
        for field in frame.fields
        if (there := types.get(field.name.casefold())) and not _storable(field.dataType, there.dataType)
    ]


def require_types(table: str, frame: "StructType", stored: "StructType", mode: str) -> None:
    """Refuse values of another type than the table's: Spark would cast them, and fail halfway or not at all.

    Args:
        table: The table that is written.
        frame: The frame's schema.
        stored: The table's schema.
        mode: How it is written: named in the sentence.

    Raises:
        SchemaMismatchError: A column's type cannot be stored in the table's; all such columns are named.
    """
    if bad := unfit_types(frame, stored):
        raise SchemaMismatchError(table, f"mode {mode}: {'; '.join(bad)}: cast before writing.")


def _storable(given: "DataType", stored: "DataType") -> bool:
    # Nested values are left to Delta, which compares them field by field and adds new ones.
    nested = ("struct", "array", "map")
    source, target = given.simpleString(), stored.simpleString()
    if source == target or source == "void" or (source.startswith(nested) and target.startswith(nested)):
        return True
    if source.startswith(("string", "char", "varchar")) and target.startswith(("string", "char", "varchar")):
        return True
    if source in _WIDENING and target in _WIDENING:
        return _WIDENING.index(source) <= _WIDENING.index(target)
    if source.startswith("decimal"):
        return target.startswith("decimal")
    return (source, target) == ("float", "double") or (source in _WIDENING[:3] and target == "double")
