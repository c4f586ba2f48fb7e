"""Flows whose functions look at their frames, as Lakeflow lets them and open-source Spark does not.

``frame.schema``, ``frame.columns`` and the like have to know what a dataset of the same pipeline looks like,
which is not there before the first update. So a flow that misses one waits until the flows before it are
known; their datasets are then made, empty.
"""

import dataclasses
import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

# The server resolves what these read when they are declared.
_EAGER = (
    "deduplicate",
    "drop",
    "drop_na",
    "fill_na",
    "replace",
    "to_schema",
    "unpivot",
    "with_columns",
    "with_columns_renamed",
)
_MISSING = "TABLE_OR_VIEW_NOT_FOUND"


class Flows:
    """Stands before the registry of a dataflow graph and takes flows in an order in which they are known."""

    def __init__(self, spark: Any, registry: Any, graph: str, place: Sequence[str]) -> None:
        self._spark = spark
        self._registry = registry
        self._graph = graph
        self._kinds: dict[str, str] = {}
        self._known: list[tuple[Any, Any]] = []
        self._taken: list[tuple[Any, Any]] = []
        self._waiting: list[Any] = []
        self._made: list[str] = []
        self._views: list[str] = []
        self._place = [name.casefold() for name in place]
        self._outputs: set[str] = set()

    def register_output(self, output: Any) -> None:
        """Take a dataset."""
        self._kinds[output.name] = type(output).__name__
        self._registry.register_output(output)

    def register_sql(self, text: str, file: Any) -> None:
        """Take the statements of a file."""
        self._registry.register_sql(text, file)

    def register_flow(self, flow: Any) -> None:
        """Take a flow, or have it wait for those it reads from."""
        if not self._takes(flow):
            self._waiting.append(flow)

    def finish(self) -> None:
        """Take the flows that wait.

        Raises:
            Exception: What one of them raises.
        """
        while self._waiting:
            for flow, frame in self._known:
                self._make(flow, frame)
            self._known.clear()
            waiting, self._waiting = self._waiting, []
            self._waiting = [flow for flow in waiting if not self._takes(flow)]
            if len(self._waiting) == len(waiting):
                # Spark says itself what it misses.
                self._registry.register_flow(self._waiting[0])
                raise RuntimeError(f"flow '{self._waiting[0].name}' reads what is not there.")
        self._outputs = {self._full(name) for name in self._kinds}
        for flow, frame in self._taken:
            self._registry.register_flow(dataclasses.replace(flow, func=_given(self._dependent(frame))))
        for name in self._views:
            self._spark.catalog.dropTempView(name)

    def forget(self) -> None:
        """Remove the empty tables again."""
        for name in reversed(self._made):
            self._spark.sql(f"DROP TABLE IF EXISTS {name}")

    def _takes(self, flow: Any) -> bool:
        from pyspark.errors import AnalysisException

        try:
            with self._context(flow.name):
                frame = flow.func()
        except AnalysisException as error:
            if error.getCondition() != _MISSING:
                raise
            return False
        self._known.append((flow, frame))
        self._taken.append((flow, frame))
        return True

    def _dependent(self, frame: Any) -> Any:
        """Return a frame that depends on the datasets it reads, also where the server has resolved them.

        Such a part reads the tables themselves: nothing would have the flow wait until they are written.
        """
        parts = list(_messages(frame._plan.to_proto(self._spark.client)))
        if not any(name in _EAGER for name, _ in parts):
            return frame
        read = {part.unparsed_identifier for name, part in parts if name == "named_table"}
        for name in sorted(read):
            if self._full(name) in self._outputs:
                frame = frame.where(f"NOT EXISTS (SELECT 1 FROM {name} WHERE false)")  # noqa: S608
        return frame

    def _full(self, name: str) -> str:
        parts = name.replace("`", "").casefold().split(".")
        return ".".join([*self._place[: 3 - len(parts)], *parts])

    def _context(self, name: str) -> Any:
        module = importlib.import_module("pyspark.pipelines.add_pipeline_analysis_context")
        return module.add_pipeline_analysis_context(
            spark=self._spark, dataflow_graph_id=self._graph, flow_name=name
        )

    def _make(self, flow: Any, frame: Any) -> None:
        kind = self._kinds.get(flow.target)
        if kind == "TemporaryView":
            name = flow.target.strip("`")
            frame.createOrReplaceTempView(name)
            self._views.append(name)
        elif kind in ("MaterializedView", "StreamingTable") and not self._spark.catalog.tableExists(
            flow.target
        ):
            columns = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in frame.schema.fields)
            self._spark.sql(f"CREATE TABLE {flow.target} ({columns}) USING delta")
            self._made.append(flow.target)


def _given(frame: Any) -> Callable[[], Any]:
    return lambda: frame


def _messages(message: Any) -> Iterator[tuple[str, Any]]:
    """Yield all messages within one, with the names of their fields."""
    for field, value in message.ListFields():
        if field.message_type is None or isinstance(value, Mapping):
            continue
        for each in (value,) if hasattr(value, "ListFields") else value:
            yield field.name, each
            yield from _messages(each)
