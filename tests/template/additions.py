"""One of each thing that the template adds, and what adds it to a render."""

from collections.abc import Sequence
from pathlib import Path

from template.projects import ROOT, answers

from mshell_cut import additions, file_changes, questions
from mshell_cut.additions import Request
from mshell_cut.render import Renderer
from mshell_cut.source import Source

ADDED = [
    Request("table", "bronze_orders", tags=["daily", "report"]),
    Request("table", "silver_orders", depends_on=["bronze_orders", "silver_users"]),
    Request("table", "gold_orders", depends_on=["silver_orders", "silver_posts"], tags=["report"]),
    Request("table", "customers", layer="silver", depends_on=["silver_users"]),
    Request("app", "report", tags=["report"]),
    Request("app", "everything"),
    Request("app", "row_counts", depends_on=["silver_users", "bronze_orders"]),
    Request("dag", "report"),
    Request("dag", "nightly", depends_on=["medallion", "report"], schedule="0 3 * * MON"),
    Request("schema", "invoices"),
]
TABLES = [request.name for request in ADDED if request.kind == "table"]


def add_all(project: Path, kind: str, requests: Sequence[Request] = ADDED, **given: str) -> None:
    """Add things to a render, one after the other, with the template as it lies in this repository."""
    renderer = Renderer(questions.load(ROOT), Source(ROOT))
    for request in requests:
        found = additions.plan(project, renderer, answers(type_of_task=kind, **given), request)
        file_changes.write(project, found.created, found.changed)
