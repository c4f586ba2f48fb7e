"""One project of a fleet, updated on a branch of its own without touching its working tree."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from mshell_cut import git, upgrade
from mshell_cut.answers import given
from mshell_cut.errors import UpdateRefusedError
from mshell_cut.fleet.committed import Committed
from mshell_cut.fleet.request import Update
from mshell_cut.fleet.results import CONFLICTS, CURRENT, DONE_ALREADY, UPDATED, WOULD_CHANGE, Result
from mshell_cut.objects import quarantine
from mshell_cut.questions import Questionnaire
from mshell_cut.releases import is_tag
from mshell_cut.renders import Renders
from mshell_cut.state import FILE
from mshell_cut.upstream import Version


def update(name: str, project: Committed, renders: Renders, request: Update) -> Result:
    """Bring a project to another state of its template, as one commit on a new branch.

    The commit is made of git objects: working tree, index and HEAD stay as they are, whatever is in them.

    Args:
        name: how it was listed.
        project: as committed.
        renders: of its template.
        request: what is asked.

    Returns:
        What became of it. With conflicts there is no branch.

    Raises:
        UpdateRefusedError: there is a branch of that name that holds something else.
        MshellCutError: see `upgrade.course` and `upgrade.upgrade`.
    """
    upstream, place = renders.upstream, project.checkout
    before = upgrade.before(project, renders)
    after = upstream.version(request.wanted) if request.wanted else upstream.newest(project.state)
    told: dict[str, Any] = {"at": before.name, "newest": after.name}
    if not request.assignments and upstream.content(before.commit) == upstream.content(after.commit):
        return Result(name, CURRENT, **told)
    told["releases"] = upstream.between(before.commit, after.commit)
    branch = branch_name(request.branch, after, place.prefix)

    def answers(questionnaire: Questionnaire) -> Mapping[str, Any]:
        return given(questionnaire, request.assignments, None)

    with quarantine(place.top) as objects:
        tip = git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}", cwd=place.top)
        if tip:
            way = upgrade.course(project, renders, after, given=answers) if request.assignments else None
            _require_same(project, branch, tip, after, way)
            changes = upgrade.changes(objects, place.head, tip, prefix=place.prefix)
            return Result(name, DONE_ALREADY, **told, changes=changes, branch=branch, commit=tip)
        way = upgrade.course(project, renders, after, given=answers)
        found = upgrade.upgrade(project, renders, way, objects)
        told |= {"changes": found.changes, "message": " ".join(way.notes)}
        if found.is_empty:
            return Result(name, CURRENT, **told)
        if found.conflicts:
            told["message"] = f"Run there: {_command(project, request, branch)}"
            return Result(name, CONFLICTS, **told, conflicts=found.conflicts)
        if request.dry_run:
            return Result(name, WOULD_CHANGE, **told, branch=branch)
        objects.keep()
    message = f"Update the template from {before.name} to {after.name}"
    commit = git.commit_tree(place.top, found.merged.tree, place.head, message)
    # An empty old value: git refuses where somebody made that branch meanwhile.
    git.run("update-ref", "-m", f"mshell-cut: {message}", f"refs/heads/{branch}", commit, "", cwd=place.top)
    return Result(name, UPDATED, **told, branch=branch, commit=commit)


def branch_name(wanted: str | None, after: Version, prefix: str) -> str:
    """Return the name of the branch for an update.

    Args:
        wanted: what the user calls it.
        after: what the project is brought to.
        prefix: the project's folder in its repository: each project there has a branch of its own.

    Raises:
        UpdateRefusedError: git takes no such name.
    """
    version = after.name if is_tag(after.name) else after.commit[:10]
    inside = re.sub(r"[^\w]+", "-", prefix).strip("-")
    branch = (wanted or f"mshell-cut/update-{version}") + (f"-{inside}" if inside else "")
    if branch.startswith("-") or git.ask("check-ref-format", f"refs/heads/{branch}") is None:
        raise UpdateRefusedError(f"'{branch}' is no name for a branch.")
    return branch


def _require_same(
    project: Committed, branch: str, tip: str, after: Version, way: upgrade.Course | None
) -> None:
    place = project.checkout
    text = git.ask("cat-file", "blob", f"{tip}:{place.prefix}{FILE}", cwd=place.top)
    try:
        held = json.loads(text or "")
    except ValueError:
        held = None
    expected = json.loads(way.state.text()) if way else None
    if not isinstance(held, dict) or held.get("commit") != after.commit or (way and held != expected):
        raise UpdateRefusedError(
            f"There is a branch {branch} already, which holds something else: name another with --branch, "
            "or delete it."
        )
    if git.ask("merge-base", "--is-ancestor", place.head, tip, cwd=place.top) is None:
        raise UpdateRefusedError(
            f"The branch {branch} holds this update for an older state of the project: merge it, or delete "
            "it and run again."
        )


def _command(project: Committed, request: Update, branch: str) -> str:
    place = project.checkout
    first = ""
    if git.ask("rev-parse", "HEAD", cwd=place.top) != place.head:
        words = ["git", "-C", str(place.top), "switch", "--create", branch, place.head]
        first = f"{shlex.join(words)} && "
    folder = str(place.top / place.prefix)
    words = ["mshell-cut", "update", "--project", folder]
    words += ["--to", request.wanted] if request.wanted else []
    for assignment in request.assignments:
        words += ["--set", assignment]
    return first + shlex.join(words)
