"""Checks that a release is prepared, and prints its notes."""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from distribution.errors import DistributionError
from distribution.packages import Package, packages

ROOT = Path(__file__).parent.parent
_EXAMPLES = """\
examples:
  python scripts/release.py check v0.3.0   before the tag: is all of it prepared?
  python scripts/release.py notes v0.3.0   the section of CHANGELOG.md

exit codes: 0 prepared, 1 not yet, 2 wrong arguments.
"""
_HEADING = re.compile(r"^## (?P<name>.+)$", re.MULTILINE)


def notes(root: Path, tag: str) -> str:
    """Return what the changelog says of a release.

    Args:
        root: the repository.
        tag: the release's, such as `v0.3.0`.

    Raises:
        DistributionError: it has no section, or an empty one.
    """
    found = _sections(root).get(tag.removeprefix("v"))
    if not found:
        raise DistributionError(
            f"CHANGELOG.md says nothing under a heading '## {tag.removeprefix('v')} - YYYY-MM-DD'."
        )
    return found[1]


def problems(root: Path, tag: str) -> list[str]:
    """Tell what is missing for a release of the commit that is checked out.

    Args:
        root: the repository.
        tag: of the release that is to be: it need not be there.
    """
    found = []
    version = tag.removeprefix("v")
    tool, *others = packages(root)
    if tool.version != version:
        found.append(f"mshell_cut/__init__.py says {tool.version}, the tag {version}.")
    sections = _sections(root)
    if version not in sections or not sections[version][1]:
        found.append(f"CHANGELOG.md says nothing under a heading '## {version} - YYYY-MM-DD'.")
    elif not re.fullmatch(r"\d{4}-\d\d-\d\d", sections[version][0]):
        found.append(f"CHANGELOG.md gives {version} no date: '## {version} - YYYY-MM-DD'.")
    if sections.get("Unreleased", ("", ""))[1]:
        found.append("CHANGELOG.md still has changes under '## Unreleased': they belong to this release.")

    earlier = [name for name in _git(root, "tag", "--list", "v*").split() if _numbers(name) < _numbers(tag)]
    known = (root / "tests" / "scaffold.py").read_text(encoding="utf-8")
    found += [
        f"RELEASES in tests/scaffold.py lacks {name}."
        for name in earlier
        if _numbers(name) and f'"{name}"' not in known
    ]
    before = max(earlier, key=_numbers, default=None)
    if before:
        found += [
            f"{package.name} changed since {before} and still has version {package.version}: raise it in "
            f"{_version_file(package)}."
            for package in others
            if _is_changed(package, before)
        ]
    return found


def _sections(root: Path) -> dict[str, tuple[str, str]]:
    """Return date and text of each section of the changelog, by version."""
    parts = _HEADING.split((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    split = zip(parts[1::2], parts[2::2], strict=True)
    return {
        name: (date, text.strip())
        for heading, text in split
        for name, _, date in (heading.strip().partition(" - "),)
    }


def _is_changed(package: Package, tag: str) -> bool:
    """Tell whether what is published of a package differs from what a release had under the same version."""
    place = _version_file(package).as_posix()
    if f'"{package.version}"' not in _git(package.root, "grep", "-h", "^__version__", tag, "--", place):
        return False
    shipped = package.settings["tool"]["hatch"]["build"]["targets"]["sdist"]["only-include"]
    paths = [str(package.folder / name) for name in (*shipped, "LICENSE", "README.md", "pyproject.toml")]
    return bool(_git(package.root, "diff", "--name-only", tag, "HEAD", "--", *paths))


def _version_file(package: Package) -> Path:
    return package.folder / str(package.settings["tool"]["hatch"]["version"]["path"])


def _numbers(tag: str) -> tuple[int, ...]:
    """Return a release's numbers, none for another tag."""
    found = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)", tag)
    return tuple(map(int, found.groups())) if found else ()


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Do what the command line says, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="release.py",
        description=__doc__,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("do", choices=("check", "notes"), help="what to do")
    parser.add_argument("tag", help="the release's tag, vX.Y.Z")
    options = parser.parse_args(arguments)
    if not _numbers(options.tag):
        parser.error(f"'{options.tag}' is no release's tag: those are vX.Y.Z.")
    try:
        if options.do == "notes":
            print(notes(root, options.tag))
            return 0
        missing = problems(root, options.tag)
    except DistributionError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for line in missing:
        print(line, file=sys.stderr)
    print(f"{options.tag} is {'not prepared' if missing else 'prepared'}.")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
