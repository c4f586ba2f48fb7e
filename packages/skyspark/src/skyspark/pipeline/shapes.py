"""What is wrong with the shape of values, said in this package's own words.

pydantic finds it; its errors are translated here one kind at a time, so that each names the key, what was
found and what is allowed.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from skyspark.errors import suggest
from skyspark.pipeline.base import KeyConflictError, Model
from skyspark.pipeline.document import Document
from skyspark.pipeline.problems import Path

M = TypeVar("M", bound=Model)

_LONGEST = 60
_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping of names to values",
    "mapping_type": "a mapping of names to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
}


def check(
    document: Document, model: type[M], values: Any, at: Path, *, inside: str | None = None
) -> M | None:
    """Return values as the model they are meant for, or note what is wrong with them.

    Args:
        document: Where the values stand; gets the problems.
        model: What they are meant for.
        values: Plain values, their variables replaced.
        at: Where in the document they stand.
        inside: The only field of the model, where the values are meant for that: so one value can be checked
            against a union.
    """
    whole = values if inside is None else {inside: values}
    try:
        return model.model_validate(whole)
    except ValidationError as error:
        found = error.errors(include_url=False)
    wrong: dict[Path, list[ErrorDetails]] = {}
    for detail in found:
        path = _path(model, whole, detail)
        if detail["type"] == "union_tag_not_found" and path[-1:] != ("type",):
            # What is no mapping has no type for another reason.
            detail["type"] = "model_type"
        wrong.setdefault(path, []).append(detail)
    for path, details in wrong.items():
        place = (*at, *(path if inside is None else path[1:]))
        sentence = _sentence(model, details, document.written(place), _at(whole, path))
        document.add(place, sentence)
    return None


def keys_of(model: type[Model]) -> list[str]:
    """Return the keys that a mapping for a model may have.

    Args:
        model: The model.
    """
    return [field.alias or name for name, field in model.model_fields.items()]


def models_in(annotation: Any) -> tuple[type[Model], ...]:
    """Return the models that an annotation names, at any depth.

    Args:
        annotation: Such as ``tuple[Table, ...]``.
    """
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return (annotation,)
    return tuple(model for part in get_args(annotation) for model in models_in(part))


def _path(model: type[Model], values: Any, detail: ErrorDetails) -> Path:
    """Return where in the values an error is: pydantic's own place names members of unions as well."""
    path: list[str | int] = []
    here: Any = values
    for step, is_member, _ in _steps(model, detail["loc"]):
        if is_member:
            continue
        if not (step in here if isinstance(here, dict) else isinstance(here, list) and isinstance(step, int)):
            # A missing key, a kind of value, or the only text of what may be a list.
            break
        path.append(step)
        here = _at(here, (step,))
    conflict = detail.get("ctx", {}).get("error")
    if isinstance(conflict, KeyConflictError):
        path.append(conflict.key)
    elif detail["type"] in ("union_tag_invalid", "union_tag_not_found") and isinstance(here, dict):
        path.append("type")
    return tuple(path)


def _steps(
    model: type[Model], place: tuple[str | int, ...]
) -> Iterator[tuple[str | int, bool, tuple[type[Model], ...]]]:
    """Yield the steps of pydantic's place, whether each names a member of a union, and what it leads into."""
    inside: tuple[type[Model], ...] = (model,)
    for step in place:
        chosen = tuple(m for m in inside if _tag(m) == step) if len(inside) > 1 else ()
        if chosen:
            inside = chosen
        elif isinstance(step, str):
            fields = (f for m in inside for name, f in m.model_fields.items() if step in (name, f.alias))
            field = next(fields, None)
            inside = models_in(field.annotation) if field is not None else ()
        yield step, bool(chosen), inside


def _tag(model: type[Model]) -> str | None:
    field = model.model_fields.get("type")
    values = get_args(field.annotation) if field is not None else ()
    return str(values[0]) if values else None


def _at(values: Any, path: Path) -> Any:
    for step in path:
        if isinstance(values, dict):
            values = values.get(step)
        elif isinstance(values, list) and isinstance(step, int):
            values = values[step]
        else:
            return None
    return values


def _sentence(model: type[Model], details: Sequence[ErrorDetails], written: str | None, value: Any) -> str:
    """Say what is wrong in one place.

    Args:
        model: What the whole was meant for.
        details: What pydantic says of the place: for a union, of each member.
        written: The value as it is written in the file, if it is no list or mapping.
        value: The value.
    """
    kind, context = details[0]["type"], details[0].get("ctx", {})
    found = _quoted(written) if written is not None else None
    match kind:
        case "value_error":
            return f"{context['error']}."
        case "missing":
            return f"the key '{details[0]['loc'][-1]}' is missing."
        case "extra_forbidden":
            return _unknown_key(model, details[0])
        case "union_tag_not_found":
            return f"{_wanted_tag(found)}: use one of {', '.join(_tags(model, details[0]))}."
        case "union_tag_invalid":
            return _unknown(written, _tags(model, details[0]))
        case "literal_error":
            return _unknown(written, re.findall(r"'([^']*)'|(?<!\w)(\d+)", str(context["expected"])))
        case "string_too_short":
            return "it is empty."
        case "string_pattern_mismatch":
            return f"{found} is none: write names of letters, digits and '_', joined by dots."
        case "too_short":
            return "it is empty: name at least one."
        case "greater_than_equal":
            return f"{found} is too small: the least is {context['ge']}."
    kinds = {detail["type"] for detail in details}
    wanted = list(dict.fromkeys(_WANTED.get(detail["type"], "another value") for detail in details))
    if "finite_number" in kinds:
        wanted = ["a finite number"]
    elif "a list" in wanted:
        wanted = [w for w in wanted if w not in ("text", "a list")] + ["a text or a list of texts"]
    elif {"text", "a number"} <= set(wanted):
        wanted = ["a text, a number, true or false"]
    return f"it must be {' or '.join(wanted)}, and is {_kind(value, found, wanted)}."


def _unknown_key(model: type[Model], detail: ErrorDetails) -> str:
    around: tuple[type[Model], ...] = (model,)
    for _, _, inside in _steps(model, detail["loc"][:-1]):
        around = inside or around
    keys = keys_of(around[0])
    return f"the key is unknown{suggest(str(detail['loc'][-1]), keys)}: use one of {', '.join(keys)}."


def _tags(model: type[Model], detail: ErrorDetails) -> list[str]:
    inside: tuple[type[Model], ...] = ()
    for _, _, found in _steps(model, detail["loc"]):
        inside = found or inside
    return [tag for tag in map(_tag, inside) if tag]


def _wanted_tag(found: str | None) -> str:
    return "the key 'type' is missing" if found is None else f"{found} is no type"


def _unknown(written: str | None, allowed: Sequence[str | tuple[str, ...]]) -> str:
    names = ["".join(name) for name in allowed]
    if written is None:
        return f"it must be one of {', '.join(names)}."
    return f"{_quoted(written)} is unknown{suggest(written, names)}: use one of {', '.join(names)}."


def _quoted(written: str) -> str:
    # Up to its first line, and not all of that: a whole query may stand where a name should.
    line = written.partition("\n")[0]
    return f"'{line}'" if line == written and len(line) <= _LONGEST else f"'{line[:_LONGEST]}…'"


def _kind(value: Any, found: str | None, wanted: Sequence[str]) -> str:
    if value is None:
        return "empty"
    if isinstance(value, dict):
        return "a mapping of keys to values"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool | int | float) and "text" in " ".join(wanted):
        return f"{found}: put it in quotes"
    return found or "something else"
