"""The how-to guides are followed: what they say is typed and printed is typed, and printed."""

import os
from pathlib import Path

import pytest
import yaml
from docs.walkthrough import walk
from scaffold import BIN, RELEASES, REPOSITORY, clone_with_releases, git, write_tree

GUIDES = REPOSITORY / "docs" / "how-to"
# Outputs name the newest release: these two stay the newest on the machine of a reader.
_KNOWN = ("v0.1.0", "v0.2.0")


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as it was when it had two releases."""
    clone = clone_with_releases(tmp_path_factory.mktemp("upstream") / "mshell-cut")
    git(clone, "tag", "--delete", *sorted(RELEASES.keys() - set(_KNOWN)), "--")
    git(clone, "reset", "--quiet", "--hard", _KNOWN[-1])
    return clone


@pytest.fixture
def environment(machine: Path) -> dict[str, str]:
    """The variables of a reader's shell."""
    foreign = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"}
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    return {**inherited, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}


@pytest.mark.parametrize("guide", ["own-template", "own-rules"])
def test_a_guide_about_templates_can_be_followed(
    guide: str, environment: dict[str, str], machine: Path
) -> None:
    assert walk(GUIDES / f"{guide}.md", machine, environment)


@pytest.mark.parametrize(
    "guide", ["fleet-upgrade", "docker-or-dab", "monorepo", "from-cookiecutter-or-cruft"]
)
def test_a_guide_about_projects_can_be_followed(
    guide: str, environment: dict[str, str], machine: Path, templates: Path
) -> None:
    entry = {"description": "A SkySpark project", "address": f"file://{templates}"}
    write_tree(machine, {".config/mshell-cut/templates.yaml": yaml.safe_dump({"skyspark": entry})})
    assert walk(GUIDES / f"{guide}.md", machine, environment)
