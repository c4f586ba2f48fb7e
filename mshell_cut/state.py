"""`.cruft.json`: what a project remembers of its template, in the format of cruft 2.

Stock cruft reads and updates the same file. Its `context` holds the answers; `skip` the files that an upgrade
must leave alone. https://cruft.github.io/cruft/
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = ".cruft.json"


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
    """

    template: str
    commit: str
    checkout: str | None
    directory: str | None
    answers: Mapping[str, Any]
    skip: Sequence[str] = field(default_factory=tuple)

    def write(self, project: Path) -> None:
        """Write the file into a project."""
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
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (project / FILE).write_text(text, encoding="utf-8")


def without_credentials(address: str) -> str:
    """Take user name and password out of an http address: a project's file is read by many."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", address)
