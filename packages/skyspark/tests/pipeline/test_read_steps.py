"""The form of a pipeline's file with sources, transformations, validation and a target."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from skyspark.errors import PipelineError
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.transformations import Aggregate, Filter, Join, SqlQuery

Load = Callable[..., Pipeline]

SOURCE = "sources:\n  - {name: a, path: /a}\n"
TARGET = "target: {mode: overwrite}\n"


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def load(text: str, files: Mapping[str, str] | None = None) -> Pipeline:
        for name, content in {"steps.yml": text, **(files or {})}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        return load_pipeline("steps.yml")

    return load


def steps(lines: str, sources: str = SOURCE) -> str:
    return sources + "transformations:\n" + "".join(f"  {line}\n" for line in lines.splitlines()) + TARGET


def refused(load: Load, text: str, files: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(PipelineError) as caught:
        load(text, files)
    return [str(problem).removeprefix("steps.yml") for problem in caught.value.problems]


def test_sources_and_steps_become_tables(load: Load) -> None:
    pipeline = load("""\
pipeline: {name: users, catalog: main, schema: gold, tags: daily}
spark: {spark.sql.shuffle.partitions: 4}
sources:
  - {name: events, type: json, path: /events, options: {multiLine: true}, description: Clicks}
  - {name: people, table: main.raw.people, dimension: true}
transformations:
  - {name: recent, type: filter, input: events, condition: at > 1}
  - {name: big, type: sql, query: SELECT * FROM Recent r JOIN people USING (id)}
  - {name: both, type: join, left: big, right: people, on: id, how: left}
  - {name: counts, type: aggregate, group_by: country, aggregations: {n: count(*)}, description: steps}
validation:
  - {type: null_check, columns: country, action: drop}
target: {format: delta, table: user_counts, mode: overwrite, partition_by: country, description: Users}
""")
    assert (pipeline.name, pipeline.catalog, pipeline.spark) == (
        "users",
        "main",
        {"spark.sql.shuffle.partitions": "4"},
    )
    by_name = pipeline.by_name
    assert {name: table.depends_on for name, table in by_name.items()} == {
        "events": (),
        "people": (),
        "recent": ("events",),
        "big": ("recent", "people"),
        "both": ("big", "people"),
        "counts": ("both",),
    }
    assert [table.temporary for table in pipeline.tables] == [True] * 5 + [False]
    assert all(table.tags == ("daily",) for table in pipeline.tables)
    events = by_name["events"]
    assert events.source is not None
    assert (events.source.format, events.source.options, events.description) == (
        "json",
        {"multiLine": "true"},
        "Clicks",
    )
    assert isinstance(by_name["recent"].transformation, Filter)
    assert isinstance(by_name["both"].transformation, Join)
    assert by_name["both"].transformation.as_sql().endswith("LEFT JOIN `people` USING (`id`)")
    counts = by_name["counts"]
    # What follows no named input follows the step before.
    assert isinstance(counts.transformation, Aggregate)
    assert counts.transformation.input == "both"
    assert pipeline.table_name(counts) == "main.gold.user_counts"
    assert counts.target.partition_by == ("country",)
    assert counts.description == "Users"
    assert [rule.name for rule in counts.expectations] == ["null_check_country"]
    assert not any(table.expectations for table in pipeline.tables[:-1])


def test_the_only_source_can_be_the_target(load: Load) -> None:
    pipeline = load("sources: {a: {path: /a}}\nvalidation: {rules: [{type: row_count, min: 1}]}\n" + TARGET)
    (table,) = pipeline.tables
    assert (table.name, table.temporary, table.transformation) == ("a", False, None)
    assert table.target.mode == "overwrite"
    assert [rule.name for rule in table.expectations] == ["row_count"]


def test_functions_take_earlier_steps_by_parameter_name(load: Load) -> None:
    text = steps("- {name: x, type: filter, condition: a > 1}\n- {name: y, type: python, function: m.f}")
    pipeline = load(text, {"m.py": "def f(x, spark, top=1): ...\n"})
    assert pipeline.by_name["y"].depends_on == ("x",)


def test_queries_can_stand_in_files(load: Load) -> None:
    pipeline = load(steps("- {name: x, type: sql, file: q/x.sql}"), {"q/x.sql": "SELECT '$${' FROM a\n"})
    query = pipeline.by_name["x"].transformation
    assert isinstance(query, SqlQuery)
    assert query.query == "SELECT '${' FROM a\n"
    assert pipeline.by_name["x"].depends_on == ("a",)


ELSEWHERE = "which this pipeline does not make: name it in sources and read it by that name."


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            SOURCE + "  - {name: b, path: /b}\n" + TARGET,
            ":1: sources: there is more than one source and no transformation: nothing brings them together.",
        ),
        (TARGET, ":1: the key 'sources' is missing."),
        (SOURCE, ":1: the key 'target' is missing."),
        ("sources: []\n" + TARGET, ":1: sources: it is empty: name at least one source."),
        ("sources:\n" + TARGET, ":1: sources: it must be a list, or a mapping of names to sources."),
        (
            "sources: {a: {path: /a}, b: 5}\n" + TARGET,
            ":1: sources.b: it must be a mapping of keys to values, and is '5'.",
        ),
        (SOURCE + "transformations: {a: 1}\n" + TARGET, ":3: transformations: it must be a list."),
        (
            steps("- {name: x, type: pivot}"),
            ":4: transformations[0].type: 'pivot' is unknown: use one of sql, python, filter, "
            "join, aggregate.",
        ),
        (steps("- {type: filter, condition: a > 1}"), ":4: transformations[0]: the key 'name' is missing."),
        (
            steps(
                "- {name: x, type: filter, input: y, condition: a}\n- {name: y, type: filter, condition: b}"
            ),
            ":4: transformations[0]: 'y' does not come before it: a step reads sources and earlier steps.",
        ),
        (
            steps("- {name: x, type: sql, query: SELECT * FROM y}\n- {name: y, type: filter, condition: b}"),
            ":4: transformations[0].query: it reads 'y', which does not come before it.",
        ),
        (
            steps("- {name: x, type: sql, query: SELECT * FROM a JOIN m.x.y}"),
            f":4: transformations[0].query: it reads m.x.y, {ELSEWHERE}",
        ),
        (
            steps("- {name: x, type: filter, condition: a}", SOURCE + "  - {name: b, path: /b}\n"),
            ":5: transformations[0].input: name the input: one of a, b.",
        ),
        (
            steps("- {name: x, type: join, left: a, right: aa, on: i}"),
            ":4: transformations[0]: there is no source or transformation 'aa' (did you mean 'a'?).",
        ),
        (
            steps("- {name: a, type: filter, condition: a}"),
            ":4: transformations[0].name: the name 'a' is given twice: see line 2.",
        ),
        (SOURCE + "validation: abc\n" + TARGET, ":3: validation: it must be a list."),
        (
            SOURCE + "validation: {rules: [{type: row_count}]}\n" + TARGET,
            ":3: validation.rules[0]: give min, max or both.",
        ),
        (
            SOURCE + "validation:\n  - {expression: a > 1}\n  - {expression: a > 1}\n" + TARGET,
            ":5: validation[1]: the name 'a > 1' is given twice: name one of the two otherwise.",
        ),
        (
            SOURCE + "target: {mode: upsert}\n",
            ":3: target.mode: 'upsert' is unknown: use one of append, overwrite, "
            "overwrite_partitions, merge.",
        ),
        (
            SOURCE + "target: {table: a.b}\n",
            ":3: target.table: the part 'a.b' holds '.', which no name may hold.",
        ),
        (
            SOURCE + "pipeline: {mode: fast}\n" + TARGET,
            ":3: pipeline.mode: 'fast' is unknown: use one of batch, streaming.",
        ),
        (
            SOURCE + "pipeline: {catalog: a.b}\n" + TARGET,
            ":3: pipeline.catalog: the part 'a.b' holds '.', which no name may hold.",
        ),
    ],
)
def test_each_mistake_has_its_sentence(load: Load, text: str, problem: str) -> None:
    assert refused(load, text) == [problem]


def test_parameters_are_no_guess(load: Load) -> None:
    text = steps("- {name: x, type: python, function: m.f}")
    assert refused(load, text, {"m.py": "def f(aa): ...\n"}) == [
        ":4: transformations[0].function: m.f has a parameter 'aa' that nothing is given for: "
        "name it in depends_on or in params."
    ]


def test_inputs_of_functions_that_take_anything_are_named(load: Load) -> None:
    text = steps("- {name: x, type: python, function: m.f}")
    sentence = "what it takes cannot be told from its parameters: name it in depends_on."
    for source in ("def f(**inputs): ...", "from elsewhere import f"):
        assert refused(load, text, {"m.py": source}) == [f":4: transformations[0].function: {sentence}"]
    named = steps("- {name: x, type: python, function: m.f, depends_on: a}")
    assert load(named, {"m.py": "def f(**inputs): ..."}).by_name["x"].depends_on == ("a",)
