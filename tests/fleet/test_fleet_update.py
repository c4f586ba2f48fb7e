"""`mshell-cut fleet update`: one branch and one commit for each project, and nothing else."""

import json
import shutil
from pathlib import Path

from fleet.projects import LINES, Fleet, Run, remember, results
from scaffold import change_template, commit_all, git, read_tree, write_tree


def look(project: Path) -> tuple[object, ...]:
    """All of a project that an update on a branch must not touch."""
    return (
        read_tree(project),
        (project / ".git/index").read_bytes(),
        (project / ".git/HEAD").read_text(),
        git(project, "rev-parse", "HEAD"),
        git(project, "--no-optional-locks", "status", "--porcelain"),
    )


def test_each_project_gets_a_branch_and_keeps_its_working_tree(
    plain: Path, fleet: Fleet, mshell_cut: Run
) -> None:
    folder = fleet("clean", "dirty", "detached", "current")
    write_tree(folder / "clean", {"text.txt": LINES.replace("line 15\n", "ours\n")})
    commit_all(folder / "clean")
    write_tree(
        folder / "dirty", {"other.txt": "not committed\n", "new.txt": "untracked\n", "staged.txt": "s\n"}
    )
    git(folder / "dirty", "add", "staged.txt")
    state = json.loads((folder / "dirty/.cruft.json").read_text())
    write_tree(folder / "dirty", {".cruft.json": json.dumps({**state, "commit": "0" * 40})})
    git(folder / "detached", "checkout", "--quiet", "--detach")
    commit = change_template(
        plain, {"other.txt": "newer\n", "text.txt": LINES.replace("line 3\n", "theirs\n"), "new.txt": "new\n"}
    )
    git(plain, "tag", "v2.0.0")
    remember(folder / "current", commit=commit)
    before = {project.name: look(project) for project in folder.iterdir()}

    done = mshell_cut("fleet", "update", "--json", "--jobs", "2", "--from", f"{folder}/*")
    found = results(done)
    assert done.returncode == 0, done.stdout
    assert {project.name: look(project) for project in folder.iterdir()} == before
    assert found["current"]["status"] == "current"
    assert git(folder / "current", "branch", "--format=%(refname:short)") == "main"
    for name in ("clean", "dirty", "detached"):
        project = folder / name
        assert found[name]["status"] == "updated"
        assert found[name]["branch"] == "mshell-cut/update-v2.0.0"
        assert git(project, "rev-parse", "mshell-cut/update-v2.0.0") == found[name]["commit"]
        assert git(project, "rev-parse", "mshell-cut/update-v2.0.0^") == git(project, "rev-parse", "HEAD")
        changed = git(project, "diff", "--name-only", "HEAD", found[name]["commit"]).split()
        assert changed == [".cruft.json", "new.txt", "other.txt", "text.txt"]
        assert json.loads(git(project, "show", f"{found[name]['commit']}:.cruft.json"))["commit"] == commit
        assert git(project, "fsck", "--strict", "--no-dangling") == ""
    merged = git(folder / "clean", "show", "mshell-cut/update-v2.0.0:text.txt") + "\n"
    assert merged == LINES.replace("line 3\n", "theirs\n").replace("line 15\n", "ours\n")
    told = git(folder / "clean", "log", "-1", "--format=%s by %an", found["clean"]["commit"])
    assert told == f"Update the template from {found['clean']['at']} to v2.0.0 by Ada"

    again = mshell_cut("fleet", "update", "--json", "--from", f"{folder}/*")
    assert again.returncode == 0
    assert {name: item["status"] for name, item in results(again).items()} == {
        "clean": "done already",
        "dirty": "done already",
        "detached": "done already",
        "current": "current",
    }
    assert {item["commit"] for item in results(again).values()} == {item["commit"] for item in found.values()}


def test_conflicts_make_no_branch_and_name_what_to_run(plain: Path, fleet: Fleet, mshell_cut: Run) -> None:
    folder = fleet("with space", "fine")
    project = folder / "with space"
    write_tree(project, {"text.txt": LINES.replace("line 15\n", "ours\n")})
    (project / "other.txt").unlink()
    commit_all(project)
    change_template(plain, {"other.txt": "newer\n", "text.txt": LINES.replace("line 15\n", "theirs\n")})
    before = look(project)
    done = mshell_cut("fleet", "update", "--json", "--from", f"{folder}/*")
    found = results(done)
    assert done.returncode == 1
    assert found["fine"]["status"] == "updated"
    assert found["with space"]["status"] == "conflicts"
    assert [(item["kind"], item["path"]) for item in found["with space"]["conflicts"]] == [
        ("delete/edit", "other.txt"),
        ("edit/edit", "text.txt"),
    ]
    assert f"mshell-cut update --project '{project}'" in found["with space"]["message"]
    assert found["with space"]["branch"] is None
    assert git(project, "branch", "--format=%(refname:short)") == "main"
    assert look(project) == before
    shown = mshell_cut("fleet", "update", "--from", f"{folder}/*")
    assert shown.returncode == 1
    assert "edit/edit  text.txt" in shown.stdout


def test_a_branch_with_something_else_is_left_alone(plain: Path, fleet: Fleet, mshell_cut: Run) -> None:
    folder = fleet("other", "older", "more", "fine")
    change_template(plain, {"other.txt": "newer\n"})
    words = ("fleet", "update", "--json", "--branch", "renew", "--from", f"{folder}/*")
    git(folder / "other", "branch", "renew")
    assert results(mshell_cut(*words))["older"]["status"] == "updated"
    write_tree(folder / "older", {"mine.txt": "mine\n"})
    commit_all(folder / "older")
    # A review put another commit on top of the update.
    git(folder / "more", "worktree", "add", "--quiet", "../review", "renew")
    git(folder / "review", "commit", "--quiet", "--allow-empty", "-m", "more")
    shutil.rmtree(folder / "review")
    tips = {name: git(folder / name, "rev-parse", "renew") for name in ("other", "older", "more", "fine")}

    done = mshell_cut(*words)
    found = results(done)
    assert done.returncode == 2
    assert found["other"]["status"] == found["older"]["status"] == "failed"
    assert "which holds something else" in found["other"]["message"]
    assert "for an older state of the project" in found["older"]["message"]
    assert found["more"]["status"] == found["fine"]["status"] == "done already"
    assert tips == {name: git(folder / name, "rev-parse", "renew") for name in tips}
    # The same version with other answers is something else, too.
    other = results(mshell_cut(*words, "--set", "kind=dab"))
    assert other["fine"]["status"] == "failed"


def test_answers_can_be_changed_and_a_release_be_named(plain: Path, fleet: Fleet, mshell_cut: Run) -> None:
    folder = fleet("orders", "sales")
    first = change_template(plain, {"other.txt": "first\n"})
    git(plain, "tag", "v1.0.0")
    change_template(plain, {"other.txt": "second\n"})
    git(plain, "tag", "v2.0.0")
    words = ("fleet", "update", "--to", "v1.0.0", "--set", "kind=dab", "--from", f"{folder}/*")

    dry = results(mshell_cut(*words, "--dry-run", "--json"))
    assert {item["status"] for item in dry.values()} == {"would change"}
    assert git(folder / "orders", "branch", "--format=%(refname:short)") == "main"
    assert mshell_cut(*words).returncode == 0
    for name in ("orders", "sales"):
        tip = "mshell-cut/update-v1.0.0"
        assert git(folder / name, "show", f"{tip}:kind.txt") == "dab"
        assert git(folder / name, "show", f"{tip}:other.txt") == "first"
        assert json.loads(git(folder / name, "show", f"{tip}:.cruft.json"))["commit"] == first
    again = results(mshell_cut(*words, "--json"))
    assert {item["status"] for item in again.values()} == {"done already"}

    wrong = mshell_cut("fleet", "update", "--json", "--set", "kind=vm", "--from", f"{folder}/*")
    assert wrong.returncode == 2
    assert "must be one of docker, dab" in results(wrong)["orders"]["message"]
    wrong = mshell_cut("fleet", "update", "--json", "--branch", "a..b", "--from", f"{folder}/*")
    assert "'a..b' is no name for a branch" in results(wrong)["sales"]["message"]


def test_projects_of_one_repository_have_branches_of_their_own(
    plain: Path, fleet: Fleet, mshell_cut: Run, tmp_path: Path
) -> None:
    folder = fleet("orders", "sales")
    for name in ("orders", "sales"):
        shutil.rmtree(folder / name / ".git")
    write_tree(folder, {"README.md": "Both\n"})
    commit_all(folder)
    head = git(folder, "rev-parse", "HEAD")
    change_template(plain, {"other.txt": "newer\n"})
    git(plain, "tag", "v1.0.0")
    done = mshell_cut("fleet", "update", "--json", "--from", f"{folder}/*")
    found = results(done)
    assert done.returncode == 0
    for name in ("orders", "sales"):
        assert found[name]["branch"] == f"mshell-cut/update-v1.0.0-{name}"
        assert git(folder, "rev-parse", f"{found[name]['branch']}^") == head
        changed = git(folder, "diff", "--name-only", head, found[name]["commit"]).split()
        assert changed == [f"{name}/.cruft.json", f"{name}/other.txt"]
        assert [change["path"] for change in found[name]["changes"]] == ["other.txt"]

    # The same from an address: one clone for both.
    listing = [{"url": folder.as_uri(), "project": name} for name in ("orders", "sales")]
    write_tree(tmp_path, {"all.json": json.dumps(listing)})
    words = ("--clones", tmp_path / "clones", "--trust", plain)
    cloned = mshell_cut("fleet", "update", "--json", "--from", tmp_path / "all.json", *words)
    assert {item["status"] for item in results(cloned).values()} == {"updated"}
    assert len(list((tmp_path / "clones").iterdir())) == 1


def test_a_branch_of_a_project_can_be_what_is_updated(
    plain: Path, fleet: Fleet, mshell_cut: Run, tmp_path: Path
) -> None:
    folder = fleet("orders")
    git(folder / "orders", "branch", "develop")
    write_tree(folder / "orders", {"other.txt": "other\nmain only\n"})
    commit_all(folder / "orders")
    change_template(plain, {"other.txt": "newer\n"})
    write_tree(tmp_path, {"all.yaml": f"- path: {folder}/orders\n  branch: develop\n"})
    found = results(mshell_cut("fleet", "update", "--json", "--from", tmp_path / "all.yaml"))["orders"]
    assert found["status"] == "updated"
    parent = git(folder / "orders", "rev-parse", f"{found['branch']}^")
    assert parent == git(folder / "orders", "rev-parse", "develop")

    change_template(plain, {"other.txt": "newest\n"})
    write_tree(tmp_path, {"all.yaml": f"- path: {folder}/orders\n  branch: main\n"})
    git(folder / "orders", "checkout", "--quiet", "develop")
    found = results(mshell_cut("fleet", "update", "--json", "--from", tmp_path / "all.yaml"))["orders"]
    assert found["status"] == "conflicts"
    command = found["message"].removeprefix("Run there: ")
    assert command.startswith(f"git -C {folder}/orders switch --create ")
