"""A pipeline as its streams can really run: what they cannot do is rewritten, or refused."""

from dataclasses import dataclass
from typing import Literal

import sqlglot

from skyspark.errors import StreamingError
from skyspark.identifiers import quote
from skyspark.pipeline import graph
from skyspark.pipeline.model import Mode, Pipeline, Source, Table
from skyspark.pipeline.modes import all_streamed_inputs, grows
from skyspark.pipeline.queries import DIALECT, tables_read
from skyspark.pipeline.streaming_rules import approximated, breaches, event_times
from skyspark.pipeline.transformations import SOURCE, PythonFunction, SqlQuery

Remedy = Literal["materialized view", "approx_count_distinct", "read whole"]

_REMEDIES: dict[Remedy, str] = {
    "materialized view": "it is made whole each time, as a materialized view",
    "approx_count_distinct": "count(DISTINCT …) becomes approx_count_distinct(…), off by about 5 %",
    "read whole": "it reads the input whole",
}
_ADVICE: dict[Remedy, str] = {
    "materialized view": "set its mode to batch",
    "approx_count_distinct": "write approx_count_distinct, or set its mode to batch",
    "read whole": "leave out the word STREAM",
}


@dataclass(frozen=True)
class Finding:
    """Something that a stream cannot do, and what is done about it.

    Attributes:
        table: The table's name in the pipeline.
        reason: What it is.
        remedy: What is done about it.
    """

    table: str
    reason: str
    remedy: Remedy

    @property
    def note(self) -> str:
        """What was found and done, as one sentence on the table."""
        return f"{self.reason}: {_REMEDIES[self.remedy]}."

    @property
    def refusal(self) -> str:
        """What was found and is to be done by the author, in one sentence."""
        return f"table '{self.table}': {self.reason}: {_ADVICE[self.remedy]}."


def table_query(table: Table) -> str | None:
    """Return a table's transformation as a query on the names of its inputs; ``None`` for a Python function.

    Args:
        table: A table of a loaded pipeline.
    """
    if table.transformation is None:
        return f"SELECT *\nFROM {quote(table.inputs[0])}"
    if isinstance(table.transformation, PythonFunction):
        return None
    return table.transformation.as_sql()


def watermarked_inputs(table: Table, streamed: frozenset[str]) -> frozenset[str]:
    """Return the streamed inputs on which a table sets its watermark.

    Where the watermark names no input, it is on all of them but a source whose declared columns lack it.

    Args:
        table: The table.
        streamed: The inputs that it reads as streams.
    """
    if table.watermark is None:
        return frozenset()
    if table.watermark.input is not None:
        return streamed & {table.watermark.input}
    lacks = SOURCE if table.source is not None and _lacks(table.source, table.watermark.column) else None
    return streamed - {lacks}


def streamable(
    pipeline: Pipeline,
    default: Mode,
    *,
    strict: bool = False,
    only: frozenset[str] | None = None,
    follows_paths: bool = True,
) -> tuple[Pipeline, tuple[Finding, ...]]:
    """Return a pipeline whose streaming tables ask nothing of streams that those cannot do.

    A table that does becomes a batch table, and those that streamed from it then read it whole. Where only
    ``count(DISTINCT x)`` is in the way, it becomes ``approx_count_distinct(x)``.

    Args:
        pipeline: The pipeline.
        default: The mode of tables that declare none.
        strict: Refuse instead of rewriting.
        only: The tables to report on; default: all.
        follows_paths: Whether a stream can follow a source that is a path, and not only tables.

    Returns:
        The pipeline, and what was changed, in the order of the data.

    Raises:
        StreamingError: ``strict`` and there are findings, or a table that merges its rows cannot be made
            whole; all of them at once.
        QueryError: A query does not parse.
    """
    declared = all_streamed_inputs(pipeline, default)
    tables = dict(pipeline.by_name)
    streams: dict[str, frozenset[str]] = {}
    times: dict[str, frozenset[str]] = {}
    findings: list[Finding] = []
    refused: list[str] = []
    for name in graph.in_order({table.name: table.depends_on for table in pipeline.tables}):
        table = tables[name]
        follows = follows_paths or table.source is None or table.source.path is None
        streamed = frozenset(
            other
            for other in declared[name]
            if (follows if other == SOURCE else grows(tables[other], streams, default))
        )
        watermarks = {
            other: times[other] for other in streamed if other != SOURCE and tables[other].temporary
        }
        if table.watermark is not None:
            for other in watermarked_inputs(table, streamed):
                watermarks[other] = watermarks.get(other, frozenset()) | {table.watermark.column}
        changed, found = _examined(table, streamed, declared[name], watermarks)
        if changed.mode == "batch":
            streamed = frozenset()
        if table.temporary:
            query = table_query(changed)
            times[name] = event_times(query, streamed, watermarks) if query else frozenset()
        tables[name], streams[name] = changed, streamed
        if only is None or name in only:
            findings += found
            if table.target.mode == "merge" and not table.temporary:
                refused += [finding.refusal for finding in found if finding.remedy == "materialized view"]
    if strict:
        refused = [finding.refusal for finding in findings]
    if refused:
        raise StreamingError("\n".join(refused))
    return pipeline.model_copy(update={"tables": tuple(tables[t.name] for t in pipeline.tables)}), tuple(
        findings
    )


def _examined(
    table: Table,
    streamed: frozenset[str],
    declared: frozenset[str],
    watermarks: dict[str, frozenset[str]],
) -> tuple[Table, list[Finding]]:
    query = table_query(table)
    if not streamed:
        if not declared:
            return table, _asks_for_streams(table, query, streamed)
        reason = f"it follows {_lost(table, declared)} as a stream"
        return _whole(table), [Finding(table.name, reason, "materialized view")]
    found = []
    if lost := declared - streamed:
        found.append(Finding(table.name, f"it follows {_lost(table, lost)} as a stream", "read whole"))
    if query is None:
        return table, found
    broken = breaches(query, streamed, watermarks)
    if broken and all(breach.approximable for breach in broken):
        reason = "; ".join(breach.reason for breach in broken)
        rewritten = SqlQuery(type="sql", query=approximated(query))
        found.append(Finding(table.name, reason, "approx_count_distinct"))
        return table.model_copy(update={"transformation": rewritten}), found
    if broken:
        reason = "; ".join(breach.reason for breach in broken)
        return _whole(table), [Finding(table.name, reason, "materialized view")]
    return table, found + _asks_for_streams(table, query, streamed)


def _lost(table: Table, names: frozenset[str]) -> str:
    if SOURCE in names and table.source is not None and table.source.path is not None:
        return f"the path '{table.source.path}', which this dialect cannot read"
    return f"{' and '.join(map(repr, sorted(names)))}, which can no longer be read"


def _whole(table: Table) -> Table:
    # Appending is what streams do; what is made whole each time replaces what was there.
    target = table.target.model_copy(update={"mode": None}) if table.target.mode == "append" else table.target
    return table.model_copy(update={"mode": "batch", "target": target})


def _asks_for_streams(table: Table, query: str | None, streamed: frozenset[str]) -> list[Finding]:
    known = {name.casefold() for name in streamed}
    if query is None or "stream" not in query.casefold():
        return []
    asked = [read.parts[0] for read in tables_read(query) if read.streamed]
    return [
        Finding(
            table.name, f"its query asks for a stream of '{name}', which is not read as one", "read whole"
        )
        for name in dict.fromkeys(asked)
        if name.casefold() not in known
    ]


def _lacks(source: Source, column: str) -> bool:
    if source.columns is None:
        return False
    schema = sqlglot.parse_one(f"CREATE TABLE t ({source.columns}\n)", read=DIALECT)
    return column.casefold() not in {c.name.casefold() for c in schema.this.expressions}
