"""What an installed mshell-cut knows of its templates' releases without any network."""

import json
from pathlib import Path
from typing import Any

from mshell_cut.project import Project
from mshell_cut.source import plain
from mshell_cut.standing import Standing, Step
from mshell_cut.upstream import Version

_RECORD = Path(__file__).parent / "_templates" / "origin.json"
_UNKNOWN = (
    "What they change here, only the template's repository tells, which cannot be reached: "
    "this is what the installed mshell-cut knows."
)


def standing(project: Project, record: Path = _RECORD) -> Standing | None:
    """Find out how a project stands to the template that is installed with mshell-cut.

    Args:
        project: need not be under git.
        record: what was written down when this package was built: by template folder, the releases with what
            names the content of each, see `Upstream.content`.

    Returns:
        None where the project is of another template, or of a commit that was no release.
    """
    try:
        known: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    state = project.state
    histories = [
        known["histories"][name]
        for name, directory in known["directories"].items()
        if directory == state.directory and plain(state.template) == plain(known["address"])
    ]
    if not histories:
        return None
    (history,) = histories
    contents = {item["commit"]: item["content"] for item in history}
    if state.commit not in contents:
        return None
    newest = history[-1]
    names = {item["commit"]: item["name"] for item in history}
    at = Version(state.commit, names[state.commit], state.checkout)
    last = Version(newest["commit"], newest["name"], state.checkout)
    if contents[state.commit] == newest["content"]:
        return Standing(at, last)
    since = history[[item["commit"] for item in history].index(state.commit) + 1 :]
    return Standing(at, last, {}, [Step(item["name"], item["date"], {}) for item in since], [_UNKNOWN])
