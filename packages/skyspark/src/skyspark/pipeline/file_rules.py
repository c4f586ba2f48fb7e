"""Which keys of a pipeline's file go together, as JSON Schema: what the models' own validators check."""

from typing import Any

from skyspark.pipeline.base import Model
from skyspark.pipeline.expectations import RangeCheck, RowCount, TableRule
from skyspark.pipeline.model import Source, Target
from skyspark.pipeline.steps_file import StepsFile
from skyspark.pipeline.transformations import SqlQuery

VARIABLE: dict[str, Any] = {"type": "string", "pattern": r"\$\{"}

_GIVEN = {"not": {"type": "null"}}
_SOME = {"minItems": 1}


def _with(**keys: Any) -> dict[str, Any]:
    return {"required": list(keys), "properties": keys}


def never(keys: dict[str, Any]) -> dict[str, Any]:
    """Return the rule that no mapping is as described; of what is no mapping it says nothing.

    Args:
        keys: A schema of some keys.
    """
    return {"not": {"type": "object", **keys}}


def _one_of(*values: Any) -> dict[str, Any]:
    return {"anyOf": [{"enum": list(values)}, VARIABLE]}


_BOUNDED = {"anyOf": [_with(min=_GIVEN), _with(max=_GIVEN)]}
_MERGE_ONLY = ("sequence_by", "delete_where", "exclude_columns", "scd_type")
_RULES: dict[type[Model], list[dict[str, Any]]] = {
    Source: [
        {"oneOf": [_with(path={"type": "string"}), _with(table={"type": "string"})]},
        {
            "if": _with(table={"type": "string"}),
            "then": {"properties": {"format": _one_of("delta"), "type": _one_of("delta")}},
        },
    ],
    SqlQuery: [{"anyOf": [_with(query={"minLength": 1}), _with(file={"type": "string"})]}],
    RangeCheck: [_BOUNDED],
    RowCount: [_BOUNDED],
    TableRule: [{"properties": {"action": {"not": {"const": "drop"}}}}],
    Target: [
        {"if": _with(mode={"const": "merge"}), "then": _with(keys=_SOME)},
        {
            "if": {"not": _with(mode=_one_of("merge"))},
            "then": {"properties": dict.fromkeys(_MERGE_ONLY, False)},
        },
        {
            "if": _with(replace_where={"type": "string"}),
            "then": {"properties": {"mode": _one_of(None, "overwrite")}},
        },
        {"if": _with(mode={"const": "overwrite_partitions"}), "then": _with(partition_by=_SOME)},
        never(_with(partition_by=_SOME, cluster_by=_SOME)),
        never(_with(zorder=_SOME, cluster_by=_SOME)),
        {"properties": {"cluster_by": {"maxItems": 4}}},
    ],
    StepsFile: [
        {
            "anyOf": [
                {"properties": {"sources": {"maxItems": 1, "maxProperties": 1}}},
                _with(transformations=_SOME),
            ]
        }
    ],
}


def rules_of(model: type) -> list[dict[str, Any]]:
    """Return what a model asks of its keys together, those it inherits included.

    Args:
        model: A part of a pipeline's file.
    """
    return [rule for base in model.__mro__ for rule in _RULES.get(base, [])]
