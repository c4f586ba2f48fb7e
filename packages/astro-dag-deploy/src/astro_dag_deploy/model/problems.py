"""What is wrong with a request, in sentences that may be shown: short, and without what may be secret."""

import re
from collections.abc import Mapping, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]

_SHOWN_CHARACTERS = 100
_SENTENCES = 1000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
# By pydantic's names of errors: https://docs.pydantic.dev/latest/errors/validation_errors/
_WANTED: Mapping[str, str] = {
    "string_type": "must be text",
    "tuple_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


def sentences(error: ValidationError) -> list[str]:
    """Say everything that a model found wrong, a sentence each.

    A sentence names the place as `dags[3].dag_file.path`. Of more than 1,000 problems the first are told.

    Args:
        error: what was raised; its validators raise ValueError with words that follow the place.
    """
    found = [f"{where(item['loc'])}: {_words(item)}" for item in error.errors(include_url=False)[:_SENTENCES]]
    if (more := error.error_count() - len(found)) > 0:
        found.append(f"And {more:,} more problems.")
    return found


def where(location: Sequence[int | str]) -> str:
    """Return a place in a request, such as `dags[3].dag_file.path`."""
    place = ""
    for part in location:
        if isinstance(part, int):
            place += f"[{part}]"
        else:
            name = part if _NAME.fullmatch(part) else shown(part)
            place += f".{name}" if place else name
    return place or "The request"


def shown(text: str) -> str:
    """Return what may be shown of a text that was refused: in quotes, at most 100 characters.

    The query of an address is left out, because that of a presigned one lets anybody read the object; so is
    all that follows the scheme when there may be a password.
    """
    scheme, _, rest = text.partition("//")
    public = f"{scheme}//…" if "@" in rest else text
    public = re.split("[?#]", public, maxsplit=1)[0]
    return repr(public if len(public) <= _SHOWN_CHARACTERS else f"{public[: _SHOWN_CHARACTERS - 1]}…")


def kind_of(value: object) -> str:
    """Return what JSON calls a value."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "null" if value is None else "a number"


def _words(item: ErrorDetails) -> str:
    match item["type"]:
        case "value_error":
            return str(item["ctx"]["error"])
        case "missing":
            return "is missing."
        case "extra_forbidden":
            return "is not known."
        case kind if kind in _WANTED:
            return f"{_WANTED[kind]}, not {kind_of(item['input'])}."
    return "is not as it must be."
