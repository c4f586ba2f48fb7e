"""How a table is made: SQL, a Python function, or a filter, join or aggregate written as data."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from skyspark.identifiers import quote
from skyspark.pipeline.base import Model, Names, plain

# The input a table's own `source` is known by, in SQL and as a parameter.
SOURCE = "source"


class SqlQuery(Model):
    """``sql``: a query whose tables are the inputs' names.

    Attributes:
        query: One SELECT in Spark SQL; either it or ``file`` is given.
        file: The file of the project that holds the query, by its path from the pipeline's file.
    """

    type: Literal["sql"]
    query: str = ""
    file: str | None = None

    @model_validator(mode="after")
    def _one_query(self) -> "SqlQuery":
        if not self.query and self.file is None:
            raise ValueError("give the query or the file that holds it")
        return self

    def as_sql(self) -> str:
        """Return the transformation as one query on its inputs' names."""
        return self.query


class PythonFunction(Model):
    """``python``: a function that takes its inputs by parameter name and returns a frame.

    Attributes:
        function: ``module.name``.
        params: Values for parameters that are no inputs. A parameter ``spark`` is the session.
    """

    type: Literal["python"]
    function: str = Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")
    params: dict[str, Annotated[Any, BeforeValidator(plain)]] = Field(default_factory=dict)


class Filter(Model):
    """``filter``: the rows of one input that meet a condition.

    Attributes:
        input: The input; default: the only one.
        condition: In Spark SQL.
        columns: What to keep, as SQL expressions; default: everything.
    """

    type: Literal["filter"]
    input: str = ""
    condition: str = Field(min_length=1)
    columns: Names = ()

    def as_sql(self) -> str:
        """Return the transformation as one query on its inputs' names."""
        return f"SELECT {', '.join(self.columns) or '*'}\nFROM {quote(self.input)}\nWHERE {self.condition}"


def _as_columns(value: Any) -> Any:
    return (value,) if isinstance(value, str) and value.isidentifier() else value


_ON = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string"}, "minItems": 1},
    ]
}


class Join(Model):
    """``join``: two inputs side by side.

    Attributes:
        left: The one input.
        right: The other input.
        on: Columns that both have, or a condition on ``left`` and ``right`` by their names; a name alone is a
            column.
        how: The kind of join.
        columns: What to keep, as SQL expressions; default: everything.
    """

    type: Literal["join"]
    left: str
    right: str
    on: Annotated[str | tuple[str, ...], BeforeValidator(_as_columns), WithJsonSchema(_ON)] = Field(
        min_length=1
    )
    how: Literal["inner", "left", "right", "full", "left_semi", "left_anti"] = "inner"
    columns: Names = ()

    def as_sql(self) -> str:
        """Return the transformation as one query on its inputs' names."""
        kind = self.how.replace("_", " ").upper()
        matched = f"ON {self.on}" if isinstance(self.on, str) else f"USING ({', '.join(map(quote, self.on))})"
        return (
            f"SELECT {', '.join(self.columns) or '*'}\n"
            f"FROM {quote(self.left)}\n{kind} JOIN {quote(self.right)} {matched}"
        )


class Aggregate(Model):
    """``aggregate``: one row for each group of an input's rows.

    Attributes:
        input: The input; default: the only one.
        group_by: SQL expressions; none makes one row of all.
        aggregations: New columns: their names and aggregates in SQL, such as ``total: sum(amount)``.
        having: A condition on the groups.
    """

    type: Literal["aggregate"]
    input: str = ""
    group_by: Names = ()
    aggregations: dict[str, str] = Field(min_length=1)
    having: str | None = None

    def as_sql(self) -> str:
        """Return the transformation as one query on its inputs' names."""
        made = [f"{expression} AS {quote(name)}" for name, expression in self.aggregations.items()]
        lines = [f"SELECT {', '.join((*self.group_by, *made))}", f"FROM {quote(self.input)}"]
        if self.group_by:
            # By position: an expression with an alias can stand in the list of columns only.
            lines.append(f"GROUP BY {', '.join(str(i + 1) for i in range(len(self.group_by)))}")
        if self.having:
            lines.append(f"HAVING {self.having}")
        return "\n".join(lines)


Transformation = Annotated[SqlQuery | PythonFunction | Filter | Join | Aggregate, Field(discriminator="type")]
