"""Lineage in DOT, the language of Graphviz."""

from skyspark.pipeline.draw.lineage import PAINTS, Lineage, Node


def dot(drawn: Lineage, name: str) -> str:
    """Return a lineage as a directed graph in DOT.

    Args:
        drawn: The lineage. Dashed arrows are streams; the tables of a stage stand in one column.
        name: The graph's name.
    """
    lines = [
        f"digraph {_quoted(name)} {{",
        "    rankdir=LR;",
        '    node [shape=box, style="rounded,filled", fontname="Helvetica"];',
    ]
    lines += [f"    {node.id} [{_attributes(node)}];" for node in drawn.nodes]
    columns: dict[int, list[str]] = {}
    for node in drawn.nodes:
        columns.setdefault(node.column, []).append(node.id)
    lines += [f"    {{ rank=same; {'; '.join(ids)}; }}" for ids in columns.values()]
    lines += [
        f"    {edge.start} -> {edge.end}{' [style=dashed]' if edge.streamed else ''};" for edge in drawn.edges
    ]
    return "\n".join([*lines, "}"]) + "\n"


def _attributes(node: Node) -> str:
    paint = PAINTS[node.style]
    colours = f'fillcolor="{paint.fill}", color="{paint.line}", fontcolor="{paint.text}"'
    shape = ", shape=cylinder, style=filled" if node.kind == "source" else ""
    if node.note == "temporary" or node.kind == "outside":
        shape = ', style="rounded,filled,dashed"'
    return f"label={_quoted(node.name)}, class={node.style}, {colours}{shape}"


def _quoted(text: str) -> str:
    # Graphviz's own sequences begin with a backslash: \N in a label would be the node's id.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'
