"""A made machine with a copy of this project on it, for the scripts to work on."""

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from stand_ins.machine import Machine, git

PROJECT = Path(__file__).parents[2]
FOLDERS = ("scripts", "chart", "k8s", "cicd", "dags")
FILES = ("requirements.txt", ".dockerignore", ".gitignore")


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_the_scripts() -> None:
    # A shell ignores what was ignored when it began, as under `nohup` or in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def committed_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project in a repository, with one commit and the tag v1.0.0."""
    project = tmp_path_factory.mktemp("committed") / "project"
    project.mkdir()
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PROJECT / name, project / name, ignore=ignored)
    for name in FILES:
        shutil.copy2(PROJECT / name, project / name)
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message=all")
    git(project, "tag", "v1.0.0")
    return project


@pytest.fixture
def make_machine(tmp_path: Path, committed_project: Path) -> Iterator[Callable[[], Machine]]:
    """Makes machines. In the end they must have refused nothing, and hold no temporary file."""
    made: list[Machine] = []

    def make() -> Machine:
        folder = tmp_path / f"machine{len(made)}"
        shutil.copytree(committed_project, folder / "project", symlinks=True)
        made.append(Machine(folder, folder / "project"))
        return made[-1]

    yield make
    for machine in made:
        machine.close()
        assert machine.refused == []
        assert list((machine.folder / "tmp").iterdir()) == []


@pytest.fixture
def machine(make_machine: Callable[[], Machine]) -> Machine:
    return make_machine()
