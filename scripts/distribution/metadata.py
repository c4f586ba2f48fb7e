"""What an index and its visitors read of a package."""

import re
import zipfile
from collections.abc import Sequence
from email.message import Message
from email.parser import Parser
from pathlib import Path

from distribution.errors import DistributionError
from distribution.packages import Package
from distribution.programs import run, tool

_URLS = ("Homepage", "Documentation", "Repository", "Changelog", "Issues")
_TYPED = "Typing :: Typed"
# Targets of Markdown links that lead nowhere on an index: paths.
_RELATIVE = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")


def read(wheel: Path) -> Message:
    """Return a wheel's metadata: https://packaging.python.org/specifications/core-metadata/."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
        return Parser().parsestr(archive.read(name).decode())


def check(packages: Sequence[Package], folder: Path) -> None:
    """See that packages are complete as an index shows them.

    Args:
        packages: which ones.
        folder: what was built.

    Raises:
        DistributionError: something is missing, or leads nowhere.
    """
    files = [file for package in packages for file in package.files(folder)]
    run(tool("twine"), "check", "--strict", *files, cwd=folder, doing="twine check --strict")
    problems = [
        f"{package.name}: {problem}" for package in packages for problem in _problems(package, folder)
    ]
    if problems:
        raise DistributionError("What was built is not complete:\n" + "\n".join(problems))


def _problems(package: Package, folder: Path) -> list[str]:
    wheel = package.wheel(folder)
    found = read(wheel)
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    text = str(found.get_payload())
    classifiers = found.get_all("Classifier", [])
    urls = dict(str(line).split(", ", 1) for line in found.get_all("Project-URL", []))
    repository = Package(package.root, Path()).settings["project"]["urls"]["Repository"]
    checks = {
        "has no summary": bool(found["Summary"]),
        "has no long description in Markdown": "text/markdown" in (found["Description-Content-Type"] or "")
        and len(text) > 500,
        "has no keywords": bool(found["Keywords"]),
        "has no Requires-Python": bool(found["Requires-Python"]),
        "has no licence expression": bool(found["License-Expression"]),
        "holds no licence file": any(name.endswith(".dist-info/licenses/LICENSE") for name in names),
        "says nothing of its state, audience or topic": {"Development Status", "Intended Audience", "Topic"}
        <= {line.split(" :: ")[0] for line in classifiers},
        f"lacks some of the urls {', '.join(_URLS)}": urls.keys() >= set(_URLS),
        f"names another Repository than the root's {repository}": urls.get("Repository") == repository,
        f"claims {_TYPED} without py.typed, or has the one without the other": (_TYPED in classifiers)
        == (f"{package.module}/py.typed" in names),
        f"has a version that is not {package.version}": found["Version"] == package.version,
    }
    relative = [f"links to {path}, which is not beside it on an index" for path in _RELATIVE.findall(text)]
    return [problem for problem, holds in checks.items() if not holds] + relative
