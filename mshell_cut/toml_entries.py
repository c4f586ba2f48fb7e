"""Adds keys to a TOML file and leaves every other byte of it as it is."""

import re
import tomllib
from typing import Any

from mshell_cut.errors import FileUnreadableError


def load(text: str, name: object) -> dict[str, Any]:
    """Parse a TOML text.

    Args:
        text: what to parse.
        name: of the file, for the error.

    Raises:
        FileUnreadableError: it does not parse.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FileUnreadableError(name, str(error)) from None


def add_key(text: str, table: str, line: str, name: object) -> str:
    """Add a key to the end of a table.

    Args:
        text: of the file.
        table: its name as it stands in the header, such as `project.scripts`.
        line: the key and its value, `key = "value"`.
        name: of the file, for errors.

    Raises:
        FileUnreadableError: the file does not parse, has no header of that table, or has the key.
    """
    wanted = load(text, name)
    header = re.search(
        rf"^\[[ \t]*{re.escape(table)}[ \t]*\][ \t]*(?:#[^\n]*)?\r?(?:\n|\Z)", text, re.MULTILINE
    )
    if not header:
        raise FileUnreadableError(name, f"has no table [{table}] for '{line.strip()}' to go to")
    inner = wanted
    for part in table.split("."):
        inner = inner.get(part, {})
    for key, value in load(line, name).items():
        if key in inner:
            raise FileUnreadableError(name, f"[{table}] has a '{key}' already")
        inner[key] = value
    following = re.compile(r"^\[", re.MULTILINE).search(text, header.end())
    body = text[header.end() : following.start() if following else len(text)]
    # Comments at the end belong to the next table.
    own = re.sub(r"(?:[ \t]*(?:#[^\n]*)?\r?\n)*(?:[ \t]*#[^\n]*)?\Z", "", body)
    newline = "\r\n" if "\r\n" in text else "\n"
    place = header.end() + len(own)
    gap = newline if own or not text[:place].endswith("\n") else ""
    tail = "" if gap else newline
    made = f"{text[:place]}{gap}{line.strip()}{tail}{text[place:]}"
    if load(made, name) != wanted:
        raise FileUnreadableError(
            name, f"[{table}] is written in a way that takes no more keys by text alone"
        )
    return made
