"""What is asked of every project of a fleet."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Update:
    """An update of every project.

    Attributes:
        wanted: the release, branch or commit to bring it to; None for the newest release.
        assignments: answers that are to change, as `question=answer`.
        dry_run: write nothing.
        branch: the name of the branch; None to make one of the version.
        pull_requests: push the branch and open a pull request.
    """

    wanted: str | None = None
    assignments: tuple[str, ...] = ()
    dry_run: bool = False
    branch: str | None = None
    pull_requests: bool = False


@dataclass(frozen=True)
class Request:
    """What is asked of every project.

    Attributes:
        clones: the folder for clones of projects that are not on this machine.
        update: how to update it; None to check only.
    """

    clones: Path
    update: Update | None = None
