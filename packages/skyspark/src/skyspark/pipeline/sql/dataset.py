"""What a statement that declares a dataset is made of, whatever the dialect."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import sqlglot
from sqlglot import TokenType

from skyspark.errors import QueryError
from skyspark.identifiers import TableName, quote, text
from skyspark.pipeline.expectations import RowRule, TableRule
from skyspark.pipeline.model import Source
from skyspark.pipeline.queries import DIALECT

Kind = Literal["STREAMING TABLE", "MATERIALIZED VIEW", "TEMPORARY VIEW"]

_DELAY = re.compile(
    r"\s*(\d+)\s+(year|month|week|day|hour|minute|second|millisecond|microsecond)s?\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Dataset:
    """A dataset to be declared.

    Attributes:
        table: The name of the table in the pipeline that it is for.
        kind: What it is.
        name: Its name, quoted.
        query: What it holds; ``None`` where flows of their own fill it.
        comment: Its comment.
        rules: What its rows have to meet.
        partition_by: Partition columns.
        cluster_by: Clustering columns.
        properties: Table properties.
        private: Whether only this pipeline sees it, where the dialect knows that.
        streaming: Whether it is the view of a stream.
        about: What it is, where its name does not say so.
        notes: What was rewritten or left out.
    """

    table: str
    kind: Kind
    name: str
    query: str | None
    comment: str | None = None
    rules: tuple[RowRule, ...] = ()
    partition_by: tuple[str, ...] = ()
    cluster_by: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=dict)
    private: bool = False
    streaming: bool = False
    about: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Syntax:
    """How one dialect writes things.

    Attributes:
        declaration: The statement that declares a dataset.
        files: The relation of a source that is a path, whole or as a stream.
        check: The dataset that checks a rule on all rows of a relation, given its name, the table's, the rule
            and the relation; ``None`` where there is none.
        private_checks: Whether that dataset is known to the pipeline only.
    """

    declaration: Callable[[Dataset], str]
    files: Callable[[Source, bool], str]
    check: Callable[[str, str, TableRule, str], Dataset | None]
    private_checks: bool


def identifier(name: str) -> str:
    """Return a name between backticks.

    Args:
        name: A column, a view or the like.

    Raises:
        QueryError: It holds ``${``, which engines replace even there, or a backslash before a backtick, where
            Spark takes a file of statements apart in the wrong places.
    """
    if "${" in name:
        raise QueryError(f"the name {name!r} holds '${{', which engines replace: give another name.")
    if "\\`" in f"{name}`":
        raise QueryError(
            f"the name {name!r} has a backslash before a backtick or its end: give another name."
        )
    return quote(name)


def table_identifier(name: str) -> str:
    """Return a table's name with each part between backticks.

    Args:
        name: One to three parts, as ``TableName`` writes them.

    Raises:
        TableNameError: It is no table name.
        QueryError: A part cannot be written.
    """
    return ".".join(identifier(part) for part in TableName.parse(name).parts)


def identifiers(names: tuple[str, ...]) -> str:
    """Return columns between backticks, with commas.

    Raises:
        QueryError: One cannot be written.
    """
    return ", ".join(map(identifier, names))


def clauses(dataset: Dataset) -> list[str]:
    """Return the clauses behind a dataset's name, those that both dialects have.

    Args:
        dataset: The dataset.
    """
    lines = []
    if dataset.partition_by:
        lines.append(f"PARTITIONED BY ({identifiers(dataset.partition_by)})")
    if dataset.cluster_by:
        lines.append(f"CLUSTER BY ({identifiers(dataset.cluster_by)})")
    if dataset.comment:
        lines.append(f"COMMENT {text(dataset.comment)}")
    if dataset.properties:
        shown = ", ".join(f"{text(key)} = {text(value)}" for key, value in dataset.properties.items())
        lines.append(f"TBLPROPERTIES ({shown})")
    return lines


def table_options(options: dict[str, str]) -> str:
    """Return the clause with the options of a table that is read, or nothing.

    Args:
        options: Options of Spark's reader.
    """
    shown = ", ".join(f"{option_key(key)} = {text(value)}" for key, value in options.items())
    return f" WITH ({shown})" if shown else ""


def option_key(name: str) -> str:
    """Return the name of an option, between backticks where it must be.

    Args:
        name: Such as ``header``.

    Raises:
        QueryError: It cannot be written.
    """
    return name if name.isidentifier() and name.isascii() else identifier(name)


def enclosed(condition: str) -> str:
    """Return a condition between parentheses.

    Args:
        condition: In SQL; a comment at its end does not swallow the parenthesis.
    """
    return f"({condition}\n)" if "--" in condition else f"({condition})"


def without_semicolon(query: str) -> str:
    """Return a query without what follows its last word: a semicolon, and spaces.

    Args:
        query: One SELECT.
    """
    for token in sqlglot.tokenize(query, read=DIALECT):
        if token.token_type == TokenType.SEMICOLON:
            return query[: token.start].rstrip()
    return query.strip()


def interval(delay: str) -> str:
    """Return a delay as a SQL interval.

    Args:
        delay: Numbers with units, such as ``1 hour 30 minutes``.

    Raises:
        QueryError: It is something else.
    """
    rest, parts = delay, []
    while match := _DELAY.match(rest):
        parts.append(f"{match[1]} {match[2].upper()}S")
        rest = rest[match.end() :]
    if not parts or rest.strip():
        raise QueryError(f"the delay {delay!r} is no interval such as '10 minutes' or '1 hour 30 minutes'.")
    return f"INTERVAL {' '.join(parts)}"
