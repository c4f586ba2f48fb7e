"""What Lakeflow's Python modules have and ``pyspark.pipelines`` of open-source Spark lacks.

Expectations are conditions in the queries here: rows that break a rule of ``expect_or_drop`` are left out,
one that breaks a rule of ``expect_or_fail`` fails its flow. What only warns lets all rows through.
"""

import functools
import importlib
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

Query = Callable[[], Any]
Rules = dict[str, dict[str, str]]

_RULES = "__databricks_expectations__"
_ACTIONS = ("warn", "drop", "fail")
# Not deterministic in the eyes of the optimizer, so the condition stays on the rows of its own dataset.
_NEVER = "spark_partition_id() < 0"
# Lakeflow's own options of a dataset, without which the rows are the same.
_LEFT_OUT = ("cluster_by", "cluster_by_auto", "path", "private", "refresh_policy", "row_filter")


def guard(dataset: str, rules: Mapping[str, Mapping[str, str]]) -> str | None:
    """Return the condition that rows of a dataset have to meet, or nothing.

    Args:
        dataset: Its name, for messages.
        rules: Action (``warn``, ``drop``, ``fail``) to name of a rule to its condition.
    """
    fails = [
        f"WHEN ({condition}\n) IS NOT TRUE THEN raise_error({_text(_broken(dataset, name))})"
        for name, condition in rules.get("fail", {}).items()
    ]
    drops = " AND ".join(f"(({condition}\n) IS TRUE)" for condition in rules.get("drop", {}).values())
    if not fails:
        return drops or None
    return f"CASE WHEN {_NEVER} THEN false {' '.join(fails)} ELSE {drops or 'true'} END"


def _broken(dataset: str, rule: str) -> str:
    return (
        f"[EXPECTATION_VIOLATION] Flow '{dataset}' failed to meet the expectation. "
        f"Violated expectations: '{rule}'."
    )


def only_warns(dataset: str, rule: str) -> str:
    """Return the sentence about a rule that lets all rows through.

    Args:
        dataset: The dataset's name.
        rule: The rule's name.
    """
    return (
        f"Dataset '{dataset}': expectation '{rule}' only warns, and databricks-local counts no rows for it."
    )


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _expecting(action: str, rules: Mapping[str, str]) -> Callable[[Query], Query]:
    def expecting(query: Query) -> Query:
        if not callable(query):
            raise TypeError(
                "an expectation stands between the decorator of the dataset and its function: "
                "put @expect… below @table, @materialized_view or @temporary_view."
            )
        known: Rules = getattr(query, _RULES, {})
        setattr(query, _RULES, {**known, action: {**rules, **known.get(action, {})}})
        return query

    return expecting


def _guarded(query: Query, dataset: str, more: Rules | None = None) -> Query:
    own: Rules = getattr(query, _RULES, {})
    rules = {action: {**(more or {}).get(action, {}), **own.get(action, {})} for action in _ACTIONS}
    condition = guard(dataset, rules)
    if condition is None:
        return query

    @functools.wraps(query)
    def guarded() -> Any:
        return query().where(condition)

    return guarded


class _Dialect:
    """Lakeflow's decorators around those of Spark."""

    def __init__(self, engine: ModuleType, warn: Callable[[str], None]) -> None:
        self._engine = engine
        self._warn = warn
        self._of_tables: dict[str, Rules] = {}
        self._plain = {
            name: getattr(engine, name)
            for name in (
                "table",
                "materialized_view",
                "temporary_view",
                "append_flow",
                "create_streaming_table",
            )
        }

    def dataset(self, kind: str) -> Callable[..., Any]:
        """Return a decorator that defines a dataset, with Lakeflow's options."""

        def define(query: Query | None = None, /, **options: Any) -> Any:
            query = options.pop("query_function", query)
            if query is None:
                return functools.partial(define, **options)
            name = options.setdefault("name", getattr(query, "__name__", "dataset"))
            schema = options.get("schema")
            if isinstance(schema, str) and "CONSTRAINT" in schema.upper():
                raise NotImplementedError(
                    f"dataset '{name}': constraints in a schema are not imitated: "
                    "use expect_or_drop or expect_or_fail."
                )
            self._leave_out(name, options)
            define_plain = self._plain[kind]
            self._say_what_warns(name, getattr(query, _RULES, {}))
            return define_plain(**options)(_guarded(query, name))

        return define

    def create_streaming_table(self, name: str, **options: Any) -> None:
        """Define a streaming table without a query; what it expects holds for all flows into it."""
        given = {"expect_all": "warn", "expect_all_or_drop": "drop", "expect_all_or_fail": "fail"}
        rules = {action: dict(options.pop(key, None) or {}) for key, action in given.items()}
        self._of_tables[name] = rules
        self._say_what_warns(name, rules)
        self._leave_out(name, options)
        self._plain["create_streaming_table"](name, **options)

    def append_flow(self, *, target: str, **options: Any) -> Callable[[Query], None]:
        """Define a flow into a streaming table."""
        for option in ("once", "comment"):
            if options.pop(option, None) and option == "once":
                raise NotImplementedError(f"flow into '{target}': append_flow(once=True) is not imitated.")

        def define(query: Query) -> None:
            rules = self._of_tables.get(target)
            self._plain["append_flow"](target=target, **options)(_guarded(query, target, rules))

        return define

    def _leave_out(self, name: str, options: dict[str, Any]) -> None:
        if options.pop("temporary", None):
            raise NotImplementedError(
                f"dataset '{name}': temporary=True is not imitated: use temporary_view."
            )
        for option in _LEFT_OUT:
            if options.pop(option, None):
                self._warn(f"Dataset '{name}': {option} has no effect in databricks-local.")

    def _say_what_warns(self, name: str, rules: Rules) -> None:
        for rule in rules.get("warn", {}):
            self._warn(only_warns(name, rule))


def _refusing(name: str, why: str) -> Callable[..., Any]:
    def refuse(*_: object, **__: object) -> Any:
        raise NotImplementedError(f"databricks-local does not imitate {name}: {why}")

    return refuse


_NO_CDC = "open-source Spark cannot merge changes into Delta tables."


def install(warn: Callable[[str], None]) -> None:
    """Give ``pyspark.pipelines`` Lakeflow's decorators, and put a module ``dlt`` beside it.

    Args:
        warn: Takes a sentence about what has no effect here.
    """
    engine: Any = importlib.import_module("pyspark.pipelines")
    dialect = _Dialect(engine, warn)
    for name in ("table", "materialized_view", "temporary_view"):
        setattr(engine, name, dialect.dataset(name))
    engine.create_streaming_table = dialect.create_streaming_table
    engine.append_flow = dialect.append_flow
    for suffix, action in (("", "warn"), ("_or_drop", "drop"), ("_or_fail", "fail")):
        setattr(engine, f"expect{suffix}", functools.partial(_one, action))
        setattr(engine, f"expect_all{suffix}", functools.partial(_expecting, action))
    for name in ("create_auto_cdc_flow", "create_auto_cdc_from_snapshot_flow", "apply_changes"):
        setattr(engine, name, _refusing(f"dp.{name}", _NO_CDC))
    for name in ("apply_changes_from_snapshot", "create_sink", "foreach_batch_sink", "on_event_hook"):
        if not hasattr(engine, name):
            setattr(engine, name, _refusing(f"dp.{name}", "open-source Spark has no such thing."))
    old: Any = ModuleType("dlt")
    vars(old).update({name: value for name, value in vars(engine).items() if not name.startswith("_")})
    old.view = engine.temporary_view
    old.read = lambda name: _session().read.table(name)
    old.read_stream = lambda name: _session().readStream.table(name)
    # A table of the old module is what its query makes of it, which only the query's frame knows.
    old.table = _refusing(
        "dlt.table", "import pyspark.pipelines as dp and use dp.table or dp.materialized_view."
    )
    sys.modules["dlt"] = old


def _one(action: str, name: str, condition: str) -> Callable[[Query], Query]:
    return _expecting(action, {name: condition})


def _session() -> Any:
    from pyspark.sql import SparkSession

    return SparkSession.active()
