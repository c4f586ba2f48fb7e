"""The JSON Schema of a pipeline's file, for editors that complete and check YAML.

It is made from the classes that the reader fills: keys, types and defaults are theirs, descriptions are their
docstrings'. A text may hold variables where the reader wants something else than text: what they stand for is
not known here, so such a text is let through.
"""

import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import AliasChoices, TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from skyspark.pipeline.base import Model
from skyspark.pipeline.drafts import Header
from skyspark.pipeline.file_rules import VARIABLE, never, rules_of
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.steps_file import StepsFile
from skyspark.pipeline.tables_file import TablesFile

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
# What pydantic reads as a boolean or a whole number though it is a text ("Conversion Table", lax mode).
_FLAG_WORDS = ("true", "false", "yes", "no", "on", "off", "t", "f", "y", "n", "1", "0")
_FLAG = {
    "type": "string",
    # JSON Schema's expressions have no sign for either case.
    "pattern": "|".join(f"^{''.join(f'[{c.upper()}{c}]' for c in word)}$" for word in _FLAG_WORDS),
}
_DIGITS = {"type": "string", "pattern": r"^\s*[+-]?\d+(_\d+)*(\.0*)?\s*$"}
_DOCUMENTED_ELSEWHERE: Mapping[type, type] = {Header: Pipeline}
_ENTRY = re.compile(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", re.MULTILINE)


def json_schema(form: Literal["tables", "steps"] | None = None) -> dict[str, Any]:
    """Return the schema of a pipeline's file (JSON Schema 2020-12).

    It refuses unknown keys, missing ones, values of the wrong kind and keys that do not go together, as the
    reader does. What needs more than the file, such as whether there is a column, it does not know.

    Args:
        form: ``tables`` for the file with a list of tables, ``steps`` for the one with sources,
            transformations and a target; default: either, by whether there are ``tables``.
    """
    forms: list[type[Model]] = [TablesFile, StepsFile]
    if form is not None:
        forms = [TablesFile] if form == "tables" else [StepsFile]
    definitions: dict[str, Any] = {}
    for model in forms:
        made = TypeAdapter(model).json_schema(schema_generator=_FileSchema, ref_template="#/$defs/{model}")
        definitions |= made.pop("$defs", {})
        definitions[model.__name__] = made
    head = {"$schema": _DIALECT, "title": "SkySpark pipeline"}
    if form is not None:
        whole = definitions.pop(forms[0].__name__)
        return {**whole, **head, "$defs": definitions}
    return {
        **head,
        "description": "A pipeline of tables: with a list of tables, or with sources, steps and one target.",
        "type": "object",
        "if": {"required": ["tables"]},
        "then": {"$ref": f"#/$defs/{TablesFile.__name__}"},
        "else": {"$ref": f"#/$defs/{StepsFile.__name__}"},
        "$defs": definitions,
    }


class _FileSchema(GenerateJsonSchema):
    """What pydantic says of a model, and what the reader does beyond that."""

    def bool_schema(self, schema: core_schema.BoolSchema) -> JsonSchemaValue:
        return {"anyOf": [super().bool_schema(schema), {"enum": [0, 1]}, _FLAG, VARIABLE]}

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return {"anyOf": [super().int_schema(schema), {"type": "boolean"}, _DIGITS, VARIABLE]}

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        made = super().literal_schema(schema)
        # Python holds true for 1, but a variable is never a number.
        other = VARIABLE if made.get("type") == "string" else {"const": True}
        return {"anyOf": [made, other]}

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        made = super().str_schema(schema)
        if "pattern" not in made:
            return made
        # Letters are ASCII's to the expressions of JSON Schema (ECMA-262) and all to the reader.
        made["pattern"] = made["pattern"].replace(r"\w", r"[\w\u0080-\uffff]")
        return {"anyOf": [made, VARIABLE]}

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """Choose by ``type``: so an editor names what is wrong with the one kind that is meant."""
        kinds = {str(tag): self.generate_inner(choice) for tag, choice in schema["choices"].items()}
        unnamed = [tag for tag, choice in schema["choices"].items() if self._is_default(choice)]
        chosen = [
            {"if": {"required": ["type"], "properties": {"type": {"const": tag}}}, "then": kind}
            for tag, kind in kinds.items()
        ]
        chosen += [{"if": {"not": {"required": ["type"]}}, "then": kinds[str(tag)]} for tag in unnamed]
        return {
            "type": "object",
            "properties": {"type": {"anyOf": [{"enum": list(kinds)}, VARIABLE]}},
            **({} if unnamed else {"required": ["type"]}),
            "allOf": chosen,
        }

    def definitions_schema(self, schema: core_schema.DefinitionsSchema) -> JsonSchemaValue:
        self._parts = {str(part.get("ref")): part for part in schema["definitions"]}
        return super().definitions_schema(schema)

    def _is_default(self, kind: Any) -> bool:
        """Say whether a kind of a union is the one that is meant where no type is given."""
        while "cls" not in kind:
            kind = kind["schema"] if "schema" in kind else self._parts[kind["schema_ref"]]
        return not kind["cls"].model_fields["type"].is_required()

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        model = schema["cls"]
        made = super().model_schema(schema)
        made["description"] = _summary(model)
        for name, field in model.model_fields.items():
            key, *others = _keys(name, field)
            about = made["properties"][key]
            if field.default in (None, "", ()) or isinstance(field.default, Model):
                about.pop("default", None)
            about["description"] = _description(model, name)
            for other in others:
                hidden = {} if isinstance(field.validation_alias, AliasChoices) else {"deprecated": True}
                made["properties"][other] = {**about, **hidden}
                made.setdefault("allOf", []).append(never({"required": [key, other]}))
        if rules := rules_of(model):
            made.setdefault("allOf", []).extend(rules)
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 (pydantic's signature)
        return False


def _keys(name: str, field: FieldInfo) -> list[str]:
    """Return the keys that a field can be given by, the usual one first."""
    if isinstance(field.validation_alias, AliasChoices):
        return [str(choice) for choice in field.validation_alias.choices]
    return [field.alias, name] if field.alias else [name]


def _description(model: type, name: str) -> str:
    for one in _documented(model):
        found = dict(_ENTRY.findall(inspect.cleandoc(one.__doc__ or ""))).get(name)
        if found:
            return _plain(found).replace("; key `schema` in YAML", "")
    # What chooses among kinds is described by the kind.
    return _summary(model)


def _documented(model: type) -> Iterator[type]:
    for one in model.__mro__:
        yield one
        if one in _DOCUMENTED_ELSEWHERE:
            yield _DOCUMENTED_ELSEWHERE[one]


def _summary(model: type) -> str:
    return _plain(re.split(r"\n\s*(?:Attributes|Raises):\n", inspect.getdoc(model) or "")[0])


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("``", "`")
