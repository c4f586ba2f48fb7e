"""Transformations in Python modules, found and read without importing them.

A module is looked for next to the pipeline's file and where Python would look. Its source is parsed, so that
a function that is not there is found before anything runs, and reading a file runs nothing of the user's.
"""

import ast
import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import TypeGuard

from skyspark.errors import TransformationError
from skyspark.pipeline.problems import shown

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


class ModuleFinder:
    """Looks for modules next to a pipeline's file and where Python looks.

    Attributes:
        roots: Folders whose modules come before those of ``sys.path``.
    """

    def __init__(self, config: Path) -> None:
        """Look next to a file.

        Args:
            config: The pipeline's file: its folder, its parents up to the current one, and ``src`` in each.
        """
        folders = project_folders(config)
        self.roots = tuple(root for folder in folders for root in (folder, folder / "src") if root.is_dir())
        self._modules: dict[str, Module | None] = {}
        self._listings: dict[Path, frozenset[str]] = {}
        importlib.invalidate_caches()

    def find(self, name: str) -> Module | None:
        """Return a module, or ``None`` if there is none.

        Args:
            name: Its dotted name.

        Raises:
            TransformationError: Its source cannot be read or is no Python.
        """
        if name not in self._modules:
            spec = self._spec(name)
            self._modules[name] = self._read(name, spec) if spec is not None else None
        return self._modules[name]

    def folders(self, package: str) -> tuple[Path, ...]:
        """Return the folders of a package: those next to the file first.

        Args:
            package: Its dotted name.
        """
        near = (root.joinpath(*package.split(".")) for root in self.roots)
        spec = self._spec(package)
        elsewhere = map(Path, spec.submodule_search_locations or ()) if spec is not None else ()
        return tuple(dict.fromkeys(folder for folder in (*near, *elsewhere) if folder.is_dir()))

    def names_in(self, folder: Path) -> frozenset[str]:
        """Return the names of what is in a folder; none where there is no folder.

        Args:
            folder: Where to look; read once, as thousands of tables ask for it.
        """
        if folder not in self._listings:
            try:
                self._listings[folder] = frozenset(entry.name for entry in folder.iterdir())
            except OSError:
                self._listings[folder] = frozenset()
        return self._listings[folder]

    def put_on_path(self) -> None:
        """Let Python, and Spark's Python workers, import the modules that were found next to the file.

        Modules of the same name that were imported from elsewhere, such as those of another pipeline, are
        forgotten with all that was imported from there: the next import finds these.
        """
        for module in filter(None, self._modules.values()):
            loaded = getattr(sys.modules.get(module.name), "__file__", None)
            if loaded is not None and module.root is not None and Path(loaded) != Path(module.file):
                _forget_modules_below(_root_of(module.name, Path(loaded)))
        roots = dict.fromkeys(m.root for m in self._modules.values() if m is not None and m.root is not None)
        for root in reversed(roots):
            if root in sys.path:
                sys.path.remove(root)
            sys.path.insert(0, root)
        others = [p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p and p not in roots]
        if roots:
            # Workers of a session that starts later inherit it; call_function hands it to one that runs.
            os.environ["PYTHONPATH"] = os.pathsep.join((*roots, *others))

    def _spec(self, name: str) -> ModuleSpec | None:
        """Find a module as Python does, but import nothing on the way, not even its packages."""
        locations: list[str] | None = None
        spec: ModuleSpec | None = None
        parts = name.split(".")
        for i, part in enumerate(parts):
            try:
                spec = self._spec_in(".".join(parts[: i + 1]), locations)
            except KeyError:
                # Python looks up the parent of a package without __init__.py among what is imported.
                folders = [Path(location, part) for location in locations or ()]
                locations, spec = [str(folder) for folder in folders if folder.is_dir()], None
                continue
            locations = list(spec.submodule_search_locations or ()) if spec is not None else []
            if not locations:
                return spec if i + 1 == len(parts) else None
        return spec

    def _spec_in(self, name: str, locations: list[str] | None) -> ModuleSpec | None:
        if locations is None:
            near = PathFinder.find_spec(name, [str(root) for root in self.roots])
            if near is not None:
                return near
        for finder in sys.meta_path:
            spec = finder.find_spec(name, locations, None)
            if spec is not None:
                return spec
        return None

    def _near_root(self, name: str, file: str) -> str | None:
        root = _root_of(name, Path(file))
        return str(root) if root in self.roots else None

    def _read(self, name: str, spec: ModuleSpec) -> Module:
        file = spec.origin or ""
        if not file.endswith(".py"):
            # Made of something else than Python's source: what it defines shows when it is imported.
            return Module(name, file, None, {}, {}, complete=False)
        try:
            source = Path(file).read_bytes() if Path(file).is_file() else _source(name, spec)
            tree = ast.parse(source)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise TransformationError(
                f"{shown(Path(file))} is no valid Python{line}: {_reason(error)}."
            ) from None
        return _module(name, file, self._near_root(name, file), tree)


def project_folders(config: Path) -> tuple[Path, ...]:
    """Return the folders that belong to a pipeline: that of its file, and its parents up to the current one.

    Args:
        config: The pipeline's file.
    """
    folder, current = config.resolve().parent, Path.cwd().resolve()
    parents = [parent for parent in folder.parents if parent.is_relative_to(current)]
    return (folder, *parents)


def _root_of(name: str, file: Path) -> Path:
    """Return the folder from which a module is imported by its name."""
    folder = file.parent if file.name != "__init__.py" else file.parent.parent
    for _ in name.split(".")[1:]:
        folder = folder.parent
    return folder


def _forget_modules_below(root: Path) -> None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file is not None and _root_of(name, Path(file)) == root:
            top = name.partition(".")[0]
            for other in [m for m in sys.modules if m == top or m.startswith(f"{top}.")]:
                del sys.modules[other]


def _source(name: str, spec: ModuleSpec) -> str:
    get_source = getattr(spec.loader, "get_source", None)
    return (get_source(name) if get_source is not None else None) or ""


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError):
        return str(error.strerror)
    return error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"


def _module(name: str, file: str, root: str | None, tree: ast.Module) -> Module:
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
