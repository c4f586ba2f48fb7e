"""`mshell-cut fleet check`: what is told of each project, and what it takes."""

import json
import os
import shutil
from pathlib import Path

import pytest
from fleet.projects import Fleet, Run, remember, results
from scaffold import change_template, git, write_tree


def test_each_project_is_told_on_its_own(plain: Path, fleet: Fleet, mshell_cut: Run) -> None:
    folder = fleet("behind", "current", "broken", "lost")
    (folder / "empty").mkdir()
    write_tree(folder / "broken", {".cruft.json": "{"})
    remember(folder / "lost", template="/nowhere/template")
    commit = change_template(plain, {"other.txt": "newer\n"})
    git(plain, "tag", "v1.0.0")
    remember(folder / "current", commit=commit)

    done = mshell_cut("fleet", "check", "--json", "--from", *sorted(folder.iterdir()), folder / "absent*")
    assert done.returncode == 2
    assert "means no folder" in json.loads(done.stdout)["error"]["message"]
    done = mshell_cut("fleet", "check", "--json", "--from", *sorted(folder.iterdir()))
    found = results(done)
    assert done.returncode == 2
    assert {name: item["status"] for name, item in found.items()} == {
        "behind": "behind",
        "current": "current",
        "broken": "failed",
        "lost": "failed",
        "empty": "no project",
    }
    assert found["behind"]["newest"] == "v1.0.0"
    assert found["behind"]["changes"] == [{"path": "other.txt", "kind": "changed", "before": None}]
    assert "line 1" in found["broken"]["message"]
    assert "/nowhere/template is not there" in found["lost"]["message"]
    assert json.loads(done.stdout)["summary"] == {"current": 1, "no project": 1, "behind": 1, "failed": 2}

    shutil.rmtree(folder / "broken")
    shutil.rmtree(folder / "lost")
    behind = mshell_cut("fleet", "check", "--from", f"{folder}/*")
    assert behind.returncode == 1
    assert "2 projects: 1 current, 1 behind." in behind.stdout
    assert "v1.0.0  1 file" in behind.stdout
    assert "[2/2]" in behind.stderr
    shutil.rmtree(folder / "behind")
    assert mshell_cut("fleet", "check", "--from", f"{folder}/*").returncode == 0


@pytest.fixture
def git_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that gets a line with the arguments of every call of git."""
    real, log = shutil.which("git"), tmp_path / "git-calls"
    write_tree(tmp_path, {"bin/git": f'#!/bin/sh\nprintf "%s\\n" "$*" >> {log}\nexec {real} "$@"\n'})
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    return log


def test_the_template_is_fetched_once_for_all(
    plain: Path, fleet: Fleet, mshell_cut: Run, git_calls: Path
) -> None:
    folder = fleet("a", "b", "c", "d")
    for name in ("a", "b", "c", "d"):
        remember(folder / name, template=plain.as_uri())
    change_template(plain, {"other.txt": "newer\n"})
    for _ in range(2):
        git_calls.unlink()
        done = mshell_cut("fleet", "check", "--jobs", "3", "--from", f"{folder}/*")
        assert done.returncode == 1, done.stdout
        calls = git_calls.read_text().splitlines()
        assert len([call for call in calls if call.split()[0] in ("clone", "fetch")]) == 1


def test_lists_of_addresses_are_cloned_once_and_then_fetched(
    plain: Path, fleet: Fleet, mshell_cut: Run, git_calls: Path, tmp_path: Path
) -> None:
    folder = fleet("orders", "sales")
    (tmp_path / "none").mkdir()
    write_tree(tmp_path, {"none/a.txt": "a\n"})
    git(tmp_path / "none", "init", "--quiet")
    git(tmp_path / "none", "add", "--all")
    git(tmp_path / "none", "commit", "--quiet", "-m", "start")
    listing = [
        {"nameWithOwner": name.name, "url": name.as_uri(), "defaultBranchRef": {"name": "main"}}
        for name in (folder / "orders", folder / "sales")
    ]
    listing.append({"nameWithOwner": "none", "url": (tmp_path / "none").as_uri(), "defaultBranchRef": None})
    write_tree(tmp_path, {"gh.json": json.dumps(listing)})
    words = (
        "fleet",
        "check",
        "--json",
        "--github-org-file",
        tmp_path / "gh.json",
        "--clones",
        tmp_path / "cl",
    )
    words = (*words, "--trust", plain)
    git_calls.write_text("")
    found = results(mshell_cut(*words))
    assert {name: item["status"] for name, item in found.items()} == {
        "orders": "current",
        "sales": "current",
        "none": "no project",
    }
    assert git_calls.read_text().count("clone --quiet") == 3
    change_template(plain, {"other.txt": "newer\n"})
    remember(folder / "sales", commit=git(plain, "rev-parse", "HEAD"))
    git_calls.write_text("")
    found = results(mshell_cut(*words))
    assert (found["orders"]["status"], found["sales"]["status"]) == ("behind", "current")
    assert "clone --quiet" not in git_calls.read_text()
    assert len(list((tmp_path / "cl").iterdir())) == 3


def test_projects_under_no_git_can_be_checked(plain: Path, fleet: Fleet, mshell_cut: Run) -> None:
    folder = fleet("orders")
    shutil.rmtree(folder / "orders/.git")
    assert mshell_cut("fleet", "check", "--from", folder / "orders").returncode == 0
    done = mshell_cut("fleet", "update", "--from", folder / "orders")
    assert done.returncode == 2
    assert "has no commit at HEAD to start from" in done.stdout


def test_wrong_requests_are_refused_before_anything_begins(fleet: Fleet, mshell_cut: Run) -> None:
    folder = fleet("orders")
    for words, said in [
        ((), "Name the projects with --from"),
        (("--from", folder / "orders", "--report", "fleet.txt"), "must end in .md or .html"),
        (("--from", folder / "orders", "--report", folder / "no/fleet.md"), "there is no folder"),
        (("--from", folder / "orders", "--jobs", "0"), "0 is not in the range"),
    ]:
        done = mshell_cut("fleet", "check", *words)
        assert done.returncode == 2
        assert said in done.stderr
        assert "[1/1]" not in done.stderr
