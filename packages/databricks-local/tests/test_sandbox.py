"""What of a task needs no process: statements of SQL, cells of notebooks, settings of Spark."""

import asyncio
import importlib.metadata
import sys
from pathlib import Path

import pytest
from databricks_local.config import Config
from databricks_local.execution.interpreter import Interpreter, ask_interpreter
from databricks_local.execution.sandbox.dbruntime.errors import TaskError
from databricks_local.execution.sandbox.dbruntime.notebook import Cell, cells
from databricks_local.execution.sandbox.dbruntime.sql import statements
from databricks_local.execution.spark_conf import spark_settings
from databricks_local.workspace import Workspace
from hypothesis import given
from hypothesis import strategies as some

PIECES = [
    "select 1",
    "select ';'",
    'select "a;b"',
    "select `x;y`",
    "select 1 -- no; end\n",
    "/* ; */ select 2",
    "select '\\';'",
]


@given(some.lists(some.sampled_from(PIECES), max_size=5), some.sampled_from([";", " ;\n", ";\n-- done\n;"]))
def test_statements_end_at_semicolons_outside_of_texts_and_comments(pieces: list[str], end: str) -> None:
    found = list(statements(end.join(pieces)))
    assert [piece.split("\n-- done")[-1].strip() for piece in found] == [piece.strip() for piece in pieces]


@pytest.mark.parametrize("text", ["", " ;; \n", "-- only a comment", "/* ; */;"])
def test_what_holds_no_statement_gives_none(text: str) -> None:
    assert list(statements(text)) == []


def test_a_compound_statement_stays_whole() -> None:
    text = "-- sums\nBEGIN DECLARE x INT; SET x = 1; SELECT x; END;"
    assert list(statements(text)) == [text]


def test_cells_know_their_lines_and_languages() -> None:
    source = "\n".join(
        [
            "# Databricks notebook source",
            "# MAGIC %md text",
            "",
            "# COMMAND ----------",
            "",
            "# DBTITLE 1,Load",
            "x = 1",
            "",
            "# COMMAND ----------",
            "",
            "# MAGIC %sql",
            "# MAGIC select 1;",
            "# MAGIC",
            "# MAGIC select 2",
        ]
    )
    assert cells(source) == [
        Cell("%md", "", 1),
        Cell("%python", "\n# DBTITLE 1,Load\nx = 1\n", 4),
        Cell("%sql", "\nselect 1;\n\nselect 2", 10),
    ]


def test_cells_of_a_sql_notebook_are_sql() -> None:
    source = "-- Databricks notebook source\nselect 1\n"
    source += "\n-- COMMAND ----------\n\n-- MAGIC %python\n-- MAGIC x = 1\n"
    assert [(cell.magic, cell.text.strip()) for cell in cells(source)] == [
        ("%sql", "select 1"),
        ("%python", "x = 1"),
    ]


@pytest.mark.parametrize("source", ["", "print(1)", "# MAGIC %md\n"])
def test_a_file_that_is_no_notebook_is_refused(source: str) -> None:
    with pytest.raises(TaskError, match="no notebook in source form"):
        cells(source)


def settings(tmp_path: Path, spark: str, *jars: str, **installed: str) -> dict[str, str]:
    paths = tuple(tmp_path / jar for jar in jars)
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    python = Interpreter(Path("python"), (3, 12, 3), {"pyspark": spark, **installed}, None, None)
    own = {"spark.master": "yarn", "spark.sql.shuffle.partitions": "7"}

    async def of_a_workspace() -> dict[str, str]:
        workspace = Workspace(Config(root=tmp_path / "root", token="t", jars=paths))
        await workspace.launcher.start()
        try:
            return spark_settings(workspace, python, own, tmp_path / "scratch")
        finally:
            await workspace.stop()

    return asyncio.run(of_a_workspace())


def test_jars_are_those_of_the_interpreters_spark(tmp_path: Path) -> None:
    jars = ["a/delta-spark_4.0_2.13-4.4.0.jar", "b/delta-spark_4.1_2.13-4.4.0.jar"]
    jars += ["a/delta-storage-4.4.0.jar", "b/delta-storage-4.4.0.jar"]
    chosen = settings(tmp_path, "4.1.4", *jars)["spark.driver.extraClassPath"].split(":")
    assert [Path(each).name for each in chosen] == [
        "delta-spark_4.1_2.13-4.4.0.jar",
        "delta-storage-4.4.0.jar",
    ]


@pytest.mark.parametrize(
    ("delta", "package"),
    [("4.0.0", "io.delta:delta-spark_2.13:4.0.0"), ("4.4.0", "io.delta:delta-spark_4.0_2.13:4.4.0")],
)
def test_without_jars_spark_fetches_what_fits(tmp_path: Path, delta: str, package: str) -> None:
    found = settings(tmp_path, "4.0.5", **{"delta-spark": delta})
    assert found["spark.jars.packages"] == package
    assert "spark.driver.extraClassPath" not in found


def test_what_an_interpreter_has_is_known_by_normalized_names() -> None:
    found = asyncio.run(ask_interpreter(Path(sys.executable))).installed
    # Its own metadata spells it with an underscore.
    assert found["delta-spark"] == importlib.metadata.version("delta-spark")


def test_a_clusters_own_settings_win_but_for_where_it_runs(tmp_path: Path) -> None:
    found = settings(tmp_path, "4.0.5")
    assert found["spark.sql.shuffle.partitions"] == "7"
    assert "spark.master" not in found
