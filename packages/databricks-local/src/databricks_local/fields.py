"""What a request may hold: read from the signatures and dataclasses of databricks-sdk, checked to any depth.

The SDK is generated from the service's OpenAPI description, so its type hints are that description. A field
that it does not know is refused, with the name that was perhaps meant.
"""

import dataclasses
import enum
import types
import typing
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from functools import cache, partial
from typing import Any, Union

from databricks_local.errors import ApiError, malformed

Check = Callable[[object, str], Any]


@dataclasses.dataclass(frozen=True)
class Fields:
    """The fields of one request.

    Attributes:
        checks: For each name what turns a value and its path into the value to work with, or raises.
        required: Names without which the request is refused.
    """

    checks: Mapping[str, Check]
    required: frozenset[str]

    def check(self, values: Mapping[str, object]) -> dict[str, Any]:
        """Return the values, numbers and booleans in text turned into such.

        Args:
            values: Name to value, as JSON or a query string gave it.

        Raises:
            ApiError: 400: a name is unknown, a required one is missing, or a value is of another type.
        """
        checked = _check_names(values, self.checks, "")
        for name in sorted(self.required):
            if checked.get(name) is None:
                raise ApiError(400, "INVALID_PARAMETER_VALUE", f"Missing required field: {name}")
        return checked


def fields_of(
    method: Callable[..., Any],
    *,
    extra: Mapping[str, object] | None = None,
    required: Collection[str] = (),
    without: Collection[str] = (),
) -> Fields:
    """Return the fields of a route from the SDK's call for it.

    Args:
        method: The call, such as ``JobsAPI.submit``; its parameters have the names of the API's fields.
        extra: Fields that the signature lacks or names otherwise, with their types.
        required: Names without which the request is refused.
        without: Parameters that are no field of the query or body, such as those in the route's path.
    """
    hints: dict[str, object] = {**typing.get_type_hints(method), **(extra or {})}
    names = [name for name in hints if name not in {"return", "self", *without}]
    return Fields({name: _check_of(hints[name]) for name in names}, frozenset(required))


def fields(types_: Mapping[str, object], *, required: Collection[str] = ()) -> Fields:
    """Return fields that no call of the SDK describes.

    Args:
        types_: Name to type.
        required: Names without which the request is refused.
    """
    return Fields({name: _check_of(hint) for name, hint in types_.items()}, frozenset(required))


def _check_names(values: Mapping[str, object], checks: Mapping[str, Check], path: str) -> dict[str, Any]:
    checked = {}
    for name, value in values.items():
        check = checks.get(name)
        where = f"{path}.{name}" if path else name
        if check is None:
            close = get_close_matches(name, checks, n=1)
            meant = f" Did you mean '{close[0]}'?" if close else ""
            raise malformed(f"Could not parse request object: unknown field '{where}'.{meant}")
        if value is not None:
            checked[name] = check(value, where)
    return checked


def _check_of(hint: object) -> Check:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        inner = [a for a in arguments if a is not type(None)]
        return _check_of(inner[0]) if len(inner) == 1 else _any
    if origin in (list, typing.Iterator):
        return partial(_list, _check_of(arguments[0]))
    if origin is dict:
        return partial(_mapping, _check_of(arguments[1]))
    if isinstance(hint, type):
        if hint in _SIMPLE:
            return _SIMPLE[hint]
        if issubclass(hint, enum.Enum):
            return partial(_choice, tuple(member.value for member in hint))
        if dataclasses.is_dataclass(hint):
            return partial(_object, hint)
    return _any


@cache
def _checks_of(kind: type) -> Mapping[str, Check]:
    hints = typing.get_type_hints(kind)
    return {field.name: _check_of(hints[field.name]) for field in dataclasses.fields(kind)}


def _object(kind: type, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected("an object", value, path)
    return _check_names(value, _checks_of(kind), path)


def _mapping(check: Check, value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unexpected("an object", value, path)
    return {key: check(item, f"{path}.{key}") for key, item in value.items()}


def _list(check: Check, value: object, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise _unexpected("a list", value, path)
    return [check(item, f"{path}[{index}]") for index, item in enumerate(value)]


def _choice(choices: tuple[object, ...], value: object, path: str) -> object:
    if value not in choices:
        known = ", ".join(map(str, choices))
        raise malformed(f"Could not parse request object: '{path}' is {value!r}, not one of {known}.")
    return value


def _text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise _unexpected("a string", value, path)
    return value


def _integer(value: object, path: str) -> int:
    # Numbers of 64 bits travel as text in the JSON of protocol buffers, and Airflow sends all of them so.
    if isinstance(value, str):
        try:
            number = int(value)
        except ValueError:
            raise _unexpected("a whole number", value, path) from None
    elif isinstance(value, bool) or not isinstance(value, int):
        raise _unexpected("a whole number", value, path)
    else:
        number = value
    if not -(2**63) <= number < 2**63:
        raise _unexpected("a whole number of 64 bits", value, path)
    return number


def _number(value: object, path: str) -> float:
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            raise _unexpected("a number", value, path) from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unexpected("a number", value, path)
    return value


def _boolean(value: object, path: str) -> bool:
    # A query string has no other way to say it.
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise _unexpected("true or false", value, path)
    return value


def _any(value: object, _path: str) -> object:
    return value


def _unexpected(wanted: str, value: object, path: str) -> ApiError:
    shown = "an object" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    return malformed(f"Could not parse request object: '{path}' must be {wanted}, not {shown[:80]}.")


_SIMPLE: dict[type, Check] = {str: _text, int: _integer, float: _number, bool: _boolean}
