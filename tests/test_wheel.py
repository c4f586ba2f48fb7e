"""An installed wheel cuts on its own: without this repository and without a network."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from scaffold import BIN, clone_with_releases, git, read_tree


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


def test_the_wheel_cuts_what_the_checkout_cuts_and_names_where_it_is_from(
    installed: Path, tmp_path: Path
) -> None:
    clone = installed.parent / "clone"
    done = run(installed, "cut", "skyspark", "--no-input", "--output-dir", tmp_path / "wheel")
    assert done.returncode == 0, done.stderr
    project = tmp_path / "wheel" / "stack-exchange-pipeline"
    state = json.loads((project / ".cruft.json").read_text())
    assert state["template"] == "https://git.example.com/platform/mshell-cut.git"
    assert state["commit"] == git(clone, "rev-parse", "HEAD")

    run(installed, "cut", "--template", clone, "--no-input", "--output-dir", tmp_path / "checkout")
    other = tmp_path / "checkout" / "stack-exchange-pipeline"
    assert read_tree(project) == read_tree(other)
    for path in read_tree(project):
        assert os.access(project / path, os.X_OK) == os.access(other / path, os.X_OK), path


def test_the_wheel_holds_no_file_that_git_does_not_know(installed: Path) -> None:
    shipped = installed / "mshell_cut" / "_templates" / "skyspark"
    tracked = git(installed.parent / "clone", "ls-files", "-z").split("\0")
    assert read_tree(shipped).keys() <= set(tracked)
    assert "<<cookiecutter.repo_name>>/Makefile" in read_tree(shipped)
    assert "additions/table/addition.yaml" in read_tree(shipped)


def test_the_wheel_s_templates_have_no_other_checkout(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "cut", "skyspark", "--no-input", "--checkout", "v9", "--output-dir", tmp_path)
    assert done.returncode == 2
    assert "--template" in done.stderr


def test_the_wheel_tells_offline_whether_a_project_is_current(installed: Path, tmp_path: Path) -> None:
    clone = installed.parent / "clone"
    done = run(installed, "cut", "skyspark", "--no-input", "--output-dir", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    # Its address leads nowhere.
    new = run(installed, "check", "--project", tmp_path / "new" / "stack-exchange-pipeline")
    assert new.returncode == 0, new.stderr

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
