"""An installed wheel cuts on its own: without this repository and without a network."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from scaffold import BIN, clone_with_releases, git, read_tree

from mshell_cut import catalogue

DIRECTORIES = {template.name: template.directory for template in catalogue.BUILT_IN}
each_template = pytest.mark.parametrize("name", DIRECTORIES)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel of this repository as committed, beside the usual dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    clone_with_releases(folder / "clone")
    git(folder / "clone", "remote", "set-url", "origin", "https://git.example.com/platform/mshell-cut.git")
    build = [BIN / "python", "-m", "build", "--no-isolation", "--outdir", folder / "dist", folder / "clone"]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    site = folder / "site"
    subprocess.run(
        [BIN / "uv", "pip", "install", "--quiet", "--no-deps", "--offline", "--target", site, wheel],
        check=True,
    )
    return site


def run(installed: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # -P and PYTHONPATH put the installed package before the editable one of the environment.
    return subprocess.run(
        [BIN / "python", "-P", "-m", "mshell_cut", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


@each_template
def test_the_wheel_cuts_what_the_checkout_cuts_and_names_where_it_is_from(
    installed: Path, tmp_path: Path, name: str
) -> None:
    clone = installed.parent / "clone"
    done = run(installed, "cut", name, "--no-input", "--output-dir", tmp_path / "wheel")
    assert done.returncode == 0, done.stderr
    (project,) = (tmp_path / "wheel").iterdir()
    state = json.loads((project / ".cruft.json").read_text())
    assert state["template"] == "https://git.example.com/platform/mshell-cut.git"
    assert state["commit"] == git(clone, "rev-parse", "HEAD")
    assert state["directory"] == DIRECTORIES[name]

    place = clone / (DIRECTORIES[name] or "")
    run(installed, "cut", "--template", place, "--no-input", "--output-dir", tmp_path / "checkout")
    (other,) = (tmp_path / "checkout").iterdir()
    assert read_tree(project) == read_tree(other)
    for path in read_tree(project):
        assert os.access(project / path, os.X_OK) == os.access(other / path, os.X_OK), path

    # The address leads nowhere.
    current = run(installed, "check", "--project", project)
    assert current.returncode == 0, current.stderr


@each_template
def test_the_wheel_holds_what_git_knows_of_a_template(installed: Path, name: str) -> None:
    shipped = read_tree(installed / "mshell_cut" / "_templates" / name)
    place = installed.parent / "clone" / (DIRECTORIES[name] or "")
    tracked = git(place, "ls-files", "-z").split("\0")
    parts = ("additions/", "cookiecutter.json", "hooks/", "<<cookiecutter.repo_name>>/")
    assert shipped.keys() == {path for path in tracked if path.startswith(parts)}


def test_the_wheel_knows_the_releases_that_each_template_has_part_in(installed: Path) -> None:
    record = json.loads((installed / "mshell_cut" / "_templates" / "origin.json").read_text())
    assert record["directories"] == DIRECTORIES
    known = {name: [item["name"] for item in items] for name, items in record["histories"].items()}
    assert known["skyspark"][:2] == ["v0.1.0", "v0.2.0"]
    assert not {"v0.1.0", "v0.2.0"} & set(known["astro-dag"])
    head = git(installed.parent / "clone", "rev-parse", "HEAD")
    assert {items[-1]["commit"] for items in record["histories"].values()} == {head}


def test_the_wheel_s_templates_have_no_other_checkout(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "cut", "skyspark", "--no-input", "--checkout", "v9", "--output-dir", tmp_path)
    assert done.returncode == 2
    assert "--template" in done.stderr


def test_a_wheel_that_lies_in_the_project_s_own_repository_takes_it_for_no_template(
    installed: Path, tmp_path: Path, machine: Path
) -> None:
    address = "https://git.example.com/platform/mshell-cut.git"
    with (machine / ".gitconfig").open("a") as settings:
        settings.write(f'[url "{installed.parent / "clone"}"]\n\tinsteadOf = {address}\n')
    run(installed, "cut", "astro-dag", "--no-input", "--output-dir", tmp_path)
    (project,) = tmp_path.iterdir()
    before = (project / ".cruft.json").read_text()
    (project / ".cruft.json").unlink()
    shutil.copytree(installed, project / ".venv")
    done = run(project / ".venv", "adopt", project, "--template", "astro-dag", "--yes")
    assert done.returncode == 0, done.stderr
    assert (project / ".cruft.json").read_text() == before


def test_the_wheel_tells_offline_that_a_project_is_behind(installed: Path, tmp_path: Path) -> None:
    clone = installed.parent / "clone"
    git(clone, "checkout", "--quiet", "v0.1.0")
    run(installed, "cut", "--template", clone, "--no-input", "--output-dir", tmp_path / "old")
    git(clone, "checkout", "--quiet", "main")
    old = run(installed, "check", "--json", "--project", tmp_path / "old" / "stack-exchange-pipeline")
    assert old.returncode == 1, old.stderr
    found = json.loads(old.stdout)
    assert (found["at"]["name"], found["current"]) == ("v0.1.0", False)
    assert found["releases"][0]["name"] == "v0.2.0"
    assert "cannot be reached" in found["open"][0]

    unknown = run(installed, "update", "--project", tmp_path / "old" / "stack-exchange-pipeline")
    assert unknown.returncode == 2
    assert "cannot be cloned" in unknown.stderr
