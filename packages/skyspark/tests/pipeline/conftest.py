"""Fixtures of the tests that run pipelines."""

import os
import sys
from datetime import UTC, datetime, timedelta
from types import ModuleType

import pytest
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.run.results import RunResults, TableResult


@pytest.fixture(autouse=True)
def own_imports(monkeypatch):
    """Nothing that a test imports from its own folders, or puts where Python looks, outlives it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.partition(".")[0] in ("transformations", "made", "common", "packed", "etl"):
            del sys.modules[name]


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


BEGUN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _at(milliseconds):
    return None if milliseconds is None else BEGUN + timedelta(milliseconds=milliseconds)


@pytest.fixture(scope="session")
def table_result():
    """Make the result of a table by hand: its begin and end in milliseconds of the run, and what it reads."""

    def make(name, start=None, end=None, *depends_on, **fields):
        status = fields.pop("status", "waiting" if start is None else "succeeded")
        times = {"started_at": _at(start), "finished_at": _at(end)}
        return TableResult(name=name, depends_on=list(depends_on), status=status, **times, **fields)

    return make


@pytest.fixture(scope="session")
def run_results():
    """Make the results of a run by hand; its end in milliseconds."""

    def make(*tables, end=None, status="succeeded", **fields):
        times = {"started_at": BEGUN, "finished_at": _at(end)}
        return RunResults(
            **({"pipeline": "p", "env": "dev", "number": 1} | fields), status=status, **times, tables=tables
        )

    return make
