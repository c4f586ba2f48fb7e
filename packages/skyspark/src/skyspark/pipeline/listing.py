"""A plan as plain data: what ``skyspark plan --json`` prints and what the lineage page shows."""

import re
from collections.abc import Mapping
from typing import Any, TypedDict

from skyspark.pipeline.expectations import Expectation, RowRule
from skyspark.pipeline.model import Source, Table
from skyspark.pipeline.modes import all_streamed_inputs
from skyspark.pipeline.plan import Plan
from skyspark.pipeline.transformations import PythonFunction, SqlQuery, Transformation

# Spark's default of spark.redaction.regex: settings whose values its own pages do not show.
_SECRET = re.compile(r"secret|password|token|access[.]?key", re.IGNORECASE)
_HIDDEN = "*********(redacted)"


class TableListing(TypedDict):
    """One table of a plan.

    Attributes:
        name: Its name in the pipeline.
        why: ``selected``, or ``upstream`` where it is there only because others read it.
        stage: The first stage is 1.
        layer: ``bronze``, ``silver``, ``gold`` or ``None``.
        tags: What it can be selected by.
        description: The table's comment, or ``None``.
        mode: ``batch`` or ``streaming``.
        temporary: Whether it is a view that is not written.
        reads: The tables of the pipeline that it reads, selected or not.
        streams: Which of ``reads``, and of its own source as ``source``, it reads as streams.
        table: Its full name in the catalog; ``None`` for a temporary one.
        write_mode: ``append``, ``overwrite``, ``overwrite_partitions`` or ``merge``; ``None`` for a temporary
            one.
        quarantine: The full name of the table with the dropped rows, or ``None``.
        target: What else the file says about the target, under the file's keys.
        source: The data from outside, under the file's keys, or ``None``; secrets are redacted.
        transformation: ``None`` where the only input is passed on, else ``type`` with ``file`` and ``query``
            (``sql``), ``function`` and ``params`` (``python``) or the file's keys and ``query`` (the others).
        expectations: Their keys in the file, all with ``name``, ``type`` and ``action``; rules about rows
            have their ``condition`` in SQL, too.
    """

    name: str
    why: str
    stage: int
    layer: str | None
    tags: list[str]
    description: str | None
    mode: str
    temporary: bool
    reads: list[str]
    streams: list[str]
    table: str | None
    write_mode: str | None
    quarantine: str | None
    target: dict[str, Any]
    source: dict[str, Any] | None
    transformation: dict[str, Any] | None
    expectations: list[dict[str, Any]]


class PlanListing(TypedDict):
    """A plan.

    Attributes:
        pipeline: ``name``, ``description``, ``catalog``, ``schema`` and ``tables``, how many it has in all.
        stages: Names of tables; those of one stage do not read each other.
        tables: The tables, in the order of the stages.
    """

    pipeline: dict[str, Any]
    stages: list[list[str]]
    tables: list[TableListing]


def list_plan(plan: Plan) -> PlanListing:
    """Return a plan as plain data, ready for JSON.

    Args:
        plan: The plan.

    Raises:
        TableNameError: A table's name holds a character no name may hold.
    """
    pipeline = plan.pipeline
    streams = all_streamed_inputs(pipeline, pipeline.mode)
    return {
        "pipeline": {
            "name": pipeline.name,
            "description": pipeline.description,
            "catalog": pipeline.catalog,
            "schema": pipeline.schema_name,
            "tables": len(pipeline.tables),
        },
        "stages": [list(stage) for stage in plan.stages],
        "tables": [
            _table(plan, pipeline.by_name[name], number, streams[name])
            for number, stage in enumerate(plan.stages, 1)
            for name in stage
        ],
    }


def _table(plan: Plan, table: Table, stage: int, streams: frozenset[str]) -> TableListing:
    mode = table.mode_in(plan.pipeline.mode)
    stored = not table.temporary
    return {
        "name": table.name,
        "why": "upstream" if table.name in plan.upstream else "selected",
        "stage": stage,
        "layer": table.layer,
        "tags": list(table.tags),
        "description": table.description,
        "mode": mode,
        "temporary": table.temporary,
        "reads": list(table.depends_on),
        "streams": [name for name in table.inputs if name in streams],
        "table": plan.pipeline.table_name(table) if stored else None,
        "write_mode": table.write_mode(mode) if stored else None,
        "quarantine": plan.pipeline.quarantine_name(table) if stored else None,
        "target": table.target.model_dump(
            mode="json", by_alias=True, exclude_defaults=True, exclude={"mode", "quarantine"}
        ),
        "source": _source(table.source) if table.source is not None else None,
        "transformation": _transformation(table.transformation) if table.transformation is not None else None,
        "expectations": list(map(_expectation, table.expectations)),
    }


def _source(source: Source) -> dict[str, Any]:
    listed = source.model_dump(mode="json", by_alias=True, exclude_none=True)
    return listed | {"options": _without_secrets(source.options)}


def _transformation(made: Transformation) -> dict[str, Any]:
    listed = made.model_dump(mode="json", exclude_none=True)
    if isinstance(made, PythonFunction):
        return listed | {"params": _without_secrets(listed["params"])}
    return listed if isinstance(made, SqlQuery) else listed | {"query": made.as_sql()}


def _expectation(rule: Expectation) -> dict[str, Any]:
    listed = rule.model_dump(mode="json", exclude_none=True)
    return listed | ({"condition": rule.condition} if isinstance(rule, RowRule) else {})


def _without_secrets(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _HIDDEN if _SECRET.search(name) else value for name, value in values.items()}
