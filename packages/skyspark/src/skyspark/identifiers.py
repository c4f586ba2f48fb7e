"""Names of tables and columns in SQL: taken apart, checked, and quoted where they must be."""

import re
from dataclasses import dataclass
from typing import Self

from skyspark.errors import TableNameError

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# Databricks SQL reference, "Names": names of objects in Unity Catalog have at most 255 characters and hold no
# period, space, slash, control character or DELETE.
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f ./]")
_PART = re.compile(r"`(?:[^`]|``)*`|[^`.]+")
_MAX_LENGTH = 255


def quote(name: str) -> str:
    """Return an identifier between backticks, those in it doubled (Spark SQL reference, Identifiers)."""
    return "`" + name.replace("`", "``") + "`"


def text(value: str) -> str:
    """Return a SQL string literal (Spark's SQL reference: backslash escapes, in single quotes)."""
    # Spark replaces ${name} in the text of a statement, in literals too.
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("$", "\\u0024")
    return f"'{escaped}'"


@dataclass(frozen=True)
class TableName:
    """A table's name: one to three parts (catalog, schema, table).

    Attributes:
        parts: The parts, without quotes.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, name: str) -> Self:
        """Take a dotted name apart; parts may stand between backticks.

        Args:
            name: Such as ``silver.posts`` or ``main.`my-schema`.posts``.

        Raises:
            TableNameError: It has no or more than three parts, an empty one, or characters no table name
                may hold.
        """
        parts: list[str] = []
        position = 0
        while True:
            match = _PART.match(name, position)
            if match is None:
                raise TableNameError(name, "a part of the name is empty or a backtick is not closed.")
            part = match[0]
            parts.append(part[1:-1].replace("``", "`") if part.startswith("`") else part)
            position = match.end()
            if position == len(name):
                break
            if name[position] != ".":
                raise TableNameError(name, "between the parts of a name stands a dot and nothing else.")
            position += 1
        return cls.of(*parts)

    @classmethod
    def of(cls, *parts: str) -> Self:
        """Build a name from its parts.

        Args:
            parts: One to three, without quotes.

        Raises:
            TableNameError: As for ``parse``.
        """
        shown = ".".join(parts)
        if not 1 <= len(parts) <= 3:
            raise TableNameError(shown, "a name has one to three parts: catalog.schema.table.")
        for part in parts:
            if not part or len(part) > _MAX_LENGTH:
                raise TableNameError(shown, f"each part of a name has 1 to {_MAX_LENGTH} characters.")
            if bad := _FORBIDDEN.search(part):
                raise TableNameError(shown, f"the part {part!r} holds {bad[0]!r}, which no name may hold.")
        return cls(parts)

    @property
    def sql(self) -> str:
        """The name with every part quoted: for SQL and for Spark's API alike."""
        return ".".join(map(quote, self.parts))

    @property
    def schema_sql(self) -> str:
        """The quoted name of the schema the table is in; empty for a name of one part."""
        return ".".join(map(quote, self.parts[:-1]))

    def __str__(self) -> str:
        """The name as a person would write it: quoted only where it must be."""
        return ".".join(part if _PLAIN.fullmatch(part) else quote(part) for part in self.parts)
