"""Variables in texts: ``${NAME}``, ``${NAME:-default}`` and ``$$`` for a dollar sign.

The default stands in for a variable that is not set or empty, as in a POSIX shell (XCU 2.6.2). It may hold
variables itself.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from skyspark.errors import suggest

_DOLLAR = re.compile(r"\$(?:\$|\{)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_SHORTEST_SECRET = 4


class InterpolationError(ValueError):
    """A variable is missing or wrongly written; the text is a sentence without values."""


@dataclass(frozen=True)
class _Piece:
    """A text, or a variable with the pieces of its default."""

    text: str = ""
    name: str = ""
    default: "tuple[_Piece, ...] | None" = None


class Variables:
    """What variables stand for.

    Attributes:
        from_environment: Values of the process environment that were used, with their names: never shown.
    """

    def __init__(
        self,
        built_in: Mapping[str, str],
        given: Mapping[str, str],
        in_file: Mapping[str, str],
        environment: Mapping[str, str],
    ) -> None:
        """Name all sources of values.

        Args:
            built_in: Win over all others.
            given: Values that the user gave on the command line.
            in_file: Values that the file gives; they may hold variables themselves.
            environment: The process environment.
        """
        self._fixed = {**given, **built_in}
        self._in_file = in_file
        self._environment = environment
        self._known: dict[str, str] = {}
        self._open: list[str] = []
        self.from_environment: dict[str, str] = {}

    def replace(self, text: str) -> str:
        """Return a text with values in place of its variables.

        Args:
            text: With ``${NAME}``, ``${NAME:-default}`` or ``$$``.

        Raises:
            InterpolationError: A variable has no value, is wrongly written, or stands for itself.
        """
        return self._join(_pieces(text)) if "$" in text else text

    def hide(self, sentence: str) -> str:
        """Return a sentence in which names stand in for the values of the process environment.

        Values of less than four characters stay: every sentence is full of them.

        Args:
            sentence: For a person to read.
        """
        for value, name in sorted(self.from_environment.items(), key=lambda item: -len(item[0])):
            if len(value) >= _SHORTEST_SECRET:
                sentence = sentence.replace(value, f"${{{name}}}")
        return sentence

    def _join(self, pieces: tuple[_Piece, ...]) -> str:
        made = []
        for piece in pieces:
            if not piece.name:
                made.append(piece.text)
                continue
            value = self._value(piece.name)
            if not value and piece.default is not None:
                value = self._join(piece.default)
            if value is None:
                raise InterpolationError(
                    f"the variable ${{{piece.name}}} has no value{self._near(piece.name)}: "
                    f"give --var {piece.name}=…, set it in variables or in the environment, "
                    f"or write ${{{piece.name}:-default}}."
                )
            made.append(value)
        return "".join(made)

    def _value(self, name: str) -> str | None:
        if name in self._fixed:
            return self._fixed[name]
        if name in self._in_file:
            if name not in self._known:
                if name in self._open:
                    circle = " → ".join((*self._open[self._open.index(name) :], name))
                    raise InterpolationError(f"these variables stand for each other: {circle}.")
                self._open.append(name)
                try:
                    self._known[name] = self.replace(self._in_file[name])
                finally:
                    self._open.pop()
            return self._known[name]
        value = self._environment.get(name)
        if value:
            self.from_environment[value] = name
        return value

    def _near(self, name: str) -> str:
        # Not among the process environment: it is nobody's list of good names.
        return suggest(name, (*self._fixed, *self._in_file))


def _pieces(text: str) -> tuple[_Piece, ...]:
    return _parse(text, 0, nested=False)[0]


def _parse(text: str, start: int, *, nested: bool) -> tuple[tuple[_Piece, ...], int]:
    """Take a text apart, up to its end or, in a default, up to the brace that closes it."""
    found = []
    while True:
        dollar = _DOLLAR.search(text, start)
        close = text.find("}", start) if nested else -1
        if nested and close >= 0 and (dollar is None or close < dollar.start()):
            found.append(_Piece(text[start:close]))
            return tuple(found), close
        if dollar is None:
            if nested:
                raise InterpolationError("a variable '${' is not closed with '}'.")
            found.append(_Piece(text[start:]))
            return tuple(found), len(text)
        found.append(_Piece(text[start : dollar.start()]))
        if dollar[0] == "$$":
            found.append(_Piece("$"))
            start = dollar.end()
            continue
        piece, start = _variable(text, dollar.end())
        found.append(piece)


def _variable(text: str, start: int) -> tuple[_Piece, int]:
    name = _NAME.match(text, start)
    if name is None:
        raise _wrongly_written()
    end = name.end()
    if text.startswith("}", end):
        return _Piece(name=name[0]), end + 1
    if not text.startswith(":-", end):
        raise _wrongly_written()
    default, close = _parse(text, end + 2, nested=True)
    return _Piece(name=name[0], default=default), close + 1


def _wrongly_written() -> InterpolationError:
    return InterpolationError(
        "a variable is written ${NAME} or ${NAME:-default}, and a dollar sign before a brace $${."
    )
