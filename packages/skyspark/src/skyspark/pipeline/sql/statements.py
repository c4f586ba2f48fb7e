"""The statements that the tables of a pipeline become."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from skyspark.errors import QueryError
from skyspark.identifiers import TableName, text
from skyspark.pipeline.declarative import Dialect, dataset_name
from skyspark.pipeline.expectations import RowRule, TableRule
from skyspark.pipeline.model import Mode, Pipeline, Table
from skyspark.pipeline.modes import all_streamed_inputs
from skyspark.pipeline.queries import parse_condition, with_relations
from skyspark.pipeline.sql import databricks, spark
from skyspark.pipeline.sql.changes import auto_cdc
from skyspark.pipeline.sql.dataset import (
    Dataset,
    Kind,
    enclosed,
    identifier,
    interval,
    table_identifier,
    table_options,
    without_semicolon,
)
from skyspark.pipeline.sql.views import Variants
from skyspark.pipeline.streaming import table_query, watermarked_inputs
from skyspark.pipeline.transformations import SOURCE, PythonFunction

# What Lakeflow orders files by while it maintains a table (Databricks, "Pipeline table properties").
_ZORDER = "pipelines.autoOptimize.zOrderCols"


@dataclass(frozen=True)
class Statement:
    """A statement.

    Attributes:
        sql: Its text, without a semicolon.
        about: What it is for, where it does not say so.
        notes: What was rewritten or left out.
    """

    sql: str
    about: str = ""
    notes: tuple[str, ...] = ()


class Statements:
    """Writes the tables of a pipeline as statements of one dialect.

    Args:
        pipeline: A pipeline whose streams are asked for nothing that they cannot do.
        tables: Those of its tables that are written, each after those it reads.
        dialect: The dialect.
        default: The mode of tables that declare none.
    """

    def __init__(self, pipeline: Pipeline, tables: Sequence[Table], dialect: Dialect, default: Mode) -> None:
        self._pipeline = pipeline
        self._dialect = dialect
        self._syntax = {"databricks": databricks.SYNTAX, "spark": spark.SYNTAX}[dialect]
        self._streams = all_streamed_inputs(pipeline, default)
        self._taken = {table.name.casefold() for table in pipeline.tables}
        self._taken |= {self._parts(table)[-1].casefold() for table in pipeline.tables}
        self._views = Variants(pipeline, tables, self._streams, self._free_name)

    def of(self, table: Table) -> Iterator[Statement]:
        """Yield the statements of a table.

        Args:
            table: One of the tables.

        Raises:
            QueryError: There is no SQL for it.
            TableNameError: A name is none.
        """
        for condition in (
            *(rule.condition for rule in table.expectations if isinstance(rule, RowRule)),
            *((table.target.delete_where,) if table.target.delete_where else ()),
        ):
            parse_condition(condition)
        if table.temporary:
            for name, streaming in self._views.of(table.name):
                yield self._declared(self._view(table, name, streaming=streaming))
        else:
            yield from self._stored(table)
        yield from self._checks(table)

    def _view(self, table: Table, name: str, *, streaming: bool) -> Dataset:
        return Dataset(
            table=table.name,
            kind="TEMPORARY VIEW",
            name=identifier(name),
            query=self._query(table, streaming=streaming),
            comment=table.description,
            rules=_row_rules(table),
            streaming=streaming,
            about="" if name == table.name else f"The rows of {table.name}, for those who read them whole.",
            notes=self._notes(table),
        )

    def _stored(self, table: Table) -> Iterator[Statement]:
        streaming = bool(self._streams[table.name])
        merged = streaming and table.target.mode == "merge"
        query = self._query(table, streaming=streaming)
        quarantined = self._quarantine(table)
        if merged or quarantined is not None:
            name = identifier(self._free_name(f"{table.name}_{'changes' if merged else 'rows'}"))
            what = "The changes that are merged into" if merged else "All rows of"
            about = f"{what} {table.name}, before expectations drop any."
            yield self._declared(Dataset(table.name, "TEMPORARY VIEW", name, query, about=about))
            relation = f"STREAM {name}" if streaming else name
            if quarantined is not None:
                yield self._declared(_dropped(table, quarantined, relation, streaming=streaming))
            query = f"SELECT *\nFROM {relation}"
        stored = self._table(table, None if merged else query, streaming=streaming)
        yield self._declared(stored)
        if merged:
            flow = identifier(self._free_name(f"{table.name}_merge"))
            yield Statement(auto_cdc(flow, stored.name, name, table.target))

    def _table(self, table: Table, query: str | None, *, streaming: bool) -> Dataset:
        properties = dict(table.target.properties)
        if table.target.zorder and self._dialect == "databricks":
            properties.setdefault(_ZORDER, ",".join(table.target.zorder))
        return Dataset(
            table=table.name,
            kind="STREAMING TABLE" if streaming else "MATERIALIZED VIEW",
            name=table_identifier(dataset_name(self._pipeline, table)),
            query=query,
            comment=table.description,
            rules=_row_rules(table),
            partition_by=table.target.partition_by,
            cluster_by=table.target.cluster_by,
            properties=properties,
            notes=self._notes(table),
        )

    def _notes(self, table: Table) -> tuple[str, ...]:
        if self._dialect == "databricks":
            compacts = table.target.optimize and not table.target.zorder
            return ("files are compacted by Lakeflow itself: optimize adds nothing.",) if compacts else ()
        notes = []
        if table.target.optimize or table.target.zorder:
            by = f" ZORDER BY ({', '.join(table.target.zorder)})" if table.target.zorder else ""
            notes.append(f"files are not compacted by a declaration: run OPTIMIZE{by} yourself.")
        if warns := [rule.name for rule in table.expectations if rule.action == "warn"]:
            notes.append(f"expectations that only warn are not checked: {', '.join(warns)}.")
        return tuple(notes)

    def _checks(self, table: Table) -> Iterator[Statement]:
        for rule in table.expectations:
            if not isinstance(rule, TableRule):
                continue
            relation = self._relation_of(table, streaming=False)
            if relation is None:
                raise QueryError(
                    f"the expectation '{rule.name}' is about all rows, and this view of a stream never has "
                    "them all: put it on a table that reads it whole."
                )
            name = self._free_name(re.sub(r"\W+", "_", f"{table.name}_{rule.name}"))
            # What is stored for all to see stands beside its table.
            beside = () if self._syntax.private_checks else self._parts(table)[:-1]
            check = self._syntax.check(
                table_identifier(str(TableName.of(*beside, name))), table.name, rule, relation
            )
            if check is not None:
                yield self._declared(check)

    def _declared(self, dataset: Dataset) -> Statement:
        return Statement(self._syntax.declaration(dataset), dataset.about, dataset.notes)

    def _query(self, table: Table, *, streaming: bool) -> str:
        query = table_query(table)
        if query is None:
            function = (
                table.transformation.function if isinstance(table.transformation, PythonFunction) else ""
            )
            raise QueryError(
                f"its transformation is the Python function {function}, which SQL cannot hold: register the "
                "pipeline in Python instead (skyspark.lakeflow.register)."
            )
        streamed = self._streams[table.name] if streaming else frozenset()
        marked = watermarked_inputs(table, streamed)
        relations = {}
        for name in table.inputs:
            relation = self._relation(table, name, streamed=name in streamed)
            if name in marked and table.watermark is not None:
                delay = interval(table.watermark.delay)
                relation += f" WATERMARK {identifier(table.watermark.column)} DELAY OF {delay}"
            relations[name] = relation
        return without_semicolon(with_relations(query, relations))

    def _relation(self, table: Table, name: str, *, streamed: bool) -> str:
        stream = "STREAM " if streamed else ""
        if name == SOURCE and table.source is not None:
            if table.source.table is None:
                return self._syntax.files(table.source, streamed)
            read = TableName.parse(table.source.table)
            own = {dataset_name(self._pipeline, table), self._pipeline.table_name(table)}
            if str(read).casefold() in {other.casefold() for other in own}:
                raise QueryError(f"it reads itself as the source {read}, which no declaration can.")
            return f"{stream}{table_identifier(str(read))}{table_options(table.source.options)}"
        relation = self._relation_of(self._pipeline.by_name[name], streaming=streamed)
        if relation is None:
            raise QueryError(f"it reads the temporary table '{name}', which is not selected: select it too.")
        return f"{stream}{relation}"

    def _relation_of(self, table: Table, *, streaming: bool) -> str | None:
        if not table.temporary:
            return table_identifier(dataset_name(self._pipeline, table))
        view = self._views.name(table.name, streaming=streaming)
        return None if view is None else identifier(view)

    def _quarantine(self, table: Table) -> str | None:
        name = self._pipeline.quarantine_name(table)
        if name is None or not any(rule.action == "drop" for rule in table.expectations):
            return None
        beside = self._parts(table)[:-1]
        return table_identifier(str(TableName.of(*beside, TableName.parse(name).parts[-1])))

    def _parts(self, table: Table) -> tuple[str, ...]:
        return TableName.parse(dataset_name(self._pipeline, table)).parts

    def _free_name(self, wanted: str) -> str:
        name, number = wanted, 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name.casefold())
        return name


def _row_rules(table: Table) -> tuple[RowRule, ...]:
    return tuple(rule for rule in table.expectations if isinstance(rule, RowRule))


def _dropped(table: Table, name: str, relation: str, *, streaming: bool) -> Dataset:
    """Return the dataset of the rows that expectations drop (Databricks, "Quarantine invalid records")."""
    rules = _row_rules(table)
    broken = ",\n    ".join(
        f"CASE WHEN {enclosed(rule.condition)} IS NOT TRUE THEN {text(rule.name)} END" for rule in rules
    )
    kept = " AND ".join(enclosed(rule.condition) for rule in rules if rule.action == "drop")
    query = (
        f"SELECT *,\n  array_compact(array(\n    {broken}\n  )) AS `_broken_rules`,\n"
        f"  current_timestamp() AS `_quarantined_at`\nFROM {relation}\nWHERE ({kept}) IS NOT TRUE"
    )
    about = f"The rows that expectations of {table.name} drop, with the names of the rules they break."
    kind: Kind = "STREAMING TABLE" if streaming else "MATERIALIZED VIEW"
    return Dataset(table.name, kind, name, query, about=about)
