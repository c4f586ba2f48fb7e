"""Lineage in Mermaid, which GitHub, GitLab and many editors draw inside Markdown."""

import re

from skyspark.pipeline.draw.lineage import PAINTS, Lineage, Node

# Mermaid reads #NUMBER; as a character (its documentation, "Entity codes to escape characters"). All but
# these signs mean something somewhere: a quote ends a label, a backtick begins Markdown, < begins HTML, and
# after "style:" Mermaid drops a semicolon.
_SPECIAL = re.compile(r"[^\w ./*(),=-]")


def mermaid(drawn: Lineage) -> str:
    """Return a lineage as a Mermaid flowchart.

    Args:
        drawn: The lineage. Dashed arrows are streams, round boxes are temporary tables.
    """
    lines = ["flowchart LR"]
    lines += [f"    {node.id}{_box(node)}:::{node.style}" for node in drawn.nodes]
    lines += [f"    {edge.start} {'-.->' if edge.streamed else '-->'} {edge.end}" for edge in drawn.edges]
    used = {node.style for node in drawn.nodes}
    lines += [
        f"    classDef {name} fill:{paint.fill},stroke:{paint.line},color:{paint.text}"
        for name, paint in PAINTS.items()
        if name in used
    ]
    return "\n".join(lines) + "\n"


def _box(node: Node) -> str:
    name = _escaped(node.name)
    if node.kind == "source":
        return f'[("{name}<br>{_escaped(node.note)}")]'
    return f'(["{name}"])' if node.note == "temporary" else f'["{name}"]'


def _escaped(label: str) -> str:
    return _SPECIAL.sub(lambda sign: f"#{ord(sign[0])};", label)
