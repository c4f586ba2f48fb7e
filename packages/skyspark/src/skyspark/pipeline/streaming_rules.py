"""What a query cannot do with a stream, found by parsing: an engine says it only after minutes, at run time.

The rules are those of Spark's append mode (UnsupportedOperationChecker and the Structured Streaming
programming guide), in which streaming tables are written.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import sqlglot
from sqlglot import TokenType, exp

from skyspark.pipeline.queries import DIALECT, parse_query

Columns = frozenset[str]

# Spark's aggregates for which sqlglot has no class; a test compares with Spark's own list.
_UNTYPED_AGGREGATES = re.compile(
    r"\w+_agg(_[a-z]+)?|count_min_sketch|every|histogram_numeric|mean|measure|some|std|try_avg|try_sum",
    re.IGNORECASE,
)

_EVENT_TIME_WINDOWS = {"window", "session_window", "window_time"}
# Joins whose result needs to know that a row of the one side has no partner, ever.
_KEEP_LEFT = {"LEFT", "FULL", "SEMI", "ANTI"}
_KEEP_RIGHT = {"RIGHT", "FULL"}
_UNSUPPORTED_FUNCTIONS = {"monotonically_increasing_id"}


@dataclass(frozen=True)
class Breach:
    """Something a query asks of a stream that no stream can do.

    Attributes:
        reason: What it is, as the end of a sentence that begins with the table.
        approximable: Whether ``approximated`` cures it.
    """

    reason: str
    approximable: bool = False


@dataclass(frozen=True)
class _Relation:
    streams: bool = False
    # The columns that carry a watermark, in small letters: alone, and with the name the relation has in FROM.
    times: Columns = frozenset()
    named: frozenset[tuple[str, str]] = frozenset()

    def has_time(self, column: exp.Column) -> bool:
        name = column.name.casefold()
        # Behind the name of no relation, as in `w.start`, it is a field, and fields carry no watermark.
        return (column.table.casefold(), name) in self.named if column.table else name in self.times


def breaches(
    query: str, streamed: Collection[str], watermarks: Mapping[str, Collection[str]]
) -> tuple[Breach, ...]:
    """Return what a query asks of streams that they cannot do.

    Args:
        query: One SELECT in Spark SQL.
        streamed: The inputs that are read as streams.
        watermarks: For inputs that have a watermark, the columns it is on.

    Raises:
        QueryError: The query does not parse.
    """
    return _analyse(query, streamed, watermarks)[0]


def event_times(
    query: str, streamed: Collection[str], watermarks: Mapping[str, Collection[str]]
) -> frozenset[str]:
    """Return the columns of a query's result that carry a watermark, in small letters.

    Args:
        query: One SELECT in Spark SQL.
        streamed: The inputs that are read as streams.
        watermarks: For inputs that have a watermark, the columns it is on.

    Raises:
        QueryError: The query does not parse.
    """
    return _analyse(query, streamed, watermarks)[1]


def approximated(query: str) -> str:
    """Return a query with each ``count(DISTINCT x)`` as ``approx_count_distinct(x)``, else as it was written.

    Args:
        query: One SELECT in Spark SQL.
    """
    tokens = sqlglot.tokenize(query, read=DIALECT)
    for name, opening, distinct in reversed(list(zip(tokens, tokens[1:], tokens[2:], strict=False))):
        if (
            name.text.casefold() == "count"
            and opening.token_type == TokenType.L_PAREN
            and distinct.token_type == TokenType.DISTINCT
        ):
            rest = query[distinct.end + 1 :].lstrip()
            query = f"{query[: name.start]}approx_count_distinct{query[name.end + 1 : distinct.start]}{rest}"
    return query


def _analyse(
    query: str, streamed: Collection[str], watermarks: Mapping[str, Collection[str]]
) -> tuple[tuple[Breach, ...], Columns]:
    times = {
        name.casefold(): frozenset(c.casefold() for c in columns) for name, columns in watermarks.items()
    }
    names = {
        name.casefold(): _Relation(streams=True, times=times.get(name.casefold(), frozenset()))
        for name in streamed
    }
    reader = _Reader()
    result = reader.query(parse_query(query), names)
    return tuple(dict.fromkeys(reader.found)), result.times if result.streams else frozenset()


class _Reader:
    """Walks a query from the inputs outwards, with what is known of each relation."""

    def __init__(self) -> None:
        self.found: list[Breach] = []

    def query(self, node: exp.Expr, names: Mapping[str, _Relation]) -> _Relation:
        if common := node.args.get("with_"):
            for table in common.expressions:
                names = {**names, table.alias.casefold(): self.query(table.this, names)}
        if isinstance(node, exp.Subquery):
            result = self.relation(node, names)
        elif isinstance(node, exp.SetOperation):
            result = self._set_operation(node, names)
        elif isinstance(node, exp.Select):
            result = self._select(node, names)
        else:
            result = _Relation()
        if result.streams:
            if node.args.get("order") or node.args.get("sort") or node.args.get("cluster"):
                self._breach("it sorts a stream, which never ends")
            if node.args.get("offset"):
                self._breach("it skips the first rows of a stream (OFFSET), which has no order")
        return result

    def relation(self, node: exp.Expr, names: Mapping[str, _Relation]) -> _Relation:
        inner = node
        while isinstance(inner, exp.Stream | exp.Subquery) and not isinstance(inner.this, exp.Query):
            inner = inner.this
        if isinstance(inner, exp.Subquery):
            result = self.query(inner.this, names)
        elif isinstance(inner, exp.Lateral) and isinstance(inner.this, exp.Subquery):
            result = self.query(inner.this.this, names)
        elif isinstance(inner, exp.Table) and isinstance(inner.this, exp.Identifier) and not inner.db:
            result = names.get(inner.name.casefold(), _Relation())
        else:
            result = _Relation()
        if result.streams and any(not pivot.args.get("unpivot") for pivot in node.args.get("pivots") or ()):
            self._breach(
                "it turns rows of a stream into columns (PIVOT), which aggregates without a watermark"
            )
        if result.streams and (node.args.get("sample") or inner.args.get("sample")):
            self._breach("it takes a sample of a stream")
        for join in (
            *(node.args.get("joins") or ()),
            *((inner is not node and inner.args.get("joins")) or ()),
        ):
            result = self._join(result, join, names)
        if alias := (node.alias or inner.alias_or_name).casefold():
            named = frozenset((alias, column) for column in result.times)
            return replace(result, named=result.named | named)
        return result

    def _select(self, node: exp.Select, names: Mapping[str, _Relation]) -> _Relation:
        source = _Relation()
        if origin := node.args.get("from_"):
            source = self.relation(origin.this, names)
        for join in node.args.get("joins") or ():
            source = self._join(source, join, names)
        self._subqueries(node, names)
        if not source.streams:
            return _Relation()
        own = [part for part in _own_nodes(node) if part is not node]
        if any(isinstance(part, exp.Window) for part in own):
            self._breach("it uses a window function over the rows of a stream, which never has them all")
        for part in own:
            if isinstance(part, exp.Anonymous) and part.name.casefold() in _UNSUPPORTED_FUNCTIONS:
                self._breach(f"it calls {part.name}(), which numbers rows of one batch only")
        if node.args.get("group") or _aggregates(node):
            self._aggregation(node, source)
        times = _result_times(node, source)
        if node.args.get("distinct") and not times:
            self._breach(_without_watermark("it removes duplicates from a stream (DISTINCT)", source.times))
        return _Relation(streams=True, times=times)

    def _aggregation(self, node: exp.Select, source: _Relation) -> None:
        for aggregate in _aggregates(node):
            distinct = aggregate.this if isinstance(aggregate.this, exp.Distinct) else None
            if distinct is not None:
                simple = isinstance(aggregate, exp.Count) and len(distinct.expressions) == 1
                self._breach(
                    f"it aggregates distinct values of a stream ({aggregate.sql(DIALECT)})",
                    approximable=simple,
                )
        group = node.args.get("group")
        if group is not None and group.find(exp.Rollup, exp.Cube, exp.GroupingSets):
            # Spark takes it, but a total over all event times is never complete: it gives no row.
            self._breach("it groups rows of a stream in several ways at once (GROUPING SETS, CUBE, ROLLUP)")
        elif not any(_is_event_time(key, source) for key in _group_keys(node)):
            self._breach(_without_watermark("it aggregates a stream", source.times))

    def _join(self, left: _Relation, join: exp.Join, names: Mapping[str, _Relation]) -> _Relation:
        right = self.relation(join.this, names)
        kind = _join_kind(join)
        if left.streams and right.streams:
            self._join_streams(left, join, right, kind)
        elif (right.streams and kind in _KEEP_LEFT) or (left.streams and kind in _KEEP_RIGHT):
            self._breach(
                f"it keeps all rows of a table that does not stream in a {_shown(kind)} join with a stream"
            )
        if kind in ("SEMI", "ANTI"):
            return replace(left, streams=left.streams or right.streams)
        return _Relation(left.streams or right.streams, left.times | right.times, left.named | right.named)

    def _join_streams(self, left: _Relation, join: exp.Join, right: _Relation, kind: str) -> None:
        using = {column.name.casefold() for column in join.args.get("using") or ()}
        natural = join.method.upper() == "NATURAL"
        on = join.args.get("on")
        if not using and not natural and not _equalities(on):
            self._breach("it joins two streams on no equality of columns")
        elif kind == "ANTI":
            self._breach("it looks for rows of a stream that have none in another stream (ANTI JOIN)")
        elif kind != "INNER":
            keys = using & left.times & right.times
            if not keys and not _bounds_time(on, left, right):
                self._breach(
                    f"it has a {_shown(kind)} join of two streams on no condition that bounds columns with a "
                    "watermark"
                )

    def _set_operation(self, node: exp.SetOperation, names: Mapping[str, _Relation]) -> _Relation:
        left, right = self.query(node.left, names), self.query(node.right, names)
        if not left.streams and not right.streams:
            return _Relation()
        times = left.times & right.times
        if not isinstance(node, exp.Union):
            self._breach(f"it compares whole streams ({node.key.upper()})")
        elif left.streams != right.streams:
            self._breach("it unites a stream with a table that does not stream (UNION)")
        elif node.args.get("distinct") and not times:
            self._breach(_without_watermark("it removes duplicates from streams (UNION without ALL)", times))
        return _Relation(streams=True, times=times)

    def _subqueries(self, node: exp.Select, names: Mapping[str, _Relation]) -> None:
        for part in _own_nodes(node):
            if (
                isinstance(part, exp.Query)
                and part is not node
                and self.query(part.this if isinstance(part, exp.Subquery) else part, names).streams
            ):
                self._breach("a subquery in one of its expressions reads a stream")

    def _breach(self, reason: str, *, approximable: bool = False) -> None:
        self.found.append(Breach(reason, approximable))


def _without_watermark(what: str, times: Columns) -> str:
    if times:
        return f"{what} but groups by no column with a watermark, nor by a window on one"
    return f"{what} without a watermark"


def _own_nodes(node: exp.Select) -> Iterator[exp.Expr]:
    """Yield the nodes of a SELECT's expressions: subqueries as one node, and nothing of FROM and WITH."""
    sources = [node.args.get("from_"), node.args.get("with_")]
    relations = [join.this for join in node.args.get("joins") or ()]
    outside = {id(part) for part in (*sources, *relations) if part is not None}

    def ends(part: exp.Expr) -> bool:
        return id(part) in outside or (isinstance(part, exp.Query) and part is not node)

    for part in node.walk(prune=ends):
        if id(part) not in outside:
            yield part


def _aggregates(node: exp.Select) -> list[exp.Expr]:
    # What a window function computes is no aggregation.
    windows = {
        id(inner) for part in _own_nodes(node) if isinstance(part, exp.Window) for inner in part.this.walk()
    }
    return [part for part in _own_nodes(node) if _is_aggregate(part) and id(part) not in windows]


def _is_aggregate(node: exp.Expr) -> bool:
    if isinstance(node, exp.Anonymous):
        return _UNTYPED_AGGREGATES.fullmatch(node.name) is not None
    if isinstance(node, exp.Any):
        # An aggregate, but not in `LIKE ANY (...)`.
        return not (isinstance(node.parent, exp.Predicate) and node is node.parent.expression)
    return isinstance(node, exp.AggFunc)


def _group_keys(node: exp.Select) -> list[exp.Expr]:
    group = node.args.get("group")
    if group is None:
        return []
    if group.args.get("all"):
        return [made.unalias() for made in node.expressions if not any(map(_is_aggregate, made.walk()))]
    aliases = {made.alias.casefold(): made.this for made in node.expressions if isinstance(made, exp.Alias)}
    keys = []
    for key in group.expressions:
        if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.name) <= len(node.expressions):
            keys.append(node.expressions[int(key.name) - 1].unalias())
        else:
            keys.append(key)
            # Spark takes an alias where no column has the name: which it is cannot be told from here.
            if isinstance(key, exp.Column) and not key.table and key.name.casefold() in aliases:
                keys.append(aliases[key.name.casefold()])
    return keys


def _is_event_time(node: exp.Expr, source: _Relation) -> bool:
    node = node.unalias()
    if isinstance(node, exp.Column):
        return source.has_time(node)
    if isinstance(node, exp.Anonymous) and node.name.casefold() in _EVENT_TIME_WINDOWS and node.expressions:
        return _is_event_time(node.expressions[0], source)
    return False


def _result_times(node: exp.Select, source: _Relation) -> Columns:
    found: set[str] = set()
    for made in node.expressions:
        if made.is_star:
            left_out = {column.name.casefold() for column in made.args.get("except_") or ()}
            whose = made.table.casefold() if isinstance(made, exp.Column) else ""
            theirs = {column for name, column in source.named if name == whose} if whose else source.times
            found |= theirs - left_out
        elif _is_event_time(made, source):
            inner = made.unalias()
            found.add((made.alias or inner.name).casefold())
    return frozenset(found)


def _join_kind(join: exp.Join) -> str:
    if join.kind.upper() in ("SEMI", "ANTI"):
        return join.kind.upper()
    return join.side.upper() or "INNER"


def _shown(kind: str) -> str:
    return {"FULL": "full outer", "SEMI": "left semi", "ANTI": "left anti"}.get(kind, kind.lower())


def _conjuncts(on: exp.Expr | None) -> list[exp.Expr]:
    if on is None:
        return []
    return [part.unnest() for part in (on.flatten() if isinstance(on, exp.And) else [on])]


def _equalities(on: exp.Expr | None) -> list[exp.Expr]:
    return [
        part
        for part in _conjuncts(on)
        if isinstance(part, exp.EQ | exp.NullSafeEQ)
        and part.left.find(exp.Column)
        and part.right.find(exp.Column)
    ]


def _bounds_time(on: exp.Expr | None, left: _Relation, right: _Relation) -> bool:
    for part in _conjuncts(on):
        if isinstance(part, exp.EQ | exp.LT | exp.LTE | exp.GT | exp.GTE | exp.Between):
            columns = list(part.find_all(exp.Column))
            if any(map(left.has_time, columns)) and any(map(right.has_time, columns)):
                return True
    return False
