"""What an editor says of a pipeline's file is what the reader says of its shape."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from skyspark.cli import main
from skyspark.errors import PipelineError
from skyspark.pipeline.base import plain
from skyspark.pipeline.document import Document
from skyspark.pipeline.file_schema import json_schema
from skyspark.pipeline.interpolation import InterpolationError, Variables
from skyspark.pipeline.steps_file import read_steps_file
from skyspark.pipeline.tables_file import read_tables_file
from test_mutations import STEPS, TABLES, mutate
from test_read_problems import CASES

ROOT = Path(__file__).parents[4]
EITHER = Draft202012Validator(json_schema())


def replaced(value: Any) -> Any:
    """Values as the reader sees them."""
    if isinstance(value, str):
        return Variables({"env": "dev", "date": "2026-01-01"}, {}, {"root": "/a", "raw": "/b"}, {}).replace(
            value
        )
    if isinstance(value, list):
        return [replaced(one) for one in value]
    return {key: replaced(one) for key, one in value.items()} if isinstance(value, dict) else value


def values_of(file: Path, text: str) -> Any:
    """A text's values as the reader reads them, for whom `on` is a key."""
    file.write_text(text)
    return plain(Document(file).values)


def with_values(document: Document) -> dict[str, Any]:
    """The values as the reader checks them."""
    unreplaced = ("variables", "environments")
    return {key: one if key in unreplaced else replaced(one) for key, one in document.values.items()}


def shape_problems(document: Document) -> list[str]:
    """What the reader has to say before it looks at what tables are to each other."""
    values = with_values(document)
    if "tables" in values:
        read_tables_file(document, values)
    else:
        read_steps_file(document, values)
    return [str(problem) for problem in document.problems]


def in_repository() -> Iterator[Path]:
    for pattern in ("examples/*/*.yml", "packages/skyspark/tests/pipeline/golden_sql/*/config.yml"):
        yield from sorted(ROOT.glob(pattern))


@pytest.mark.parametrize("file", list(in_repository()), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_the_schema_takes_the_files_of_the_repository(file: Path) -> None:
    assert [error.message for error in EITHER.iter_errors(Document(file).values)] == []


def test_the_schema_takes_the_sample_of_the_template() -> None:
    text = (ROOT / "<<cookiecutter.repo_name>>/src/resources/config.yml").read_text()
    values = yaml.safe_load(re.sub(r"<<.*?>>", "x", text))
    assert [error.message for error in EITHER.iter_errors(values)] == []


def test_it_is_a_schema_of_the_newest_dialect() -> None:
    for form in (None, "tables", "steps"):
        Draft202012Validator.check_schema(json_schema(form))


@pytest.mark.parametrize("text", [TABLES, STEPS])
@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_schema_refuses_what_the_reader_refuses_and_nothing_else(
    tmp_path: Path, text: str, data: st.DataObject
) -> None:
    file = tmp_path / "config.yml"
    values = values_of(file, text)
    mutate(values, data)
    file.write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")
    try:
        document = Document(file)
        assume(not document.problems and isinstance(document.values, dict))
        found = shape_problems(document)
    except (PipelineError, InterpolationError):
        assume(False)
    assert EITHER.is_valid(with_values(document)) == (not found), found
    assert found or EITHER.is_valid(document.values)


def _scalars(value: Any) -> Iterator[tuple[Any, Any]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(entries):
        if isinstance(one, dict | list):
            yield from _scalars(one)
        else:
            yield value, key


@pytest.mark.parametrize("text", [TABLES, STEPS])
def test_a_variable_may_stand_wherever_the_reader_takes_its_value(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.yml"
    document = values_of(file, text)
    taken = 0
    for holder, key in list(_scalars(document)):
        value = holder[key]
        written = json.dumps(value) if isinstance(value, bool) else str(value)
        holder[key] = f"${{SOMETHING:-{written}}}" if "$" not in written else written
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        if not shape_problems(Document(file)):
            taken += 1
            assert [error.message for error in EITHER.iter_errors(document)] == [], holder[key]
        holder[key] = value
    assert taken > 30


@pytest.mark.parametrize(("text", "files", "problems"), CASES)
def test_of_all_that_is_refused_the_schema_refuses_what_is_a_matter_of_shape(
    tmp_path: Path, text: str, files: Any, problems: Any
) -> None:
    file = tmp_path / "config.yml"
    file.write_text(text)
    try:
        document = Document(file)
        if document.problems:
            return
        one_form = (
            isinstance(document.values, dict) and len({"tables", "sources"} & set(document.values)) == 1
        )
        shape_is_right = one_form and not shape_problems(document)
    except (PipelineError, InterpolationError):
        # It is no YAML, or a variable has no value: an editor knows the one itself and cannot know the other.
        return
    assert EITHER.is_valid(document.values) == shape_is_right


def test_every_key_is_described() -> None:
    for name, part in json_schema()["$defs"].items():
        assert part["description"], name
        for key, about in part["properties"].items():
            assert about["description"], f"{name}.{key}"


def test_an_editor_is_told_which_kind_is_meant() -> None:
    values = yaml.safe_load(TABLES)
    values["tables"][2]["expectations"][1]["mni"] = 1
    [error] = EITHER.iter_errors(values)
    assert "'mni' was unexpected" in error.message


def test_the_command_prints_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["schema"])
    assert json.loads(capsys.readouterr().out) == json_schema()
    main(["schema", "--form", "tables", "-o", str(tmp_path / "config.schema.json")])
    assert json.loads((tmp_path / "config.schema.json").read_text()) == json_schema("tables")
