"""Values as texts, for an API that takes only those, and texts as values, since templates give only those."""

from collections.abc import Iterable, Mapping

from alchemy.errors import PayloadError


def text(value: object, where: str) -> str:
    """Return a value as text: ``true`` and ``false`` as Spark and YAML have them, numbers in decimal.

    Args:
        value: Text, a number or a bool.
        where: The argument it belongs to, for the error.

    Raises:
        PayloadError: It is something else, such as None.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # str() of a member of an enumeration of texts is its name.
        return str.__str__(value)
    if isinstance(value, int | float):
        return str(value)
    raise PayloadError(f"{where} is {value!r}: give text, a number or a bool, or leave it out.")


def texts(values: Iterable[object], where: str) -> list[str]:
    """Return a list of values as texts.

    Args:
        values: Texts, numbers or bools.
        where: The argument they belong to, for the error.

    Raises:
        PayloadError: They are no list, or one of them is something else.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise PayloadError(f"{where} is {values!r}: give a list of texts.")
    return [text(value, f"{where}[{index}]") for index, value in enumerate(values)]


def text_map(values: Mapping[str, object], where: str) -> dict[str, str]:
    """Return a mapping with its values as texts.

    Args:
        values: Texts, numbers or bools by name.
        where: The argument they belong to, for the error.

    Raises:
        PayloadError: It is no mapping, or one of the values is something else.
    """
    if not isinstance(values, Mapping):
        raise PayloadError(f"{where} is {values!r}: give a mapping of names to values.")
    return {str(name): text(value, f"{where}[{name!r}]") for name, value in values.items()}


def whole_number(value: object, where: str) -> int:
    """Return a whole number from 1 on.

    Args:
        value: The number, or its decimal text.
        where: The argument it belongs to, for the error.

    Raises:
        PayloadError: It is something else.
    """
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise PayloadError(f"{where} is {value!r}: give a whole number from 1 on.")
    return number


def flag(value: object, where: str) -> bool:
    """Return a bool.

    Args:
        value: The bool, or its text as Python and YAML write it.
        where: The argument it belongs to, for the error.

    Raises:
        PayloadError: It is something else.
    """
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise PayloadError(f"{where} is {value!r}: give True or False.")
    return value
