"""A table's contract: its columns, types, keys and comment in one place, checked against frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skyspark.errors import ColumnNotFoundError, SchemaMismatchError, suggest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType


@dataclass(frozen=True)
class TableContract:
    """What a table promises to its readers.

    Attributes:
        name: The table's own name, without schema; ``settings.table(contract.name)`` is the full one.
        schema: Columns with types; a field's metadata may hold a ``comment``.
        keys: The columns that identify a row.
        comment: What the table is for.

    Raises:
        ColumnNotFoundError: A key is no column of the schema.
    """

    name: str
    schema: "StructType"
    keys: Sequence[str] = ()
    comment: str | None = None

    def __post_init__(self) -> None:
        for key in self.keys:
            if key not in self.schema.names:
                near = suggest(key, self.schema.names)
                raise ColumnNotFoundError(self.name, f"the key '{key}' is no column of its schema{near}.")

    def check(self, df: "DataFrame") -> "DataFrame":
        """Refuse a frame whose columns or types are not the contract's; no data is read.

        Whether a column may be NULL is not compared: Spark loses that in most transformations.

        Args:
            df: The frame to check.

        Returns:
            The same frame with its columns in the contract's order.

        Raises:
            SchemaMismatchError: Columns are missing, unknown or of another type; all of them are named.
        """
        found = {field.name: field.dataType.simpleString() for field in df.schema.fields}
        promised = {field.name: field.dataType.simpleString() for field in self.schema.fields}
        problems = [f"'{name}' is missing" for name in promised if name not in found]
        problems += [
            f"'{name}' is not in the contract{suggest(name, promised)}"
            for name in found
            if name not in promised
        ]
        problems += [
            f"'{name}' is {found[name]} and must be {kind}"
            for name, kind in promised.items()
            if name in found and found[name] != kind
        ]
        if problems:
            raise SchemaMismatchError(self.name, f"the frame breaks the contract: {'; '.join(problems)}.")
        return df.select(*(df[f"`{name.replace('`', '``')}`"] for name in promised))
