"""What a program or a server said, fit to be quoted in a message."""

import re
from collections.abc import Iterable

# https://en.wikipedia.org/wiki/ANSI_escape_code: control sequences, then those of the operating system.
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]")
# The query of a signed address is its signature.
_QUERY = re.compile(r"(https?://[^\s?#\"'<>]*)[?#][^\s\"'<>]*")
# A JSON web token: https://www.rfc-editor.org/rfc/rfc7519
_WEB_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")


def without_ansi(text: str) -> str:
    """Return a text without the codes that colour it on a terminal."""
    return _ANSI.sub("", text)


def quote(text: str, secrets: Iterable[str] = (), *, longest: int = 400) -> str:
    """Return a text on one line, in short, without what nobody must read.

    Args:
        text: what was said.
        secrets: what it must not hold; the queries of addresses and all web tokens are taken out besides.
        longest: how many characters are kept, of its beginning.
    """
    text = without_ansi(text)
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    text = _WEB_TOKEN.sub("***", _QUERY.sub(r"\1", text))
    text = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"
