"""Archives as Stack Exchange makes them, of made rows."""

import io
from collections.abc import Sequence
from typing import Any

import py7zr


def xml(tag: str, rows: int) -> bytes:
    """Return a member of an archive, whose values have what could be taken for other rows."""
    body = "".join(f'  <row Id="{n}" Body="&lt;row x&gt; &amp; {n}" />\r\n' for n in range(rows))
    return f'\ufeff<?xml version="1.0" encoding="utf-8"?>\r\n<{tag}>\r\n{body}</{tag}>'.encode()


def pack(*members: tuple[str, bytes], **options: Any) -> bytes:
    """Return a 7z archive of members, each a name and its text."""
    packed = io.BytesIO()
    with py7zr.SevenZipFile(packed, "w", **options) as archive:
        for name, text in members:
            archive.writestr(text, name)
    return packed.getvalue()


def pack_site(posts: int, users: int, others: Sequence[str] = ("Badges.xml", "Tags.xml")) -> bytes:
    """Return the archive of a site, with other members before, between and after the two."""
    before, between = others
    return pack(
        (before, xml("others", 5)),
        ("Posts.xml", xml("posts", posts)),
        (between, xml("others", 1)),
        ("Users.xml", xml("users", users)),
        ("Votes.xml", xml("votes", 7)),
    )
