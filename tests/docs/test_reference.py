"""The reference names all that there is: each is asked of the program and looked for on the built page."""

import argparse
import html
import json
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from databricks_local.cli import cli as databricks_local
from databricks_local.registry import endpoints
from jsonschema import Draft202012Validator
from scaffold import REPOSITORY
from skyspark.cli.main import make_parser
from skyspark.pipeline.file_schema import json_schema

from mshell_cut import questions
from mshell_cut.cli import cli as mshell_cut

TEMPLATES = {
    "skyspark": REPOSITORY,
    "astro-dag": REPOSITORY / "templates/astro-dag",
    "airflow-platform": REPOSITORY / "templates/airflow-platform",
}


def shown(site: Path, page: str) -> str:
    """The text that a reader sees."""
    text = (site / "reference" / page / "index.html").read_text()
    return " ".join(html.unescape(re.sub(r"<[^>]+>", "", text.replace("<td>", " <td>"))).split())


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next one."""
    start = text.rindex(f"{heading}¶")
    return text[start:].removeprefix(f"{heading}¶").partition("¶")[0]


def verbs(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from verbs(inner, f"{path} {name}")


@pytest.mark.parametrize(
    ("command", "name"), [(mshell_cut, "mshell-cut"), (databricks_local, "databricks-local")]
)
def test_each_verb_is_shown_with_its_options_and_examples(
    site: Path, command: click.Command, name: str
) -> None:
    text = shown(site, name)
    for path, verb in list(verbs(command, name))[1:]:
        below = section(text, path)
        for parameter in verb.params:
            for option in [*parameter.opts, *parameter.secondary_opts]:
                wanted = (
                    option if isinstance(parameter, click.Option) else parameter.metavar or option.upper()
                )
                assert wanted in below, f"{path} {wanted}"
            if isinstance(parameter, click.Option) and parameter.help:
                assert " ".join(parameter.help.split()) in below
        for line in (verb.epilog or "").splitlines():
            assert " ".join(line.replace("\b", "").split()) in below
    assert "Exit codes: 0 done" in text


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def test_each_command_of_skyspark_is_shown_with_its_arguments(site: Path) -> None:
    text = shown(site, "skyspark-cli")
    found = list(parsers(make_parser()))
    assert len(found) > 10
    for parser in found[1:]:
        below = section(text, parser.prog)
        for action in parser._actions:
            for option in action.option_strings:
                assert option in below, f"{parser.prog} {option}"
            if action.help and "%" not in action.help:
                assert " ".join(action.help.split()) in below


def test_each_route_is_shown_with_its_fields(site: Path) -> None:
    rows = {}
    for row in re.findall(r"<tr>(.*?)</tr>", (site / "reference/routes/index.html").read_text(), re.DOTALL):
        cells = [
            html.unescape(re.sub(r"<[^>]+>", "", cell))
            for cell in re.findall(r"<td>(.*?)</td>", row, re.DOTALL)
        ]
        for route, *others in [cells] if cells else []:
            method, path = route.split(" ")
            versions = re.search(r"\{([\d.,]+)\}", path)
            for version in versions[1].split(",") if versions else [""]:
                rows[method, path.replace(versions[0], version) if versions else path] = others
    served = {(one.method, re.sub(r":\w+\}", "}", one.path)): one for one in endpoints()}
    assert rows.keys() == served.keys()
    for route, endpoint in served.items():
        does, call, fields = rows[route]
        assert does
        assert call, route
        if endpoint.fields is not None:
            assert set(filter(None, fields.split(", "))) == set(endpoint.fields.checks)


@pytest.mark.parametrize("template", TEMPLATES)
def test_each_question_is_shown_with_its_default_and_its_rule(site: Path, template: str) -> None:
    page = (site / "reference/questions/index.html").read_text()
    assert {folder.name for folder in (REPOSITORY / "templates").iterdir()} | {"skyspark"} == set(TEMPLATES)
    for name, question in questions.load(TEMPLATES[template]).questions.items():
        start = page.index(f'id="{template}-{name}"')
        below = page[start : page.index("</table>", start)]
        text = " ".join(html.unescape(re.sub(r"<[^>]+>", "", below)).split())
        for wanted in [*(question.choices or [str(question.default)]), question.label]:
            assert " ".join(wanted.split()) in text, f"{template} {name}"
        for key in ("message", "pattern", "reserved_message", "differs_from"):
            if key in question.rule:
                assert question.rule[key] in text, f"{template} {name} {key}"
        if "when" in question.rule:
            assert "asked when" in text


def test_each_key_of_a_pipelines_file_is_shown(site: Path) -> None:
    text = shown(site, "config-yml")
    for name, part in json_schema()["$defs"].items():
        below = section(text, name)
        for key, about in part["properties"].items():
            if not about.get("deprecated"):
                assert f" {key} " in below, f"{name}.{key}"


def test_the_schema_is_published_and_takes_the_examples_of_its_page(site: Path) -> None:
    published = json.loads((site / "schema/config.schema.json").read_text())
    assert published == json_schema()
    page = (site / "reference/config-yml/index.html").read_text()
    blocks = re.findall(r"<pre>(.*?)</pre>", page, re.DOTALL)
    texts = [html.unescape(re.sub(r"<[^>]+>", "", block)) for block in blocks]
    examples = [yaml.safe_load(text) for text in texts if not text.startswith("$ ")]
    examples = [one for one in examples if one]
    assert [set(one) >= {"tables"} for one in examples] == [True, False]
    for example in examples:
        # YAML 1.1 takes the key of a join for a boolean.
        text = json.dumps(example).replace('"true": ', '"on": ')
        assert list(Draft202012Validator(published).iter_errors(json.loads(text))) == []


def test_each_answer_and_schema_of_the_lambda_is_shown(site: Path) -> None:
    text = shown(site, "deploy-lambda")
    described = yaml.safe_load((REPOSITORY / "packages/astro-dag-deploy/swagger.yml").read_text())
    (operation,) = [method for path in described["paths"].values() for method in path.values()]
    for parameter in operation["parameters"]:
        assert parameter["name"] in text
    answers = section(text, "Answers of POST /dags")
    for status, answer in operation["responses"].items():
        assert f" {status} " in answers
        for reason in re.findall(r"(\w+) - ", answer["description"]):
            assert f"{reason}: " in answers
    for name, schema in described["components"]["schemas"].items():
        below = section(text, name)
        for field in schema.get("properties", {}):
            assert field in below


@pytest.mark.parametrize("page", ["operators", "skyspark-python"])
def test_what_is_imported_is_described(site: Path, page: str) -> None:
    text = (site / "reference" / page / "index.html").read_text()
    public = {
        "operators": ["SkySparkOperator", "SkySparkBundleOperator", "AlchemyRunTrigger", "PayloadError"],
        "skyspark-python": [
            *__import__("skyspark").__all__,
            *__import__("skyspark.load").load.__all__,
            "warehouse",
        ],
    }[page]
    headings = {found.rpartition(".")[2] for found in re.findall(r'<h\d id="([\w.]+)"', text)}
    assert set(public) <= headings
    assert "code-block::" not in text
