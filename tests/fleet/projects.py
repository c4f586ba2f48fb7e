"""What the tests of fleets share."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scaffold import commit_all, write_tree

Run = Callable[..., subprocess.CompletedProcess[str]]
Fleet = Callable[..., Path]
LINES = "".join(f"line {number}\n" for number in range(1, 31))


def results(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """What `--json` says of each project, by the last part of its name."""
    assert done.stdout, done.stderr
    assert "Traceback" not in done.stderr
    return {Path(item["name"]).name: item for item in json.loads(done.stdout)["projects"]}


def remember(project: Path, **changes: object) -> None:
    """Change what a project's `.cruft.json` holds, and commit it."""
    state = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    write_tree(project, {".cruft.json": json.dumps({**state, **changes})})
    commit_all(project)
