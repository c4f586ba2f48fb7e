"""The page of the pipeline's file, from its JSON Schema, and the schema itself as a file of the site."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from reference_markup import block, code, page, prose, table
from skyspark.pipeline.file_schema import json_schema

SCHEMA = "schema/config.schema.json"
_TABLES = """\
name: orders
schema: ${SCHEMA:-sales}
environments:
  prod: {catalog: main, variables: {LANDING: /Volumes/main/sales/landing}}
tables:
  - name: bronze_orders
    layer: bronze
    mode: streaming
    source:
      format: json
      path: ${LANDING:-landing}/orders
      schema: order_id STRING, at TIMESTAMP, amount INT
  - name: silver_orders
    layer: silver
    tags: [daily]
    depends_on: bronze_orders
    expectations:
      - {type: null_check, columns: order_id, action: drop}
      - {expression: amount > 0, action: warn}
    target: {mode: merge, keys: order_id, sequence_by: at, quarantine: true}
  - name: revenue
    layer: gold
    depends_on: silver_orders
    transformation: {type: aggregate, group_by: [to_date(at) AS day], aggregations: {revenue: sum(amount)}}
"""
_STEPS = """\
pipeline: {name: revenue, tags: daily}
sources:
  orders: {format: json, path: landing/orders}
  customers: {table: crm.customers}
transformations:
  - {name: paid, type: filter, input: orders, condition: amount > 0}
  - {name: named, type: join, left: paid, right: customers, on: customer_id}
  - {name: revenue, type: aggregate, group_by: country, aggregations: {revenue: sum(amount)}}
validation:
  - {type: unique, columns: country, action: fail}
target: {schema: sales, table: revenue}
"""
EXAMPLES = {"tables": _TABLES, "steps": _STEPS}
_LEAD = f"""\
One file says which tables there are: [Pipelines](../pipelines.md) tells what becomes of them.
`${{NAME}}` and `${{NAME:-default}}` may stand in every text, also where a number or true or false is wanted.

## In an editor

The [JSON Schema](../{SCHEMA}) of this file (draft 2020-12) completes keys, shows what they mean and
underlines what SkySpark would refuse for its shape. Editors that use yaml-language-server, such as VS Code
with its YAML extension, look for it where the first line of the file says. In a project, once:

```console
$ skyspark schema -o .vscode/config.schema.json
```

```yaml
# yaml-language-server: $schema=../../.vscode/config.schema.json
```

This needs no network and fits the version of SkySpark that the project has. The newest schema is
`https://mshell-cut.github.io/mshell-cut/{SCHEMA}`."""
_ORDER = {
    "The file": ("TablesFile", "Environment"),
    "A table": ("Table", "Source", "Target", "Watermark", "Incremental"),
    "Transformations": ("SqlQuery", "PythonFunction", "Filter", "Join", "Aggregate"),
    "Expectations": ("ExpressionRule", "NullCheck", "RangeCheck", "AcceptedValues", "Unique", "RowCount"),
    "The form with steps": (
        "StepsFile",
        "PipelineSection",
        "SourceStep",
        "NamedSource",
        "SqlStep",
        "PythonStep",
        "FilterStep",
        "JoinStep",
        "AggregateStep",
        "Rules",
        "TargetSection",
    ),
}


def pages() -> dict[str, str]:
    """Return the page, and the schema, by their places in docs/."""
    schema = json_schema()
    parts = [_LEAD]
    for title, names in _ORDER.items():
        parts.append(f"## {title}")
        if "TablesFile" in names or "StepsFile" in names:
            parts.append(block(EXAMPLES["tables" if "TablesFile" in names else "steps"], "yaml"))
        for name in names:
            parts += _part(name, schema["$defs"][name])
    return {
        "reference/config-yml.md": page("config.yml", *parts, weight=20),
        SCHEMA: json.dumps(schema, indent=1) + "\n",
    }


def _part(name: str, part: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield prose(part["description"])
    required = part.get("required", [])
    yield table(
        ("key", "value", "default", "meaning"),
        (
            (
                f"**{code(key)}**" if key in required else code(key),
                _form(about),
                code(_written(about["default"])) if "default" in about else "",
                prose(about["description"]),
            )
            for key, about in part["properties"].items()
            if not about.get("deprecated")
        ),
    )


def _written(value: Any) -> str:
    written = yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n")
    return written.strip()


def _form(schema: Mapping[str, Any]) -> str:
    """Say what a value may be, without what pydantic reads into texts and what variables may stand for."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "allOf" in schema:
        return " or ".join(dict.fromkeys(_form(kind["then"]) for kind in schema["allOf"]))
    if "anyOf" in schema:
        kinds = dict.fromkeys(_form(kind) for kind in schema["anyOf"] if _is_own(kind, schema["anyOf"]))
        return " or ".join(kinds)
    if "const" in schema:
        return code(_written(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(_written(value)) for value in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_form(schema['items'])}"
    if kind == "object":
        inner = schema.get("additionalProperties", True)
        return f"names with {'any value' if inner is True else _form(inner)}"
    if isinstance(kind, list):
        return "text, number, true or false"
    return {"string": "text", "integer": "whole number", "boolean": "true or false"}.get(
        str(kind), "any value"
    )


def _is_own(kind: Mapping[str, Any], kinds: list[Mapping[str, Any]]) -> bool:
    if kind.get("type") == "null":
        return False
    first = kinds[0]
    plain = first.get("type") in ("boolean", "integer") or "const" in first or "enum" in first
    return (
        kind is first
        or not plain
        or "$ref" in kind
        or (kind.get("type") == "string" and "pattern" not in kind)
    )
