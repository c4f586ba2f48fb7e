"""Projects of every release come up to the newest template, keep their own content and stay green."""

import dataclasses
import functools
import hashlib
import itertools
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from scaffold import RELEASES, git, read_tree, write_tree
from template.projects import BIN, MACHINE, PRINCIPALS, ROOT, answers, make_environment, run

from mshell_cut.globs import matcher
from mshell_cut.state import State

# Above all that there will be.
NEWEST = "v1000.0.0"
KINDS = ("docker", "dab")
OTHER = {"docker": "dab", "dab": "docker"}
STOCK = ROOT / ".venvs" / "stock" / "bin"
ADA = {
    f"GIT_{who}_{what}": "ada@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
}

OWN = {
    "notes/orders.md": "# Orders\n",
    "src/transformations/silver/silver_orders.py": '''"""Orders, one row each."""

from pyspark.sql import DataFrame


def silver_orders(orders: DataFrame) -> DataFrame:
    """Keep the orders that have a customer."""
    return orders.where("customer_id IS NOT NULL")
''',
    "tests/transformations/silver/test_silver_orders.py": """from pyspark.sql import SparkSession

from transformations.silver.silver_orders import silver_orders


def test_an_order_without_a_customer_goes(spark: SparkSession) -> None:
    orders = spark.createDataFrame([(1, 7), (2, None)], "order_id INT, customer_id INT")
    assert [row["order_id"] for row in silver_orders(orders).collect()] == [1]
""",
}
DELETED = "dags/medallion.py"
OF_ONE_KIND = re.compile(r"tests/(bundle|dags)/|src/pipelines/|src/resources/settings/staging\.yaml$")
MAILED_TO = (b"mailed to | `data@example.com`", b"mailed to | `pager@example.com`")
OWN_TARGET = b"\norders: ## Count the orders\n\t@echo 3\n"


@dataclass(frozen=True)
class Updated:
    """A project after its update.

    Attributes:
        folder: where it lies.
        before: its files as they were before the update.
        kept: tells by a path whether the file is the user's alone.
    """

    folder: Path
    before: dict[str, bytes]
    kept: Callable[[str], bool]


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository with its history and, as the newest release, the template as it lies here."""
    upstream = tmp_path_factory.mktemp("history") / "upstream"
    run("git", "clone", "--quiet", ROOT, upstream, cwd=ROOT)
    run("git", "remote", "remove", "origin", cwd=upstream)
    run("git", "checkout", "--quiet", "-B", "main", cwd=upstream)
    for tag, commit in RELEASES.items():
        run("git", "tag", "--force", tag, commit, cwd=upstream)
    parts = ("cookiecutter.json", "hooks", "<<cookiecutter.repo_name>>")
    run("git", "rm", "-r", "--quiet", *parts, cwd=upstream)
    listed = run(
        "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *parts, cwd=ROOT
    )
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (upstream / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, upstream / name)
    run("git", "add", "--all", "--force", cwd=upstream)
    run("git", "commit", "--quiet", "--allow-empty", "--message", "Newest", cwd=upstream, **ADA)
    run("git", "tag", NEWEST, cwd=upstream)
    return upstream


@pytest.fixture(scope="module")
def cut(upstream: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Cut a project from a release on the day it was the newest state of the template."""

    def cut(release: str, kind: str) -> Path:
        folder = tmp_path_factory.mktemp(f"{release}-{kind}")
        given = [
            f"--set={question}={answer}"
            for question, answer in answers(type_of_task=kind, contact_email="data@example.com").items()
            if answer and question != "type_of_task"
        ]
        run("git", "checkout", "--quiet", release, cwd=upstream)
        try:
            command = ["cut", "--template", upstream, "--no-input", f"--set=type_of_task={kind}", *given]
            mshell_cut(*command, cwd=folder)
        finally:
            run("git", "checkout", "--quiet", "main", cwd=upstream)
        (project,) = folder.iterdir()
        return project

    return cut


@pytest.fixture(scope="module")
def newest(cut: Callable[[str, str], Path]) -> Callable[[str], dict[str, bytes]]:
    """The files of a new project of the newest release."""
    return functools.cache(lambda kind: read_tree(cut(NEWEST, kind)))


@pytest.fixture(scope="module")
def updated(cut: Callable[[str, str], Path]) -> Callable[[str, str], Updated]:
    """A project of a release that was worked on, after its update."""

    @functools.cache
    def updated(release: str, kind: str) -> Updated:
        project = cut(release, kind)
        edit(project)
        return update(project)

    return updated


def mshell_cut(*arguments: str | Path, cwd: Path) -> None:
    """Run the installed command as a user without settings would."""
    home = os.environ["HOME"]
    folders = {"XDG_CONFIG_HOME": f"{home}/.config", "XDG_CACHE_HOME": f"{home}/.cache"}
    run(BIN / "mshell-cut", *arguments, cwd=cwd, HOME=home, **folders, **ADA)


def edit(project: Path) -> None:
    """Do what users do, and commit it."""
    write_tree(project, OWN)
    run("git", "rm", "--quiet", DELETED, cwd=project)
    readme = (project / "README.md").read_bytes()
    assert readme.count(MAILED_TO[0]) == 1
    (project / "README.md").write_bytes(readme.replace(*MAILED_TO))
    with (project / "Makefile").open("ab") as file:
        file.write(OWN_TARGET)
    run("git", "add", "--all", cwd=project)
    run("git", "commit", "--quiet", "--message", "Count the orders", cwd=project, **ADA)


def update(project: Path, *options: str) -> Updated:
    before, skipped = read_tree(project), State.read(project).skip
    mshell_cut("update", "--commit", *options, cwd=project)
    return Updated(project, before, matcher([*skipped, *State.read(project).skip]))


def paths(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if ".git" not in path.relative_to(folder).parts)


each_release = pytest.mark.parametrize("release", RELEASES)
each_kind = pytest.mark.parametrize("kind", KINDS)


def test_the_tag_of_a_release_never_moves() -> None:
    tags = git(ROOT, "tag", "--list").split()
    assert {tag: git(ROOT, "rev-parse", f"{tag}^{{commit}}") for tag in RELEASES if tag in tags} == {
        tag: commit for tag, commit in RELEASES.items() if tag in tags
    }


@each_kind
@each_release
def test_an_update_brings_what_is_managed_and_leaves_the_rest(
    updated: Callable[[str, str], Updated], newest: Callable[[str], dict[str, bytes]], release: str, kind: str
) -> None:
    project = updated(release, kind)
    managed = {path: content for path, content in newest(kind).items() if not project.kept(path)}
    managed["README.md"] = managed["README.md"].replace(*MAILED_TO)
    managed["Makefile"] += OWN_TARGET
    own = {path: text for path, text in project.before.items() if project.kept(path) or path in OWN}

    found = read_tree(project.folder)

    assert sorted(found) == sorted(managed | own)
    assert found == managed | own
    assert DELETED not in found
    assert OWN.keys() <= found.keys()
    assert MAILED_TO[1] in found["README.md"]
    assert all(any(path.iterdir()) for path in paths(project.folder) if path.is_dir())
    assert not git(project.folder, "status", "--porcelain", "--ignored")
    assert git(project.folder, "rev-list", "--count", "HEAD") == "3"


@each_kind
@each_release
def test_an_updated_project_is_tidy_and_current(
    updated: Callable[[str, str], Updated], release: str, kind: str
) -> None:
    project = updated(release, kind).folder
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=project)
    run(BIN / "ruff", "format", "--no-cache", "--check", ".", cwd=project)
    run(BIN / "yamllint", "--strict", ".", cwd=project)
    mshell_cut("check", cwd=project)
    run(STOCK / "cruft", "check", cwd=project)
    run(STOCK / "cruft", "diff", cwd=project)
    head = git(project, "rev-parse", "HEAD")
    mshell_cut("update", "--commit", cwd=project)
    assert git(project, "rev-parse", "HEAD") == head


@each_kind
@each_release
def test_the_readme_leads_only_to_what_is_there(
    updated: Callable[[str, str], Updated], newest: Callable[[str], dict[str, bytes]], release: str, kind: str
) -> None:
    project = updated(release, kind).folder
    named = set(re.findall(r"`([\w./-]+)`", (project / "README.md").read_text(encoding="utf-8")))
    there = newest(kind)
    leading = {name for name in named if any(path == name or path.startswith(name) for path in there)}
    assert "src/apps/" in leading
    # The README names the place where declared tables would be looked for, and the user deleted the only DAG.
    absent = {name for name in leading if not (project / name).exists()}
    assert absent <= {"src/resources/config.yml", "dags/"}


@each_kind
@each_release
def test_the_kind_of_a_project_can_change_on_the_way(
    cut: Callable[[str, str], Path], newest: Callable[[str], dict[str, bytes]], release: str, kind: str
) -> None:
    given = [f"--set={question}={answer}" for question, answer in PRINCIPALS.items() if kind == "docker"]
    project = update(cut(release, kind), f"--set=type_of_task={OTHER[kind]}", *given)
    there, elsewhere = newest(OTHER[kind]), newest(kind)
    managed = {path: content for path, content in there.items() if not project.kept(path)}
    # A sample is the user's, but what there is of it for one kind only comes and goes with the kind.
    own = {
        path: content
        for path, content in project.before.items()
        if project.kept(path) and (path in there or path not in elsewhere)
    }
    of_the_kind = {
        path: content
        for path, content in there.items()
        # What both kinds have since a later release is not brought: the sample may have given way by now.
        if project.kept(path)
        and (path not in elsewhere or (path in project.before and elsewhere[path] != content))
    }
    assert {"dags/medallion.py"} <= of_the_kind.keys()

    found = read_tree(project.folder)

    assert sorted(found) == sorted(managed | own | of_the_kind)
    assert found == managed | own | of_the_kind


def test_an_answer_reaches_a_sample_that_was_edited_and_nothing_that_is_skipped(
    cut: Callable[[str, str], Path], newest: Callable[[str], dict[str, bytes]]
) -> None:
    project = cut("v0.2.0", "docker")
    dag, readme = project / "dags/medallion.py", (project / "README.md").read_bytes()
    edited = dag.read_bytes().replace(b'tags=["skyspark"]', b'tags=["orders"]')
    dag.write_bytes(edited)
    state = State.read(project)
    dataclasses.replace(state, skip=[*state.skip, "README.md"]).write(project)
    run("git", "commit", "--quiet", "--all", "--message", "Name the orders", cwd=project, **ADA)

    update(project, "--set=schedule=30 6 * * *")

    assert readme == (project / "README.md").read_bytes()
    assert edited.count(b'tags=["orders"]') == 1
    there = newest("docker")["dags/medallion.py"]
    assert there.count(b'"0 2 * * *"') == there.count(b'tags=["skyspark"]') == 1
    merged = there.replace(b'tags=["skyspark"]', b'tags=["orders"]').replace(b'"0 2 * * *"', b'"30 6 * * *"')
    assert dag.read_bytes() == merged


@pytest.mark.slow
def test_updated_projects_are_green(updated: Callable[[str, str], Updated], tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "uv").symlink_to(BIN / "uv")
    caches = Path(MACHINE.get("SKYSPARK_CACHE_DIR") or Path(MACHINE["HOME"], ".cache", "skyspark"))
    (caches / "jars").mkdir(parents=True, exist_ok=True)
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "jars").symlink_to(caches / "jars")
    # Sessions start a little faster with an archive of Java's classes, but to make one takes a minute.
    (tmp_path / "cache" / "archives").touch()
    machine = {
        "PATH": os.pathsep.join([str(tmp_path / "bin"), MACHINE["PATH"]]),
        "SKYSPARK_CACHE_DIR": str(tmp_path / "cache"),
    }

    projects = {kind: [updated(release, kind).folder for release in RELEASES] for kind in KINDS}
    for docker, dab in zip(projects["docker"], projects["dab"], strict=True):
        assert sources_of_tests(docker) == sources_of_tests(dab)

    # What a bundle needs is added to what an image needs: one environment will do for all.
    environment = projects["dab"][0]
    pins = pinned(environment)
    for project in itertools.chain(*projects.values()):
        assert pinned(project) <= pins
    make_environment(environment, **machine)

    # What both kinds have is tested in one of them: most of it starts Spark.
    for kind, target, test in (
        ("docker", ["test"], "test_silver_orders.py"),
        ("dab", ["test", "ARGS=tests/bundle"], "tests/bundle/"),
    ):
        for project in projects[kind]:
            if project != environment:
                (project / ".venv").symlink_to(environment / ".venv")
            printed = run("make", "build-dev", "lint", *target, cwd=project, **machine)
            assert re.search(r"=+ \d+ passed in ", printed), printed
            assert test in printed
            if project != environment:
                (project / ".venv").unlink()
            assert not run("git", "ls-files", "--others", "--exclude-standard", cwd=project)


def pinned(project: Path) -> set[str]:
    """What an environment of a project is made of: packages and our own wheels, with their hashes."""
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    own = {wheel.name: hashlib.sha256(wheel.read_bytes()) for wheel in project.glob("vendor/*.whl")}
    return {*lock.replace("\\\n", "").splitlines(), *(f"{name} {own[name].hexdigest()}" for name in own)}


def sources_of_tests(project: Path) -> dict[str, bytes]:
    """The files of a project that `make test` runs in both kinds, or that decide how it does."""
    return {
        path: content
        for path, content in read_tree(project).items()
        if re.match(r"(src|tests|vendor)/|pyproject\.toml$", path) and not OF_ONE_KIND.match(path)
    }
