"""Variables in a pipeline's file: where their values come from, and that secrets stay secret."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyspark.errors import PipelineError
from skyspark.pipeline.interpolation import InterpolationError, Variables
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.read import load_pipeline

Load = Callable[..., Pipeline]


def replace(text: str, **values: str) -> str:
    return Variables({}, {}, {}, values).replace(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${A}/x-${A}", "1/x-1"),
        ("$A $ {A} 5$ $", "$A $ {A} 5$ $"),
        ("$${A} $$ $$$$", "${A} $ $$"),
        ("$$${A}", "$1"),
        ("${B:-x y}", "x y"),
        ("${A:-x}", "1"),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY}", ""),
        ("${B:-}", ""),
        ("${B:-${C:-${A}}}!", "1!"),
        ("${B:-$${x}", "${x"),
        ("${B:-a:-b{c}", "a:-b{c"),
        ("${A}}", "1}"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    assert replace(text, A="1", EMPTY="") == expected


@pytest.mark.parametrize(
    "text", ["${}", "${", "${A", "${A B}", "${1}", "${A:x}", "${A:-", "${A:-${B}", "${ä}"]
)
def test_wrongly_written_variables_are_refused(text: str) -> None:
    with pytest.raises(InterpolationError, match=r"\$\{"):
        replace(text, A="", B="")


def test_a_missing_variable_names_its_near_miss_in_the_file_only() -> None:
    variables = Variables({}, {"root": "x"}, {}, {"rooot": "y"})
    with pytest.raises(InterpolationError) as caught:
        variables.replace("${roots}")
    assert str(caught.value) == (
        "the variable ${roots} has no value (did you mean 'root'?): give --var roots=…, set it in variables "
        "or in the environment, or write ${roots:-default}."
    )


@given(st.text())
def test_doubled_dollars_keep_any_text_as_it_is(text: str) -> None:
    assert replace(text.replace("$", "$$")) == text


@given(st.text(), st.text())
def test_values_are_not_read_again(before: str, value: str) -> None:
    assert replace(before.replace("$", "$$") + "${A}", A=value) == before + value


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.chdir(tmp_path)

    def load(text: str, **arguments: Any) -> Pipeline:
        Path("config.yml").write_text(text)
        return load_pipeline("config.yml", **arguments)

    return load


def described(value: str) -> str:
    return f"description: '{value}'\ntables:\n  - {{name: a, source: {{path: /a}}}}\n"


IN_FILE = "variables: {V: file}\nenvironments: {dev: {variables: {V: dev}}, prod: {}}\n" + described("${V}")


def test_the_nearest_value_wins(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V", "process")
    assert load(described("${V}")).description == "process"
    assert load(IN_FILE).description == "file"
    assert load(IN_FILE, env="prod").description == "file"
    assert load(IN_FILE, env="dev").description == "dev"
    assert load(IN_FILE, env="dev", variables={"V": "given"}).description == "given"


def test_the_environment_and_the_date_are_built_in(load: Load) -> None:
    text = described("${env} ${date}")
    assert load(text, env="prod", date=date(2026, 3, 1)).description == "prod 2026-03-01"
    before = datetime.now(UTC).date()
    loaded = load(text).description
    # Midnight may have passed in between.
    assert loaded in {f"local {day.isoformat()}" for day in (before, datetime.now(UTC).date())}


def test_built_in_variables_cannot_be_given(load: Load) -> None:
    with pytest.raises(PipelineError) as caught:
        load(described("x"), variables={"date": "2026-01-01"})
    assert str(caught.value) == "config.yml:1: ${date} is built in: give --date instead of --var date."


def test_variables_of_the_file_stand_on_each_other(load: Load) -> None:
    text = "variables: {root: /data, raw: '${root}/raw', n: 010}\n" + described("${raw}/${n}")
    assert load(text).description == "/data/raw/010"
    assert load(text, variables={"root": "/x"}).description == "/x/raw/010"


def test_a_missing_variable_is_told_once_and_where_it_is_asked_for(load: Load) -> None:
    text = "variables: {a: '${NOPE_X}'}\n" + described("${a} ${a}") + "    tags: ['${a}', '${NOPE_Y}']\n"
    text = text.replace("- {name: a, source: {path: /a}}", "- name: a\n    source: {path: '${a}'}")
    with pytest.raises(PipelineError) as caught:
        load(text)
    assert [(problem.line, problem.key) for problem in caught.value.problems] == [
        (1, "variables.a"),
        (6, "tables[0].tags[1]"),
    ]


def test_other_environments_may_miss_theirs(load: Load) -> None:
    text = "environments: {local: {catalog: '${env}'}, prod: {catalog: '${NOPE_X}'}}\n" + described("x")
    assert load(text).catalog == "local"
    with pytest.raises(PipelineError, match=r":1: environments\.prod\.catalog: the variable \$\{NOPE_X\}"):
        load(text, env="prod")


def test_keys_are_not_read(load: Load) -> None:
    text = "variables: {x: y}\ntables:\n  - {name: a, source: {path: /a, options: {'${x}': '${x}'}}}\n"
    source = load(text).tables[0].source
    assert source is not None
    assert source.options == {"${x}": "y"}


def test_a_variable_alone_is_a_text_that_fits_other_types(load: Load) -> None:
    text = (
        "variables: {n: 3, on: true}\ntables:\n  - name: a\n    source: {path: '${n}', dimension: '${on}'}\n"
        "    expectations: [{type: row_count, min: '${n}'}]\n"
    )
    (table,) = load(text).tables
    assert table.source is not None
    assert (table.source.path, table.source.dimension) == ("3", True)
    assert table.expectations[0].model_dump()["min"] == 3


SECRET = "s3cr3t-tok"


@pytest.mark.parametrize(
    "keys",
    [
        "mode: ${TOKEN}",
        "layer: x${TOKEN}",
        "depends_on: ['${TOKEN}']",
        "name: ${TOKEN}/x",
        "dimension: ${TOKEN}",
        "transformation: {type: '${TOKEN}'}",
        "transformation: {type: sql, query: 'SELECT * FROM `${TOKEN}`'}",
        "transformation: {type: sql, query: 'SELECT (`${TOKEN}` FROM'}",
        "transformation: {type: sql, file: '${TOKEN}.sql'}",
        "transformation: {type: python, function: 'm.${TOKEN}'}",
        "transformation: {type: filter, input: '${TOKEN}', condition: a}",
        "transformation: {type: filter, condition: \"a b '${TOKEN}'\"}",
        "expectations: [{expression: \"a b '${TOKEN}'\"}, {type: row_count, min: '${TOKEN}'}]",
        "expectations: [{expression: 'a > `${TOKEN}`'}, {expression: 'a > `${TOKEN}`'}]",
        "watermark: {column: a, delay: '${TOKEN}'}",
        "target: {table: 'a.${TOKEN}'}",
        "source: {table: 'a..${TOKEN}'}",
    ],
)
def test_values_of_the_process_environment_are_never_shown(
    load: Load, monkeypatch: pytest.MonkeyPatch, keys: str
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    own = "" if keys.startswith("name") else "    name: b\n"
    source = "" if keys.startswith(("source", "depends")) else "    source: {path: /a}\n"
    with pytest.raises(PipelineError) as caught:
        load(f"tables:\n  -\n{own}{source}    {keys}\n")
    assert SECRET not in str(caught.value)
    assert SECRET[:8] not in str(caught.value)


def test_settings_of_an_application_are_variables(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SKYSPARK_CATALOG", raising=False)
    Path("app/settings").mkdir(parents=True)
    Path("app/settings/base.yaml").write_text("schema_name: sales\nraw: /data/$x\n")
    text = "settings: app\n" + described("${schema_name} ${raw} ${catalog:-none}")
    assert load(text).description == "sales /data/$x none"
    monkeypatch.setenv("SKYSPARK_RAW", SECRET)
    monkeypatch.setenv("SKYSPARK_CATALOG", "main")
    assert load(text).description == f"sales {SECRET} main"
    with pytest.raises(PipelineError) as caught:
        load(text + "name: ${raw}/\n")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("folder", ["..", "/etc", "\\0"])
def test_settings_stay_in_the_project(load: Load, folder: str) -> None:
    with pytest.raises(PipelineError, match="settings: the folder is outside of the project"):
        load(f'settings: "{folder}"\n' + described("x"))
