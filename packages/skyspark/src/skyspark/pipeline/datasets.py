"""Tables as datasets of the module ``pyspark.pipelines``: Lakeflow's, or open-source Spark's.

On open-source Spark a query function may not look at any frame, not even at its columns, and SQL with frames
in it knows no datasets. So a source that SQL reads is a temporary view of its own, and sources are looked at
before the function is called.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from pyspark.errors import PySparkException
from pyspark.sql import functions as F  # noqa: N812 - the name everyone knows

from skyspark.errors import PipelineError, SkySparkError
from skyspark.identifiers import TableName, quote
from skyspark.pipeline.declarative import dataset_name, raised, row_guard
from skyspark.pipeline.expectations import RowCount, RowRule, Unique
from skyspark.pipeline.functions import call_function
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.modes import all_streamed_inputs
from skyspark.pipeline.queries import tables_read, with_relations
from skyspark.pipeline.run.failures import sentence
from skyspark.pipeline.run.rules import BROKEN_RULES, QUARANTINED_AT
from skyspark.pipeline.run.sources import read_source
from skyspark.pipeline.sql.views import Variants
from skyspark.pipeline.streaming import table_query, watermarked_inputs
from skyspark.pipeline.transformations import SOURCE, PythonFunction

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Query = Callable[[], "DataFrame"]

# What Lakeflow orders rows by while it maintains a table (Databricks, "Pipeline table properties").
_ZORDER = "pipelines.autoOptimize.zOrderCols"
_ACTIONS = {"warn": "expect", "drop": "expect_or_drop", "fail": "expect_or_fail"}
_LOOKED_AT = {"TABLE_OR_VIEW_NOT_FOUND", "ATTEMPT_ANALYSIS_IN_PIPELINE_QUERY_FUNCTION"}
_COPIES = "__skyspark_copies"
_ROWS = "__skyspark_rows"
_ROW = "__skyspark_row"


class Datasets:
    """Defines tables of a pipeline.

    Args:
        spark: The session of the declarative pipeline.
        pipeline: A pipeline whose streams ask nothing that streams cannot do.
        tables: Those of its tables that are defined, each after those it reads.
        engine: The module ``pyspark.pipelines``.
    """

    def __init__(
        self, spark: "SparkSession", pipeline: Pipeline, tables: Sequence[Table], engine: Any
    ) -> None:
        self._spark = spark
        self._pipeline = pipeline
        self._tables = tables
        self._engine = engine
        # Only Lakeflow has expectations.
        self._native = hasattr(engine, "expect")
        self._streams = all_streamed_inputs(pipeline, pipeline.mode)
        self._taken = {
            TableName.parse(dataset_name(pipeline, t)).parts[-1].casefold() for t in pipeline.tables
        }
        self._views = Variants(pipeline, tables, self._streams, self._free_name)
        self._settings = {key: value for key, value in pipeline.spark.items() if spark.conf.isModifiable(key)}

    def define(self) -> None:
        """Define the datasets.

        Raises:
            PipelineError: Sources cannot be read, or transformations cannot be called; all that was found.
        """
        problems = []
        for table in self._tables:
            try:
                self._define(table)
            except (SkySparkError, PySparkException) as error:
                problems.append(f"table '{table.name}': {_reason(table, error)}")
        if problems:
            raise PipelineError(problems)

    def _define(self, table: Table) -> None:
        if table.temporary:
            for name, streaming in self._views.of(table.name):
                self._view(_quoted(name), table, self._query(table, streaming=streaming))
            return
        streaming = bool(self._streams[table.name])
        rows = self._query(table, streaming=streaming)
        if table.target.quarantine:
            rows = self._quarantined(table, rows, streaming=streaming)
        if table.target.mode == "merge":
            self._merged(table, rows)
        else:
            self._stored(dataset_name(self._pipeline, table), table, rows, streaming=streaming)

    def _view(self, name: str, table: Table, rows: Query, *, judged: bool = True) -> None:
        if judged:
            rows = self._judged(table, rows)
        comment = {"comment": table.description} if table.description else {}
        self._engine.temporary_view(name=name, spark_conf=self._settings, **comment)(rows)

    def _stored(self, name: str, table: Table, rows: Query, *, streaming: bool) -> None:
        define = self._engine.table if streaming else self._engine.materialized_view
        define(name=name, spark_conf=self._settings, **self._layout(table))(self._judged(table, rows))

    def _merged(self, table: Table, rows: Query) -> None:
        changes = self._free_name(f"{table.name}_changes")
        self._view(_quoted(changes), table, rows)
        name, target = dataset_name(self._pipeline, table), table.target
        self._engine.create_streaming_table(name, **self._layout(table))
        self._engine.create_auto_cdc_flow(
            target=name,
            source=_quoted(changes),
            keys=list(target.keys),
            sequence_by=target.sequence_by,
            apply_as_deletes=target.delete_where,
            except_column_list=list(target.exclude_columns) or None,
            stored_as_scd_type=target.scd_type,
        )

    def _quarantined(self, table: Table, rows: Query, *, streaming: bool) -> Query:
        """Define the quarantine of a table; return the rows from where both read them."""
        view = _quoted(self._free_name(f"{table.name}_rows"))
        self._view(view, table, rows, judged=False)
        rules = [rule for rule in table.expectations if isinstance(rule, RowRule)]
        all_rows = partial(self._read, view, streaming)

        kept = " AND ".join(f"({rule.condition}\n)" for rule in rules if rule.action == "drop") or "true"

        def dropped() -> "DataFrame":
            broken = (F.when(F.expr(f"({rule.condition}\n) IS NOT TRUE"), F.lit(rule.name)) for rule in rules)
            names, now = F.array_compact(F.array(*broken)), F.current_timestamp()
            rows = all_rows().where(f"({kept}) IS NOT TRUE")
            return rows.select("*", names.alias(BROKEN_RULES), now.alias(QUARANTINED_AT))

        own = TableName.parse(dataset_name(self._pipeline, table)).parts
        name = TableName.parse(self._pipeline.quarantine_name(table) or "").parts[-len(own) :]
        define = self._engine.table if streaming else self._engine.materialized_view
        define(name=str(TableName.of(*name)), spark_conf=self._settings)(dropped)
        return all_rows

    def _layout(self, table: Table) -> dict[str, Any]:
        """Return how a table is stored; what open-source Spark cannot do for Delta tables is left out."""
        target, properties = table.target, dict(table.target.properties)
        if target.zorder and self._native:
            properties.setdefault(_ZORDER, ",".join(target.zorder))
        layout = {
            "comment": table.description,
            "table_properties": properties,
            "partition_cols": list(target.partition_by),
            "cluster_by": list(target.cluster_by) if self._native else None,
        }
        return {key: value for key, value in layout.items() if value}

    def _judged(self, table: Table, rows: Query) -> Query:
        """Return the rows as the table's expectations let them through."""
        rules = [rule for rule in table.expectations if isinstance(rule, RowRule)]
        guard = None if self._native else row_guard(table.name, rules)
        uniques = [e for e in table.expectations if isinstance(e, Unique) and e.action == "fail"]
        counts = [e for e in table.expectations if isinstance(e, RowCount) and e.action == "fail"]

        def judged() -> "DataFrame":
            frame = rows()
            if guard is not None:
                frame = frame.where(guard)
            for unique in uniques:
                frame = _unique(frame, table, unique)
            for count in counts:
                frame = _counted(frame, table, count)
            return frame

        if self._native:
            # The decorators that say what is expected stand below the one that defines the dataset.
            for rule in reversed(rules):
                judged = getattr(self._engine, _ACTIONS[rule.action])(rule.name, rule.condition)(judged)
        return judged

    def _query(self, table: Table, *, streaming: bool) -> Query:
        """Return the function that gives the rows of a table, before anything is expected of them."""
        streams = self._streams[table.name] if streaming else frozenset()
        change = table.transformation
        if change is None:
            return self._input(table, table.inputs[0], streams)
        if isinstance(change, PythonFunction):
            inputs = {name: self._input(table, name, streams) for name in table.inputs}
            function, params = change.function, change.params
            return lambda: call_function(
                function, self._spark, {name: read() for name, read in inputs.items()}, params
            )
        query = table_query(table) or ""
        read = {place.parts[0].casefold() for place in tables_read(query) if len(place.parts) == 1}
        relations = {
            name: self._relation(table, name, streams) for name in table.inputs if name.casefold() in read
        }
        return partial(self._spark.sql, with_relations(query, relations))

    def _relation(self, table: Table, name: str, streams: frozenset[str]) -> str:
        """Return an input as SQL names it; a source or a stream with a watermark becomes a view."""
        if name == SOURCE or name in watermarked_inputs(table, streams):
            view = _quoted(self._free_name(f"{table.name}_{name}"))
            self._engine.temporary_view(name=view, spark_conf=self._settings)(
                self._input(table, name, streams)
            )
        else:
            view = self._dataset(name, streamed=name in streams)
        return f"STREAM({view})" if name in streams else view

    def _input(self, table: Table, name: str, streams: frozenset[str]) -> Query:
        streamed = name in streams
        if name == SOURCE and table.source is not None:
            read: Query = partial(read_source, self._spark, table.source, streamed=streamed)
            if not self._native:
                read = _given(read())
        else:
            read = partial(self._read, self._dataset(name, streamed=streamed), streamed)
        mark = table.watermark
        if mark is None or name not in watermarked_inputs(table, streams):
            return read
        return lambda: read().withWatermark(mark.column, mark.delay)

    def _read(self, dataset: str, streamed: bool) -> "DataFrame":
        return (self._spark.readStream if streamed else self._spark.read).table(dataset)

    def _dataset(self, name: str, *, streamed: bool) -> str:
        """Return the name of the dataset that a table is read from."""
        view = self._views.name(name, streaming=streamed)
        return _quoted(view) if view else dataset_name(self._pipeline, self._pipeline.by_name[name])

    def _free_name(self, name: str) -> str:
        while name.casefold() in self._taken:
            name += "_"
        self._taken.add(name.casefold())
        return name


def _reason(table: Table, error: Exception) -> str:
    condition = (isinstance(error, PySparkException) and error.getCondition()) or ""
    # Tables of the pipeline are not there yet when functions are called: only who looks at them misses them.
    if isinstance(table.transformation, PythonFunction) and condition in _LOOKED_AT:
        return (
            f"{table.transformation.function} looks at a frame before the pipeline runs, which open-source "
            "Spark refuses (columns, cache, udf, drop, dropDuplicates, distinct, fillna, dropna and replace "
            "do so): write it with select or as SQL, or run it with 'skyspark run'."
        )
    return sentence(error, table.name)


def _given(frame: "DataFrame") -> Query:
    return lambda: frame


def _quoted(name: str) -> str:
    return str(TableName.of(name))


def _unique(frame: "DataFrame", table: Table, rule: Unique) -> "DataFrame":
    keys, broken = ", ".join(map(quote, rule.columns)), raised(table.name, rule.name)
    copies = frame.selectExpr("*", f"count(*) OVER (PARTITION BY {keys}) AS {_COPIES}")
    rows = copies.where(f"CASE WHEN {_COPIES} > 1 THEN {broken} ELSE true END")
    return rows.selectExpr(f"* EXCEPT ({_COPIES})")


def _counted(frame: "DataFrame", table: Table, rule: RowCount) -> "DataFrame":
    low, high = rule.min or 0, "" if rule.max is None else f" AND {_ROWS} <= {rule.max}"
    broken = raised(table.name, rule.name)
    # The one row with the count is there even if no other is.
    counted = frame.agg(F.count(F.lit(1)).alias(_ROWS))
    rows = counted.join(frame.selectExpr("*", f"true AS {_ROW}"), F.lit(True), "left")
    kept = rows.where(f"CASE WHEN {_ROWS} >= {low}{high} THEN {_ROW} ELSE {broken} END")
    return kept.selectExpr(f"* EXCEPT ({_ROWS}, {_ROW})")
