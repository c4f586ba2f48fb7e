"""Whether a project is current: whether its template gives now what the project was cut from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mshell_cut import upgrade
from mshell_cut.errors import AnswersRefusedError
from mshell_cut.project import Project
from mshell_cut.releases import Release
from mshell_cut.renders import Renders, differences
from mshell_cut.upstream import Upstream, Version


@dataclass(frozen=True)
class Step:
    """One release, and what it changes in a project.

    Attributes:
        name: the release's tag, or what a commit is called that is none.
        date: YYYY-MM-DD, empty where there is no release.
        changes: by path, sorted: `added`, `changed` or `deleted`, against the step before.
    """

    name: str
    date: str
    changes: Mapping[str, str]


@dataclass(frozen=True)
class Standing:
    """How a project stands to its template.

    Attributes:
        at: what it was cut from, or last updated to.
        newest: what an update would bring it to.
        changes: all that lies between, as in `Step`.
        steps: the same, release by release, oldest first; those that change nothing here are left out.
        open: sentences on answers that an update will ask for.
    """

    at: Version
    newest: Version
    changes: Mapping[str, str] = field(default_factory=dict)
    steps: Sequence[Step] = field(default_factory=tuple)
    open: Sequence[str] = field(default_factory=tuple)

    @property
    def is_current(self) -> bool:
        """Whether an update would change nothing."""
        return not self.changes and not self.open


def standing(
    project: Project, upstream: Upstream, *, renders: Renders | None = None, by_release: bool = True
) -> Standing:
    """Find out how a project stands to its template.

    Nothing is rendered where the template itself is the same at both commits, as after a change to other
    files of its repository.

    Args:
        project: need not be under git.
        upstream: the repository of its template.
        renders: of the same repository, where other projects are looked at as well.
        by_release: tell release by release what changes, which takes a render for each.

    Raises:
        MshellCutError: see `Upstream.newest`, `Upstream.content` and `Renderer.render`.
    """
    state = project.state
    newest = upstream.newest(state)
    at = Version(state.commit, upstream.name(state.commit), state.checkout)
    if upstream.content(at.commit) == upstream.content(newest.commit):
        return Standing(at, newest)
    renders = renders or Renders(upstream)

    def changes(way: upgrade.Course, older: upgrade.Course | None) -> dict[str, str]:
        first = renders.files(older.after, older.answers) if older else renders.files(way.before, way.was)
        left_alone = upgrade.left_alone(project, renders, way)
        found = differences(first, renders.files(way.after, way.answers))
        return {path: kind for path, kind in found.items() if not left_alone(path)}

    try:
        whole = upgrade.course(project, renders, newest)
    except AnswersRefusedError as error:
        return Standing(at, newest, open=error.sentences)
    total = changes(whole, None)
    if not by_release:
        return Standing(at, newest, total)
    steps: list[Step] = []
    last: upgrade.Course | None = None
    for release in _steps(upstream, at, newest) if total else []:
        if isinstance(release, Release):
            version = Version(release.commit, release.tag, state.checkout)
        else:
            version = release
        try:
            way = upgrade.course(project, renders, version)
        except AnswersRefusedError:
            # Only what the newest release makes of the answers counts; its changes hold this one's.
            continue
        found = changes(way, last)
        last = way
        if found:
            steps.append(Step(version.name, release.date if isinstance(release, Release) else "", found))
    return Standing(at, newest, total, steps)


def _steps(upstream: Upstream, at: Version, newest: Version) -> list[Release | Version]:
    releases: list[Release | Version] = list(upstream.between(at.commit, newest.commit))
    if not releases or releases[-1].commit != newest.commit:
        releases.append(newest)
    return releases
