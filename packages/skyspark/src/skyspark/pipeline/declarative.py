"""A pipeline as datasets of a declarative engine: what each table becomes, and what has no equal there.

A declarative engine keeps no state of batch tables: a materialized view always is the result of its query. So
a batch table is one only if it is overwritten as a whole; what grows or is merged has to be streaming.
"""

from collections.abc import Iterable
from typing import Literal

from skyspark.identifiers import TableName, text
from skyspark.pipeline.expectations import RowRule, TableRule
from skyspark.pipeline.model import Mode, Pipeline, Table
from skyspark.pipeline.modes import streamed_inputs

Dialect = Literal["databricks", "spark"]
Kind = Literal["materialized view", "streaming table", "temporary view"]


def dataset_kind(pipeline: Pipeline, table: Table, default: Mode) -> Kind:
    """Return what a table becomes.

    A table that reads nothing as a stream is a materialized view, whatever its mode: no engine takes a
    streaming table without a stream.

    Args:
        pipeline: The pipeline.
        table: One of its tables.
        default: The mode of tables that declare none.
    """
    if table.temporary:
        return "temporary view"
    return "streaming table" if streamed_inputs(pipeline, table, default) else "materialized view"


def dataset_name(pipeline: Pipeline, table: Table) -> str:
    """Return the name of a table's dataset, quoted where needed.

    A temporary view has a name of one part. So has a table for which the file names no schema: it goes where
    the engine's own settings say.

    Raises:
        TableNameError: A part holds a character no name may hold.
    """
    if table.temporary:
        return str(TableName.of(table.name))
    if pipeline.catalog or table.target.catalog or table.target.schema_name:
        return pipeline.table_name(table)
    if "schema_name" in pipeline.model_fields_set:
        return pipeline.table_name(table)
    return str(TableName.of(table.target.table or table.name))


def declarative_problems(
    pipeline: Pipeline, tables: Iterable[Table], dialect: Dialect, default: Mode
) -> list[str]:
    """Return why tables cannot be datasets of a declarative engine, one sentence each.

    Args:
        pipeline: The pipeline.
        tables: Those of its tables that are asked for.
        dialect: ``databricks`` for Lakeflow, ``spark`` for open-source Spark.
        default: The mode of tables that declare none.
    """
    found = []
    names: dict[str, str] = {}
    for table in tables:
        name = dataset_name(pipeline, table).casefold()
        if name in names:
            found.append(f"tables '{names[name]}' and '{table.name}' are both {name}: give one another name.")
        names.setdefault(name, table.name)
        found += [f"table '{table.name}': {why}" for why in _problems(pipeline, table, dialect, default)]
    return found


def _problems(pipeline: Pipeline, table: Table, dialect: Dialect, default: Mode) -> Iterable[str]:
    if table.mode_in(default) == "batch":
        yield from _batch_problems(table)
    else:
        yield from _streaming_problems(table, dialect)
    if streamed_inputs(pipeline, table, default):
        for rule in table.expectations:
            if isinstance(rule, TableRule) and rule.action == "fail":
                yield (
                    f"the expectation '{rule.name}' is about all rows and a stream never has them all: "
                    "put it on a batch table that reads this one, or set its action to warn."
                )


def _batch_problems(table: Table) -> Iterable[str]:
    mode = table.write_mode("batch")
    if table.incremental is not None:
        yield (
            "incremental has no declarative equal in batch: leave it out, or set mode: streaming, which "
            "reads only what is new."
        )
    elif mode != "overwrite" and not table.temporary:
        yield (
            f"target mode {mode} has no declarative equal in batch, where a table always is the whole result "
            "of its query: set mode: streaming, or target mode overwrite."
        )
    if table.target.replace_where is not None:
        yield (
            "replace_where has no declarative equal, where a table always is the whole result of its query: "
            "leave it out, or run the pipeline with 'skyspark run'."
        )


def _streaming_problems(table: Table, dialect: Dialect) -> Iterable[str]:
    mode = table.write_mode("streaming")
    if table.temporary or mode == "append":
        return
    if mode != "merge":
        yield f"a streaming table cannot have target mode {mode}: set append or merge, or mode: batch."
        return
    if table.target.sequence_by is None:
        yield "AUTO CDC, which merges streams, needs to know the order of changes: set target.sequence_by."
    if dialect == "spark":
        yield (
            "open-source Spark cannot merge streams into Delta tables (AUTO CDC asks of a table what Delta "
            "does not offer it): run it on Databricks, or with 'skyspark run'."
        )


def row_guard(table: str, rules: Iterable[RowRule]) -> str | None:
    """Return the condition that stands in for expectations on an engine that has none, or nothing.

    It is true for rows to keep, not true for rows to drop, and raises an error for a row that breaks a rule
    whose action is ``fail``. It is one CASE, so that the optimizer cannot take it apart and drop a row before
    it is asked whether it fails.

    Args:
        table: The table's name, for messages.
        rules: Its rules on rows; those that only warn are left out.
    """
    rules = list(rules)
    fails = [
        f"WHEN ({rule.condition}\n) IS NOT TRUE THEN {_raised(table, rule.name)}"
        for rule in rules
        if rule.action == "fail"
    ]
    drops = " AND ".join(f"({rule.condition}\n)" for rule in rules if rule.action == "drop")
    if not fails:
        return drops or None
    return f"CASE {' '.join(fails)} ELSE {drops or 'true'} END"


def _raised(table: str, rule: str) -> str:
    message = f"table {table}: a row breaks the expectation '{rule}', whose action is fail."
    return f"raise_error({text(message)})"
