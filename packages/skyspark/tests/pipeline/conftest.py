"""Fixtures of the tests that run pipelines."""

import sys
from types import ModuleType

import pytest
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.plan import Selection, make_plan


@pytest.fixture
def functions(monkeypatch):
    """A module of the test's own: what is set on it are transformations for ``function: made.name``."""
    module = ModuleType("made")
    monkeypatch.setitem(sys.modules, "made", module)
    return module


@pytest.fixture
def pipeline_of(warehouse, tmp_path):
    """Make a pipeline of tables given as mappings, in a schema and with storage of the test's own."""

    def build(*tables, **fields):
        given = {"name": "p", "schema": warehouse, "storage": str(tmp_path / "state")} | fields
        return Pipeline(**given, tables=tuple(Table(**table) for table in tables))

    return build


@pytest.fixture
def run_tables(spark, pipeline_of):
    """Run tables given as mappings; returns their results by name, once the run has the status expected."""
    from skyspark.pipeline.run.engine import run_plan
    from skyspark.pipeline.run.options import RunOptions

    def run(*tables, status="succeeded", observer=None, **options):
        pipeline = pipeline_of(*tables)
        results = run_plan(make_plan(pipeline, Selection()), spark, RunOptions(**options), observer)
        assert results.status == status, [(t.name, t.status, t.message) for t in results.tables]
        return {table.name: table for table in results.tables}

    return run


@pytest.fixture
def rows(spark):
    """Return the rows of a table of the current schema as sorted tuples."""

    def read(table, *columns):
        frame = spark.table(table)
        return sorted(map(tuple, (frame.select(*columns) if columns else frame).collect()), key=str)

    return read
