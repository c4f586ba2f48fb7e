"""What a SQL query reads, and the same query with other names in those places.

A query is taken apart to be understood and never written anew from its parts: what Spark gets is the text of
the author, but for the names of tables.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any

from sqlglot import Token, TokenType, exp
from sqlglot.dialects import Dialect
from sqlglot.errors import ParseError, TokenError

from skyspark.errors import QueryError
from skyspark.identifiers import quote

DIALECT = "databricks"

# sqlglot tells of statements it only half understands in its log; here they are refused.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


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
        alias_at: Where an alias may be put, in characters; ``None`` behind ``VERSION AS OF`` and the like.
    """

    parts: tuple[str, ...]
    alias: str
    start: int
    end: int
    streamed: bool
    alias_at: int | None


def parse_query(query: str) -> exp.Query:
    """Take a query apart.

    Args:
        query: One SELECT in Spark SQL, with or without ``WITH``.

    Raises:
        QueryError: It does not parse, or is no single query.
    """
    return _parsed(query)[0]


def parse_condition(condition: str) -> exp.Expr:
    """Take a condition apart.

    Args:
        condition: A boolean expression in Spark SQL.

    Raises:
        QueryError: It does not parse, or is more than one expression.
    """
    return _expression(condition, "the condition")


def parse_expression(expression: str) -> exp.Expr:
    """Take an expression apart.

    Args:
        expression: One expression in Spark SQL, without an alias.

    Raises:
        QueryError: It does not parse, or is more than one expression.
    """
    return _expression(expression, "the expression")


def parse_column(column: str) -> exp.Expr:
    """Take an entry of a list of columns apart.

    Args:
        column: One expression in Spark SQL, with or without an alias, or a star.

    Raises:
        QueryError: It does not parse, or is more than one column.
    """
    tree = _statement("SELECT ", column, "FROM t", "the column")
    if not _has_only(tree, "expressions", "from_") or len(tree.expressions) != 1:
        raise QueryError("this is more than one column: write a list with one expression in each entry.")
    found: exp.Expr = tree.expressions[0]
    return found


def check_columns(columns: str) -> None:
    """Refuse columns that are not written as in ``CREATE TABLE``.

    Args:
        columns: Such as ``id INT, at TIMESTAMP``.

    Raises:
        QueryError: They do not parse.
    """
    tree = _statement("CREATE TABLE t (", columns, ")", "the list of columns")
    defined = tree.this.expressions if isinstance(tree.this, exp.Schema) and not tree.expression else []
    if not defined or not all(isinstance(one, exp.ColumnDef) and one.args.get("kind") for one in defined):
        raise QueryError("the list of columns does not parse: write it as in 'id INT, at TIMESTAMP'.")


@lru_cache(maxsize=4096)
def tables_read(query: str) -> tuple[TableRead, ...]:
    """Return every place where a query reads a table, in the order of the text, but for its ``WITH`` names.

    Args:
        query: One SELECT in Spark SQL.

    Raises:
        QueryError: It does not parse, is no single query, or reads a table in a way that leaves no place for
            another name.
    """
    tree, tokens = _parsed(query)
    text = _Text(tokens)
    found = []
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Identifier):
            # A hint names what is read elsewhere.
            if not _is_common_table(table) and table.find_ancestor(exp.Hint) is None:
                found.append(text.place(table))
        elif not isinstance(table.this, exp.Func) or table.this.name.upper() == "IDENTIFIER":
            raise QueryError("the name of a table is one to three names: no parameter and no IDENTIFIER().")
    for call in tree.find_all(exp.Anonymous):
        if call.name.upper() == "TABLE" and not call.find(exp.Query):
            raise QueryError("write TABLE(SELECT * FROM name) in place of TABLE(name).")
    return tuple(sorted(found, key=lambda read: read.start))


def with_relations(query: str, relations: Mapping[str, str]) -> str:
    """Return a query that reads other relations under the same names.

    Args:
        query: One SELECT in Spark SQL.
        relations: For names of one part, in any case: what is read in their place, in SQL, such as
            ``main.silver.orders`` or ``STREAM main.silver.orders``. Other names stay as they are.

    Raises:
        QueryError: As for ``tables_read``.
    """
    by_name = {name.casefold(): relation for name, relation in relations.items()}
    for read in reversed(tables_read(query)):
        relation = by_name.get(read.parts[0].casefold()) if len(read.parts) == 1 else None
        if relation is not None:
            if not read.alias and read.alias_at is not None:
                # Columns may be qualified by the table's name.
                query = f"{query[: read.alias_at]} AS {quote(read.parts[0])}{query[read.alias_at :]}"
            query = f"{query[: read.start]}{relation}{query[read.end :]}"
    return query


def _parsed(query: str) -> tuple[exp.Query, list[Token]]:
    tokens, statements = _statements(query, "the query")
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise QueryError("a transformation is one SELECT: no other statement, and no second one.")
    return statements[0], tokens


def _statement(before: str, text: str, after: str, what: str) -> exp.Expr:
    """Parse a text in the middle of a statement; a comment at its end hides nothing of what follows."""
    if not text.strip():
        raise QueryError(f"{what} is empty.")
    statements = _statements(f"{before}{text}\n{after}", what, lines=text.count("\n") + 1)[1]
    if len(statements) != 1:
        raise QueryError(f"{what} is more than one expression.")
    return statements[0]


def _statements(sql: str, what: str, lines: int = 0) -> tuple[list[Token], list[exp.Expr]]:
    dialect = Dialect.get_or_raise(DIALECT)
    try:
        tokens = dialect.tokenize(sql)
        for token, following in pairwise(tokens):
            if token.token_type is TokenType.WINDOW and following.token_type is TokenType.L_PAREN:
                # After GROUP BY sqlglot takes the function for the clause WINDOW, in which a name follows.
                token.token_type = TokenType.VAR
        statements = [one for one in dialect.parser().parse(tokens, sql) if one is not None]
    except TokenError:
        raise QueryError(f"{what} does not parse: a quote or a comment is not closed.") from None
    except ParseError as error:
        raise QueryError(f"{what} does not parse{_where(error, lines)}.") from None
    except (RecursionError, AttributeError, IndexError, KeyError, TypeError, ValueError):
        # sqlglot stumbles over some texts that are no SQL.
        raise QueryError(f"{what} does not parse.") from None
    return tokens, statements


def _where(error: ParseError, lines: int) -> str:
    """Say where an error is.

    Args:
        error: Of a query, or of a text in the middle of a statement.
        lines: The number of lines of that text; 0 for a query.
    """
    details: dict[str, Any] = error.errors[0] if error.errors else {}
    found, wanted = str(details.get("highlight") or ""), str(details.get("description") or "")
    if lines:
        return f" at '{found}'" if details.get("line", 0) <= lines else ": its end is missing"
    line = f" in line {details['line']}" if details.get("line") else ""
    at = f" at '{found}'" if found.strip() else ""
    return f"{line}{at}" + (f": {wanted[0].lower()}{wanted[1:]}" if wanted.startswith("Expecting") else "")


def _expression(expression: str, what: str) -> exp.Expr:
    tree = _statement("SELECT * FROM t WHERE (", expression, ")", what)
    where: exp.Expr = tree.args.get("where") or exp.Where()
    inside = where.this.this if isinstance(where.this, exp.Paren) else None
    if not _has_only(tree, "expressions", "from_", "where") or isinstance(
        inside, exp.Alias | exp.Star | None
    ):
        raise QueryError(f"{what} is more than one expression.")
    found: exp.Expr = inside
    return found


def _has_only(tree: exp.Expr, *parts: str) -> bool:
    return isinstance(tree, exp.Select) and all(
        not value or name in parts for name, value in tree.args.items()
    )


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


class _Text:
    """Where in a query's text tables stand."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = {token.start: i for i, token in enumerate(tokens)}

    def place(self, table: exp.Table) -> TableRead:
        names = [part.name for part in table.parts]
        places = [self._at.get(part.meta.get("start", -1)) for part in table.parts]
        first, last = places[0], places[-1]
        if first is None or last is None:
            raise QueryError(f"put each part of the name {'.'.join(names)} in backticks.")
        streamed = self._is_stream(table)
        if streamed and self._is(first - 1, TokenType.DOT):
            # A schema that is called stream.
            streamed, first, names = False, first - 2, [self._tokens[first - 2].text, *names]
        elif streamed:
            opening = first - 1
            while self._is(opening, TokenType.L_PAREN):
                opening -= 1
            for _ in range(first - 1 - opening):
                last += 1
                if not self._is(last, TokenType.R_PAREN):
                    raise QueryError("STREAM(...) holds the name of a table and nothing else.")
            first = opening
        if self._is(last + 1, TokenType.PARAMETER):
            raise QueryError("write VERSION AS OF or TIMESTAMP AS OF in place of '@'.")
        travels = table.args.get("version") or table.args.get("when")
        return TableRead(
            parts=tuple(names),
            alias=table.alias or self._outer_alias(table),
            start=self._tokens[first].start,
            end=self._tokens[last].end + 1,
            streamed=streamed,
            alias_at=None if travels else self._tokens[self._after_sample(last)].end + 1,
        )

    def _is(self, i: int, kind: TokenType) -> bool:
        return 0 <= i < len(self._tokens) and self._tokens[i].token_type is kind

    @staticmethod
    def _is_stream(table: exp.Table) -> bool:
        around = table.parent
        while isinstance(around, exp.Subquery) and isinstance(around.this, exp.Table):
            around = around.parent
        return isinstance(around, exp.Stream)

    @staticmethod
    def _outer_alias(table: exp.Table) -> str:
        """Return the alias of the parentheses or of the STREAM around a name."""
        around = table.parent
        while isinstance(around, exp.Subquery | exp.Stream) and not around.alias:
            around = around.parent
        return str(around.alias) if isinstance(around, exp.Subquery | exp.Stream) else ""

    def _after_sample(self, last: int) -> int:
        """Return the last token of a TABLESAMPLE behind a name, or of the name: an alias comes after it."""
        end = last
        for kind in (TokenType.TABLE_SAMPLE, None):
            starts = self._is(end + 1, kind) if kind else self._named(end + 1, "REPEATABLE")
            if not starts:
                return end
            end += 2
            depth = 1
            while depth and end + 1 < len(self._tokens):
                end += 1
                depth += self._is(end, TokenType.L_PAREN) - self._is(end, TokenType.R_PAREN)
        return end

    def _named(self, i: int, text: str) -> bool:
        return i < len(self._tokens) and self._tokens[i].text.upper() == text
