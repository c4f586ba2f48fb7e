"""Lineage as one HTML page that needs nothing but itself."""

import base64
import hashlib
import json
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from skyspark import __version__
from skyspark.pipeline.draw.layout import HEIGHT, Box, Column, Layout, lay_out
from skyspark.pipeline.draw.lineage import Lineage, Node, lineage
from skyspark.pipeline.listing import TableListing, list_plan
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.plan import Plan

_MARGIN = 48
_HEADING = 40
_BAND = 20


def page(plan: Plan) -> str:
    """Return the lineage of a plan as a page to look at: pan, zoom, search, and details on a click.

    Args:
        plan: The plan.

    Returns:
        HTML without a single address: styles, script and drawing are inside. Its policy lets no other script
        run, whatever a name or a description holds.

    Raises:
        TableNameError: A table's name holds a character no name may hold.
    """
    drawn = lineage(plan)
    layout = lay_out(drawn)
    tables = {table["name"]: table for table in list_plan(plan)["tables"]}
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(_asset("page.html")).substitute(
        version=__version__,
        title=escape(plan.pipeline.name),
        summary=escape(_summary(plan)),
        style=_asset("page.css"),
        legend=_legend(drawn),
        view_box=_view_box(layout),
        columns="\n".join(_column(column, layout, drawn) for column in layout.columns),
        edges="\n".join(map(_edge, drawn.edges, layout.paths)),
        nodes="\n".join(_node(node, layout.boxes[node.id], tables.get(node.name)) for node in drawn.nodes),
        data=_data(drawn, layout, tables),
        script=script,
        script_hash=f"sha256-{digest}",
    )


def _asset(name: str) -> str:
    return (files("skyspark.pipeline.draw") / name).read_text(encoding="utf-8")


def _summary(plan: Plan) -> str:
    pipeline: Pipeline = plan.pipeline
    tables, stages = len(plan.tables), len(plan.stages)
    rules = sum(len(table.expectations) for table in plan.tables)
    counts = ((tables, "table"), (stages, "stage"), (rules, "expectation"))
    counted = ", ".join(f"{count:,} {noun}{'s' * (count != 1)}" for count, noun in counts)
    left = len(pipeline.tables) - tables
    out = f" ({left:,} not selected)" if left else ""
    about = f"{pipeline.description.strip()} · " if pipeline.description else ""
    return f"{about}{counted}{out}"


def _legend(drawn: Lineage) -> str:
    used = dict.fromkeys(node.style for node in drawn.nodes)
    names = {"plain": "no layer", "outside": "not selected"}
    return "".join(
        f'<button type="button" class="{style}" aria-pressed="false">{names.get(style, style)}</button>'
        for style in ("source", "bronze", "silver", "gold", "plain", "outside")
        if style in used
    )


def _view_box(layout: Layout) -> str:
    top = _MARGIN + _HEADING
    return f"{-_MARGIN} {-top} {layout.width + 2 * _MARGIN:.0f} {layout.height + top + _MARGIN:.0f}"


def _column(column: Column, layout: Layout, drawn: Lineage) -> str:
    count = sum(node.column == column.number for node in drawn.nodes)
    title = f"STAGE {column.number}" if column.number else "INPUTS"
    return (
        f'<rect x="{column.x - _BAND:.1f}" y="{-_BAND}" width="{column.width + 2 * _BAND:.1f}" '
        f'height="{layout.height + 2 * _BAND:.1f}" rx="16"/>'
        f'<text x="{column.x:.1f}" y="{-_BAND - 10}">{title} · {count}</text>'
    )


def _edge(edge: Any, path: str) -> str:
    return f'<path class="edge{" streamed" if edge.streamed else ""}" d="{path}"/>'


def _node(node: Node, box: Box, table: TableListing | None) -> str:
    classes = ["node", node.style]
    note, rules = node.note, ""
    if table is not None and node.kind == "table":
        written = "" if table["write_mode"] is None else table["write_mode"].replace("_", " ")
        how = "view" if table["temporary"] else written
        if table["mode"] == "streaming":
            how = f"streaming {how}"
        note = f"{table['layer']} · {how}" if table["layer"] else how
        if table["expectations"]:
            rules = (
                f'<text class="rules" x="{box.width - 12:.1f}" y="40">✓ {len(table["expectations"])}</text>'
            )
        if table["why"] == "upstream":
            classes.append("upstream")
    if node.note == "temporary" or node.kind == "outside":
        classes.append("loose")
    label = escape(f"{node.name}, {note}")
    return (
        f'<g class="{" ".join(classes)}" id="{node.id}" transform="translate({box.x:.1f} {box.y:.1f})" '
        f'role="button" tabindex="-1" aria-pressed="false" aria-label="{label}">'
        f"<title>{escape(node.name)}</title>"
        f'<rect class="card" width="{box.width:.1f}" height="{HEIGHT}" rx="10"/>'
        f'<path class="stripe" d="M10 0A10 10 0 0 0 0 10V{HEIGHT - 10}A10 10 0 0 0 10 {HEIGHT}H6V0z"/>'
        f'<text class="name" x="18" y="23">{escape(box.label)}</text>'
        f'<text class="note" x="18" y="40">{escape(note)}</text>{rules}</g>'
    )


def _data(drawn: Lineage, layout: Layout, tables: dict[str, TableListing]) -> str:
    nodes = []
    for node in drawn.nodes:
        box = layout.boxes[node.id]
        described: dict[str, Any] = {
            "id": node.id,
            "name": node.name,
            "kind": node.kind,
            "style": node.style,
            "note": node.note,
            "x": round(box.x, 1),
            "y": round(box.y, 1),
            "width": round(box.width, 1),
            "height": HEIGHT,
            "table": tables[node.name] if node.kind == "table" else None,
        }
        nodes.append(described)
    data = {"nodes": nodes, "edges": [[edge.start, edge.end] for edge in drawn.edges]}
    text = json.dumps(data, separators=(",", ":"))
    # Inside a script element "</script>" and "<!--" would end or comment it, whatever the quotes.
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
