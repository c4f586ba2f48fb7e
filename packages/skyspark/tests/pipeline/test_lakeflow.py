"""Datasets as they are defined for Lakeflow, and for an engine without expectations.

Lakeflow itself is in the cloud only: a stand-in for its module takes the definitions, and real Spark runs
their queries. What open-source Spark makes of the definitions is in test_equality.py.
"""

from types import SimpleNamespace

import pytest
from skyspark.errors import EnvironmentNotReadyError, PipelineError
from skyspark.lakeflow import define, register
from skyspark.pipeline.declarative import dataset_name, declarative_problems, row_guard
from skyspark.pipeline.expectations import ExpressionRule
from skyspark.pipeline.model import Pipeline


class Engine:
    """Takes definitions as ``pyspark.pipelines`` does; with ``expect`` as on Databricks."""

    def __init__(self, *, native):
        self.defined = {}
        self.flows = []
        for name in ("table", "materialized_view", "temporary_view"):
            setattr(self, name, self._definer(name))
        if native:
            for name in ("expect", "expect_or_drop", "expect_or_fail"):
                setattr(self, name, self._expecter(name))

    def _definer(self, kind):
        def define(*, name, **options):
            def decorate(function):
                rules = getattr(function, "rules", [])
                options.pop("spark_conf")
                self.defined[name] = SimpleNamespace(kind=kind, rows=function, rules=rules, **options)

            return decorate

        return define

    def _expecter(self, action):
        def expect(name, condition):
            def decorate(function):
                # A definition above has nothing left to decorate, as dataset decorators return nothing.
                assert callable(function)

                def decorated():
                    return function()

                decorated.rules = [(action, name, condition), *getattr(function, "rules", [])]
                return decorated

            return decorate

        return expect

    def create_streaming_table(self, name, **options):
        self.defined[name] = SimpleNamespace(kind="streaming target", **options)

    def create_auto_cdc_flow(self, **options):
        self.flows.append(options)


def pipeline_of(*tables, **fields):
    return Pipeline.model_validate({"name": "p", "tables": tables, **fields})


def defined(spark, pipeline, *, native):
    engine = Engine(native=native)
    define(spark, pipeline, pipeline.tables, engine)
    return engine


def sql(query):
    return {"type": "sql", "query": query}


RULES = [
    {"name": "known", "expression": "id IS NOT NULL", "action": "fail"},
    {"name": "positive", "expression": "id > 0 -- so", "action": "drop"},
    {"name": "small", "expression": "id < 100", "action": "warn"},
]


def test_expectations_are_lakeflows_own_below_the_definition(spark):
    rows = {
        "name": "t",
        "transformation": sql("SELECT explode(array(-1, 1, 200)) AS id"),
        "expectations": RULES,
    }
    table = defined(spark, pipeline_of(rows), native=True).defined["t"]
    assert table.kind == "materialized_view"
    assert table.rules == [
        ("expect_or_fail", "known", "id IS NOT NULL"),
        ("expect_or_drop", "positive", "id > 0 -- so"),
        ("expect", "small", "id < 100"),
    ]
    # Lakeflow drops: the query does not.
    assert sorted(row.id for row in table.rows().collect()) == [-1, 1, 200]


def test_without_expectations_rows_are_dropped_and_stopped_by_the_query(spark):
    def table(values):
        query = sql(f"SELECT explode(array({values})) AS id")
        made = pipeline_of({"name": "t", "transformation": query, "expectations": RULES})
        return defined(spark, made, native=False).defined["t"].rows()

    assert sorted(row.id for row in table("-1, 1, 200").collect()) == [1, 200]
    with pytest.raises(Exception, match="table t: the expectation 'known' is broken"):
        table("1, NULL").collect()


def test_rules_on_all_rows_stop_the_query_on_every_engine(spark):
    def table(values, *rules):
        query = sql(f"SELECT * FROM VALUES {values} AS v(id) WHERE id >= 0")
        made = pipeline_of({"name": "t", "transformation": query, "expectations": rules})
        return defined(spark, made, native=True).defined["t"].rows()

    unique = {"type": "unique", "columns": ["id"], "action": "fail"}
    count = {"type": "row_count", "min": 1, "max": 2, "action": "fail"}
    assert [row.asDict() for row in table("(7)", unique, count).collect()] == [{"id": 7}]
    for values, rule, name in (
        ("(1), (1)", unique, "unique_id"),
        ("(-1)", count, "row_count"),
        ("(1), (2), (3)", count, "row_count"),
    ):
        with pytest.raises(Exception, match=f"the expectation '{name}' is broken"):
            table(values, rule).collect()
    assert table("(1), (1)", {**unique, "action": "warn"}).count() == 2


def test_only_rows_of_the_table_can_stop_it(spark):
    """Spark moves conditions below joins: there are rows that the join leaves out."""
    left, right = spark.range(5).alias("l"), spark.range(3).alias("r")
    guard = row_guard("t", [ExpressionRule(name="low", expression="l.id < 3", action="fail")])
    joined = left.join(right, on="id").select("l.id")
    assert joined.where(guard).count() == 3


def test_streams_batches_views_and_layout(spark, warehouse):
    spark.sql("CREATE TABLE raw (id INT, at TIMESTAMP) USING delta")
    pipeline = pipeline_of(
        {
            "name": "events",
            "mode": "streaming",
            "source": {"table": f"{warehouse}.raw"},
            "watermark": {"column": "at", "delay": "1 hour"},
            "description": "what happened",
            "target": {"cluster_by": ["id"], "properties": {"delta.appendOnly": True}},
        },
        {"name": "recent", "temporary": True, "mode": "streaming", "depends_on": ["events"]},
        {
            "name": "days",
            "mode": "batch",
            "depends_on": ["events"],
            "target": {"zorder": ["id"], "schema": "gold"},
        },
        {"name": "kept", "mode": "streaming", "depends_on": ["recent"]},
        {"name": "whole", "mode": "batch", "depends_on": ["recent"]},
        {"name": "dated", "mode": "batch", "depends_on": ["days"], "target": {"partition_by": ["at"]}},
        schema=warehouse,
    )
    engine = defined(spark, pipeline, native=True)
    events = engine.defined[f"{warehouse}.events"]
    assert (events.kind, events.comment, events.cluster_by) == ("table", "what happened", ["id"])
    assert events.table_properties == {"delta.appendOnly": "true"}
    assert events.rows().isStreaming
    assert "EventTimeWatermark" in events.rows()._jdf.queryExecution().toString()
    assert engine.defined["gold.days"].kind == "materialized_view"
    assert engine.defined["gold.days"].table_properties == {"pipelines.autoOptimize.zOrderCols": "id"}
    assert engine.defined[f"{warehouse}.dated"].partition_cols == ["at"]
    # A view of a stream can only be read as a stream: read both ways, it is two.
    views = {name: kind.kind for name, kind in engine.defined.items() if name.startswith("recent")}
    assert views == {"recent": "temporary_view", "recent_whole": "temporary_view"}
    local = defined(spark, pipeline, native=False).defined
    assert not hasattr(local[f"{warehouse}.events"], "cluster_by")
    assert not hasattr(local["gold.days"], "table_properties")


def test_quarantine_gets_what_is_dropped_with_the_rules_it_broke(spark):
    query = sql("SELECT explode(array(-1, 1, 200, NULL)) AS id")
    rules = [{**RULES[0], "action": "warn"}, *RULES[1:]]
    table = {"name": "t", "transformation": query, "expectations": rules, "target": {"quarantine": True}}
    engine = defined(spark, pipeline_of(table), native=False)
    engine.defined["t_rows"].rows().createOrReplaceTempView("t_rows")
    assert sorted(row.id for row in engine.defined["t"].rows().collect()) == [1, 200]
    dropped = {row.id: row["_broken_rules"] for row in engine.defined["t_quarantine"].rows().collect()}
    assert dropped == {-1: ["positive"], None: ["known", "positive", "small"]}
    spark.catalog.dropTempView("t_rows")


CHANGES = {"name": "changes", "mode": "streaming", "source": {"table": "raw.changes"}}
MERGED = {
    "mode": "merge",
    "keys": ["id"],
    "sequence_by": "at",
    "delete_where": "gone",
    "exclude_columns": ["gone"],
}


def test_merging_a_stream_is_auto_cdc(spark):
    current = {"name": "current", "mode": "streaming", "depends_on": ["changes"], "expectations": RULES[1:2]}
    pipeline = pipeline_of(CHANGES, {**current, "target": {**MERGED, "scd_type": 2}})
    engine = defined(spark, pipeline, native=True)
    assert engine.defined["current"].kind == "streaming target"
    assert engine.defined["current_changes"].rules == [("expect_or_drop", "positive", "id > 0 -- so")]
    assert engine.flows == [
        {
            "target": "current",
            "source": "current_changes",
            "keys": ["id"],
            "sequence_by": "at",
            "apply_as_deletes": "gone",
            "except_column_list": ["gone"],
            "stored_as_scd_type": 2,
        }
    ]
    with pytest.raises(PipelineError, match=r"table 'current': open-source Spark 4\.2 merges streams"):
        defined(spark, pipeline, native=False)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"target": {"mode": "append"}}, "target mode append has no declarative equal in batch"),
        ({"target": {"mode": "merge", "keys": ["id"]}}, "target mode merge has no declarative equal"),
        ({"target": {"replace_where": "id > 1"}}, "replace_where has no declarative equal"),
        ({"incremental": {"column": "id"}}, "incremental has no declarative equal"),
        ({"mode": "streaming", "target": {"mode": "overwrite"}}, "cannot have target mode overwrite"),
        ({"mode": "streaming", "target": {"mode": "merge", "keys": ["id"]}}, "set target.sequence_by"),
        (
            {"mode": "streaming", "expectations": [{"type": "unique", "columns": ["id"], "action": "fail"}]},
            "'unique_id' is about all rows and a stream never has them all",
        ),
    ],
)
def test_what_has_no_declarative_equal_is_told(fields, sentence):
    pipeline = pipeline_of({"name": "t", "source": {"table": "raw.t"}, **fields})
    (problem,) = declarative_problems(pipeline, pipeline.tables, "databricks", "batch")
    assert problem.startswith("table 't': ")
    assert sentence in problem


def test_two_tables_of_one_name_are_told():
    pipeline = pipeline_of(
        {"name": "a", "source": {"table": "raw.a"}},
        {"name": "b", "source": {"table": "raw.b"}, "target": {"table": "A"}},
    )
    (problem,) = declarative_problems(pipeline, pipeline.tables, "spark", "batch")
    assert problem == "tables 'a' and 'b' are both a: give one another name."


@pytest.mark.parametrize(
    ("fields", "target", "name"),
    [
        ({}, {}, "t"),
        ({"schema": "s"}, {}, "s.t"),
        ({"catalog": "my-cat", "schema": "s"}, {"table": "u"}, "`my-cat`.s.u"),
        ({}, {"schema": "s"}, "s.t"),
    ],
)
def test_a_dataset_goes_where_the_file_says_or_the_engine(fields, target, name):
    pipeline = pipeline_of({"name": "t", "source": {"table": "raw.t"}, "target": target}, **fields)
    assert dataset_name(pipeline, pipeline.tables[0]) == name


def test_all_that_cannot_be_defined_is_told_at_once(spark, tmp_path):
    missing = {"format": "json", "path": str(tmp_path / "none")}
    pipeline = pipeline_of(
        {"name": "a", "source": missing, "mode": "streaming"},
        {"name": "b", "transformation": {"type": "python", "function": "nowhere.to_be"}},
    )
    with pytest.raises(PipelineError) as raised:
        engine = Engine(native=False)
        define(spark, pipeline, pipeline.tables, engine)
        engine.defined["b"].rows()
    assert [problem.split(":")[0] for problem in raised.value.problems] == ["table 'a'"]


def test_without_declarative_pipelines_it_is_said_how_to_get_them(spark):
    with pytest.raises(
        EnvironmentNotReadyError, match=r"pyspark\.pipelines: pip install 'skyspark\[spark42,conn"
    ):
        register(spark, "config.yml")
