"""Datasets as Lakeflow's SQL declares them (Databricks documentation, "Pipeline SQL reference")."""

from skyspark.identifiers import text
from skyspark.pipeline.expectations import ExpressionRule, RowRule, TableRule
from skyspark.pipeline.model import Source
from skyspark.pipeline.sql.checks import count_rows, counted_well
from skyspark.pipeline.sql.dataset import (
    Dataset,
    Syntax,
    clauses,
    enclosed,
    identifier,
    option_key,
    table_options,
)

_ON_VIOLATION = {"warn": "", "drop": " ON VIOLATION DROP ROW", "fail": " ON VIOLATION FAIL UPDATE"}


def declaration(dataset: Dataset) -> str:
    """Return the statement that declares a dataset.

    A temporary view has expectations only in its older syntax, ``[STREAMING] LIVE VIEW``.

    Args:
        dataset: The dataset.

    Raises:
        QueryError: A name cannot be written.
    """
    if dataset.kind == "TEMPORARY VIEW":
        live = ("STREAMING LIVE " if dataset.streaming else "LIVE ") if dataset.rules else ""
        create = f"CREATE TEMPORARY {live}VIEW"
    else:
        create = f"CREATE OR REFRESH {'PRIVATE ' if dataset.private else ''}{dataset.kind}"
    head = f"{create} {dataset.name}"
    if dataset.rules:
        head += " (\n" + ",\n".join(f"  {_constraint(rule)}" for rule in dataset.rules) + "\n)"
    lines = [head, *clauses(dataset)]
    if dataset.query is not None:
        lines += ["AS", dataset.query]
    return "\n".join(lines)


def files(source: Source, streamed: bool) -> str:
    """Return the relation of a path.

    Args:
        source: With a path.
        streamed: Whether it is followed as it grows.

    Raises:
        QueryError: A name cannot be written.
    """
    stream = "STREAM " if streamed else ""
    if source.format == "delta":
        return f"{stream}delta.{identifier(source.path or '')}{table_options(source.options)}"
    options = dict(source.options)
    if source.columns is None:
        # Spark's own reader adds no column for what it cannot read, and takes all of CSV for text.
        options.setdefault("schemaEvolutionMode", "none")
        if source.format == "csv":
            options.setdefault("inferColumnTypes", options.pop("inferSchema", "false"))
    arguments = [text(source.path or ""), f"format => {text(source.format)}"]
    if source.columns is not None:
        arguments.append(f"schema => {text(source.columns)}")
    arguments += [f"{option_key(key)} => {text(value)}" for key, value in options.items()]
    return f"{stream}read_files(\n  " + ",\n  ".join(arguments) + "\n)"


def check(name: str, table: str, rule: TableRule, relation: str) -> Dataset | None:
    """Return the dataset that checks a rule on all rows: counts, with an expectation on them.

    Args:
        name: Its name, quoted.
        table: The table's name in the pipeline.
        rule: The rule.
        relation: Where the rows are.

    Raises:
        QueryError: A name cannot be written.
    """
    met = ExpressionRule(name=rule.name, action=rule.action, expression=counted_well(rule))
    query = count_rows(rule, relation)
    about = f"Checks '{rule.name}' of {table}, after its rows are written."
    return Dataset(table, "MATERIALIZED VIEW", name, query, rules=(met,), private=True, about=about)


def _constraint(rule: RowRule) -> str:
    expect = enclosed(rule.condition)
    return f"CONSTRAINT {identifier(rule.name)} EXPECT {expect}{_ON_VIOLATION[rule.action]}"


SYNTAX = Syntax(declaration, files, check, private_checks=True)
