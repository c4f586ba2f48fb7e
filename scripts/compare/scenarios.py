"""All rows, in the order of the page, and the tools of each table."""

from compare import cutting, pipelines, speed, stated, upgrading
from compare.findings import ROWS as ROWS
from compare.findings import Row
from compare.libraries import PIPELINES
from compare.tools import CUTTING, Tool

# Each registers its rows when it is imported.
TABLES = {
    cutting.TABLE: "Cutting a project",
    upgrading.TABLE: "Upgrading a project",
    speed.TABLE: "Time and size",
    stated.TABLE: "What the tools are",
    pipelines.TABLE: "Pipelines from metadata",
}
TOOLS: dict[str, Tool] = {tool.name: tool for tool in (*CUTTING, *PIPELINES)}


def tools_of(row: Row) -> list[str]:
    """Return the tools that a row compares."""
    kind = PIPELINES if row.table == pipelines.TABLE else CUTTING
    return [tool.name for tool in kind]
