"""Puts the templates into the wheel, and where they are published; makes the README readable on its own.

Where they are published is `Repository` in `[project.urls]`, whatever this clone is from: its address may be
private, hold a password, or be a folder of this machine.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

_PARTS = ("additions", "cookiecutter.json", "hooks", "<<cookiecutter.repo_name>>")
_RECORD = "template-origin.json"
_README = "README.md"
# A link or picture of Markdown whose target is a path: no address, and no heading of the page itself.
_RELATIVE = re.compile(r"(!?)(\[[^]]*\]\()(?![a-z]+:|#|/)([^)\s]+)")


class ReadmeHook(MetadataHookInterface):
    """Has the README's relative links lead to the public repository: an index shows it without the files."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the long description, see https://hatch.pypa.io/latest/plugins/metadata-hook/reference/."""
        root = Path(self.root)
        address = _address(metadata.get("urls", {}))
        shipped = root / _RECORD
        at = json.loads(shipped.read_text())["checkout"] if shipped.is_file() else _release(root)

        def absolute(found: re.Match[str]) -> str:
            picture, before, path = found.groups()
            return f"{picture}{before}{address}/{'raw' if picture else 'blob'}/{at or 'HEAD'}/{path}"

        text = _RELATIVE.sub(absolute, (root / _README).read_text(encoding="utf-8"))
        metadata["readme"] = {"content-type": "text/markdown", "text": text}


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
        if shipped.is_file():
            record.write_text(shipped.read_text())
        else:
            record.write_text(json.dumps(_origin(root, self.metadata.core.urls), indent=2))
        add = build_data["force_include"]
        is_source = self.target_name == "sdist"
        add[str(record)] = _RECORD if is_source else "mshell_cut/_templates/origin.json"
        for name, directory in _directories(root).items():
            template = root / (directory or "")
            for path in _files(template):
                file = template / path
                place = file.relative_to(root) if is_source else Path("mshell_cut/_templates", name, path)
                add[str(file)] = place.as_posix()


def _origin(root: Path, urls: dict[str, str]) -> dict[str, Any]:
    commit = _git(root, "rev-parse", "HEAD")
    if not commit:
        raise ValueError(
            f"{root} is neither a git clone nor a source distribution, so nothing tells which commit the "
            "templates are of: build from one of the two."
        )
    directories = _directories(root)
    return {
        "address": _address(urls),
        "commit": commit,
        "checkout": _release(root),
        "changed": any(_is_changed(root / (directory or "")) for directory in directories.values()),
        "directories": directories,
        "histories": {name: _history(root, directory) for name, directory in directories.items()},
    }


def _address(urls: dict[str, str]) -> str:
    """Return what projects record as their template's address.

    Raises:
        ValueError: there is none, or one with a user's name or password in it.
    """
    address = urls.get("Repository", "").rstrip("/")
    parts = urlsplit(address)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(
            "pyproject.toml needs Repository in [project.urls], as https://…: new projects find their "
            "updates there."
        )
    if "@" in parts.netloc:
        raise ValueError(
            "Repository in [project.urls] of pyproject.toml holds a name or password, which each new project "
            "would hold: take it out."
        )
    return address


def _is_changed(template: Path) -> bool:
    """Tell whether a template's tracked files differ from the commit."""
    return bool(_git(template, "status", "--porcelain", "--untracked-files=no", "--", *_PARTS))


def _release(root: Path) -> str | None:
    """Return the tag of the release that the commit is, None where it is none."""
    with _importable(root):
        from mshell_cut import __version__
    tag = f"v{__version__}"
    return tag if tag in _git(root, "tag", "--points-at", "HEAD").split() else None


def _directories(root: Path) -> dict[str, str | None]:
    """Return the templates' folders in this repository, by their names in the catalogue."""
    with _importable(root):
        from mshell_cut.catalogue import BUILT_IN
    return {template.name: template.directory for template in BUILT_IN}


def _history(root: Path, directory: str | None) -> list[dict[str, str]]:
    """Return the releases of a template up to this commit, oldest first, and the commit itself."""
    with _importable(root):
        from mshell_cut.errors import TemplateNotFoundError
        from mshell_cut.upstream import Upstream
    upstream = Upstream(root, "", directory, root)
    head = _git(root, "rev-parse", "HEAD")
    held = set(_git(root, "tag", "--merged", head).split())
    history = []
    for item in upstream.releases:
        # A template may have come later than the first releases.
        with suppress(TemplateNotFoundError):
            if item.tag in held and item.commit != head:
                history.append(_state(upstream, item.tag, item.commit, item.date))
    tagged = [item for item in upstream.releases if item.commit == head]
    name, date = (tagged[-1].tag, tagged[-1].date) if tagged else (head[:10], "")
    return [*history, _state(upstream, name, head, date)]


def _state(upstream: Any, name: str, commit: str, date: str) -> dict[str, str]:
    return {"name": name, "commit": commit, "date": date, "content": upstream.content(commit)}


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Have the package that is being built importable: it is not installed yet, or in another version."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _files(template: Path) -> list[str]:
    """Return the paths of a template's files, relative to it.

    Raises:
        FileNotFoundError: it has none.
    """
    tracked = _git(template, "ls-files", "-z", "--", *_PARTS)
    if tracked:
        return [path for path in tracked.split("\0") if path]
    parts = [template / part for part in _PARTS]
    files = [path for part in parts for path in ([part] if part.is_file() else part.rglob("*"))]
    found = [path.relative_to(template).as_posix() for path in files if path.is_file()]
    if "cookiecutter.json" not in found:
        raise FileNotFoundError(f"{template} holds no template, though the catalogue names it.")
    return found


def _git(folder: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return "" if done.returncode else done.stdout.strip("\n")
