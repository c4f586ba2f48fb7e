"""Values as the API takes them where it takes text only."""

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
    if isinstance(value, str | int | float):
        return str(value)
    raise PayloadError(f"{where} is {value!r}: give text, a number or a bool, or leave it out.")


def texts(values: Iterable[object], where: str) -> list[str]:
    """Return a list of values as texts.

    Args:
        values: Texts, numbers or bools.
        where: The argument they belong to, for the error.

    Raises:
        PayloadError: They are one text instead of a list, or one of them is something else.
    """
    if isinstance(values, str):
        raise PayloadError(f"{where} is the text {values!r}: give a list of texts.")
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
