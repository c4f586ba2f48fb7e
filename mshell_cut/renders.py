"""What a template gives for some answers, rendered once however often it is asked for."""

import hashlib
import json
import os
import platform
import stat
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mshell_cut import config, questions
from mshell_cut.questions import Questionnaire
from mshell_cut.upstream import Upstream, Version

if TYPE_CHECKING:
    from mshell_cut.answers import RenderDefault
    from mshell_cut.render import Renderer

# Each takes a few kilobytes.
_REMEMBERED = 2000

# Of each file, by its relative path with `/`, what tells its kind and content from others'.
Files = Mapping[str, str]


@dataclass(frozen=True)
class Renders:
    """The renders of one template, by version and answers, for as long as its `Upstream` lasts.

    Which files a render gives is remembered in the user's cache: to compare two releases of a template for
    the same answers, each is rendered once in a lifetime.

    Attributes:
        upstream: the template's repository.
    """

    upstream: Upstream
    _questionnaires: dict[str, Questionnaire] = field(default_factory=dict, repr=False)
    _renderers: dict[str, "Renderer"] = field(default_factory=dict, repr=False)
    _folders: dict[str, Path] = field(default_factory=dict, repr=False)

    def questionnaire(self, version: Version) -> Questionnaire:
        """Return the template's questions at a version.

        Raises:
            MshellCutError: see `Upstream.questions` and `questions.read`.
        """
        commit = version.commit
        if commit not in self._questionnaires:
            where = f"cookiecutter.json of {self.upstream.address} at {version.name}"
            self._questionnaires[commit] = questions.read(self.upstream.questions(commit), where)
        return self._questionnaires[commit]

    def default(self, version: Version) -> "RenderDefault":
        """Return what renders a question's default with the answers so far."""
        openers = self.questionnaire(version).openers

        def render(raw: Any, answers: Mapping[str, Any]) -> Any:
            if isinstance(raw, bool) or (isinstance(raw, str) and not any(tag in raw for tag in openers)):
                return raw
            return self.renderer(version).default(raw, answers)

        return render

    def renderer(self, version: Version) -> "Renderer":
        """Return the renderer of the template at a version.

        Raises:
            MshellCutError: see `Upstream.folder` and `Renderer`.
        """
        # Cookiecutter takes longer to import than git to say that nothing has changed.
        from mshell_cut.render import Renderer

        key = f"{version.commit} {version.checkout}"
        if key not in self._renderers:
            self._renderers[key] = Renderer(self.questionnaire(version), self.upstream.source(version))
        return self._renderers[key]

    def at(self, version: Version, answers: Mapping[str, Any]) -> Path:
        """Render what the template gives at a version.

        Args:
            version: of the template.
            answers: to all its questions.

        Returns:
            The folder of the project, which is temporary and must be left as it is.

        Raises:
            MshellCutError: see `Renderer.render`.
        """
        key = self._key(version, answers)
        if key not in self._folders:
            into = Path(tempfile.mkdtemp(prefix="render-", dir=self.upstream.temporary))
            renderer = self.renderer(version)
            self._folders[key] = renderer.render(answers, into)
            # What other people's hooks do may depend on more than the answers.
            if renderer.is_predictable:
                _remember(key, _files(self._folders[key]))
        return self._folders[key]

    def files(self, version: Version, answers: Mapping[str, Any]) -> Files:
        """Return which files the template gives at a version, rendering it only where that is not known yet.

        Args:
            version: of the template.
            answers: to all its questions.

        Raises:
            MshellCutError: see `Renderer.render`.
        """
        key = self._key(version, answers)
        found = _recalled(key) if key not in self._folders else None
        return _files(self.at(version, answers)) if found is None else found

    def _key(self, version: Version, answers: Mapping[str, Any]) -> str:
        """Return what names all that a render depends on."""
        about = [
            *(self.upstream.content(version.commit), self.upstream.address, version.checkout, answers),
            *(metadata.version("cookiecutter"), metadata.version("jinja2"), platform.python_version()),
        ]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


def differences(before: Files, after: Files) -> dict[str, str]:
    """Compare two renders.

    Returns:
        By path, sorted: `added`, `changed` or `deleted`.
    """
    found = {}
    for path in sorted(before.keys() | after.keys()):
        if path not in before:
            found[path] = "added"
        elif path not in after:
            found[path] = "deleted"
        elif before[path] != after[path]:
            found[path] = "changed"
    return found


def _files(folder: Path) -> dict[str, str]:
    found = {}
    for place, folders, names in os.walk(folder):
        for name in [*names, *(name for name in folders if Path(place, name).is_symlink())]:
            path = Path(place, name)
            mode = path.lstat().st_mode
            if stat.S_ISLNK(mode):
                kind, content = "symlink", os.fsencode(path.readlink())
            else:
                kind, content = "program" if mode & stat.S_IXUSR else "file", path.read_bytes()
            found[path.relative_to(folder).as_posix()] = f"{kind} {hashlib.sha256(content).hexdigest()}"
    return found


def _place(key: str) -> Path:
    return config.cache_folder() / "renders" / f"{key}.json"


def _recalled(key: str) -> Files | None:
    try:
        found: dict[str, str] = json.loads(_place(key).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found


def _remember(key: str, files: Files) -> None:
    place = _place(key)
    # Without a place for it, it only takes longer.
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=place.parent, delete=False, encoding="utf-8") as file:
            json.dump(files, file)
        Path(file.name).replace(place)
        kept = list(place.parent.iterdir())
        if len(kept) > _REMEMBERED:
            for old in sorted(kept, key=lambda path: path.stat().st_mtime)[: len(kept) // 2]:
                old.unlink(missing_ok=True)
