"""Pull requests for the branches of a fleet, through GitHub's own command line, `gh`.

Its options: https://cli.github.com/manual/gh_pr_create, https://cli.github.com/manual/gh_pr_list.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from mshell_cut import git
from mshell_cut.errors import MshellCutError, RequestError
from mshell_cut.fleet.markdown import code, escaped
from mshell_cut.fleet.results import Result

# Without a terminal it would wait for an answer for ever.
_QUIET = {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1", "NO_COLOR": "1"}
_SHOWN = 200


def require_gh() -> None:
    """Refuse to go on without `gh`.

    Raises:
        RequestError: it is not on PATH.
    """
    if shutil.which("gh") is None:
        raise RequestError(
            "--pull-requests needs GitHub's command line, and 'gh' is not on PATH: install it "
            "(https://cli.github.com) and run 'gh auth login'."
        )


def open_one(result: Result, top: Path, base: str | None) -> str:
    """Push the branch of an update and open a pull request, unless there is an open one.

    Args:
        result: of the update.
        top: of the project's repository.
        base: the branch to merge it into; None for the repository's default.

    Returns:
        The pull request's address.

    Raises:
        MshellCutError: the branch cannot be pushed, or `gh` failed.
    """
    branch = result.branch
    git.run("push", "--quiet", "origin", f"refs/heads/{branch}:refs/heads/{branch}", cwd=top)
    listed = _gh("pr", "list", f"--head={branch}", "--state=open", "--json=url", cwd=top)
    try:
        known: str | None = next((item["url"] for item in json.loads(listed)), None)
    except (ValueError, TypeError, KeyError):
        raise MshellCutError(f"'gh pr list' printed no list of pull requests in {top}.") from None
    if known:
        return known
    words = [f"--head={branch}", *([f"--base={base}"] if base else []), f"--title={title(result)}"]
    said = _gh("pr", "create", *words, "--body-file=-", cwd=top, given=body(result))
    return said.splitlines()[-1] if said else ""


def title(result: Result) -> str:
    """Return the title of a pull request."""
    return f"Update the template from {result.at} to {result.newest}"


def body(result: Result) -> str:
    """Return the text of a pull request: what the update brings, and which files it changes."""
    lines = [f"The project's template is at {result.newest}; this project was cut from {result.at}."]
    if result.message:
        lines += ["", escaped(result.message)]
    if result.releases:
        lines += ["", "Releases:", "", *(f"- {release.tag} ({release.date})" for release in result.releases)]
    lines += ["", f"Files ({len(result.changes)}):", ""]
    for change in result.changes[:_SHOWN]:
        lines.append(
            f"- {change.kind}: {code(change.path)}"
            + (f", was {code(change.before)}" if change.before else "")
        )
    if len(result.changes) > _SHOWN:
        lines.append(f"- … and {len(result.changes) - _SHOWN} more")
    lines += [
        "",
        "Made by `mshell-cut fleet update`: git merged the template's changes with the project's own.",
    ]
    return "\n".join(lines) + "\n"


def _gh(*arguments: str, cwd: Path, given: str = "") -> str:
    done = subprocess.run(
        ["gh", *arguments],
        cwd=cwd,
        env={**os.environ, **_QUIET},
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or ["it said nothing"]
        raise MshellCutError(f"gh {' '.join(arguments[:2])} failed: {said[-1]}")
    return done.stdout.strip()
