"""The how-to guides are followed: what they say is typed and printed is typed, and printed."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from docs.walkthrough import walk
from scaffold import BIN, RELEASES, REPOSITORY, clone_with_releases, git, write_tree

GUIDES = REPOSITORY / "docs" / "how-to"
_WORKFLOW = re.compile(r'^```yaml title="(\.github/workflows/[^"]+)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)
STOCK = REPOSITORY / ".venvs" / "stock" / "bin"
HOME_PAGE = "https://github.com/mshell-cut/mshell-cut"
# The guides name the newest release: on a reader's machine in here there are never more.
_RELEASES = ("v0.1.0", "v0.2.0")


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands for our organisation on GitHub: this repository, with its first releases."""
    folder = tmp_path_factory.mktemp("host")
    clone = clone_with_releases(folder / "mshell-cut")
    for tag in RELEASES.keys() - set(_RELEASES):
        git(clone, "tag", "--delete", tag)
    # Some ask for the one address, some for the other.
    (folder / "mshell-cut.git").symlink_to("mshell-cut")
    return folder


@pytest.fixture
def environment(machine: Path, host: Path) -> dict[str, str]:
    """The variables of a reader's shell, whose git has our organisation's address lead to `host`."""
    organisation = HOME_PAGE.rpartition("/")[0]
    with (machine / ".gitconfig").open("a", encoding="utf-8") as settings:
        settings.write(f'[url "file://{host}/"]\n\tinsteadOf = {organisation}/\n')
    entry = {"description": "A SkySpark project", "address": HOME_PAGE}
    write_tree(machine, {".config/mshell-cut/templates.yaml": yaml.safe_dump({"skyspark": entry})})
    foreign = {"MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV"}
    inherited = {name: value for name, value in os.environ.items() if name not in foreign}
    path = os.pathsep.join([str(BIN), os.environ["PATH"], str(STOCK)])
    return {**inherited, "PATH": path}


@pytest.mark.parametrize(
    "guide",
    [
        "own-template",
        "own-rules",
        "fleet-upgrade",
        "docker-or-dab",
        "monorepo",
        "private-index",
        "from-cookiecutter-or-cruft",
        "from-dlt",
    ],
)
def test_a_guide_can_be_followed(guide: str, environment: dict[str, str], machine: Path) -> None:
    assert walk(GUIDES / f"{guide}.md", machine, environment)


def test_workflows_of_guides_are_as_strict_as_those_of_projects(tmp_path: Path) -> None:
    known = (REPOSITORY / "<<cookiecutter.repo_name>>/.github/workflows/ci.yml").read_text(encoding="utf-8")
    found = 0
    for guide in GUIDES.glob("*.md"):
        text = guide.read_text(encoding="utf-8")
        for block in re.finditer(
            r'^```yaml title="(\.github/workflows/[^"]+)"\n(.*?)^```$', text, re.M | re.S
        ):
            write_tree(tmp_path / guide.stem, {block[1]: block[2]})
            found += 1
        used = set(re.findall(r"uses: (\S+)", text))
        assert used <= set(re.findall(r"uses: (\S+)", known)), guide.name
    assert found
    done = subprocess.run(
        [BIN / "zizmor", "--offline", "--persona", "pedantic", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
