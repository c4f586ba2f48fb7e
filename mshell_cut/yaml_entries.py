"""Adds entries to a YAML file and leaves every other byte of it as it is.

The parser tells where things end (marks of nodes, https://pyyaml.org/wiki/PyYAMLDocumentation), the text is
put there, and the result is parsed again: it must hold what was there and the entry, nothing else. Loading
the file and dumping it would lose its quoting and indentation.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

import yaml

from mshell_cut.errors import FileUnreadableError


def load(text: str, name: object) -> Any:
    """Parse a YAML text.

    Args:
        text: what to parse.
        name: of the file, for the error.

    Raises:
        FileUnreadableError: it does not parse.
    """
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise FileUnreadableError(name, f"{line}{problem}") from None


def add_item(text: str, path: str, entry: str, name: object) -> str:
    """Add a mapping to the end of a list.

    Args:
        text: of the file.
        path: of the list: keys with dots between.
        entry: the mapping as block YAML at column 0, indented by two spaces a level.
        name: of the file, for errors.

    Returns:
        The new text: in the file's own indentation, line ends and distance between entries.

    Raises:
        FileUnreadableError: the file does not parse, has no such list, or is written in a way that takes no
            more entries by text alone.
    """
    before = load(text, name)
    keys = path.split(".")
    holder, node = _find(text, keys, name)
    wanted = copy.deepcopy(before)
    inner = wanted
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = [*(inner[keys[-1]] or []), load(entry, name)]
    for made in _with_item(text, holder, node, entry):
        if _means(made, wanted):
            return made
    raise FileUnreadableError(
        name,
        f"the list '{path}' takes no more entries as it is written: give each entry lines of its own, and "
        "the last line of the file an end",
    )


def add_key(text: str, line: str, name: object) -> str:
    """Add a key to the end of the mapping that a file holds.

    Args:
        text: of the file.
        line: the key and its value, `key: value`.
        name: of the file, for errors.

    Raises:
        FileUnreadableError: the file does not parse, holds no block mapping, or has the key.
    """
    before = load(text, name)
    (key, value), *_ = load(line, name).items()
    if not isinstance(before, dict | None):
        raise FileUnreadableError(name, "must hold 'name: value' lines")
    if key in (before or {}):
        raise FileUnreadableError(name, f"has a '{key}' already, of which the new one would be a second")
    for position in _ends(text, yaml.compose(text, Loader=yaml.SafeLoader), -1):
        made = _insert(text, position, [line.strip()])
        if _means(made, {**(before or {}), key: value}):
            return made
    raise FileUnreadableError(
        name, f"is written in a way that takes no more keys by text alone: add '{line.strip()}'"
    )


def _find(text: str, keys: list[str], name: object) -> tuple[yaml.Node, yaml.Node]:
    """Return the node of a list's key and that of the list."""
    node: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    holder: Any = node
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = [pair for pair in pairs if pair[0].value == key]
        if not found:
            raise FileUnreadableError(name, f"has no list '{'.'.join(keys)}'")
        holder, node = found[-1]
    empty = isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"
    if not isinstance(node, yaml.SequenceNode) and not empty:
        raise FileUnreadableError(name, f"'{'.'.join(keys)}' is no list")
    return holder, node


def _means(text: str, wanted: Any) -> bool:
    try:
        found: Any = yaml.safe_load(text)
    except yaml.YAMLError:
        return False
    return bool(found == wanted)


def _with_item(text: str, holder: yaml.Node, node: Any, entry: str) -> Iterator[str]:
    """Yield the text with the entry in the places where it may belong, the likeliest first."""
    if isinstance(node, yaml.SequenceNode) and node.value and node.flow_style:
        last, end = node.value[-1].end_mark.index, node.end_mark.index - 1
        flow = _flow(entry)
        yield f"{text[:last]}, {flow}{text[last:]}"
        yield f"{text[:end]}{flow}{text[end:]}"
        return
    if isinstance(node, yaml.ScalarNode) or node.flow_style:
        # An empty list: it becomes one of blocks, under its key.
        first = holder.start_mark.column
        lines = _item(entry, first + 2, 2, indented=True)
        start, end = node.start_mark.index, node.end_mark.index
        head = text[:start].rstrip(" ") + text[end:] if end > start else text
        yield _insert(head, _line_end(head, holder.end_mark.index), lines)
        return
    last = node.value[-1]
    column = node.start_mark.column
    offset = max(2, last.start_mark.column - column if last.start_mark.line == _dash_line(text, node) else 2)
    indented = column > holder.start_mark.column
    unit = column - holder.start_mark.column if indented else offset
    lines = _item(entry, column, offset, indented=indented, unit=unit)
    # A blank line would be part of a text that keeps all that follow it.
    gaps = [[""], []] if _apart(text, node) else [[]]
    for position in _ends(text, last, column):
        yield from (_insert(text, position, [*gap, *lines]) for gap in gaps)


def _flow(entry: str) -> str:
    return yaml.safe_dump(
        yaml.safe_load(entry), default_flow_style=True, sort_keys=False, width=1 << 30, allow_unicode=True
    ).strip()


def _dash_line(text: str, node: yaml.SequenceNode) -> int:
    """Return the line of the last item's dash."""
    start = node.value[-1].start_mark
    head = text[: start.index].rpartition("\n")[2]
    return start.line if head.strip().startswith("-") else -1


def _item(entry: str, column: int, offset: int, *, indented: bool, unit: int = 2) -> list[str]:
    """Return the lines of an item in the indentation of a file."""
    lines = []
    for line in entry.rstrip().splitlines():
        body = line.lstrip(" ")
        level = (len(line) - len(body)) // 2
        if body.startswith("- ") and not indented:
            level -= 1
        lines.append(" " * (column + offset + level * unit) + body)
    return [" " * column + "-" + " " * (offset - 1) + lines[0].lstrip(" "), *lines[1:]]


def _apart(text: str, node: yaml.SequenceNode) -> bool:
    """Tell whether entries are to have a blank line between them."""
    if len(node.value) == 1:
        item = node.value[0]
        return bool(_leaf(item).start_mark.line > item.start_mark.line)
    lines = text.splitlines()[: node.value[-1].start_mark.line]
    while lines and lines[-1].lstrip().startswith("#"):
        lines.pop()
    return bool(lines) and not lines[-1].strip()


def _leaf(node: yaml.Node) -> yaml.Node:
    """Return the last part of a node that has no parts, or stands in brackets."""
    while isinstance(node, yaml.CollectionNode) and node.value and not node.flow_style:
        last: Any = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _ends(text: str, node: yaml.Node | None, column: int) -> Iterator[int]:
    """Yield positions of line starts that come after a node: behind its own lines, then behind blank ones."""
    if node is None:
        yield len(text)
        return
    leaf = _leaf(node)
    end = leaf.end_mark.index
    if isinstance(leaf, yaml.ScalarNode) and leaf.style in ("|", ">"):
        # The parser counts what follows, up to the next key, to a block of text.
        yield _line_end(text, leaf.start_mark.index + len(text[leaf.start_mark.index : end].rstrip()))
        yield end
        return
    position = _line_end(text, end)
    # Comments right below that are indented deeper than the list belong to its last entry.
    while found := re.compile(r"( +)#[^\n]*(?:\n|\Z)").match(text, position):
        if len(found[1]) <= column:
            break
        position = found.end()
    yield position
    yield len(text)


def _line_end(text: str, position: int) -> int:
    """Return where the next line begins."""
    if position and text[position - 1] == "\n":
        return position
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _insert(text: str, position: int, lines: list[str]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    block = newline.join(lines)
    if position and text[position - 1] != "\n":
        # The file's last line has no end: the new one gets none, either.
        return f"{text[:position]}{newline}{block}{text[position:]}"
    return f"{text[:position]}{block}{newline}{text[position:]}"
