"""A pipeline as datasets of a declarative engine: what each table becomes, and what has no equal there.

A declarative engine keeps no state of batch tables: a materialized view always is the result of its query. So
a batch table is one only if it is overwritten as a whole; what grows or is merged has to be streaming.
"""

from collections.abc import Iterable
from typing import Literal

from skyspark.identifiers import TableName, text
from skyspark.pipeline.expectations import RowRule, TableRule
from skyspark.pipeline.model import Mode, Pipeline, Table
from skyspark.pipeline.modes import all_streamed_inputs

Dialect = Literal["databricks", "spark"]


def dataset_name(pipeline: Pipeline, table: Table) -> str:
    """Return the name of a table's dataset, quoted where needed.

    A temporary view has a name of one part. So has a table for which the file names no schema: it goes where
    the engine's own settings say.

    Raises:
        TableNameError: A part holds a character no name may hold.
    """
    if table.temporary:
        return str(TableName.of(table.name))
    if any((pipeline.catalog, table.target.catalog, table.target.schema_name)):
        return pipeline.table_name(table)
    if "schema_name" in pipeline.model_fields_set:
        return pipeline.table_name(table)
    return str(TableName.of(table.target.table or table.name))


def declarative_problems(
    pipeline: Pipeline, tables: Iterable[Table], dialect: Dialect, default: Mode, *, dry: bool = False
) -> list[str]:
    """Return why tables cannot be datasets of a declarative engine, one sentence each.

    Args:
        pipeline: The pipeline.
        tables: Those of its tables that are asked for.
        dialect: ``databricks`` for Lakeflow, ``spark`` for open-source Spark.
        default: The mode of tables that declare none.
        dry: Whether they are defined in Python and only looked at: open-source Spark can then merge.
    """
    found = []
    names: dict[str, str] = {}
    streams = all_streamed_inputs(pipeline, default)
    for table in tables:
        name = dataset_name(pipeline, table).casefold()
        if name in names:
            found.append(f"tables '{names[name]}' and '{table.name}' are both {name}: give one another name.")
        names.setdefault(name, table.name)
        if table.mode_in(default) == "batch":
            problems = [*_batch_problems(table)]
        else:
            problems = [*_streaming_problems(table, dialect, dry=dry)]
        if streams[table.name]:
            problems += _endless_problems(table)
        found += [f"table '{table.name}': {problem}" for problem in problems]
    return found


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


def _streaming_problems(table: Table, dialect: Dialect, *, dry: bool) -> Iterable[str]:
    mode = table.write_mode("streaming")
    if table.temporary or mode == "append":
        return
    if mode != "merge":
        yield f"a streaming table cannot have target mode {mode}: set append or merge, or mode: batch."
        return
    if table.target.sequence_by is None:
        yield "AUTO CDC, which merges streams, needs to know the order of changes: set target.sequence_by."
    if dialect == "spark" and table.target.scd_type != 1:
        yield (
            "open-source Spark 4.2 merges streams (AUTO CDC) without history only (SCD type 1): run it on "
            "Databricks, or with 'skyspark run'."
        )
    elif dialect == "spark" and not dry:
        yield (
            "open-source Spark 4.2 merges streams (AUTO CDC) neither in SQL nor into Delta tables: run it on "
            "Databricks, or with 'skyspark run'; 'skyspark validate --registered' checks it all the same."
        )


def _endless_problems(table: Table) -> Iterable[str]:
    for rule in table.expectations:
        if isinstance(rule, TableRule) and rule.action == "fail":
            yield (
                f"the expectation '{rule.name}' is about all rows and a stream never has them all: "
                "put it on a batch table that reads this one, or set its action to warn."
            )


def row_guard(table: str, rules: Iterable[RowRule]) -> str | None:
    """Return the condition that stands in for expectations on an engine that has none, or nothing.

    It is true for rows to keep, not true for rows to drop, and raises an error for a row that breaks a rule
    whose action is ``fail``. That must happen to the rows of the table and to no others, while Spark moves
    conditions to where it reads: below a join there are rows that the join would leave out. It takes one CASE
    for one condition, and leaves where it stands what is not deterministic.

    Args:
        table: The table's name, for messages.
        rules: Its rules on rows; those that only warn are left out.
    """
    rules = list(rules)
    fails = [
        f"WHEN ({rule.condition}\n) IS NOT TRUE THEN {raised(table, rule.name)}"
        for rule in rules
        if rule.action == "fail"
    ]
    drops = " AND ".join(f"({rule.condition}\n)" for rule in rules if rule.action == "drop")
    if not fails:
        return drops or None
    return f"CASE WHEN {_NEVER} THEN false {' '.join(fails)} ELSE {drops or 'true'} END"


# Not deterministic in the eyes of the optimizer, allowed in streams, and costs nothing.
_NEVER = "spark_partition_id() < 0"


def raised(table: str, rule: str) -> str:
    """Return the expression that stops a query for a broken expectation.

    Args:
        table: The table's name.
        rule: The expectation's name.
    """
    message = f"table {table}: the expectation '{rule}' is broken, and its action is fail."
    return f"raise_error({text(message)})"
