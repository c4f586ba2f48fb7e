"""Datasets as the declarative pipelines of open-source Spark 4.1 and 4.2 declare them.

Tried on 4.2.0: there is no ``OR REFRESH``, ``PRIVATE`` or ``EXPECT``, AUTO CDC is not in its SQL, and
``STREAM`` follows tables only, not paths. Tables name no format: a second run would set it again, which Delta
refuses, so ``spark.sql.sources.default`` has to be ``delta``.
"""

from skyspark.errors import QueryError
from skyspark.identifiers import text
from skyspark.pipeline.declarative import row_guard
from skyspark.pipeline.expectations import TableRule
from skyspark.pipeline.model import Source
from skyspark.pipeline.sql.checks import count_rows, counted_well
from skyspark.pipeline.sql.dataset import Dataset, Syntax, clauses
from skyspark.pipeline.sql.parsed_files import parsed, path_relation


def declaration(dataset: Dataset) -> str:
    """Return the statement that declares a dataset; its expectations become a filter around the query.

    Args:
        dataset: The dataset.

    Raises:
        QueryError: It is filled by a flow that Spark's SQL does not have, or a name cannot be written.
    """
    if dataset.query is None:
        raise QueryError(
            "Spark's SQL has no AUTO CDC: run the pipeline on Databricks or with 'skyspark run'."
        )
    lines = [f"CREATE {dataset.kind} {dataset.name}"]
    lines += [*clauses(dataset), "AS"]
    guard = row_guard(dataset.table, dataset.rules)
    lines.append(f"SELECT *\nFROM (\n{dataset.query}\n) AS `rows`\nWHERE {guard}" if guard else dataset.query)
    return "\n".join(lines)


def files(source: Source, streamed: bool) -> str:
    """Return the relation of a path.

    Args:
        source: With a path.
        streamed: Whether it is to be followed as it grows.

    Raises:
        QueryError: Spark's SQL cannot read it as its reader does, or cannot follow it.
    """
    if streamed:
        raise QueryError(
            f"Spark's SQL cannot follow the path '{source.path}': register the pipeline in Python instead "
            "(skyspark.lakeflow.register)."
        )
    if source.columns is None or source.format == "delta":
        return path_relation(source.format, source.path or "", source.options)
    return parsed(source)


def check(name: str, table: str, rule: TableRule, relation: str) -> Dataset | None:
    """Return the dataset that makes an update fail when a rule on all rows is broken; only ``fail`` has one.

    Args:
        name: Its name, quoted.
        table: The table's name in the pipeline.
        rule: The rule.
        relation: Where the rows are.

    Raises:
        QueryError: A name cannot be written.
    """
    if rule.action != "fail":
        return None
    message = f"table {table} breaks the expectation '{rule.name}', whose action is fail."
    query = (
        f"SELECT CASE WHEN bool_and({counted_well(rule)}) IS FALSE THEN raise_error({text(message)})"
        f" ELSE true END AS `met`\nFROM (\n{count_rows(rule, relation)}\n) AS `counts`"
    )
    about = f"Makes the update fail when '{rule.name}' of {table} is broken, after its rows are written."
    return Dataset(table, "MATERIALIZED VIEW", name, query, about=about)


SYNTAX = Syntax(declaration, files, check, private_checks=False)
