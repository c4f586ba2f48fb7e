"""SQL text: the statements of a file, and how they are run."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

# What a semicolon in it does not end a statement: literals, quoted names, comments.
_TOKEN = re.compile(
    r"""(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`]|``)*`)"""
    r"""|(?P<comment>--[^\n]*|/\*.*?\*/)|(?P<end>;)""",
    re.DOTALL,
)
_SCRIPT = re.compile(r"\s*(?:\w+\s*:\s*)?BEGIN\b", re.IGNORECASE)
_BRACES = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}")


def statements(text: str) -> Iterator[str]:
    """Yield the statements of a text, without those that are comments only.

    Args:
        text: Statements that semicolons part; a compound one (``BEGIN … END``) is alone in its text.
    """
    script = _SCRIPT.match(re.sub(r"--[^\n]*|/\*.*?\*/", " ", text, flags=re.DOTALL))
    start, holds_something = 0, False
    position = 0
    for token in () if script else _TOKEN.finditer(text):
        holds_something = (
            holds_something or bool(text[position : token.start()].strip()) or bool(token["text"])
        )
        position = token.end()
        if token["end"]:
            if holds_something:
                yield text[start : token.start()].strip()
            start, holds_something = token.end(), False
    if holds_something or text[position:].strip():
        yield text[start:].strip()


def run_statements(spark: Any, text: str, parameters: Mapping[str, str]) -> Any:
    """Run statements one after the other, and return the DataFrame of the last one; None without any.

    Args:
        spark: The session.
        text: The statements.
        parameters: Values of markers (``:name``); ``{{name}}`` is replaced as text, the older way.
    """
    filled = _BRACES.sub(lambda found: parameters.get(found[1], found[0]), text)
    last = None
    for statement in statements(filled):
        last = spark.sql(statement, args=dict(parameters)) if parameters else spark.sql(statement)
    return last
