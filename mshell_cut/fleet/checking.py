"""One project of a fleet, compared with its template."""

from mshell_cut.fleet.results import BEHIND, CURRENT, Result
from mshell_cut.project import Project
from mshell_cut.renders import Renders
from mshell_cut.standing import standing
from mshell_cut.upgrade import Change


def check(name: str, project: Project, renders: Renders) -> Result:
    """Tell whether a project is current.

    Args:
        name: how it was listed.
        project: need not be under git.
        renders: of its template.

    Raises:
        MshellCutError: see `standing`.
    """
    found = standing(project, renders.upstream, renders=renders, by_release=False)
    return Result(
        name,
        CURRENT if found.is_current else BEHIND,
        at=found.at.name,
        newest=found.newest.name,
        changes=[Change(path, kind) for path, kind in found.changes.items()],
        message=" ".join(found.open),
    )
