"""mshell-cut against stock cruft: update, check and a fleet of projects, over a real step of a template."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from timing import BIN, REPOSITORY, STOCK, report, seconds

_OLD, _NEW = "v0.1.0", "v9.9.9"
_PROJECTS, _FEW = 100, 25
# Tells by its exit code 1 that a project is behind, which is no failure here.
_OR_BEHIND = ["/bin/sh", "-c", '"$@" || test $? = 1', "sh"]


def main() -> int:
    """Print the ratios; exit 1 when one does not hold."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder).resolve()
        os.environ["XDG_CACHE_HOME"] = str(place / "cache")
        template = place / "template"
        subprocess.run(["git", "clone", "--quiet", REPOSITORY, template], check=True)
        # Projects remember the clone, not what it was cloned from.
        subprocess.run(["git", "remote", "remove", "origin"], cwd=template, check=True)
        subprocess.run(["git", "tag", _NEW], cwd=template, check=True)
        held = [_updates(place, template), *_checks(place, template), *_fleets(place, template)]
    return not all(held)


def _cut(template: Path, version: str, name: str, out: Path) -> Path:
    words = ["--template", template, "--checkout", version, "--set", f"repo_name={name}", "--no-input"]
    subprocess.run(
        [BIN / "mshell-cut", "cut", *words, "--output-dir", out],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return out / name


def _copied(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, symlinks=True)


def _cruft(*words: str) -> Sequence[str | Path]:
    return [STOCK / "cruft", *words]


def _without_checkout(project: Path) -> None:
    """Have a project follow the template's default, where stock cruft looks for news."""
    path = project / ".cruft.json"
    path.write_text(path.read_text(encoding="utf-8").replace(f'"checkout": "{_OLD}"', '"checkout": null'))
    subprocess.run(["git", "commit", "--quiet", "--all", "--message", "follow"], cwd=project, check=True)


def _updates(place: Path, template: Path) -> bool:
    old = _cut(template, _OLD, "single", place / "old")
    _without_checkout(old)
    ours, theirs = "mshell-cut update", "cruft update --skip-apply-ask"
    found = seconds(
        {ours: [BIN / "mshell-cut", "update"], theirs: _cruft("update", "--skip-apply-ask")},
        runs=9,
        before_each=lambda name: _copied(old, place / name.split()[0]),
        cwd={name: place / name.split()[0] for name in (ours, theirs)},
    )
    return report("Updating a project", ours, theirs, found, 0.5)


def _checks(place: Path, template: Path) -> list[bool]:
    held = []
    behind, current = place / "old/single", _cut(template, _NEW, "current", place / "new")
    for title, project in (("behind", behind), ("current", current)):
        ours, theirs = "mshell-cut check", "cruft check"
        found = seconds(
            {ours: [*_OR_BEHIND, BIN / "mshell-cut", "check"], theirs: [*_OR_BEHIND, *_cruft("check")]},
            runs=15,
            cwd=dict.fromkeys((ours, theirs), project),
        )
        held.append(report(f"Checking a project that is {title}", ours, theirs, found, 0.5))
    return held


def _fleets(place: Path, template: Path) -> list[bool]:
    names = [f"project-{number}" for number in range(_PROJECTS)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda name: _without_checkout(_cut(template, _OLD, name, place / "many")), names))
    sizes = {f"fleet update of {count}": count for count in (_FEW, _PROJECTS)}
    single = "cruft update --skip-apply-ask"

    def fresh(name: str) -> None:
        for project in names[: sizes.get(name, 1)]:
            _copied(place / "many" / project, place / "fleet" / project)

    found = seconds(
        {
            **{
                name: [BIN / "mshell-cut", "fleet", "update", "--from", *_folders(place, names[:count])]
                for name, count in sizes.items()
            },
            single: _cruft("update", "--skip-apply-ask"),
        },
        runs=2,
        before_each=fresh,
        cwd={single: place / "fleet" / names[0]},
    )
    all_of_them = f"{_PROJECTS} x cruft update (one is measured)"
    whole, few = f"fleet update of {_PROJECTS}", f"fleet update of {_FEW}"
    found[all_of_them] = found[single] * _PROJECTS
    each_of_many, each_of_few = f"a project of {_PROJECTS}", f"a project of {_FEW}"
    found[each_of_many], found[each_of_few] = found[whole] / _PROJECTS, found[few] / _FEW
    return [
        report(f"Updating {_PROJECTS} projects", whole, all_of_them, found, 0.2),
        report("Time for each project grows with their number", each_of_many, each_of_few, found, 1.25),
    ]


def _folders(place: Path, names: Sequence[str]) -> list[Path]:
    return [place / "fleet" / name for name in names]


if __name__ == "__main__":
    sys.exit(main())
