"""`.cruft.json`: what a project remembers of its template, in the format of cruft 2.

Stock cruft reads and updates the same file. Its `context` holds the answers; `skip` the files that an upgrade
must leave alone. https://cruft.github.io/cruft/
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mshell_cut.credentials import without_credentials
from mshell_cut.errors import FileUnreadableError

FILE = ".cruft.json"
_KEYS = {"template", "commit", "checkout", "context", "directory", "skip"}


@dataclass(frozen=True)
class State:
    """The content of `.cruft.json`.

    Attributes:
        template: the address of the template's repository.
        commit: the commit the project was rendered from.
        checkout: the branch or tag that was asked for, None for the repository's own default.
        directory: the template's folder in its repository, None for the top.
        answers: by question, without secret ones.
        skip: globs of files that an upgrade leaves alone.
        others: what else stands in the file, kept as it is.
    """

    template: str
    commit: str
    checkout: str | None
    directory: str | None
    answers: Mapping[str, Any]
    skip: Sequence[str] = field(default_factory=tuple)
    others: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, project: Path) -> "State":
        """Read the file of a project.

        Raises:
            FileUnreadableError: it is absent, no JSON, or lacks what an upgrade needs.
        """
        path = project / FILE
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise FileUnreadableError(path, "there is no such file") from None
        except OSError as error:
            raise FileUnreadableError(path, error.strerror or "cannot be read") from None
        except UnicodeDecodeError:
            raise FileUnreadableError(path, "is not UTF-8 text") from None
        except json.JSONDecodeError as error:
            hint = "has conflict markers: keep one side" if "<<<<<<<" in error.doc else error.msg
            raise FileUnreadableError(path, f"line {error.lineno}: {hint}") from None
        for key in ("template", "commit"):
            if not isinstance(found, dict) or not isinstance(found.get(key), str) or not found[key]:
                raise FileUnreadableError(path, f"names no '{key}', as text")
        if found["commit"].startswith("-"):
            raise FileUnreadableError(path, "'commit' is none: it begins with '-'")
        context = found.get("context")
        stored = context.get("cookiecutter") if isinstance(context, dict) else None
        if not isinstance(stored, dict):
            raise FileUnreadableError(path, "holds no answers: 'context' must hold 'cookiecutter'")
        skip = found.get("skip") or []
        if not isinstance(skip, list) or not all(isinstance(glob, str) for glob in skip):
            raise FileUnreadableError(path, "'skip' must be a list of globs")
        for key in ("checkout", "directory"):
            if not isinstance(found.get(key), str | None):
                raise FileUnreadableError(path, f"'{key}' must be text or null")
        return cls(
            template=found["template"],
            commit=found["commit"],
            checkout=found.get("checkout") or None,
            directory=found.get("directory") or None,
            answers={name: value for name, value in stored.items() if not name.startswith("_")},
            skip=tuple(skip),
            others={key: value for key, value in found.items() if key not in _KEYS},
        )

    def text(self) -> str:
        """Return the file's text."""
        address = without_credentials(self.template)
        content: dict[str, Any] = {
            "template": address,
            "commit": self.commit,
            "checkout": self.checkout,
            "context": {"cookiecutter": {**self.answers, "_template": address, "_commit": self.commit}},
            "directory": self.directory,
        }
        if self.skip:
            content["skip"] = list(self.skip)
        return json.dumps({**content, **self.others}, indent=2, ensure_ascii=False) + "\n"

    def write(self, project: Path) -> None:
        """Write the file into a project."""
        (project / FILE).write_text(self.text(), encoding="utf-8")
