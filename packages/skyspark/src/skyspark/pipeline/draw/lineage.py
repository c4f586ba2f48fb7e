"""What is drawn of a plan: its tables, where their data comes from, and who reads whom."""

from dataclasses import dataclass
from typing import Literal

from skyspark.pipeline.model import Source
from skyspark.pipeline.modes import all_streamed_inputs
from skyspark.pipeline.plan import Plan
from skyspark.pipeline.transformations import SOURCE

Kind = Literal["source", "outside", "table"]


@dataclass(frozen=True)
class Paint:
    """The colours of a box, on a light ground.

    Attributes:
        fill: Inside.
        line: Around.
        text: Of the name.
    """

    fill: str
    line: str
    text: str


PAINTS = {
    "bronze": Paint("#f6e3d3", "#a8622e", "#3d2411"),
    "silver": Paint("#e8ecf2", "#6b7a90", "#1f2937"),
    "gold": Paint("#fbeec0", "#b58900", "#3d2f00"),
    "plain": Paint("#e6e8fb", "#5561c9", "#1e2252"),
    "source": Paint("#dcf1ea", "#2f7d65", "#0f3a2d"),
    "outside": Paint("#ffffff", "#9ca3af", "#4b5563"),
}


@dataclass(frozen=True)
class Node:
    """One box of the drawing.

    Attributes:
        id: Letters and digits only, so that no name needs escaping where an identifier is wanted.
        name: What stands in the box: a table's name in the pipeline, or a source's path or table.
        kind: ``source`` is data from outside the pipeline, ``outside`` a table that the plan leaves out.
        style: The layer; ``plain`` for a table without one; the kind for the others. A key of ``PAINTS``.
        column: The table's stage, from 1; 0 for what is there before.
        note: The format of a source; whether a table is ``streaming`` or ``temporary``; or nothing.
    """

    id: str
    name: str
    kind: Kind
    style: str
    column: int
    note: str = ""


@dataclass(frozen=True)
class Edge:
    """One arrow, in the direction in which data flows.

    Attributes:
        start: The id of what is read.
        end: The id of the table that reads it.
        streamed: Whether it is read as a stream.
    """

    start: str
    end: str
    streamed: bool


@dataclass(frozen=True)
class Lineage:
    """A drawing without positions.

    Attributes:
        nodes: Sources and tables left out first, then the tables in the order of the stages.
        edges: The arrows.
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def lineage(plan: Plan) -> Lineage:
    """Return what is to be drawn of a plan.

    Args:
        plan: The plan.
    """
    pipeline = plan.pipeline
    streams = all_streamed_inputs(pipeline, pipeline.mode)
    before: dict[str | tuple[str, str], Node] = {}
    nodes: dict[str, Node] = {}
    for column, stage in enumerate(plan.stages, 1):
        for name in stage:
            table = pipeline.by_name[name]
            mode = table.mode_in(pipeline.mode)
            note = "temporary" if table.temporary else "streaming" if mode == "streaming" else ""
            nodes[name] = Node(f"t{len(nodes) + 1}", name, "table", table.layer or "plain", column, note)
    edges = []
    for table in plan.tables:
        end = nodes[table.name].id
        if table.source is not None:
            key = _place(table.source)
            if key not in before:
                before[key] = Node(f"s{len(before) + 1}", key[1], "source", "source", 0, key[0])
            edges.append(Edge(before[key].id, end, SOURCE in streams[table.name]))
        for name in dict.fromkeys(table.depends_on):
            if name not in nodes and name not in before:
                before[name] = Node(f"s{len(before) + 1}", name, "outside", "outside", 0, "not selected")
            start = nodes[name] if name in nodes else before[name]
            edges.append(Edge(start.id, end, name in streams[table.name]))
    return Lineage((*before.values(), *nodes.values()), tuple(edges))


def _place(source: Source) -> tuple[str, str]:
    """Return the kind and the place of a source: tables that read the same one share its box."""
    if source.table is not None:
        return "table", source.table
    return source.format, source.path or ""
