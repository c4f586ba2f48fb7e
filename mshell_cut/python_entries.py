"""Adds statements to Python modules, and reads the table contracts in them, without importing any."""

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mshell_cut.errors import FileUnreadableError


@dataclass(frozen=True)
class Contract:
    """A `TableContract` of SkySpark that a module assigns to a name.

    Attributes:
        constant: that name.
        name: of the table.
        columns: the name and the type of each, the type as Python source such as `LongType()`.
        keys: the columns that identify a row.
    """

    constant: str
    name: str
    columns: Sequence[tuple[str, str]]
    keys: Sequence[str]


def contracts(text: str, name: object) -> dict[str, Contract]:
    """Return the contracts of a module by table: those whose columns stand there one by one.

    Raises:
        FileUnreadableError: it is no Python.
    """
    found = {}
    for node in _parsed(text, name).body:
        if (
            isinstance(node, ast.Assign | ast.AnnAssign)
            and isinstance(node.value, ast.Call)
            and _called(node.value) == "TableContract"
        ):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            contract = _contract(ast.unparse(target), node.value)
            if contract:
                found[contract.name] = contract
    return found


def derived(text: str, base: str, name: object) -> list[str]:
    """Return the names of the classes of a module that derive from another.

    Raises:
        FileUnreadableError: it is no Python.
    """
    classes = [node for node in _parsed(text, name).body if isinstance(node, ast.ClassDef)]
    return [node.name for node in classes if base in map(ast.unparse, node.bases)]


def append(text: str, statements: str, imports: Mapping[str, Iterable[str]], name: object) -> str:
    """Add statements to the end of a module, and what they need to its imports.

    Args:
        text: of the module.
        statements: the new ones.
        imports: by module, the names to import from it.
        name: of the file, for errors.

    Raises:
        FileUnreadableError: it is no Python, or its imports are written in a way that takes no more.
    """
    for module, wanted in imports.items():
        text = _imported(text, module, set(wanted), name)
    gap = "\n\n\n" if _ends_in_block(text) else "\n\n"
    made = f"{text.rstrip()}{gap}{statements.strip()}\n"
    _parsed(made, name)
    return made


def add_field(text: str, base: str, line: str, name: object) -> str:
    """Add a field to the end of the fields of the only class that derives from another.

    Args:
        text: of the module.
        base: the name of the other class.
        line: the field, such as `path: str`.
        name: of the file, for errors.

    Raises:
        FileUnreadableError: there is no such class or more than one, or it has that field.
    """
    classes = [
        node
        for node in _parsed(text, name).body
        if isinstance(node, ast.ClassDef) and base in map(ast.unparse, node.bases)
    ]
    if len(classes) != 1:
        raise FileUnreadableError(name, f"must hold one class that derives from {base} for '{line}' to go to")
    body = classes[0].body
    fields = [node for node in body if isinstance(node, ast.AnnAssign)]
    field = line.partition(":")[0].strip()
    if field in (ast.unparse(node.target) for node in fields):
        raise FileUnreadableError(name, f"{classes[0].name} has a field '{field}' already")
    last = (fields or body[:1])[-1]
    lines = text.splitlines(keepends=True)
    place = last.end_lineno or last.lineno
    gap = "" if fields else "\n"
    lines[place - 1] = lines[place - 1].rstrip("\r\n") + "\n"
    lines.insert(place, f"{gap}{' ' * last.col_offset}{line.strip()}\n")
    return "".join(lines)


def _parsed(text: str, name: object) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise FileUnreadableError(name, f"line {error.lineno}: {error.msg}") from None


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _contract(constant: str, call: ast.Call) -> Contract | None:
    given = {word.arg: word.value for word in call.keywords if word.arg}
    given |= dict(zip(("name", "schema", "keys"), call.args, strict=False))
    try:
        table = ast.literal_eval(given["name"])
        keys = ast.literal_eval(given["keys"]) if "keys" in given else ()
        fields = given["schema"].args[0].elts  # type: ignore[attr-defined]
        columns = [(ast.literal_eval(field.args[0]), ast.unparse(field.args[1])) for field in fields]
    except (AttributeError, IndexError, KeyError, ValueError):
        return None
    return Contract(constant, str(table), columns, tuple(keys))


def _ends_in_block(text: str) -> bool:
    body = ast.parse(text).body
    return bool(body) and isinstance(body[-1], ast.FunctionDef | ast.ClassDef)


def _imported(text: str, module: str, wanted: set[str], name: object) -> str:
    """Return a module's text with names imported, in the order and form of ruff and isort."""
    body = _parsed(text, name).body
    statements = [node for node in body if isinstance(node, ast.ImportFrom) and not node.level]
    there = {
        alias.asname or alias.name for node in statements for alias in node.names if node.module == module
    }
    if wanted <= there:
        return text
    lines = text.splitlines(keepends=True)
    same = [node for node in statements if node.module == module]
    if same:
        node = same[0]
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        if "#" in "".join(lines[first:last]) or any(alias.asname for alias in node.names):
            missing = ", ".join(sorted(wanted - there))
            raise FileUnreadableError(
                name, f"line {node.lineno} is an import with comments or other names: add {missing} to it"
            )
        # One that stands in more lines than it needs was meant to (isort's split-on-trailing-comma).
        lines[first:last] = [_import(module, wanted | there, split=last - first > 1)]
        return "".join(lines)
    # Before the first of a later name in the same run of imports, else behind the last import.
    place = next((node.lineno - 1 for node in statements if (node.module or "") > module), None)
    if place is None:
        heads = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
        if heads:
            place = heads[-1].end_lineno or heads[-1].lineno
        else:
            docstring = ast.get_docstring(ast.parse(text)) is not None
            place = (body[0].end_lineno or 1) if docstring else 0
            return "".join(
                [*lines[:place], "\n" if place else "", _import(module, wanted, split=False), *lines[place:]]
            )
    lines.insert(place, _import(module, wanted, split=False))
    return "".join(lines)


def _import(module: str, names: set[str], *, split: bool) -> str:
    ordered = sorted(names, key=lambda name: (_kind(name), _natural(name)))
    whole = f"from {module} import {', '.join(ordered)}\n"
    if split or len(whole) > 101:
        whole = f"from {module} import (\n{''.join(f'    {name},{chr(10)}' for name in ordered)})\n"
    return whole


def _kind(name: str) -> int:
    if name.isupper() and len(name) > 1:
        return 0
    return 1 if name[:1].isupper() else 2


def _natural(name: str) -> list[tuple[int, int | str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts]
