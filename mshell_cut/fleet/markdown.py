"""Text of others as Markdown that shows it and does nothing else (https://spec.commonmark.org)."""

import re


def visible(text: str) -> str:
    """Return a text on one line, with what cannot be printed written out."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def escaped(text: str) -> str:
    """Return a text for a paragraph or the cell of a table."""
    return re.sub(r"([\\`*_\[\]<>|~&#@])", r"\\\1", visible(text))


def code(text: str) -> str:
    """Return a text as a code span, which holds no markup, HTML or mentions."""
    shown = visible(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    # Inside, a space is taken off both ends where both have one.
    padding = " " if shown[:1] in ("`", " ") or shown[-1:] in ("`", " ") else ""
    return f"{fence}{padding}{shown}{padding}{fence}"
