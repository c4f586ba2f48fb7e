"""What a Python module defines, read from its source: nothing of the user's runs while a file is read."""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

# What `skyspark.table` is called where it comes from.
_MARKS = {"skyspark.table", "skyspark.pipeline.functions.table"}


@dataclass(frozen=True)
class Parameters:
    """What a function takes by name.

    Attributes:
        required: Those without a default.
        optional: Those with one.
        others: Whether it takes any other too: ``**inputs``.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...]
    others: bool


@dataclass(frozen=True)
class Module:
    """A module's source, taken apart.

    Attributes:
        name: Its dotted name.
        file: Where it is.
        root: The folder next to the pipeline's file from which it is imported; ``None`` if it was found
            elsewhere.
        functions: What it defines at its top level; ``None`` for a name whose parameters are not known: it is
            imported, assigned or decorated.
        marked: Functions by the tables that ``@skyspark.table`` marks them for, which may be several for one.
        complete: Whether these are all its names: no ``import *`` and no ``__getattr__``.
    """

    name: str
    file: str
    root: str | None
    functions: Mapping[str, Parameters | None]
    marked: Mapping[str, tuple[str, ...]]
    complete: bool


def read_module(name: str, file: str, root: str | None, source: bytes | str) -> Module:
    """Take a module's source apart.

    Args:
        name: Its dotted name.
        file: Where it is.
        root: As for ``Module``.
        source: Its text.

    Raises:
        SyntaxError: It is no Python. What is no text of a program at all raises ValueError, RecursionError or
            MemoryError, as ``ast.parse`` does.
    """
    tree = ast.parse(source)
    functions: dict[str, Parameters | None] = {}
    marked: dict[str, tuple[str, ...]] = {}
    origins: dict[str, str] = {}
    complete = True
    for statement in _statements(tree.body):
        match statement:
            case ast.FunctionDef():
                marks = [_mark(decorator, origins) for decorator in statement.decorator_list]
                # What another decorator makes of the parameters is not known.
                known = None not in marks
                functions[statement.name] = _parameters(statement.args) if known else None
                for table in filter(None, (mark for mark in marks if mark is not None)):
                    marked[table] = (*marked.get(table, ()), statement.name)
                if "" in marks:
                    own = name.rpartition(".")[2]
                    marked[own] = (*marked.get(own, ()), statement.name)
                complete = complete and statement.name != "__getattr__"
            case ast.ImportFrom():
                for alias in statement.names:
                    complete = complete and alias.name != "*"
                    functions[alias.asname or alias.name] = None
                    origins[alias.asname or alias.name] = f"{statement.module}.{alias.name}"
            case ast.Import():
                for alias in statement.names:
                    top = alias.name.partition(".")[0]
                    functions[alias.asname or top] = None
                    origins[alias.asname or top] = alias.name if alias.asname else top
            case ast.ClassDef() | ast.AsyncFunctionDef():
                functions[statement.name] = None
            case _:
                functions.update((node.id, None) for node in ast.walk(statement) if _is_assigned(node))
    return Module(name, file, root, functions, marked, complete)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is imported, those in blocks such as ``if`` too."""
    for statement in body:
        match statement:
            case ast.If() | ast.For() | ast.While():
                yield from _statements((*statement.body, *statement.orelse))
            case ast.Try():
                handlers = [inner for handler in statement.handlers for inner in handler.body]
                yield from _statements((*statement.body, *handlers, *statement.orelse, *statement.finalbody))
            case ast.With():
                yield from _statements(statement.body)
            case _:
                yield statement


def _is_assigned(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _mark(decorator: ast.expr, origins: Mapping[str, str]) -> str | None:
    """Return the table a decorator names, ``""`` if it marks without a name, or ``None`` if it is another."""
    call = decorator if isinstance(decorator, ast.Call) else None
    marker = call.func if call is not None else decorator
    dotted = ast.unparse(marker)
    first, dot, rest = dotted.partition(".")
    if f"{origins.get(first, first)}{dot}{rest}" not in _MARKS:
        return None
    for keyword in call.keywords if call is not None else ():
        if keyword.arg == "name" and isinstance(keyword.value, ast.Constant) and keyword.value.value:
            return str(keyword.value.value)
    return ""


def _parameters(arguments: ast.arguments) -> Parameters:
    positional = [*arguments.posonlyargs, *arguments.args]
    without = len(positional) - len(arguments.defaults)
    keyword = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    return Parameters(
        required=(
            *(a.arg for a in positional[:without]),
            *(a.arg for a, default in keyword if default is None),
        ),
        optional=(
            *(a.arg for a in positional[without:]),
            *(a.arg for a, default in keyword if default is not None),
        ),
        others=arguments.kwarg is not None,
    )
