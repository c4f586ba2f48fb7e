"""What a SQL query reads, and the same query with other names in those places.

A query is taken apart to be understood and never written anew from its parts: what Spark gets is the text of
the author, but for the names of tables.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from skyspark.errors import QueryError
from skyspark.identifiers import quote

DIALECT = "databricks"

_STREAM = re.compile(r"\bSTREAM\s*(?P<open>\(\s*)?\Z", re.IGNORECASE)


@dataclass(frozen=True)
class TableRead:
    """One place of a query where a table is read.

    Attributes:
        parts: The table's name: one to three parts, without quotes.
        alias: The name it has in the query, if it was given one.
        start: Where its name begins, in characters.
        end: Where its name ends, in characters: the first that is no longer part of it.
        streamed: Whether the query asks for a stream: ``STREAM name`` or ``STREAM(name)``; from ``start`` to
            ``end`` is then all of that.
        modified: Whether something like ``TABLESAMPLE`` or ``VERSION AS OF`` follows the name.
    """

    parts: tuple[str, ...]
    alias: str
    start: int
    end: int
    streamed: bool
    modified: bool


def parse_query(query: str) -> exp.Query:
    """Take a query apart.

    Args:
        query: One SELECT in Spark SQL, with or without ``WITH``.

    Raises:
        QueryError: It does not parse, or is no single query.
    """
    try:
        statements = [s for s in sqlglot.parse(query, read=DIALECT) if s is not None]
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        line, description = details[0].get("line"), details[0].get("description")
        where = f" in line {line}" if line else ""
        raise QueryError(
            f"the query does not parse{where}: {description or str(error).splitlines()[0]}."
        ) from None
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise QueryError("a transformation is one SELECT: no other statement, and no second one.")
    return statements[0]


def parse_condition(condition: str) -> exp.Expr:
    """Take a condition apart.

    Args:
        condition: A boolean expression in Spark SQL.

    Raises:
        QueryError: It does not parse.
    """
    try:
        parsed: exp.Expr = sqlglot.parse_one(f"SELECT * FROM t WHERE ({condition}\n)", read=DIALECT)  # noqa: S608 - parsed, never run
    except SqlglotError as error:
        details = getattr(error, "errors", None) or [{}]
        raise QueryError(
            f"the condition does not parse: {details[0].get('description') or str(error).splitlines()[0]}."
        ) from None
    where = parsed.args.get("where")
    if where is None or not isinstance(where.this, exp.Paren):
        raise QueryError("the condition is more than one expression.")
    condition_tree: exp.Expr = where.this.this
    return condition_tree


def tables_read(query: str) -> tuple[TableRead, ...]:
    """Return every place where a query reads a table, in the order of the text, but for its ``WITH`` names.

    Args:
        query: One SELECT in Spark SQL.

    Raises:
        QueryError: It does not parse, or is no single query.
    """
    tree = parse_query(query)
    found = [
        _place(query, table)
        for table in tree.find_all(exp.Table)
        if isinstance(table.this, exp.Identifier) and not _is_common_table(table)
    ]
    return tuple(sorted(found, key=lambda read: read.start))


def with_relations(query: str, relations: Mapping[str, str]) -> str:
    """Return a query that reads other relations under the same names.

    Args:
        query: One SELECT in Spark SQL.
        relations: For names of one part, in any case: what is read in their place, in SQL, such as
            ``main.silver.orders`` or ``STREAM main.silver.orders``. Other names stay as they are.

    Raises:
        QueryError: It does not parse, or is no single query.
    """
    by_name = {name.casefold(): relation for name, relation in relations.items()}
    for read in reversed(tables_read(query)):
        relation = by_name.get(read.parts[0].casefold()) if len(read.parts) == 1 else None
        if relation is not None:
            # Columns may be qualified by the table's name. Behind TABLESAMPLE and the like stands no alias.
            alias = "" if read.alias or read.modified else f" AS {quote(read.parts[0])}"
            query = f"{query[: read.start]}{relation}{alias}{query[read.end :]}"
    return query


def _is_common_table(table: exp.Table) -> bool:
    if table.db:
        return False
    name = table.name.casefold()
    ancestor = table.parent
    while ancestor is not None:
        clause: exp.With = ancestor.args.get("with_") or exp.With(expressions=[])
        for common in clause.expressions:
            inside = _within(table, common)
            if common.alias.casefold() == name and (not inside or clause.args.get("recursive")):
                return True
            if inside:
                # The names that follow in the same WITH are not known yet.
                break
        ancestor = ancestor.parent
    return False


def _within(node: exp.Expr, ancestor: exp.Expr) -> bool:
    parent: exp.Expr | None = node
    while parent is not None:
        if parent is ancestor:
            return True
        parent = parent.parent
    return False


def _place(query: str, table: exp.Table) -> TableRead:
    identifiers = [part for part in table.parts if isinstance(part, exp.Identifier)]
    start, end = identifiers[0].meta["start"], identifiers[-1].meta["end"] + 1
    streamed = False
    before = _STREAM.search(query, 0, start)
    if before is not None:
        streamed, start = True, before.start()
        if before["open"]:
            end = query.index(")", end) + 1
    return TableRead(
        parts=tuple(part.name for part in identifiers),
        alias=table.alias
        or (table.parent.alias if isinstance(table.parent, exp.Subquery | exp.Stream) else ""),
        start=start,
        end=end,
        streamed=streamed,
        modified=any(table.args.get(key) for key in ("version", "when", "sample", "pivots")),
    )
