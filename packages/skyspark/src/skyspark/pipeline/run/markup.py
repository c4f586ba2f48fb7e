"""What names, messages and layers look like in HTML."""

import html

# XML 1.0 and HTML allow no other control characters than these.
_ALLOWED = frozenset("\t\n")


def escape(text: str) -> str:
    """Return a text so that it stands for itself in HTML, also within quotes.

    Args:
        text: Any text, such as a name or an error's message.
    """
    if not text.isprintable():
        text = "".join(
            c if c in _ALLOWED or (c >= " " and c != "\x7f") else "\N{REPLACEMENT CHARACTER}" for c in text
        )
    return html.escape(text, quote=True)


def dot(layer: str | None) -> str:
    """Return the mark of a layer.

    Args:
        layer: The layer, or ``None``.
    """
    if layer is None:
        return '<i class="dot"></i>'
    return f'<i class="dot {escape(layer)}" title="{escape(layer)}"></i>'
