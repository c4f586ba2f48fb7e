"""Rules on the rows of a table and on the table as a whole.

A row meets a rule when its condition is true: where a condition is NULL the rule is broken, as in Lakeflow.
``range_check`` and ``accepted_values`` say nothing about NULL; combine them with ``null_check``.
"""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, WithJsonSchema, model_validator

from skyspark.identifiers import quote, text
from skyspark.pipeline.base import KeyConflictError, Model, SomeNames

Action = Literal["warn", "drop", "fail"]
Value = Annotated[
    bool | int | Annotated[float, Field(allow_inf_nan=False)] | str,
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]


def literal(value: Any) -> str:
    """Return a YAML scalar as a SQL literal.

    Args:
        value: A boolean, a number or a text.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if isinstance(value, int | float) else text(str(value))


class Rule(Model):
    """What all expectations have.

    Attributes:
        name: Unique in its table; default: made of the rule and its columns.
        action: ``warn`` counts rows that break the rule, ``drop`` leaves them out, ``fail`` writes nothing.
    """

    name: str = ""
    action: Action = "warn"

    @model_validator(mode="after")
    def _named(self) -> "Rule":
        if not self.name:
            # Frozen for everyone else: the default needs the other fields.
            object.__setattr__(self, "name", self._default_name())
        return self

    def _default_name(self) -> str:
        raise NotImplementedError


class RowRule(Rule):
    """A rule that each row meets or breaks by itself."""

    @property
    def condition(self) -> str:
        """The rule as a condition in Spark SQL."""
        raise NotImplementedError


class ExpressionRule(RowRule):
    """``expression``: any condition.

    Attributes:
        expression: In Spark SQL, on the columns of the table.
    """

    type: Literal["expression"] = "expression"
    expression: str = Field(min_length=1)

    @property
    def condition(self) -> str:
        """The rule as a condition in Spark SQL."""
        return self.expression

    def _default_name(self) -> str:
        return self.expression


class NullCheck(RowRule):
    """``null_check``: none of the columns is NULL.

    Attributes:
        columns: At least one.
    """

    type: Literal["null_check"]
    columns: SomeNames

    @property
    def condition(self) -> str:
        """The rule as a condition in Spark SQL."""
        return " AND ".join(f"{quote(column)} IS NOT NULL" for column in self.columns)

    def _default_name(self) -> str:
        return f"null_check_{'_'.join(self.columns)}"


class RangeCheck(RowRule):
    """``range_check``: the column lies between two bounds, both included, or is NULL.

    Attributes:
        column: The column.
        min: The lower bound.
        max: The upper bound; one of the two may be left out.
    """

    type: Literal["range_check"]
    column: str
    min: Value | None = None
    max: Value | None = None

    @model_validator(mode="after")
    def _bounded(self) -> "RangeCheck":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self

    @property
    def condition(self) -> str:
        """The rule as a condition in Spark SQL."""
        column = quote(self.column)
        bounds = [
            f"{column} {sign} {literal(bound)}"
            for sign, bound in ((">=", self.min), ("<=", self.max))
            if bound is not None
        ]
        return f"{column} IS NULL OR ({' AND '.join(bounds)})"

    def _default_name(self) -> str:
        return f"range_check_{self.column}"


class AcceptedValues(RowRule):
    """``accepted_values``: the column is one of some values, or NULL.

    Attributes:
        column: The column.
        values: At least one.
    """

    type: Literal["accepted_values"]
    column: str
    values: tuple[Value, ...] = Field(min_length=1)

    @property
    def condition(self) -> str:
        """The rule as a condition in Spark SQL."""
        values = ", ".join(map(literal, self.values))
        return f"{quote(self.column)} IS NULL OR {quote(self.column)} IN ({values})"

    def _default_name(self) -> str:
        return f"accepted_values_{self.column}"


class TableRule(Rule):
    """A rule on all rows together: no single row can be dropped for it."""

    @model_validator(mode="after")
    def _drops_nothing(self) -> "TableRule":
        if self.action == "drop":
            raise KeyConflictError("action", "this rule is about the whole table: its action is warn or fail")
        return self


class Unique(TableRule):
    """``unique``: no two of the rows that are written agree in all the columns.

    Attributes:
        columns: At least one.
    """

    type: Literal["unique"]
    columns: SomeNames

    def _default_name(self) -> str:
        return f"unique_{'_'.join(self.columns)}"


class RowCount(TableRule):
    """``row_count``: how many rows are written.

    Attributes:
        min: The least number of rows.
        max: The largest number of rows; one of the two may be left out.
    """

    type: Literal["row_count"]
    min: int | None = Field(default=None, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="after")
    def _bounded(self) -> "RowCount":
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        return self

    def _default_name(self) -> str:
        return "row_count"


def _kind(value: Any) -> str | None:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    if kind is None and isinstance(value, dict) and "expression" in value:
        return "expression"
    return kind if isinstance(kind, str) else None


Expectation = Annotated[
    Annotated[ExpressionRule, Tag("expression")]
    | Annotated[NullCheck, Tag("null_check")]
    | Annotated[RangeCheck, Tag("range_check")]
    | Annotated[AcceptedValues, Tag("accepted_values")]
    | Annotated[Unique, Tag("unique")]
    | Annotated[RowCount, Tag("row_count")],
    Discriminator(_kind),
]
