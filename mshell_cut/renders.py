"""What a template gives for some answers, rendered once however often it is asked for."""

import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mshell_cut import questions
from mshell_cut.questions import Questionnaire
from mshell_cut.render import Renderer
from mshell_cut.upstream import Upstream, Version


@dataclass(frozen=True)
class Render:
    """A rendered project in a temporary folder.

    Attributes:
        folder: where it lies.
        files: of each file, by its relative path with `/`, what tells its kind and content from others'.
    """

    folder: Path
    files: Mapping[str, str]

    def differs(self, other: "Render") -> dict[str, str]:
        """Return the files that another render has and this one has not, or has otherwise.

        Returns:
            By path, sorted: `added`, `changed` or `deleted`.
        """
        found = {}
        for path in sorted(self.files.keys() | other.files.keys()):
            if path not in self.files:
                found[path] = "added"
            elif path not in other.files:
                found[path] = "deleted"
            elif self.files[path] != other.files[path]:
                found[path] = "changed"
        return found


@dataclass(frozen=True)
class Renders:
    """The renders of one template, by version and answers, for as long as its `Upstream` lasts.

    Attributes:
        upstream: the template's repository.
    """

    upstream: Upstream
    _renderers: dict[str, Renderer] = field(default_factory=dict, repr=False)
    _made: dict[str, Render] = field(default_factory=dict, repr=False)

    def questionnaire(self, version: Version) -> Questionnaire:
        """Return the template's questions at a version."""
        return self.renderer(version).questionnaire

    def renderer(self, version: Version) -> Renderer:
        """Return the renderer of the template at a version.

        Raises:
            MshellCutError: see `Upstream.folder` and `questions.load`.
        """
        key = f"{version.commit} {version.checkout}"
        if key not in self._renderers:
            source = self.upstream.source(version)
            self._renderers[key] = Renderer(questions.load(source.path), source)
        return self._renderers[key]

    def at(self, version: Version, answers: Mapping[str, Any]) -> Render:
        """Return what the template gives at a version.

        Args:
            version: of the template.
            answers: to all its questions.

        Raises:
            MshellCutError: see `Renderer.render`.
        """
        key = json.dumps([self.upstream.content(version.commit), version.checkout, answers], sort_keys=True)
        if key not in self._made:
            into = Path(tempfile.mkdtemp(prefix="render-", dir=self.upstream.temporary))
            folder = self.renderer(version).render(answers, into)
            self._made[key] = Render(folder, _files(folder))
        return self._made[key]


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
