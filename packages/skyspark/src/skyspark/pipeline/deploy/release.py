"""What of a pipeline goes to a workspace: SQL where that says all, else its file with its modules."""

import ast
import hashlib
import json
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skyspark import __version__
from skyspark.errors import PipelineError
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.plan import Plan
from skyspark.pipeline.sql import generate
from skyspark.pipeline.transformations import PythonFunction

_REGISTER = '''\
"""The tables of `config.yml` as datasets of this pipeline."""

from pyspark.sql import SparkSession
from skyspark.lakeflow import register

register(SparkSession.active(), "../config.yml")
'''


@dataclass(frozen=True)
class Release:
    """The files of one state of a pipeline.

    Attributes:
        files: What each file holds, by its path with slashes; the engine reads those in ``pipeline/``.
        requirements: What has to be installed for them.
        notes: What was rewritten or left out, for people.
    """

    files: dict[str, bytes]
    requirements: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """A name that changes with the files."""
        digest = hashlib.sha256()
        for path in sorted(self.files):
            content = self.files[path]
            digest.update(f"{path}\0{len(content)}\0".encode() + content)
        return digest.hexdigest()[:16]


def make_release(plan: Plan, *, strict: bool = False) -> Release:
    """Return what is uploaded for the tables of a plan.

    Args:
        plan: The tables; what else the pipeline has is left out.
        strict: Refuse what streaming cannot do instead of rewriting it.

    Raises:
        PipelineError: Tables have no equal in Lakeflow, or a module of theirs is not there.
        StreamingError: Tables ask of a stream what streaming cannot do.
    """
    functions = [t.transformation for t in plan.tables if isinstance(t.transformation, PythonFunction)]
    if not functions:
        made = generate(plan, "databricks", per_table=True, strict=strict)
        notes = tuple(dict.fromkeys(note for file in made for note in file.notes))
        return Release({f"pipeline/{file.path}": file.text.encode() for file in made}, notes=notes)
    files = {
        "config.yml": _as_file(plan.pipeline.model_copy(update={"tables": plan.tables})),
        "pipeline/register.py": _REGISTER.encode(),
        **_modules({function.function.rpartition(".")[0] for function in functions}),
    }
    return Release(files, requirements=(f"skyspark=={__version__}",))


def _as_file(pipeline: Pipeline) -> bytes:
    """Return a loaded pipeline as a file: what was replaced in it stays replaced."""
    values = pipeline.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return json.dumps(_escaped(values), indent=1, ensure_ascii=False).encode()


def _escaped(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, list):
        return [_escaped(one) for one in value]
    if isinstance(value, dict):
        return {key: _escaped(one) for key, one in value.items()}
    return value


def _modules(names: set[str]) -> dict[str, bytes]:
    """Return the files of modules and of what they import from the same folder, directly or not."""
    files: dict[str, bytes] = {}
    waiting = deque(sorted(names))
    seen = set(waiting)
    roots: set[Path] = set()
    while waiting:
        name = waiting.popleft()
        found = _locate(name)
        if found is None:
            if name in names:
                raise PipelineError([f"{name}: there is no such module to upload."])
            continue
        root, path = found
        if name in names:
            roots.add(root)
        elif root not in roots:
            # Installed packages are not the pipeline's own.
            continue
        content = path.read_bytes()
        files[path.relative_to(root).as_posix()] = content
        parents = [name.rsplit(".", i)[0] for i in range(1, name.count(".") + 1)]
        for other in (*parents, *_imported(content, name, package=path.name == "__init__.py")):
            if other not in seen:
                seen.add(other)
                waiting.append(other)
    return dict(sorted(files.items()))


def _locate(name: str) -> tuple[Path, Path] | None:
    """Return the folder that a module is imported from, and its file; nothing is imported.

    Loading a pipeline has put the folders of its own modules on ``sys.path``. A package may do without
    ``__init__.py``, for which Python's own finders would have to import it.
    """
    for root in filter(None, sys.path):
        module = Path(root, *name.split("."))
        for path in (module / "__init__.py", module.with_name(f"{module.name}.py")):
            if path.is_file():
                return Path(root), path
    return None


def _imported(content: bytes, module: str, *, package: bool) -> Iterator[str]:
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = module.split(".")[: len(module.split(".")) - node.level + package] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            if name:
                yield name
            # What is imported from a package may be a module of it.
            yield from (f"{name}.{alias.name}" if name else alias.name for alias in node.names)
