"""An installed wheel cuts on its own, without a network, and names the repository it is published in."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Callable
from email import message_from_string
from pathlib import Path

import pytest
from scaffold import BIN, REPOSITORY, clone_with_releases, commit_all, git, read_tree

from mshell_cut import __version__, catalogue

DIRECTORIES = {template.name: template.directory for template in catalogue.BUILT_IN}
PUBLIC = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
TAG = f"v{__version__}"
# Where a company's clone comes from is nobody's business.
PRIVATE = "https://ada:glpat-0123456789@git.example.com/platform/mshell-cut.git"
each_template = pytest.mark.parametrize("name", DIRECTORIES)


def build(clone: Path, into: Path, *targets: str) -> subprocess.CompletedProcess[str]:
    options = [option for target in targets for option in ("-t", target)]
    return subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", into, *options],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )


def install(wheel: Path, site: Path) -> Path:
    subprocess.run(
        [BIN / "uv", "pip", "install", "--quiet", "--no-deps", "--offline", "--target", site, wheel],
        check=True,
    )
    return site


def installed_from(clone: Path) -> Path:
    """Build a wheel of a clone and install it beside."""
    built = clone.parent / "dist"
    assert build(clone, built, "wheel").returncode == 0
    (wheel,) = built.glob("*.whl")
    return install(wheel, clone.parent / "site")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that holds the wheel of this repository as committed, beside the usual dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    clone_with_releases(folder / "clone")
    git(folder / "clone", "remote", "set-url", "origin", PRIVATE)
    return installed_from(folder / "clone")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, built where the commit is the release whose version the package has."""
    folder = tmp_path_factory.mktemp("released")
    clone = clone_with_releases(folder / "clone")
    # The version that is at work may be out already, with a tag on another commit.
    git(clone, "tag", "--force", TAG)
    git(clone, "tag", "nightly")
    return installed_from(clone)


@pytest.fixture
def reach(machine: Path) -> Callable[[Path], None]:
    """Have git find the public repository in a folder."""

    def reach(clone: Path) -> None:
        with (machine / ".gitconfig").open("a") as settings:
            settings.write(f'[url "{clone}"]\n\tinsteadOf = {PUBLIC}\n')

    return reach


def run(installed: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    # -P and PYTHONPATH put the installed package before the editable one of the environment.
    return subprocess.run(
        [sys.executable, "-P", "-m", "mshell_cut", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


def cut(installed: Path, name: str, into: Path) -> Path:
    done = run(installed, "cut", name, "--no-input", "--output-dir", into)
    assert done.returncode == 0, done.stderr
    (project,) = into.iterdir()
    return project


def state_of(project: Path) -> dict[str, object]:
    state: dict[str, object] = json.loads((project / ".cruft.json").read_text())
    return state


@each_template
def test_the_wheel_cuts_what_the_checkout_cuts_and_names_the_public_repository(
    installed: Path, tmp_path: Path, reach: Callable[[Path], None], name: str
) -> None:
    clone = installed.parent / "clone"
    git(clone, "remote", "set-url", "origin", PUBLIC)
    reach(tmp_path / "nowhere")
    project = cut(installed, name, tmp_path / "wheel")
    state = state_of(project)
    assert state["template"] == PUBLIC
    assert state["commit"] == git(clone, "rev-parse", "HEAD")
    assert state["checkout"] is None
    assert state["directory"] == DIRECTORIES[name]

    place = clone / (DIRECTORIES[name] or "")
    run(installed, "cut", "--template", place, "--no-input", "--output-dir", tmp_path / "checkout")
    (other,) = (tmp_path / "checkout").iterdir()
    assert read_tree(project) == read_tree(other)
    for path in read_tree(project):
        assert os.access(project / path, os.X_OK) == os.access(other / path, os.X_OK), path

    current = run(installed, "check", "--project", project)
    assert current.returncode == 0, current.stderr


def test_nothing_in_the_wheel_tells_of_the_machine_or_of_a_private_clone(installed: Path) -> None:
    private = [str(installed.parent).encode(), b"git.example.com", b"glpat-0123456789"]
    for path, content in read_tree(installed).items():
        # What pip and uv write when they install, and Python when it imports.
        if not path.endswith(("direct_url.json", "uv_cache.json", ".pyc")):
            assert not [text for text in private if text in content], path


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


def test_the_readme_on_an_index_leads_to_the_repository(installed: Path, released: Path) -> None:
    for site, at in ((installed, "HEAD"), (released, TAG)):
        (metadata,) = site.glob("mshell_cut-*.dist-info/METADATA")
        text = message_from_string(metadata.read_text(encoding="utf-8")).get_payload()
        assert f"]({PUBLIC}/blob/{at}/CONTRIBUTING.md)" in text
        assert f"]({PUBLIC}/raw/{at}/docs/images/wizard.svg)" in text
        assert "](docs/" not in text


def test_a_project_of_a_released_wheel_follows_the_public_repository(
    released: Path, tmp_path: Path, reach: Callable[[Path], None]
) -> None:
    project = cut(released, "astro-dag", tmp_path)
    state = state_of(project)
    clone = released.parent / "clone"
    assert (state["template"], state["checkout"]) == (PUBLIC, TAG)
    assert state["commit"] == git(clone, "rev-parse", f"{TAG}^{{commit}}")

    # The next release, which the wheel knows nothing of.
    public = tmp_path / "public"
    git(tmp_path, "clone", "--quiet", str(clone), str(public))
    readme = public / "templates/astro-dag/<<cookiecutter.repo_name>>/README.md"
    readme.write_text(readme.read_text(encoding="utf-8") + "\nWhat came later.\n", encoding="utf-8")
    later = commit_all(public)
    git(public, "tag", "v99.0.0")
    reach(public)

    behind = run(released, "check", "--json", "--project", project)
    assert behind.returncode == 1, behind.stderr
    told = json.loads(behind.stdout)
    assert (told["at"]["name"], told["newest"]["name"]) == (TAG, "v99.0.0")
    assert told["changes"] == {"README.md": "changed"}
    assert told["open"] == []

    done = run(released, "update", "--project", project)
    assert done.returncode == 0, done.stderr
    assert (project / "README.md").read_text(encoding="utf-8").endswith("What came later.\n")
    state = state_of(project)
    assert (state["template"], state["checkout"], state["commit"]) == (PUBLIC, "v99.0.0", later)
    assert run(released, "check", "--project", project).returncode == 0


def test_what_a_wheel_cut_it_adds_to_without_a_network(
    released: Path, tmp_path: Path, reach: Callable[[Path], None]
) -> None:
    reach(tmp_path / "nowhere")
    project = cut(released, "skyspark", tmp_path)
    done = run(released, "add", "table", "gold_authors", "--depends-on", "silver_users", "--project", project)
    assert done.returncode == 0, done.stderr
    assert (project / "src/transformations/gold/gold_authors.py").is_file()
    listed = run(released, "add", "--list", "--json", "--project", project)
    assert set(json.loads(listed.stdout)["kinds"]) == {"table", "app", "dag", "schema"}

    # Of another commit, only the repository tells what is added.
    state = state_of(project) | {"commit": "0" * 40}
    (project / ".cruft.json").write_text(json.dumps(state), encoding="utf-8")
    refused = run(released, "add", "table", "gold_tags", "--layer", "gold", "--project", project)
    assert refused.returncode == 2
    assert "cannot be cloned" in refused.stderr


def test_a_fork_names_its_own_repository_in_one_place(tmp_path: Path) -> None:
    clone = clone_with_releases(tmp_path / "clone")
    own = "https://git.example.com/platform/mshell-cut"
    settings = clone / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    assert text.count(f'"{PUBLIC}"') == 1

    settings.write_text(text.replace(f'"{PUBLIC}"', f'"{own}/"'), encoding="utf-8")
    commit_all(clone)
    project = cut(installed_from(clone), "astro-dag", tmp_path / "projects")
    assert state_of(project)["template"] == own

    for wrong, sentence in (
        ("https://ada:secret@git.example.com/cut", "name or password"),
        ("git@git.example.com:cut.git", "needs Repository"),
    ):
        settings.write_text(text.replace(f'"{PUBLIC}"', f'"{wrong}"'), encoding="utf-8")
        refused = build(clone, tmp_path / "refused", "wheel")
        assert refused.returncode != 0
        assert sentence in refused.stderr
        assert "secret" not in refused.stderr


def test_a_source_distribution_builds_the_same_wheel_and_a_bare_archive_none(tmp_path: Path) -> None:
    clone = clone_with_releases(tmp_path / "clone")
    git(clone, "tag", "--force", TAG)
    assert build(clone, tmp_path / "dist", "sdist", "wheel").returncode == 0
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    assert build(tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "again", "wheel").returncode == 0
    assert (tmp_path / "again" / wheel.name).read_bytes() == wheel.read_bytes()

    # As hosts offer a commit for download.
    shutil.rmtree(clone / ".git")
    refused = build(clone, tmp_path / "refused", "wheel")
    assert refused.returncode != 0
    assert "neither a git clone nor a source distribution" in refused.stderr


def test_a_wheel_of_uncommitted_templates_says_so(tmp_path: Path) -> None:
    clone = clone_with_releases(tmp_path / "clone")
    readme = clone / "templates/astro-dag/<<cookiecutter.repo_name>>/README.md"
    readme.write_text("Changed.\n", encoding="utf-8")
    site = installed_from(clone)
    done = run(site, "cut", "astro-dag", "--no-input", "--output-dir", tmp_path / "projects")
    assert done.returncode == 0
    assert "has uncommitted changes" in done.stderr


def test_the_wheel_s_templates_have_no_other_checkout(installed: Path, tmp_path: Path) -> None:
    done = run(installed, "cut", "skyspark", "--no-input", "--checkout", "v9", "--output-dir", tmp_path)
    assert done.returncode == 2
    assert "--template" in done.stderr


def test_a_wheel_that_lies_in_the_project_s_own_repository_takes_it_for_no_template(
    installed: Path, tmp_path: Path, reach: Callable[[Path], None]
) -> None:
    reach(installed.parent / "clone")
    project = cut(installed, "astro-dag", tmp_path)
    before = (project / ".cruft.json").read_text()
    (project / ".cruft.json").unlink()
    shutil.copytree(installed, project / ".venv")
    done = run(project / ".venv", "adopt", project, "--template", "astro-dag", "--yes")
    assert done.returncode == 0, done.stderr
    assert (project / ".cruft.json").read_text() == before


def test_the_wheel_tells_offline_that_a_project_is_behind(
    installed: Path, tmp_path: Path, reach: Callable[[Path], None]
) -> None:
    clone = installed.parent / "clone"
    # As hosts name it to those who clone.
    git(clone, "remote", "set-url", "origin", f"{PUBLIC}.git")
    git(clone, "checkout", "--quiet", "v0.1.0")
    run(installed, "cut", "--template", clone, "--no-input", "--output-dir", tmp_path / "old")
    git(clone, "checkout", "--quiet", "main")
    reach(tmp_path / "nowhere")
    old = run(installed, "check", "--json", "--project", tmp_path / "old" / "stack-exchange-pipeline")
    assert old.returncode == 1, old.stderr
    found = json.loads(old.stdout)
    assert (found["at"]["name"], found["current"]) == ("v0.1.0", False)
    assert found["releases"][0]["name"] == "v0.2.0"
    assert "cannot be reached" in found["open"][0]

    unknown = run(installed, "update", "--project", tmp_path / "old" / "stack-exchange-pipeline")
    assert unknown.returncode == 2
    assert "cannot be cloned" in unknown.stderr
