"""Puts the templates into the wheel, with a record of the repository and commit they are from."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# By name in the catalogue: the template's folder in this repository.
TEMPLATES = {"skyspark": ""}
_PARTS = ("additions", "cookiecutter.json", "hooks", "<<cookiecutter.repo_name>>")
_RECORD = "template-origin.json"


class TemplatesHook(BuildHookInterface[Any]):
    """Adds the files that git knows of; in a source distribution, which has no git, all that are there."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the templates and their origin, see https://hatch.pypa.io/latest/plugins/build-hook/reference/."""
        if version == "editable":
            return
        root = Path(self.root)
        record = Path(self.directory) / _RECORD
        record.parent.mkdir(parents=True, exist_ok=True)
        shipped = root / _RECORD
        record.write_text(shipped.read_text() if shipped.is_file() else json.dumps(_origin(root), indent=2))
        add = build_data["force_include"]
        if self.target_name == "sdist":
            add[str(record)] = _RECORD
            return
        add[str(record)] = "mshell_cut/_templates/origin.json"
        for name, directory in TEMPLATES.items():
            template = root / directory
            for path in _files(template):
                add[str(template / path)] = f"mshell_cut/_templates/{name}/{path}"


def _origin(root: Path) -> dict[str, Any]:
    return {
        "address": _git(root, "config", "--get", "remote.origin.url") or str(root),
        "commit": _git(root, "rev-parse", "HEAD"),
        "checkout": _git(root, "describe", "--tags", "--exact-match") or None,
        "directories": {name: directory or None for name, directory in TEMPLATES.items()},
        "histories": {name: _history(root, directory) for name, directory in TEMPLATES.items()},
    }


def _history(root: Path, directory: str) -> list[dict[str, str]]:
    """Return the releases of a template up to this commit, oldest first, and the commit itself."""
    # The package that is being built is not installed yet.
    sys.path.insert(0, str(root))
    try:
        from mshell_cut.upstream import Upstream
    finally:
        sys.path.remove(str(root))
    upstream = Upstream(root, "", directory or None, root)
    head = _git(root, "rev-parse", "HEAD")
    held = set(_git(root, "tag", "--merged", head).split())
    known = [(item.tag, item.commit, item.date) for item in upstream.releases if item.tag in held]
    if not known or known[-1][1] != head:
        known.append((head[:10], head, ""))
    return [
        {"name": name, "commit": commit, "date": date, "content": upstream.content(commit)}
        for name, commit, date in known
    ]


def _files(template: Path) -> list[str]:
    tracked = _git(template, "ls-files", "-z", "--", *_PARTS)
    if tracked:
        return [path for path in tracked.split("\0") if path]
    parts = [template / part for part in _PARTS]
    files = [path for part in parts for path in ([part] if part.is_file() else part.rglob("*"))]
    return [path.relative_to(template).as_posix() for path in files if path.is_file()]


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return "" if done.returncode else done.stdout.strip("\n")
