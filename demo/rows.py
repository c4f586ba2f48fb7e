"""Step 17: the rows of the gold tables, read back from Delta by Spark on the workspace."""

import io
import json
from collections.abc import Iterator
from typing import Any

from artifact import SCHEMA
from databricks.sdk.errors import OperationFailed
from databricks.sdk.errors.base import DatabricksError
from databricks.sdk.service import compute, jobs, workspace
from databricks_local.process import LocalWorkspace
from project import TABLE
from rich import box
from rich.console import Console
from rich.table import Table
from walk import DemoError, Project, Walk

ORDERS = {"gold_popular_tags": "-questions, tag", TABLE: "user_id"}
"""The tables that are read, and the order of their rows."""
_PATH = "/Shared/read_back.py"
_MARK = "rows-of-the-demo:"
_SHOWN, _WIDTH = 10, 110
_PROGRAM = """\
import json
import sys

from pyspark.sql import SparkSession, functions

spark = SparkSession.builder.getOrCreate()
mark, *words = sys.argv[1:]
for name, order in zip(words[::2], words[1::2]):
    details = spark.sql("DESCRIBE DETAIL " + name).first()
    by = [functions.expr(column) for column in order.split(", ")]
    rows = [row.asDict() for row in spark.table(name).orderBy(*by).collect()]
    found = {"table": name, "format": details["format"], "location": details["location"], "rows": rows}
    print(mark + json.dumps(found, default=str))
"""

Row = dict[str, Any]


def read_back(walk: Walk, project: Project, local: LocalWorkspace) -> dict[str, list[Row]]:
    """Step 17: read the gold tables, print them and return their rows.

    Args:
        walk: The walk.
        project: The project whose tables they are.
        local: The workspace that has them.

    Returns:
        The rows of each table by its name, without catalog and schema; times and dates as text.

    Raises:
        DemoError: A table is not there, has no rows, or is not one of Delta.
    """
    with walk.step(17, "Rows in Delta") as step:
        step.progress = "Spark starts once more, to read them"
        found: dict[str, list[Row]] = {}
        try:
            read = list(_read(local, f"{project.answers['catalog']}.{SCHEMA}"))
        except DatabricksError as error:
            raise DemoError(f"databricks-local: {error} Its log is {local.log}.") from None
        for each in read:
            name, rows = each["table"], each["rows"]
            if each["format"] != "delta" or not rows:
                raise DemoError(
                    f"{name} is a table of {each['format']} with {len(rows)} rows: it was not fed."
                )
            found[name.rpartition(".")[2]] = rows
            step.say(f"{name}, {len(rows)} rows:")
            step.say(drawn(rows[:_SHOWN]))
            step.see("its files", each["location"].removeprefix("file:"))
        return found


def drawn(rows: list[Row]) -> str:
    """Draw rows that have the same columns as a table of text."""
    table = Table(box=box.ASCII)
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    console = Console(file=io.StringIO(), width=_WIDTH, color_system=None, markup=False)
    with console.capture() as captured:
        console.print(table)
    return captured.get().rstrip()


def _read(local: LocalWorkspace, schema: str) -> Iterator[dict[str, Any]]:
    """Have the workspace read the tables of a schema, and yield each with its format, location and rows."""
    client = local.client()
    raw = workspace.ImportFormat.RAW
    client.workspace.upload(_PATH, _PROGRAM.encode(), format=raw, overwrite=True)
    arguments = [word for name, order in ORDERS.items() for word in (f"{schema}.{name}", order)]
    task = jobs.SubmitTask(
        "read_back",
        spark_python_task=jobs.SparkPythonTask(f"/Workspace{_PATH}", parameters=[_MARK, *arguments]),
        environment_key="spark",
    )
    environment = jobs.JobEnvironment("spark", compute.Environment(environment_version="4"))
    submitted = client.jobs.submit(run_name="read_back", tasks=[task], environments=[environment])
    try:
        run = submitted.result()
    except OperationFailed:
        run = client.jobs.get_run(submitted.run_id)
    (read,) = run.tasks or []
    output = client.jobs.get_run_output(read.run_id or 0)
    if output.error:
        raise DemoError(f"The tables cannot be read: {output.error} See {read.run_page_url}")
    said = [line for line in (output.logs or "").splitlines() if line.startswith(_MARK)]
    if len(said) != len(ORDERS):
        raise DemoError(f"The workspace says nothing of the rows that it read: see {read.run_page_url}")
    yield from (json.loads(line.removeprefix(_MARK)) for line in said)
