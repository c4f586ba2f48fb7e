"""What stands in a project or a list of others must not run here."""

import json
import os
import shutil
from pathlib import Path

import pytest
from fleet.projects import Fleet, Run, remember, results
from scaffold import change_template, commit_all, git, write_tree


@pytest.fixture
def mark(tmp_path: Path) -> Path:
    """A file that is there once a program of the attacker's has run."""
    return tmp_path / "ran"


def test_addresses_in_projects_run_nothing(
    fleet: Fleet, mshell_cut: Run, mark: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Git runs a program of this name for such an address, whoever installed it for whatever.
    write_tree(tmp_path, {"bin/git-remote-hg": f"#!/bin/sh\ntouch {mark}\n"})
    (tmp_path / "bin/git-remote-hg").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    addresses = {
        "ext": f"ext::sh -c touch% {mark}",
        "ext-url": f"ext://sh -c touch% {mark}",
        "option": f"--upload-pack=touch {mark}",
        "ssh": f"ssh://-oProxyCommand=touch%20{mark}/x",
        "scp": f"-oProxyCommand=touch%20{mark}@host:x",
        "helper": f"hg://{mark}",
    }
    folder = fleet(*addresses)
    for name, address in addresses.items():
        remember(folder / name, template=address)
    for verb in ("check", "update"):
        done = mshell_cut("fleet", verb, "--json", "--from", f"{folder}/*")
        assert done.returncode == 2
        assert {item["status"] for item in results(done).values()} == {"failed"}
    assert not mark.exists()


def test_what_looks_like_an_option_is_none(
    fleet: Fleet, plain: Path, mshell_cut: Run, tmp_path: Path
) -> None:
    folder = fleet("commit", "checkout", "directory", "outside")
    change_template(plain, {"other.txt": "newer\n"})
    remember(folder / "commit", commit=f"--output={tmp_path}/made")
    remember(folder / "checkout", checkout=f"--output={tmp_path}/made")
    remember(folder / "directory", directory=f"--output={tmp_path}/made")
    remember(folder / "outside", directory="../../..")
    for verb in ("check", "update"):
        found = results(mshell_cut("fleet", verb, "--json", "--from", f"{folder}/*"))
        assert {item["status"] for item in found.values()} == {"failed"}
    assert not (tmp_path / "made").exists()


def test_a_cloned_project_runs_no_template_that_nobody_named(
    plain: Path, fleet: Fleet, mshell_cut: Run, mark: Path, tmp_path: Path
) -> None:
    folder = fleet("orders", "evil")
    evil = tmp_path / "evil-template"
    shutil.copytree(plain, evil, symlinks=True)
    write_tree(evil, {"hooks/pre_gen_project.py": f"open({str(mark)!r}, 'w')\n"})
    before = commit_all(evil)
    change_template(evil, {"other.txt": "newer\n"})
    remember(folder / "evil", template=str(evil), commit=before)
    # What a stranger proposes to a template that is known lies in the same repository, on no branch.
    git(plain, "fetch", "--quiet", str(evil), f"{before}:refs/pull/1/head")
    change_template(plain, {"other.txt": "newer\n"})
    shutil.copytree(folder / "orders", folder / "proposed")
    remember(folder / "proposed", commit=before)
    listing = [{"url": (folder / name).as_uri()} for name in ("orders", "evil", "proposed")]
    write_tree(tmp_path, {"all.json": json.dumps(listing)})
    words = ("--json", "--from", tmp_path / "all.json", "--clones", tmp_path / "clones")

    for verb in ("check", "update"):
        found = results(mshell_cut("fleet", verb, *words, "--trust", plain))
        assert found["orders"]["status"] in ("behind", "updated")
        assert found["evil"]["status"] == found["proposed"]["status"] == "failed"
        assert "allow this one with --trust" in found["evil"]["message"]
        assert "No branch or tag" in found["proposed"]["message"]
        assert not mark.exists()
    # The check can fail: named, it runs.
    assert results(mshell_cut("fleet", "check", *words, "--trust", evil))["evil"]["status"] == "behind"
    assert mark.exists()


def test_names_with_the_ends_of_lines_do_no_harm(plain: Path, fleet: Fleet, mshell_cut: Run) -> None:
    name = "or\nders \x1b[31m--force"
    folder = fleet(name)
    change_template(plain, {"other.txt": "newer\n", "a\nb.txt": "new\n"})
    done = mshell_cut("fleet", "update", "--from", f"{folder}/*")
    assert done.returncode == 0, done.stdout
    assert "\x1b[31m" not in done.stdout + done.stderr
    assert "or\\nders" in done.stdout
    project = folder / name
    tip = git(project, "for-each-ref", "--format=%(objectname)", "refs/heads/mshell-cut")
    assert git(project, "diff", "--name-only", "HEAD", tip).splitlines() == [
        ".cruft.json",
        '"a\\nb.txt"',
        "other.txt",
    ]


def test_symlinks_out_of_a_project_are_not_followed(
    plain: Path, fleet: Fleet, mshell_cut: Run, tmp_path: Path
) -> None:
    folder = fleet("orders", "linked")
    change_template(plain, {"other.txt": "newer\n"})
    # As in a monorepo, where it is nothing to be afraid of.
    (folder / "linked/pyproject.toml").symlink_to("../pyproject.toml")
    commit_all(folder / "linked")
    (folder / "orders/.cruft.json").rename(tmp_path / "elsewhere.json")
    (folder / "orders/.cruft.json").symlink_to(tmp_path / "elsewhere.json")
    commit_all(folder / "orders")
    found = results(mshell_cut("fleet", "update", "--json", "--from", f"{folder}/*"))
    assert found["orders"]["status"] == "failed"
    assert found["linked"]["status"] == "updated"


def test_other_programs_of_the_current_folder_are_not_imported(
    fleet: Fleet, mshell_cut: Run, mark: Path
) -> None:
    folder = fleet("orders")
    for module in ("pickle", "yaml", "click"):
        write_tree(folder / "orders", {f"{module}.py": f"open({str(mark)!r}, 'w')\n"})
    done = mshell_cut("fleet", "check", "--from", ".", cwd=folder / "orders")
    assert done.returncode == 0, done.stdout
    assert not mark.exists()
