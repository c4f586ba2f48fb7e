"""The page of the deploy Lambda's API, from its OpenAPI description."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from reference_markup import block, code, page, table, text

ROOT = Path(__file__).resolve().parents[2]
DESCRIPTION = ROOT / "packages/astro-dag-deploy/swagger.yml"
_REASON = re.compile(r"(?:^|; )([a-z_]+) - ")


def pages() -> dict[str, str]:
    """Return the page by its place in docs/."""
    described = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
    parts = [
        text(described["info"]["description"]),
        "[The package](../../packages/astro-dag-deploy/README.md) says how it is set up and what it is for.",
    ]
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            parts += _operation(method.upper(), path, operation)
    parts.append("## Schemas")
    for name, schema in described["components"]["schemas"].items():
        parts += [f"### {name}", *_schema(schema)]
    return {"reference/deploy-lambda.md": page("API of the deploy Lambda", *parts, weight=50)}


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {method} {path}"
    yield text(f"{operation['summary']}. {operation['description']}")
    yield "Signed as AWS asks for it (Signature Version 4), by whoever IAM allows to invoke it."
    yield table(
        ("parameter", "in", "form", ""),
        (
            (code(one["name"]), one["in"], _form(one["schema"]), text(one["description"]))
            for one in operation.get("parameters", [])
        ),
    )
    body = operation["requestBody"]["content"]["application/json"]
    yield f"The body is a {_form(body['schema'])} as JSON."
    for example in body.get("examples", {}).values():
        yield f"**{text(example['summary'])}**"
        yield block(json.dumps(example["value"], indent=2), "json")
    yield f"### Answers of {method} {path}"
    yield table(("status", "body", "when"), _answers(operation["responses"]))
    for status, answer in operation["responses"].items():
        content = answer["content"]["application/json"]
        if "example" in content:
            yield f"**{status}**"
            yield block(json.dumps(content["example"], indent=2), "json")


def _answers(responses: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for status, answer in responses.items():
        headers = "".join(
            f"<br>{code(name)}: {text(header['description'])}"
            for name, header in answer.get("headers", {}).items()
        )
        said = " ".join(answer["description"].split())
        reasons = _REASON.split(said)
        when = text(reasons[0]) + "<br>".join(
            f"{code(name)}: {text(sentence)}"
            for name, sentence in zip(reasons[1::2], reasons[2::2], strict=True)
        )
        yield code(status), _form(answer["content"]["application/json"]["schema"]), when + headers


def _schema(schema: Mapping[str, Any]) -> Iterator[str]:
    yield text(schema.get("description", ""))
    if "properties" not in schema:
        yield f"{_form(schema)[:1].upper()}{_form(schema)[1:]}."
        return
    required = schema.get("required", [])
    yield table(
        ("field", "form", ""),
        (
            (
                f"**{code(name)}**" if name in required else code(name),
                _form(field),
                text(field.get("description", "")),
            )
            for name, field in schema["properties"].items()
        ),
    )
    if required and set(required) != set(schema["properties"]):
        yield "**Bold** fields are required. Others than these are refused."


def _form(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "oneOf" in schema:
        return " or ".join(map(_form, schema["oneOf"]))
    if schema.get("type") == "array":
        return f"list of {_form(schema['items'])}"
    if "properties" in schema:
        return ", ".join(f"{code(name)}: {_form(field)}" for name, field in schema["properties"].items())
    said = (
        [", ".join(code(one) for one in schema["enum"])] if "enum" in schema else [schema.get("type", "any")]
    )
    limits = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minimum": "from {} on",
    }
    said += [words.format(schema[key]) for key, words in limits.items() if key in schema]
    said += [f"matches {code(schema['pattern'])}"] if "pattern" in schema else []
    return ", ".join(said)
