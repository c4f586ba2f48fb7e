"""The templates that come with mshell-cut lie in one repository: each project has to do with its own only."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import unhurried_doctor
from scaffold import clone_with_releases, commit_all, git, write_tree

from mshell_cut import catalogue, cli
from mshell_cut.upstream import located

Here = Callable[..., dict[str, Any]]
Cut = Callable[..., Path]

DIRECTORIES = {template.name: template.directory for template in catalogue.BUILT_IN}
each_template = pytest.mark.parametrize("name", DIRECTORIES)
# Above all that there will be: the first is what lies here, each other one changes one thing more.
FIRST = "v1000.0.0"
OF_TEMPLATE = {name: f"v1000.{number}.0" for number, name in enumerate(DIRECTORIES, start=1)}
OF_TOOL = "v1000.9.0"
CHANGED = ".editorconfig"


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as committed, with its releases and newer ones."""
    clone = clone_with_releases(tmp_path_factory.mktemp("catalogue") / "repository")
    git(clone, "remote", "remove", "origin")
    git(clone, "config", "user.name", "Ada")
    git(clone, "config", "user.email", "ada@example.com")
    git(clone, "tag", FIRST)
    for name, directory in DIRECTORIES.items():
        file = clone / (directory or "") / "<<cookiecutter.repo_name>>" / CHANGED
        file.write_text(f"{file.read_text()}# newer\n")
        commit_all(clone)
        git(clone, "tag", OF_TEMPLATE[name])
    write_tree(clone, {"mshell_cut/newer.py": "", "docs/newer.md": ""})
    commit_all(clone)
    git(clone, "tag", OF_TOOL)
    return clone


@pytest.fixture(autouse=True)
def checkout(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have mshell-cut take that clone for the checkout that it runs from."""
    monkeypatch.setattr(catalogue, "_CHECKOUT", repository)
    # To compile a template takes longer than to render it.
    monkeypatch.setenv("XDG_CACHE_HOME", str(repository.parent / "cache"))


@pytest.fixture
def here(capfd: pytest.CaptureFixture[str]) -> Here:
    """Run a command in this process; what it prints as JSON."""

    def run(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
        found = cli.run([*map(str, arguments), "--json"])
        out, err = capfd.readouterr()
        assert found == code, out + err
        printed: dict[str, Any] = json.loads(out)
        return printed

    return run


@pytest.fixture
def cut(here: Here, tmp_path: Path) -> Cut:
    """Cut a project by the name of its template."""

    def make(name: str, *options: str) -> Path:
        return Path(here("cut", name, "--output-dir", tmp_path / name, *options)["project"])

    return make


def state_of(project: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project / ".cruft.json").read_text())
    return found


def test_the_catalogue_lists_them_with_a_line_each(here: Here) -> None:
    listed = here("templates", "list")["templates"]
    assert {entry["name"]: entry["directory"] for entry in listed} == DIRECTORIES
    assert {"skyspark", "astro-dag", "airflow-platform"} <= DIRECTORIES.keys()
    assert all(entry["description"] for entry in listed)


@each_template
def test_a_project_remembers_which_of_them_it_is_of(
    name: str, repository: Path, tmp_path: Path, here: Here
) -> None:
    made = here("cut", name, "--output-dir", tmp_path)
    project = Path(made["project"])
    state = state_of(project)
    assert state["template"] == made["template"] == str(repository)
    assert state["directory"] == made["directory"] == DIRECTORIES[name]
    assert state["commit"] == made["commit"] == git(repository, "rev-parse", "HEAD")
    assert git(project, "log", "--format=%s") == (
        f"Cut from {'repository' if name == 'skyspark' else name} with mshell-cut"
    )
    assert here("check", "--project", project)["directory"] == DIRECTORIES[name]
    assert here("diff", "--project", project)["files"] == []


@each_template
def test_a_template_is_read_and_known_by_its_own_files(name: str, repository: Path, tmp_path: Path) -> None:
    upstream = located(str(repository), DIRECTORIES[name], tmp_path)
    tags = [FIRST, *OF_TEMPLATE.values(), OF_TOOL]
    contents = {tag: upstream.content(git(repository, "rev-parse", tag)) for tag in tags}
    assert len(set(contents.values())) == 2
    before = tags[tags.index(OF_TEMPLATE[name]) - 1]
    assert contents[before] != contents[OF_TEMPLATE[name]]
    copied = upstream.folder(git(repository, "rev-parse", FIRST))
    assert [path.parent for path in copied.rglob("cookiecutter.json")] == [copied]


@each_template
def test_what_others_change_makes_no_project_stale(name: str, cut: Cut, here: Here) -> None:
    project = cut(name, "--checkout", FIRST)
    behind = here("check", "--project", project, code=1)
    assert behind["newest"]["name"] == OF_TOOL
    assert [(step["name"], step["changes"]) for step in behind["releases"]] == [
        (OF_TEMPLATE[name], {CHANGED: "changed"})
    ]
    brings = here("diff", "--against", "latest", "--project", project)["files"]
    assert [file["path"] for file in brings] == [CHANGED]

    (project / CHANGED).write_text(f"# ours\n{(project / CHANGED).read_text()}")
    assert [file["path"] for file in here("diff", "--project", project)["files"]] == [CHANGED]
    commit_all(project)
    updated = here("update", "--to", OF_TEMPLATE[name], "--commit", "--project", project)
    assert [change["path"] for change in updated["changes"]] == [CHANGED]
    assert (updated["directory"], updated["conflicts"]) == (DIRECTORIES[name], [])
    lines = (project / CHANGED).read_text().splitlines()
    assert (lines[0], lines[-1]) == ("# ours", "# newer")
    current = here("check", "--project", project)
    assert (current["at"]["name"], current["newest"]["name"]) == (OF_TEMPLATE[name], OF_TOOL)
    # The commit alone is no reason to touch a project.
    assert here("update", "--project", project)["written"] is False


def test_a_release_from_before_a_template_cannot_be_had(cut: Cut, here: Here, tmp_path: Path) -> None:
    for release in ("v0.1.0", "v0.2.0"):
        options = ("--checkout", release, "--output-dir", tmp_path / "old")
        said = here("cut", "astro-dag", *options, code=2)["error"]["message"]
        assert f"has no folder 'templates/astro-dag' at {release}: the template came later" in said
    assert not (tmp_path / "old").exists()
    project = cut("astro-dag")
    said = here("update", "--to", "v0.2.0", "--project", project, code=2)["error"]["message"]
    assert "has no folder 'templates/astro-dag' at v0.2.0: the template came later" in said


def test_a_fleet_may_hold_projects_of_all(cut: Cut, here: Here, repository: Path) -> None:
    folders = {name: cut(name, "--checkout", FIRST) for name in DIRECTORIES}
    here("update", "--to", OF_TEMPLATE["skyspark"], "--commit", "--project", folders["skyspark"])
    words = [word for folder in folders.values() for word in ("--from", folder)]
    found = {item["name"]: item for item in here("fleet", "check", *words, code=1)["projects"]}
    assert {
        name: (found[str(folder)]["status"], found[str(folder)]["directory"])
        for name, folder in folders.items()
    } == {
        name: ("current" if name == "skyspark" else "behind", directory)
        for name, directory in DIRECTORIES.items()
    }

    # A clone's template is run where the catalogue names its repository.
    url = folders["astro-dag"].as_uri()
    write_tree(repository.parent, {"fleet.json": json.dumps([url])})
    place = ("--from", repository.parent / "fleet.json", "--clones", repository.parent / "clones")
    (updated,) = here("fleet", "update", *place)["projects"]
    assert (updated["status"], updated["newest"]) == ("updated", OF_TOOL)
    assert [change["path"] for change in updated["changes"]] == [CHANGED]


@each_template
def test_a_project_that_lost_its_memory_is_adopted_as_what_it_is(name: str, cut: Cut, here: Here) -> None:
    answers = {
        "repo_name": "orders-2-x",
        "repo_description": 'Moves "all" the $ orders_ of <é> \\ *users*',
        "squad_name": "checkout",
        "contact_email": "o'neil+x@acme.example",
    }
    answers |= {"pipeline_name": "daily_orders"} if name == "astro-dag" else {}
    given = [word for question, value in answers.items() for word in ("--set", f"{question}={value}")]
    project = cut(name, "--checkout", FIRST, *given)
    before = state_of(project)
    (project / ".cruft.json").unlink()
    (project / "README.md").write_text(f"# Ours\n{(project / 'README.md').read_text()}")
    (project / "dags" / "ours.py").write_text('"""Ours."""\n')
    found = here("adopt", project, "--to", FIRST, "--yes")
    assert found["directory"] == DIRECTORIES[name]
    assert {found["answers"][question]["origin"] for question in answers} == {"found"}
    assert state_of(project) == before


@pytest.mark.parametrize(("named", "other"), list(itertools.permutations(DIRECTORIES, 2)))
def test_a_template_that_does_not_fit_is_refused(named: str, other: str, cut: Cut, here: Here) -> None:
    project = cut(other)
    (project / ".cruft.json").unlink()
    refused = here("adopt", project, "--template", named, "--to", FIRST, "--yes", code=1)["error"]
    assert refused["kind"] == "NoLikeness"
    assert not (project / ".cruft.json").exists()


def test_the_doctor_wants_no_spark_of_a_dag_project(
    cut: Cut, here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unhurried_doctor.wait_long(monkeypatch.setattr)
    project = cut("astro-dag")
    whole = {check["id"]: check for check in here("doctor", "--offline", "--project", project)["checks"]}
    assert {whole[name]["status"] for name in ("state", "template", "commit", "answers", "pruned")} == {"ok"}
    (tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    bare = here("doctor", "--offline", "--project", project, code=1)["checks"]
    for check in [*whole.values(), *bare]:
        told = f"{check['id']} {check['message']} {check['remedy']}".lower()
        assert not [word for word in ("java", "spark", "databricks", "jdk") if word in told], told


@pytest.mark.parametrize("name", ["astro-dag", "airflow-platform"])
def test_nothing_can_be_added_where_the_template_adds_nothing(name: str, cut: Cut, here: Here) -> None:
    project = cut(name)
    assert here("add", "--list", "--project", project)["kinds"] == {}
    refused = here("add", "dag", "nightly", "--project", project, code=2)["error"]
    assert "adds nothing to its projects: write what you need by hand." in refused["message"]


def test_what_can_be_added_to_a_project_is_listed(cut: Cut, here: Here) -> None:
    kinds = here("add", "--list", "--project", cut("skyspark"))["kinds"]
    assert list(kinds) == ["app", "dag", "schema", "table"]
