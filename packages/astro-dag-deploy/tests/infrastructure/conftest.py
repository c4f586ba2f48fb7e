"""The template as CloudFormation gets it, and its values under given parameters."""

import copy
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

PACKAGE = Path(__file__).parents[2]
PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::Region": "eu-west-1",
    "AWS::StackName": "dags",
    "AWS::URLSuffix": "amazonaws.com",
}
_NOTHING = object()


class Template:
    """A template whose functions can be evaluated.

    Args:
        source: it and the files it includes, as they are in the repository.
        parameters: values of its parameters; those with defaults may be left out.
        physical: what resources are called (`DagBucket`), and their attributes (`DagBucket.Arn`).
    """

    def __init__(self, source: Mapping[str, Any], parameters: Mapping[str, Any], physical: Mapping[str, str]):
        self.source = source
        defaults = {name: each["Default"] for name, each in source["Parameters"].items() if "Default" in each}
        self._names: dict[str, Any] = {**PSEUDO, **defaults, **parameters, **physical}

    def properties(self, resource: str) -> Any:
        return self.resolve(self.source["Resources"][resource]["Properties"])

    def broken_rules(self) -> list[str]:
        return [
            name
            for name, rule in self.source["Rules"].items()
            if self.resolve(rule["RuleCondition"])
            and not all(self.resolve(assertion["Assert"]) for assertion in rule["Assertions"])
        ]

    def resolve(self, value: Any) -> Any:
        found = self._resolve(value)
        return None if found is _NOTHING else found

    def _resolve(self, value: Any) -> Any:
        match value:
            case {"Ref": "AWS::NoValue"}:
                return _NOTHING
            case {"Ref": str(name)}:
                return self._names[name]
            case {"Fn::GetAtt": [name, attribute]}:
                return self._names[f"{name}.{attribute}"]
            case {"Fn::Sub": str(text)}:
                return self._substitute(text, {})
            case {"Fn::Sub": [text, more]}:
                return self._substitute(text, {name: self._resolve(each) for name, each in more.items()})
            case {"Fn::If": [condition, yes, no]}:
                return self._resolve(yes if self._resolve({"Condition": condition}) else no)
            case {"Condition": str(name)}:
                return self._resolve(self.source["Conditions"][name])
            case {"Fn::Equals": [one, other]}:
                return str(self._resolve(one)) == str(self._resolve(other))
            case {"Fn::Not": [condition]}:
                return not self._resolve(condition)
            case {"Fn::Join": [delimiter, parts]}:
                return delimiter.join(self._resolve(parts))
            case {"Fn::Split": [delimiter, text]}:
                return self._resolve(text).split(delimiter)
            case {"Fn::Select": [index, parts]}:
                return self._resolve(parts)[int(index)]
            case dict():
                found = {name: self._resolve(each) for name, each in value.items()}
                return {name: each for name, each in found.items() if each is not _NOTHING}
            case list():
                return [each for each in map(self._resolve, value) if each is not _NOTHING]
        return value

    def _substitute(self, text: str, more: Mapping[str, Any]) -> str:
        names = {**self._names, **more}
        return re.sub(r"\$\{([\w:.]+)\}", lambda match: str(names[match[1]]), text)


@pytest.fixture(scope="session")
def template_source() -> Any:
    """The template with the API in the place of its include, as the first transform leaves it."""
    source = yaml_parse((PACKAGE / "template.yml").read_text())
    include = source["Resources"]["DeployApi"]["Properties"]["DefinitionBody"]["Fn::Transform"]
    assert include["Name"] == "AWS::Include"
    body = yaml_parse((PACKAGE / include["Parameters"]["Location"]).read_text())
    source["Resources"]["DeployApi"]["Properties"]["DefinitionBody"] = body
    return source


@pytest.fixture(scope="session")
def translated(template_source: Any, aws: str) -> Any:
    """What CloudFormation carries out, when all transforms are done."""

    class Policies:
        def load(self) -> dict[str, str]:
            return {}

    source = copy.deepcopy(template_source)
    source["Resources"]["DeployFunction"]["Properties"]["CodeUri"] = "s3://bucket/lambda.zip"
    return transform(source, {}, Policies())


def inside(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every value in a document with its place."""
    yield at, value
    for key, each in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from inside(each, (*at, str(key)))


@pytest.fixture(scope="session")
def walk() -> Any:
    return inside


@pytest.fixture(scope="session")
def make_template(template_source: Any) -> Any:
    """Returns a Template for parameters and physical names."""

    def make(physical: Mapping[str, str] | None = None, **parameters: Any) -> Template:
        required = {
            "AllowedDeployments": "ws1/dep1",
            "AstroTokenSecretArn": "arn:aws:secretsmanager:eu-west-1:123456789012:secret:astro-AbCdEf",
        }
        resources = {name: name for name in template_source["Resources"]}
        arns = {f"{name}.Arn": f"arn:aws:::{name}" for name in resources}
        return Template(template_source, required | parameters, resources | arns | dict(physical or {}))

    return make
