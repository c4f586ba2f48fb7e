"""The page of databricks-local's routes, from its router, its docstrings and the table of its README."""

import ast
import importlib
import inspect
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from databricks_local.api import Endpoint
from databricks_local.jobs.tasks import IMITATED
from databricks_local.registry import endpoints
from reference_markup import code, page, prose, table, text

ROOT = Path(__file__).resolve().parents[2]
_README = ROOT / "packages/databricks-local/README.md"
_ROW = re.compile(r"^\| `([A-Z]+) (/\S+)` \| `([^`]+)` \|", re.MULTILINE)
_VERSION = re.compile(r"^/api/(\d\.\d)/")
_VERSIONS = re.compile(r"\{([^{}]*,[^{}]*)\}")
_LEAD = """\
What [databricks-local](../../packages/databricks-local/README.md) answers. Fields are those of
databricks-sdk's own description of the API, **bold** where they are required; an unknown one is refused with
status 400, to any depth. A route that is not here answers 501 with its name, and so do the values under "Not
imitated"."""
_OWN = "The workspace's own, for tests"
_TITLES = {
    "clusters": "Clusters",
    "databricks-local": _OWN,
    "dbfs": "DBFS",
    "fs": "Files",
    "instance-pools": "Instance pools",
    "jobs": "Jobs",
    "permissions": "Permissions",
    "pipelines": "Pipelines",
    "policies": "Cluster policies",
    "preview": "Users, groups and service principals",
    "runs": "Runs",
    "secrets": "Secrets",
    "unity-catalog": "Unity Catalog",
    "workspace": "Workspace",
    "workspace-files": "Workspace",
}


def pages() -> dict[str, str]:
    """Return the page by its place in docs/."""
    calls = _calls()
    sections: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints():
        sections.setdefault(_section(endpoint.path), []).append(endpoint)
    parts = [_LEAD]
    for title in sorted(sections, key=lambda title: (title == _OWN, title)):
        parts += [
            f"## {title}",
            table(("route", "what it does", "SDK", "fields"), _rows(sections[title], calls)),
        ]
        parts += [_tasks() if title == "Jobs" else ""]
        refused = sorted({one for endpoint in sections[title] for one in _refused(endpoint)})
        parts += [f"Not imitated: {'; '.join(map(text, refused))}." if refused else ""]
    return {"reference/routes.md": page("Routes of databricks-local", *parts, weight=40)}


def _tasks() -> str:
    kinds = ", ".join(code(kind) for kind in sorted(IMITATED))
    return f"Kinds of tasks that are run: {kinds}; all others answer 501 when the job is made."


def _section(path: str) -> str:
    parts = path.removeprefix("/api/").split("/")
    if re.fullmatch(r"\d\.\d", parts[0]):
        del parts[0]
    name = "runs" if parts[:2] == ["jobs", "runs"] else parts[0]
    return _TITLES.get(name, "Others")


def _rows(found: list[Endpoint], calls: dict[tuple[str, str], str]) -> Iterator[tuple[str, ...]]:
    def same(endpoint: Endpoint) -> tuple[str, str]:
        return endpoint.method, _VERSION.sub("/api/*/", endpoint.path)

    for (method, path), group in itertools.groupby(sorted(found, key=_by_path), key=same):
        several = list(group)
        versions = ",".join(number for one in several for number in _VERSION.findall(one.path))
        shown = path.replace("*", f"{{{versions}}}" if len(several) > 1 else versions)
        one = several[0]
        yield (
            code(f"{method} {_plain(shown)}"),
            prose((inspect.getdoc(one.handler) or "").partition("\n\n")[0]),
            code(calls[method, _plain(one.path)]) if (method, _plain(one.path)) in calls else "",
            _fields(one),
        )


def _by_path(endpoint: Endpoint) -> tuple[str, str, str]:
    return _VERSION.sub("", endpoint.path), endpoint.method, endpoint.path


def _plain(path: str) -> str:
    """Return a path without the kinds of its parameters, which are no concern of callers."""
    return re.sub(r":\w+\}", "}", path)


def _fields(endpoint: Endpoint) -> str:
    if endpoint.fields is None:
        return "read by the route itself"
    required = sorted(endpoint.fields.required)
    others = sorted(set(endpoint.fields.checks) - set(required))
    return ", ".join([*(f"**{code(name)}**" for name in required), *map(code, others)])


def _calls() -> dict[tuple[str, str], str]:
    """Return the calls of clients by method and path, from the README: a test holds it to the router."""
    found = {}
    for method, path, call in _ROW.findall(_README.read_text(encoding="utf-8")):
        pieces = _VERSIONS.split(path)
        choices = [piece.split(",") if index % 2 else [piece] for index, piece in enumerate(pieces)]
        for chosen in itertools.product(*choices):
            found[method, "".join(chosen)] = call
    return found


def _refused(endpoint: Endpoint) -> Iterator[str]:
    """Yield what the module of a route, and the one that checks its settings, answer with status 501."""
    module = endpoint.handler.__module__
    names = [module, *(f"{module.rpartition('.')[0]}.{own}" for own in ("settings", "tasks", "records"))]
    for name in names if module.count(".") > 1 else [module]:
        try:
            source = inspect.getsource(importlib.import_module(name))
        except ImportError:
            continue
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "not_imitated"
            ):
                yield from _worded(node.args[0])
            elif isinstance(node, ast.Assign) and "UNIMITATED" in ast.unparse(node.targets[0]):
                yield from _listed(node.value)


def _worded(words: ast.expr) -> Iterator[str]:
    if isinstance(words, ast.Constant):
        yield str(words.value)
    elif isinstance(words, ast.JoinedStr) and isinstance(words.values[0], ast.Constant):
        said = "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in words.values)
        yield re.sub(r" \(task '…'\)", "", said)


def _listed(values: ast.expr) -> Iterator[str]:
    found = ast.literal_eval(values)
    yield from found.values() if isinstance(found, dict) else found
