"""What became of each project of a fleet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mshell_cut.merge import Conflict
from mshell_cut.releases import Release
from mshell_cut.upgrade import Change

CURRENT = "current"
BEHIND = "behind"
UPDATED = "updated"
WOULD_CHANGE = "would change"
DONE_ALREADY = "done already"
CONFLICTS = "conflicts"
NO_PROJECT = "no project"
FAILED = "failed"
NOT_DONE = "not done"
# As reports list them: what needs a person comes last, where it is still on the screen.
STATUSES = (
    CURRENT,
    UPDATED,
    DONE_ALREADY,
    WOULD_CHANGE,
    NO_PROJECT,
    BEHIND,
    CONFLICTS,
    FAILED,
    NOT_DONE,
)


@dataclass(frozen=True)
class Result:
    """What became of one project.

    Attributes:
        name: how it was listed.
        status: one of `STATUSES`.
        folder: where it lies on this machine, empty where it is not there.
        template: the address of its template's repository.
        directory: the template's folder in there, empty for the top.
        at: what it was rendered from.
        newest: what it is compared with, or brought to.
        releases: those that an update brings, oldest first.
        changes: the files that are to change, or did; for a check without their old names.
        conflicts: what is left for a person to decide.
        branch: the branch that holds the update.
        commit: the commit on it.
        pull_request: its address.
        message: a sentence on what went wrong, or what to do next.
        seconds: how long it took, wall time.
    """

    name: str
    status: str
    folder: str = ""
    template: str = ""
    directory: str = ""
    at: str = ""
    newest: str = ""
    releases: Sequence[Release] = field(default_factory=tuple)
    changes: Sequence[Change] = field(default_factory=tuple)
    conflicts: Sequence[Conflict] = field(default_factory=tuple)
    branch: str = ""
    commit: str = ""
    pull_request: str = ""
    message: str = ""
    seconds: float = 0.0


def counted(results: Sequence[Result]) -> dict[str, int]:
    """Return how many projects have each status, those with none left out."""
    found = {status: sum(result.status == status for result in results) for status in STATUSES}
    return {status: count for status, count in found.items() if count}


def exit_code(results: Sequence[Result], *, interrupted: bool) -> int:
    """Return the command's exit code: 130, else 2 for failures, else 1 for what is behind or in conflict."""
    if interrupted:
        return 130
    found = counted(results)
    if FAILED in found:
        return 2
    return 1 if BEHIND in found or CONFLICTS in found else 0


def as_json(results: Sequence[Result], *, interrupted: bool) -> Mapping[str, Any]:
    """Return what programs read of a fleet."""
    return {
        "summary": counted(results),
        "interrupted": interrupted,
        "projects": [
            {
                "name": result.name,
                "status": result.status,
                "folder": result.folder or None,
                "template": result.template or None,
                "directory": result.directory or None,
                "at": result.at or None,
                "newest": result.newest or None,
                "releases": [release.tag for release in result.releases],
                "changes": [
                    {"path": change.path, "kind": change.kind, "before": change.before}
                    for change in result.changes
                ],
                "conflicts": [
                    {"path": conflict.path, "kind": conflict.kind, "marked": conflict.marked}
                    for conflict in result.conflicts
                ],
                "branch": result.branch or None,
                "commit": result.commit or None,
                "pull_request": result.pull_request or None,
                "message": result.message or None,
                "seconds": round(result.seconds, 3),
            }
            for result in results
        ],
    }
