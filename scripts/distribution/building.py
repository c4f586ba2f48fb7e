"""Builds the commit twice, under circumstances that must not show in the bytes."""

import os
import re
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from distribution.errors import DistributionError, RequestError
from distribution.packages import Package, digest
from distribution.programs import run

# Zip knows no earlier day. The same as in scripts/vendor.sh: what projects carry is what is published.
# Not the day of the commit: a package that does not change keeps its bytes, as an index wants of a version.
EPOCH = 315532800
_SHOWN = 10


@dataclass(frozen=True)
class _Circumstances:
    """What differs between two machines."""

    umask: int
    changed: int | None
    env: dict[str, str]


_FIRST = _Circumstances(0o022, None, {"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"})
_SECOND = _Circumstances(
    0o077, 1_000_000_000, {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "2"}
)


def check_tree(root: Path, *, ignore_changes: bool) -> str:
    """See that what is built is what is meant.

    Args:
        root: the repository.
        ignore_changes: build the commit, though the tree holds something else.

    Returns:
        The commit.

    Raises:
        RequestError: the tree differs from its commit, its history is cut off, or the commit is tagged as
            another release than its version says.
    """
    told = run("git", "status", "--porcelain", cwd=root, doing="git status").splitlines()
    if told and not ignore_changes:
        listed = "\n".join(f"  {line}" for line in told[:_SHOWN])
        more = f"\n  … and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
        raise RequestError(
            "The tree differs from its commit: commit it, or build the commit without the changes with "
            f"--ignore-changes.\n{listed}{more}"
        )
    if run("git", "rev-parse", "--is-shallow-repository", cwd=root, doing="git rev-parse").strip() == "true":
        raise RequestError(
            "The clone is shallow, so the wheel would not know the templates' releases: run "
            "git fetch --unshallow --tags."
        )
    commit = run("git", "rev-parse", "HEAD", cwd=root, doing="git rev-parse").strip()
    tags = run("git", "tag", "--points-at", "HEAD", cwd=root, doing="git tag").split()
    releases = [tag for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)]
    version = Package(root, Path()).version
    if releases and releases != [f"v{version}"]:
        raise RequestError(
            f"The commit is tagged {' and '.join(releases)}, mshell_cut/__init__.py says {version}: "
            "a release's tag is the version."
        )
    return commit


def build(root: Path, commit: str, packages: Sequence[Package], into: Path) -> None:
    """Build source distributions and wheels, and put them into a folder when two builds gave the same bytes.

    The first build is in a fresh clone; the second in another one, in a deeper folder, with other times of
    files, umask, time zone, locale and hash seed, and makes its wheels from its source distributions.

    Args:
        root: the repository.
        commit: what to build.
        packages: which ones.
        into: a folder, made where there is none. Older files of the packages go.

    Raises:
        DistributionError: a build fails, or the two differ.
    """
    with tempfile.TemporaryDirectory(prefix="dist-") as temporary:
        first = _built(root, commit, packages, Path(temporary, "a"), _FIRST, from_source=False)
        second = _built(
            root, commit, packages, Path(temporary, "b", "deeper", "down"), _SECOND, from_source=True
        )
        for package in packages:
            for one, other in zip(package.files(first), package.files(second), strict=True):
                if digest(one) != digest(other):
                    raise DistributionError(
                        f"{one.name} is not reproducible: one build gives {digest(one)}, "
                        f"another {digest(other)}."
                    )
        into.mkdir(parents=True, exist_ok=True)
        for package in packages:
            for old in into.glob(f"{package.stem.split('-')[0]}-*"):
                old.unlink()
            for file in package.files(first):
                moved = into / f".{file.name}"
                shutil.copyfile(file, moved)
                moved.replace(into / file.name)


def _built(
    root: Path,
    commit: str,
    packages: Sequence[Package],
    folder: Path,
    circumstances: _Circumstances,
    *,
    from_source: bool,
) -> Path:
    folder.mkdir(parents=True)
    clone, out = folder / "clone", folder / "dist"
    for command, place in (
        (("clone", "--quiet", "--shared", "--no-checkout", root, clone), folder),
        (("checkout", "--quiet", "--detach", commit), clone),
    ):
        run(
            *("git", *command),
            cwd=place,
            env=circumstances.env,
            umask=circumstances.umask,
            doing=f"git {command[0]}",
        )
    if circumstances.changed is not None:
        for path in clone.rglob("*"):
            if ".git" not in path.relative_to(clone).parts:
                os.utime(path, (circumstances.changed, circumstances.changed), follow_symlinks=False)
    for package in packages:
        place = clone / package.folder
        _hatchling(package, place, out, circumstances, *(["sdist"] if from_source else ["sdist", "wheel"]))
        if from_source:
            with tarfile.open(package.sdist(out)) as archive:
                archive.extractall(folder / "sources", filter="data")
            _hatchling(package, folder / "sources" / package.stem, out, circumstances, "wheel")
    return out


def _hatchling(
    package: Package, place: Path, out: Path, circumstances: _Circumstances, *targets: str
) -> None:
    # The environment's own, at the versions and hashes of requirements.lock, in place of what an isolated
    # build would fetch.
    run(
        *(sys.executable, "-m", "hatchling", "build", "-d", out),
        *(option for target in targets for option in ("-t", target)),
        cwd=place,
        env={**circumstances.env, "SOURCE_DATE_EPOCH": str(EPOCH)},
        umask=circumstances.umask,
        doing=f"Building {package.name}",
    )
