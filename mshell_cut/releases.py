"""The releases of a template: the tags `vX.Y.Z` of its repository."""

import re
from dataclasses import dataclass

_TAG = re.compile(r"v(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


@dataclass(frozen=True, order=True)
class Release:
    """One release. Releases are ordered by their numbers.

    Attributes:
        numbers: major, minor and patch.
        commit: what the tag points at.
        date: when that was committed, as YYYY-MM-DD.
    """

    numbers: tuple[int, int, int]
    commit: str
    date: str = ""

    @property
    def tag(self) -> str:
        """The tag's name."""
        return "v" + ".".join(map(str, self.numbers))


def is_tag(name: str | None) -> bool:
    """Tell whether a name is that of a release: `v1.2.3`, and no pre-release of one."""
    return bool(name and _TAG.fullmatch(name))


def release(tag: str, commit: str, date: str = "") -> Release | None:
    """Make a release of a tag, None where the tag is none of a release (https://semver.org)."""
    found = _TAG.fullmatch(tag)
    if not found:
        return None
    major, minor, patch = map(int, found.groups())
    return Release((major, minor, patch), commit, date)
