"""Pipelines that are right: what is read from their files."""

import gc
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from skyspark.errors import PipelineError
from skyspark.pipeline.expectations import AcceptedValues, NullCheck, RangeCheck
from skyspark.pipeline.model import Incremental, Pipeline
from skyspark.pipeline.queries import tables_read
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.transformations import Aggregate, Filter, Join, PythonFunction, SqlQuery

Load = Callable[..., Pipeline]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def load(text: str, files: Mapping[str, str] | None = None, env: str = "local") -> Pipeline:
        for name, content in {"config.yml": text, **(files or {})}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return load_pipeline("config.yml", env=env)

    return load


def test_tables_are_what_the_file_says(load: Load) -> None:
    pipeline = load(
        """\
description: Orders
catalog: main
schema: sales
spark: {spark.sql.shuffle.partitions: 4}
environments:
  prod: {catalog: prod, schema: shop, storage: /state, spark: {spark.x: true}}
tables:
  - name: orders
    layer: bronze
    tags: [daily, critical]
    source: {type: csv, path: /orders, options: {header: true, n: 010, v: 1.10}, schema: id INT}
    watermark: {column: at, delay: 10 minutes}
    mode: streaming
  - name: people
    source: {table: main.raw.people}
    dimension: true
    temporary: true
    cache: true
  - name: clean
    layer: silver
    depends_on: [orders, people]
    expectations:
      - {type: null_check, columns: id, action: drop}
      - {type: range_check, column: n, min: 1, max: 2.5}
      - {type: accepted_values, column: k, values: [a, 1, true, 2026-01-01]}
    target: {table: tidy, mode: merge, keys: id, scd_type: 2, quarantine: true}
  - name: totals
    layer: gold
    depends_on: clean
    target: {schema: gold, cluster_by: [id]}
""",
        {
            "transformations/silver/clean.sql": "SELECT * FROM orders JOIN people USING (id)",
            "transformations/gold/totals.py": "def totals(clean): ...",
        },
        env="prod",
    )
    assert (pipeline.name, pipeline.description, pipeline.storage) == ("config", "Orders", "/state")
    assert (pipeline.catalog, pipeline.schema_name) == ("prod", "shop")
    assert pipeline.spark == {"spark.sql.shuffle.partitions": "4", "spark.x": "true"}
    orders, people, clean, totals = pipeline.tables
    assert (orders.layer, orders.tags, orders.mode) == ("bronze", ("daily", "critical"), "streaming")
    assert orders.source is not None
    assert orders.source.format == "csv"
    assert orders.source.columns == "id INT"
    assert orders.source.options == {"header": "true", "n": "010", "v": "1.10"}
    assert orders.transformation is None
    assert (people.dimension, people.temporary, people.cache) == (True, True, True)
    assert clean.transformation == SqlQuery(
        type="sql",
        query="SELECT * FROM orders JOIN people USING (id)",
        file="transformations/silver/clean.sql",
    )
    null, between, among = clean.expectations
    assert isinstance(null, NullCheck)
    assert isinstance(between, RangeCheck)
    assert isinstance(among, AcceptedValues)
    assert (null.columns, null.action) == (("id",), "drop")
    assert between.condition == "`n` IS NULL OR (`n` >= 1 AND `n` <= 2.5)"
    assert among.condition == "`k` IS NULL OR `k` IN ('a', 1, true, '2026-01-01')"
    assert pipeline.table_name(clean) == "prod.shop.tidy"
    assert pipeline.quarantine_name(clean) == "prod.shop.tidy_quarantine"
    assert totals.transformation == PythonFunction(
        type="python", function="transformations.gold.totals.totals"
    )
    assert pipeline.table_name(totals) == "prod.gold.totals"


@pytest.mark.parametrize(
    ("transformation", "sql"),
    [
        ("{type: filter, condition: a > 1}", "SELECT *\nFROM `x`\nWHERE a > 1"),
        (
            "{type: filter, input: x, condition: a, columns: [a, b AS c]}",
            "SELECT a, b AS c\nFROM `x`\nWHERE a",
        ),
        (
            "{type: aggregate, group_by: [a, b + 1 AS c], aggregations: {n: count(*)}, having: n > 1}",
            "SELECT a, b + 1 AS c, count(*) AS `n`\nFROM `x`\nGROUP BY 1, 2\nHAVING n > 1",
        ),
    ],
)
def test_the_only_input_is_the_default_one(load: Load, transformation: str, sql: str) -> None:
    pipeline = load(
        "tables:\n  - {name: x, source: {path: /x}}\n"
        f"  - {{name: y, depends_on: x, transformation: {transformation}}}\n"
    )
    made = pipeline.by_name["y"].transformation
    assert isinstance(made, Filter | Aggregate)
    assert made.as_sql() == sql
    assert [read.parts for read in tables_read(made.as_sql())] == [("x",)]


@pytest.mark.parametrize(
    ("on", "matched"),
    [
        ("id", "USING (`id`)"),
        ("[id, day]", "USING (`id`, `day`)"),
        ("x.id = y.id", "ON x.id = y.id"),
    ],
)
def test_joins_match_columns_or_a_condition(load: Load, on: str, matched: str) -> None:
    pipeline = load(
        "tables:\n  - {name: x, source: {path: /x}}\n  - {name: y, source: {path: /y}}\n"
        f"  - {{name: z, depends_on: [x, y], transformation: {{type: join, left: x, right: y, on: {on}}}}}\n"
    )
    join = pipeline.by_name["z"].transformation
    assert isinstance(join, Join)
    assert join.as_sql() == f"SELECT *\nFROM `x`\nINNER JOIN `y` {matched}"


def test_what_is_new_is_new_in_the_only_input(load: Load) -> None:
    pipeline = load(
        "tables:\n  - {name: x, source: {path: /x}, incremental: {column: at}, target: {mode: append}}\n"
    )
    assert pipeline.tables[0].incremental == Incremental(column="at", input="source")


def test_anchors_and_merge_keys_save_words(load: Load) -> None:
    pipeline = load(
        """\
tables:
  - &base {name: a, layer: bronze, tags: &tags [daily], source: {path: /a}}
  - {<<: *base, name: b, target: {table: c}}
  - {<<: [{layer: gold, mode: batch}, *base], name: d, tags: *tags}
"""
    )
    assert [(t.name, t.layer, t.tags, t.mode) for t in pipeline.tables] == [
        ("a", "bronze", ("daily",), None),
        ("b", "bronze", ("daily",), None),
        ("d", "gold", ("daily",), "batch"),
    ]


def test_dates_and_odd_scalars_stay_what_was_written(load: Load) -> None:
    pipeline = load(
        "tables:\n  - name: a\n    source: {path: 2026-01-01, options: {a: 2026-01-01, b: 0x1F, c: 1_000, "
        "d: 12:30, e: yes, on: off, f: .inf, g: 2026-01-01 10:00:00}}\n"
    )
    source = pipeline.tables[0].source
    assert source is not None
    assert source.path == "2026-01-01"
    assert source.options == {
        "a": "2026-01-01",
        "b": "0x1F",
        "c": "1_000",
        "d": "12:30",
        "e": "true",
        "on": "false",
        "f": ".inf",
        "g": "2026-01-01 10:00:00",
    }


def test_params_keep_their_types(load: Load) -> None:
    params = "{a: 1, b: 1.5, c: true, d: null, e: [1, {f: x}], g: 010}"
    pipeline = load(
        "tables:\n  - name: t\n    source: {path: /t}\n"
        f"    transformation: {{type: python, function: m.f, params: {params}}}\n",
        {"m.py": "def f(source, **params): ..."},
    )
    python = pipeline.tables[0].transformation
    assert isinstance(python, PythonFunction)
    assert python.params == {"a": 1, "b": 1.5, "c": True, "d": None, "e": [1, {"f": "x"}], "g": 8}
    assert {type(value) for value in python.params.values()} == {int, float, bool, type(None), list}
    assert type(python.params["e"][0]) is int


def test_a_byte_order_mark_is_no_part_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "sales.yaml"
    file.write_bytes(b"\xef\xbb\xbftables:\r\n  - {name: a, source: {path: /a}}\r\n")
    assert load_pipeline(file).name == "sales"


def test_queries_in_files_know_variables(load: Load) -> None:
    pipeline = load(
        "variables: {day: monday}\ntables:\n  - name: a\n    source: {path: /a}\n"
        "    transformation: {type: sql, file: sql/a.sql}\n",
        {"sql/a.sql": "SELECT '${day}', '$${day}' FROM source"},
    )
    assert pipeline.tables[0].transformation == SqlQuery(
        type="sql", query="SELECT 'monday', '${day}' FROM source", file="sql/a.sql"
    )


def test_queries_are_read_from_within_the_project_only(load: Load, tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    outside = tmp_path.parent / "outside.sql"
    outside.write_text("SELECT 1")
    (tmp_path / "link.sql").symlink_to(outside)
    for file in ("../outside.sql", str(outside), "link.sql", "inner/../../outside.sql"):
        with pytest.raises(PipelineError, match="the file is outside of the project"):
            load(
                "tables:\n  - name: a\n    source: {path: /a}\n"
                f"    transformation: {{type: sql, file: '{file}'}}\n"
            )


def test_the_collector_is_left_as_it_was(load: Load) -> None:
    load("tables:\n  - {name: a, source: {path: /a}}\n")
    assert gc.isenabled()
    gc.disable()
    try:
        load("tables:\n  - {name: a, source: {path: /a}}\n")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_reading_takes_time_in_proportion_to_the_tables(load: Load) -> None:
    def seconds(tables: int) -> float:
        lines = [
            f"  - {{name: t{i}, depends_on: [t{i - 1}], transformation: {{type: filter, condition: a > 1}}}}"
            for i in range(1, tables)
        ]
        text = "tables:\n  - {name: t0, source: {path: /a}}\n" + "\n".join(lines)
        before = time.thread_time()
        load(text)
        return time.thread_time() - before

    seconds(50)
    # Ten times the tables; the square would be a hundred times. The least is what the work itself takes.
    few, many = (min(seconds(tables) for _ in range(3)) for tables in (200, 2000))
    assert many < 30 * max(few, 0.02)
