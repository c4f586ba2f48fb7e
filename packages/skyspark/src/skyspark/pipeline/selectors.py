"""The grammar of selectors, as dbt has it, with ``and``, ``or``, ``not`` and parentheses.

::

    union        = intersection { ("or" | space) intersection }
    intersection = negation { ("and" | ",") negation }
    negation     = "not" negation | "(" union ")" | word
    word         = "@" criterion | [[n] "+"] criterion ["+" [n]]
    criterion    = [method ":"] value          with the methods name, tag, layer and path

A value without a method is a name, or a path if it holds a slash; ``*``, ``?`` and ``[…]`` are wildcards.
"""

import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

from skyspark.errors import SelectionError

Method = Literal["name", "tag", "layer", "path"]

_TOKEN = re.compile(r"\s*(?P<token>[(),]|[^\s(),]+)")
_WORD = re.compile(
    r"(?P<at>@)?(?:(?P<up>[0-9]*)(?P<parents>\+))?(?P<criterion>.*?)(?:(?P<children>\+)(?P<down>[0-9]*))?\Z"
)
_METHOD = re.compile(r"(?P<method>[^:/]*):(?P<value>.*)\Z")
_OPERATORS = ("and", "or", "not")
# Nobody nests deeper by hand, and Python's stack is finite.
_DEEPEST = 50


@dataclass(frozen=True)
class Criterion:
    """Tables with something in common.

    Attributes:
        method: What is compared.
        value: What it is compared with; may hold wildcards.
    """

    method: Method
    value: str

    @property
    def is_pattern(self) -> bool:
        """Whether the value holds wildcards."""
        return any(sign in self.value for sign in "*?[")


@dataclass(frozen=True)
class Neighbours:
    """Tables together with those above and below them.

    Attributes:
        of: Where to begin.
        up: How many edges up; ``None`` for all.
        down: How many edges down; ``None`` for all.
    """

    of: Criterion
    up: int | None
    down: int | None


@dataclass(frozen=True)
class Rebuilt:
    """``@``: tables, all that is below them, and all that any of those reads.

    Attributes:
        of: Where to begin.
    """

    of: Criterion


@dataclass(frozen=True)
class Union:
    """What any part selects.

    Attributes:
        parts: Any number; none select nothing.
    """

    parts: "tuple[Selector, ...]"


@dataclass(frozen=True)
class Intersection:
    """What all parts select.

    Attributes:
        parts: One or more.
    """

    parts: "tuple[Selector, ...]"


@dataclass(frozen=True)
class Complement:
    """All tables but some.

    Attributes:
        of: What is left out.
    """

    of: "Selector"


Selector = Criterion | Neighbours | Rebuilt | Union | Intersection | Complement


def parse_selector(written: str) -> Selector:
    """Take a selector apart.

    Args:
        written: Such as ``tag:daily+ and not layer:bronze``.

    Raises:
        SelectionError: It is none; the column and what was expected there are named.
    """
    return _Parser(written).selector()


@dataclass(frozen=True)
class _Token:
    text: str
    start: int

    @property
    def operator(self) -> str:
        """The operator it is, in lower case, or nothing."""
        lower = self.text.lower()
        return lower if lower in _OPERATORS or lower in "()," else ""


class _Parser:
    def __init__(self, written: str) -> None:
        self.written = written
        self.tokens = [_Token(m["token"], m.start("token")) for m in _TOKEN.finditer(written)]
        self.tokens.append(_Token("", len(written.rstrip())))
        self.position = 0
        self.depth = 0

    @property
    def token(self) -> _Token:
        return self.tokens[self.position]

    @property
    def at_end(self) -> bool:
        return self.position == len(self.tokens) - 1

    def selector(self) -> Selector:
        found = self.union()
        if not self.at_end:
            raise self.wrong("'and', 'or', a comma or the end")
        return found

    def union(self) -> Selector:
        parts = [self.intersection()]
        while not self.at_end and self.token.operator != ")":
            if self.token.operator == "or":
                self.position += 1
            elif self.token.operator == "not":
                # Beside each other means "or", which nobody means here.
                raise self.wrong("'and not' or 'or not'")
            parts.append(self.intersection())
        return parts[0] if len(parts) == 1 else Union(tuple(parts))

    def intersection(self) -> Selector:
        parts = [self.negation()]
        while not self.at_end and self.token.operator in ("and", ","):
            self.position += 1
            parts.append(self.negation())
        return parts[0] if len(parts) == 1 else Intersection(tuple(parts))

    def negation(self) -> Selector:
        token = self.token
        if token.operator not in ("not", "("):
            return self.word()
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self.wrong(f"at most {_DEEPEST} 'not' and parentheses in each other")
        self.position += 1
        found: Selector
        if token.operator == "not":
            found = Complement(self.negation())
        else:
            found = self.union()
            if self.token.operator != ")" or self.at_end:
                raise self.wrong("')'")
            self.position += 1
        self.depth -= 1
        return found

    def word(self) -> Selector:
        token = self.token
        word = _WORD.match(token.text)
        if self.at_end or token.operator or word is None:
            raise self.wrong("a selector such as orders_gold, tag:daily or (")
        criterion = self.criterion(word["criterion"], token.start + word.start("criterion"))
        if word["at"]:
            if word["parents"] or word["children"]:
                raise self.wrong("'@' without '+', because it takes along both sides")
            self.position += 1
            return Rebuilt(criterion)
        self.position += 1
        if word["parents"] or word["children"]:
            return Neighbours(
                criterion,
                _steps(word["up"]) if word["parents"] else 0,
                _steps(word["down"]) if word["children"] else 0,
            )
        return criterion

    def criterion(self, written: str, start: int) -> Criterion:
        method, value = "path" if "/" in written else "name", written
        with_method = _METHOD.match(written)
        if with_method is not None:
            method, value = with_method["method"], with_method["value"]
            if method not in get_args(Method):
                raise self.wrong(f"one of {', '.join(f'{known}:' for known in get_args(Method))}", start)
            start += with_method.start("value")
        if not value or value[0] in "+@" or value[-1] == "+":
            kind = method if with_method is not None else "name"
            raise self.wrong(f"a {kind}", start)
        return Criterion(cast(Method, method), value)

    def wrong(self, expected: str, start: int | None = None) -> SelectionError:
        at = self.token.start if start is None else start
        rest = _TOKEN.match(self.written, at)
        found = "the end" if rest is None else f"'{rest['token']}'"
        return SelectionError(
            f"the selector '{self.written}' is wrong at column {at + 1}: expected {expected}, found {found}."
        )


def _steps(digits: str) -> int | None:
    # A number that long is more than there are tables, and Python refuses to read thousands of digits.
    return int(digits) if 0 < len(digits) <= 9 else None
