"""Markdown for texts that were written for a terminal or in code, where nothing becomes markup by chance."""

import html
import re
from collections.abc import Iterable, Sequence

_SPECIAL = re.compile(r"([\\`*_{}\[\]|]|^[-+#])")
_SPAN = re.compile(r"``(.+?)``|`([^`]+)`")


def text(plain: str) -> str:
    """Return a plain text so that it is shown as it is, on one line."""
    return _SPECIAL.sub(r"\\\1", html.escape(" ".join(plain.split()), quote=False))


def code(plain: str) -> str:
    """Return a text as code within a line."""
    plain = " ".join(plain.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def prose(docstring: str) -> str:
    """Return a text of a docstring, whose code stands between backticks."""
    parts = []
    end = 0
    for span in _SPAN.finditer(docstring):
        parts += [text_keeping_ends(docstring[end : span.start()]), code(span[1] or span[2])]
        end = span.end()
    return "".join([*parts, text_keeping_ends(docstring[end:])]).strip()


def text_keeping_ends(plain: str) -> str:
    """As `text`, with a space where the text begins or ends in white space."""
    shown = text(plain)
    before = " " if plain[:1].isspace() and shown else ""
    after = " " if plain[-1:].isspace() else ""
    return f"{before}{shown}{after}"


def block(content: str, language: str = "text") -> str:
    """Return a text as a block of code."""
    fence = "`" * max(3, *(len(run) + 1 for run in re.findall("`+", content)), 3)
    return f"{fence}{language}\n{content.strip(chr(10))}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of Markdown; nothing when it would have no rows.

    Args:
        head: The columns' titles.
        rows: Cells of Markdown without line breaks.
    """
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    if not lines:
        return ""
    return "\n".join([f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}", *lines])


def page(title: str, *parts: str, weight: int) -> str:
    """Return a page.

    Args:
        title: Its heading.
        parts: Blocks of Markdown; empty ones are left out.
        weight: Its place in the navigation.
    """
    head = f"---\nweight: {weight}\n---\n\n# {title}"
    return "\n\n".join([head, *filter(None, parts)]) + "\n"
