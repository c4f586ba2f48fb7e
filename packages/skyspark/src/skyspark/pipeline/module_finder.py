"""Modules of a pipeline, looked for next to its file and where Python would look, and not imported."""

import importlib
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from skyspark.errors import TransformationError
from skyspark.pipeline.modules import Module, read_module
from skyspark.pipeline.problems import shown
from skyspark.pipeline.project import project_folders

# The folders of the pipelines that this process has read.
_PUT_ON_PATH: set[str] = set()


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
            self._modules[name] = self._read(name, spec) if spec is not None else _imported(name)
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
                _forget(module.name, _root_of(module.name, Path(loaded)))
        roots = dict.fromkeys(m.root for m in self._modules.values() if m is not None and m.root is not None)
        _PUT_ON_PATH.update(roots)
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
            return read_module(name, file, self._near_root(name, file), source)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = f" in line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            raise TransformationError(
                f"{shown(Path(file))} is no valid Python{line}: {_reason(error)}."
            ) from None


def _root_of(name: str, file: Path) -> Path:
    """Return the folder from which a module is imported by its name."""
    folder = file.parent if file.name != "__init__.py" else file.parent.parent
    for _ in name.split(".")[1:]:
        folder = folder.parent
    return folder


def _forget(name: str, root: Path) -> None:
    """Forget an imported module with its package, and all others of another pipeline's folder."""
    forgotten = {name.partition(".")[0]}
    if str(root) in _PUT_ON_PATH:
        for other, module in sys.modules.items():
            file = getattr(module, "__file__", None)
            if file is not None and _root_of(other, Path(file)) == root:
                forgotten.add(other.partition(".")[0])
    for other in list(sys.modules):
        if other.partition(".")[0] in forgotten:
            del sys.modules[other]


def _imported(name: str) -> Module | None:
    """Return a module that is there without a source, such as what a notebook defines: ``__main__``."""
    module = sys.modules.get(name)
    return Module(name, name, None, dict.fromkeys(vars(module)), {}, complete=True) if module else None


def _source(name: str, spec: ModuleSpec) -> str:
    get_source = getattr(spec.loader, "get_source", None)
    return (get_source(name) if get_source is not None else None) or ""


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError):
        return str(error.strerror)
    return error.msg if isinstance(error, SyntaxError) else str(error) or "it is nested too deeply"
