"""Stock cookiecutter and cruft work on this repository as their template, and on projects we cut from it."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scaffold import REPOSITORY, commit_all, git, read_tree

STOCK = REPOSITORY / ".venvs" / "stock" / "bin"
DAB = {
    "type_of_task": "dab",
    "service_principal_application_id_dev": "1b2c3d4e-0000-4000-8000-0123456789ab",
    "service_principal_application_id_prod": "1b2c3d4e-0000-4000-8000-0123456789ac",
}

Run = Callable[..., subprocess.CompletedProcess[str]]
Make = Callable[[Path, list[str], Path, Run], Path]
# How all tools name a template's folder in its repository.
SKYSPARK: list[str] = []
ASTRO_DAG = ["--directory", "templates/astro-dag"]


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """This repository as committed, with a life of its own."""
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, tmp_path / "upstream"], check=True)
    git(tmp_path / "upstream", "remote", "remove", "origin")
    return tmp_path / "upstream"


def stock(tool: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [STOCK / tool, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def change_template(upstream: Path, where: list[str]) -> None:
    """Change one file that belongs to the template and add one."""
    template = Path(upstream, *where[1:], "<<cookiecutter.repo_name>>")
    with (template / ".editorconfig").open("a") as file:
        file.write("\n[*.sql]\nindent_size = 4\n")
    (template / "NEW").write_text("new for << cookiecutter.repo_name >>\n")
    commit_all(upstream, "newer template")


def cut_by_us(upstream: Path, where: list[str], into: Path, mshell_cut: Run) -> Path:
    done = mshell_cut("cut", "--template", upstream, *where, "--no-input", "--output-dir", into)
    assert done.returncode == 0, done.stderr
    return next(into.iterdir())


def cut_by_cruft(upstream: Path, where: list[str], into: Path, mshell_cut: Run) -> Path:
    into.mkdir()
    done = stock("cruft", "create", upstream, *where, "--no-input", "--default-config", cwd=into)
    assert done.returncode == 0, done.stderr
    commit_all(next(into.iterdir()))
    return next(into.iterdir())


@pytest.mark.parametrize(
    ("where", "make"),
    [(SKYSPARK, cut_by_us), (SKYSPARK, cut_by_cruft), (ASTRO_DAG, cut_by_us)],
    ids=["skyspark-us", "skyspark-cruft", "astro-dag-us"],
)
def test_cruft_checks_diffs_and_updates(
    upstream: Path, tmp_path: Path, mshell_cut: Run, where: list[str], make: Make
) -> None:
    project = make(upstream, where, tmp_path / "out", mshell_cut)
    assert stock("cruft", "check", cwd=project).returncode == 0
    same = stock("cruft", "diff", "--exit-code", cwd=project)
    assert same.returncode == 0, same.stdout

    (project / ".editorconfig").open("a").write("# ours\n")
    assert "# ours" in stock("cruft", "diff", cwd=project).stdout
    git(project, "checkout", "--quiet", ".")

    change_template(upstream, where)
    assert stock("cruft", "check", cwd=project).returncode == 1
    updated = stock("cruft", "update", "--skip-apply-ask", cwd=project)
    assert updated.returncode == 0, updated.stderr
    assert (project / "NEW").read_text() == f"new for {project.name}\n"
    assert "[*.sql]" in (project / ".editorconfig").read_text()
    assert not list(project.rglob("*.rej"))
    assert stock("cruft", "check", cwd=project).returncode == 0
    # What cruft has brought up to date is so for us, too.
    assert mshell_cut("check", cwd=project).returncode == 0


@pytest.mark.parametrize(
    ("where", "answers"),
    [
        (SKYSPARK, {}),
        (SKYSPARK, DAB),
        (SKYSPARK, {**DAB, "package_source": "index"}),
        (ASTRO_DAG, {"repo_name": "orders-dags", "squad_name": "checkout"}),
    ],
    ids=["docker", "dab", "index", "astro-dag"],
)
def test_cookiecutter_cruft_and_we_render_the_same_bytes(
    upstream: Path, tmp_path: Path, mshell_cut: Run, where: list[str], answers: dict[str, str]
) -> None:
    words = [f"{key}={value}" for key, value in answers.items()]
    sets = [word for pair in words for word in ("--set", pair)]
    # Git's e-mail address is the default of ours only.
    mail = "contact_email=data@example.com"
    ours = mshell_cut(
        *("cut", "--template", upstream, *where, "--no-input", "--set", mail, *sets),
        *("--output-dir", tmp_path / "a"),
    )
    assert ours.returncode == 0, ours.stderr
    (tmp_path / "b").mkdir()
    plain = stock(
        "cookiecutter", upstream, *where, "--no-input", "--default-config", mail, *words, cwd=tmp_path / "b"
    )
    assert plain.returncode == 0, plain.stderr
    (tmp_path / "c").mkdir()
    context = json.dumps({**answers, "contact_email": "data@example.com"})
    by_cruft = stock(
        "cruft",
        "create",
        upstream,
        *where,
        "--no-input",
        "--default-config",
        "--extra-context",
        context,
        cwd=tmp_path / "c",
    )
    assert by_cruft.returncode == 0, by_cruft.stderr
    trees = [read_tree(next((tmp_path / name).iterdir())) for name in "abc"]
    for tree in trees:
        tree.pop(".cruft.json", None)
    assert trees[0] == trees[1] == trees[2]


def test_cookiecutter_refuses_and_leaves_nothing(upstream: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = stock("cookiecutter", upstream, "--no-input", "type_of_task=dab", cwd=tmp_path / "out")
    assert done.returncode != 0
    assert "service_principal_application_id_dev is required when type_of_task is dab." in done.stderr
    assert not list((tmp_path / "out").iterdir())
