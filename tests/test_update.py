"""`mshell-cut update` and `diff` on projects of small templates; the merge itself has tests of its own."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pexpect
import pseudo_terminal
import pytest
from scaffold import MakeTemplate, change_template, commit_all, git, read_tree, write_tree

Run = Callable[..., subprocess.CompletedProcess[str]]
Cut = Callable[..., Path]
LINES = "".join(f"line {number}\n" for number in range(1, 31))


@pytest.fixture
def cut(mshell_cut: Run, tmp_path: Path) -> Cut:
    """Cut a project from a template."""

    def make(template: Path, *words: str) -> Path:
        out = tmp_path / "out"
        done = mshell_cut("cut", "--template", template, "--no-input", "--output-dir", out, *words)
        assert done.returncode == 0, done.stderr
        return next(out.iterdir())

    return make


@pytest.fixture
def plain(make_template: MakeTemplate) -> Path:
    """A template with a few files, one of them a sample."""
    return make_template(
        {"repo_name": "orders", "kind": ["docker", "dab"]},
        {
            "text.txt": LINES,
            "other.txt": "other\n",
            "run.sh": "#!/bin/sh\n",
            "sample/a.py": "a = 1\n",
            "docker/Dockerfile": "FROM scratch\n",
            "docker/samples/up.sh": "docker\n",
            "dab/bundle.yml": "bundle\n",
            "dab/samples/job.yml": "job\n",
        },
        samples=["sample/**", "*/samples/*"],
        prune={"kind": {"docker": ["dab"], "dab": ["docker"]}},
    )


def state_of(project: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((project / ".cruft.json").read_text())
    return found


def test_what_the_template_changes_arrives_and_is_staged(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    commit = change_template(
        plain, {"other.txt": "newer\n", "new/file.bin": b"\x00\xff", "sample/b.py": "b = 1\n"}
    )
    (plain / "<<cookiecutter.repo_name>>" / "run.sh").chmod(0o755)
    commit = commit_all(plain)

    done = mshell_cut("update", cwd=project)
    assert done.returncode == 0, done.stderr
    assert (project / "other.txt").read_text() == "newer\n"
    assert (project / "new/file.bin").read_bytes() == b"\x00\xff"
    assert (project / "run.sh").stat().st_mode & 0o100
    assert not (project / "sample/b.py").exists()
    assert state_of(project)["commit"] == commit
    staged = git(project, "diff", "--cached", "--name-only").split()
    assert staged == [".cruft.json", "new/file.bin", "other.txt", "run.sh"]
    assert git(project, "diff", "--name-only") == ""
    again = mshell_cut("check", cwd=project)
    assert again.returncode == 0


def test_templates_in_the_folder_of_includes_are_others(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    other = {"dags/cookiecutter.json": '{"name": "dags"}', "dags/<<cookiecutter.name>>/part.txt": "other\n"}
    write_tree(plain / "templates", {"part.txt": "part\n", "deep/part.txt": "deep\n", **other})
    includes = {"whole.txt": "<% include 'part.txt' %>", "deep.txt": "<% include 'deep/part.txt' %>"}
    change_template(plain, includes)
    project = cut(plain)
    assert (project / "whole.txt").read_text() == "part\n"

    write_tree(plain / "templates", {"dags/<<cookiecutter.name>>/part.txt": "newer\n"})
    commit_all(plain)
    assert mshell_cut("check", cwd=project).returncode == 0
    write_tree(plain / "templates", {"deep/part.txt": "newer\n"})
    commit_all(plain)
    found = json.loads(mshell_cut("check", "--json", cwd=project).stdout)
    assert found["changes"] == {"deep.txt": "changed"}
    assert mshell_cut("update", cwd=project).returncode == 0
    assert (project / "deep.txt").read_text() == "newer\n"
    assert (project / "whole.txt").read_text() == "part\n"


def test_a_sample_is_the_users_from_the_first_day(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    (project / "sample/a.py").unlink()
    commit_all(project)
    change_template(plain, {"sample/a.py": "a = 2\n", "other.txt": "newer\n"})
    done = mshell_cut("update", "--json", cwd=project)
    assert [change["path"] for change in json.loads(done.stdout)["changes"]] == ["other.txt"]
    assert not (project / "sample/a.py").exists()


def test_renames_on_both_sides_and_deletions_are_followed(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    write_tree(project, {"text.txt": LINES.replace("line 15\n", "line 15 of ours\n")})
    (project / "run.sh").unlink()
    commit_all(project)
    inside = plain / "<<cookiecutter.repo_name>>"
    (inside / "text.txt").rename(inside / "renamed.txt")
    (inside / "other.txt").unlink()
    change_template(plain, {"renamed.txt": LINES.replace("line 3\n", "line 3 of the template\n")})

    done = mshell_cut("update", cwd=project)
    assert done.returncode == 0, done.stdout
    assert "R text.txt → renamed.txt" in done.stdout
    wanted = LINES.replace("line 3\n", "line 3 of the template\n").replace("line 15\n", "line 15 of ours\n")
    assert (project / "renamed.txt").read_text() == wanted
    assert not any((project / name).exists() for name in ("text.txt", "other.txt", "run.sh"))


def test_conflicts_are_listed_by_kind_and_finished_or_undone(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    write_tree(
        project,
        {
            "text.txt": LINES.replace("line 15\n", "ours\n"),
            "other.txt": "other\nof ours\n",
            "both.txt": "ours\n",
        },
    )
    (project / "run.sh").unlink()
    commit_all(project)
    before, head = read_tree(project), git(project, "rev-parse", "HEAD")
    (plain / "<<cookiecutter.repo_name>>" / "other.txt").unlink()
    change_template(
        plain,
        {
            "text.txt": LINES.replace("line 15\n", "template\n"),
            "run.sh": "#!/bin/sh\nexit\n",
            "both.txt": "template\n",
        },
    )

    dry = mshell_cut("update", "--dry-run", "--json", cwd=project)
    assert dry.returncode == 1
    assert {found["path"]: found["kind"] for found in json.loads(dry.stdout)["conflicts"]} == {
        "text.txt": "edit/edit",
        "other.txt": "edit/delete",
        "run.sh": "delete/edit",
        "both.txt": "add/add",
    }
    assert read_tree(project) == before
    assert git(project, "status", "--porcelain") == ""

    assert mshell_cut("update", cwd=project).returncode == 1
    assert not (project / "run.sh").exists()
    assert (project / "other.txt").read_text() == "other\nof ours\n"
    assert "is not finished" in mshell_cut("update", cwd=project).stderr
    refused = mshell_cut("update", "--continue", cwd=project)
    assert refused.returncode == 1
    assert "text.txt" in refused.stderr
    assert "both.txt" in refused.stderr

    assert mshell_cut("update", "--abort", cwd=project).returncode == 0
    assert read_tree(project) == before
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "rev-parse", "HEAD") == head

    assert mshell_cut("update", "--commit", cwd=project).returncode == 1
    write_tree(project, {"text.txt": "mine\n", "both.txt": "mine\n"})
    done = mshell_cut("update", "--continue", cwd=project)
    assert done.returncode == 0, done.stderr
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "-1", "--format=%s").startswith("Update the template from ")
    assert (project / "text.txt").read_text() == "mine\n"
    assert mshell_cut("check", cwd=project).returncode == 0


def test_an_answer_can_be_changed_later(plain: Path, cut: Cut, mshell_cut: Run, tmp_path: Path) -> None:
    project = cut(plain)
    write_tree(project, {"text.txt": LINES.replace("line 15\n", "ours\n")})
    commit_all(project)
    done = mshell_cut("update", "--set", "kind=dab", "--commit", cwd=project)
    assert done.returncode == 0, done.stderr
    assert git(project, "status", "--porcelain") == ""
    fresh = tmp_path / "fresh"
    mshell_cut("cut", "--template", plain, "--no-input", "--set", "kind=dab", "--output-dir", fresh)
    expected = read_tree(fresh / "orders") | {"text.txt": (project / "text.txt").read_bytes()}
    assert read_tree(project) == expected


def test_an_edited_sample_of_the_other_kind_is_kept_and_named(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    write_tree(project, {"docker/samples/up.sh": "mine\n"})
    commit_all(project)
    done = mshell_cut("update", "--set", "kind=dab", cwd=project)
    assert done.returncode == 1
    assert "edit/delete  docker/samples/up.sh" in done.stdout
    assert (project / "docker/samples/up.sh").read_text() == "mine\n"


def test_questions_are_renamed_and_files_moved_by_the_templates_migrations(
    plain: Path, cut: Cut, mshell_cut: Run
) -> None:
    project = cut(plain, "--set", "kind=dab")
    write_tree(project, {"dab/mine.yml": "mine\n"})
    commit_all(project)
    inside = plain / "<<cookiecutter.repo_name>>"
    (inside / "dab").rename(inside / "bundle")
    raw = json.loads((plain / "cookiecutter.json").read_text())
    raw["path"] = raw.pop("kind")
    raw["_prune"] = {"path": {"docker": ["bundle"], "dab": ["docker"]}}
    raw["_migrations"] = [{"release": "v2.0.0", "rename": {"kind": "path"}, "move": {"dab": "bundle"}}]
    (plain / "cookiecutter.json").write_text(json.dumps(raw))
    change_template(plain, {"bundle/bundle.yml": "something else altogether\n"})

    done = mshell_cut("update", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kind is named path since v2.0.0." in done.stderr
    assert sorted(path.name for path in (project / "bundle").rglob("*.yml")) == [
        "bundle.yml",
        "job.yml",
        "mine.yml",
    ]
    assert not (project / "dab").exists()
    assert (project / "bundle/bundle.yml").read_text() == "something else altogether\n"
    context = state_of(project)["context"]
    assert isinstance(context, dict)
    assert context["cookiecutter"]["path"] == "dab"
    assert "kind" not in context["cookiecutter"]


def test_releases_are_what_a_project_follows(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    git(plain, "tag", "v0.1.0")
    project = cut(plain)
    first = change_template(plain, {"other.txt": "0.2\n"})
    git(plain, "tag", "-a", "v0.2.0", "-m", "0.2.0")
    change_template(plain, {"text.txt": "0.10\n"})
    git(plain, "tag", "v0.10.0")
    change_template(plain, {"text.txt": "not released\n"})
    git(plain, "tag", "v1.0.0-rc.1")

    found = json.loads(mshell_cut("check", "--json", cwd=project).stdout)
    assert (found["at"]["name"], found["newest"]["name"]) == ("v0.1.0", "v0.10.0")
    assert [(step["name"], step["changes"]) for step in found["releases"]] == [
        ("v0.2.0", {"other.txt": "changed"}),
        ("v0.10.0", {"text.txt": "changed"}),
    ]
    assert mshell_cut("update", "--to", "v0.2.0", "--commit", cwd=project).returncode == 0
    assert state_of(project)["commit"] == first
    assert mshell_cut("check", cwd=project).returncode == 1
    assert mshell_cut("update", "--commit", cwd=project).returncode == 0
    assert (project / "text.txt").read_text() == "0.10\n"
    assert mshell_cut("update", "--to", "main", "--commit", cwd=project).returncode == 0
    assert (project / "text.txt").read_text() == "not released\n"
    # From here it follows the branch, which is ahead of all releases.
    assert mshell_cut("check", cwd=project).returncode == 0
    unknown = mshell_cut("update", "--to", "v9.0.0", cwd=project)
    assert unknown.returncode == 2
    assert "has no branch, tag or commit 'v9.0.0'. Its newest release is v0.10.0." in unknown.stderr


def test_a_version_that_is_named_is_remembered_though_it_changes_nothing(
    plain: Path, cut: Cut, mshell_cut: Run
) -> None:
    project = cut(plain)
    write_tree(plain, {"TOOL.md": "of the tool\n"})
    commit = commit_all(plain)
    assert "Nothing to do" in mshell_cut("update", "--commit", cwd=project).stdout
    assert git(project, "rev-list", "--count", "HEAD") == "1"
    assert "Only .cruft.json changes" in mshell_cut("update", "--to", commit, "--commit", cwd=project).stdout
    assert state_of(project)["commit"] == commit
    again = mshell_cut("update", "--to", commit, "--commit", "--json", cwd=project)
    assert json.loads(again.stdout)["written"] is False
    assert git(project, "rev-list", "--count", "HEAD") == "2"


def test_a_branch_is_made_for_the_update(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    change_template(plain, {"other.txt": "newer\n"})
    done = mshell_cut("update", "--branch", "renew", "--commit", cwd=project)
    assert done.returncode == 0, done.stderr
    assert git(project, "branch", "--show-current") == "renew"
    assert git(project, "diff", "--name-only", "main", "renew").split() == [".cruft.json", "other.txt"]


def test_what_a_project_skips_is_left_alone(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    state = state_of(project)
    (project / ".cruft.json").write_text(
        json.dumps({**state, "skip": ["other.txt", "mine/*"], "note": "kept"})
    )
    write_tree(project, {"pyproject.toml": '[tool.cruft]\nskip = ["run.sh"]\n'})
    commit_all(project)
    change_template(
        plain,
        {"other.txt": "newer\n", "run.sh": "exit\n", "text.txt": "newer\n", "sample/a.py": "a = 2\n"},
        _samples=["sample/**", "more/*"],
    )
    done = mshell_cut("update", "--json", cwd=project)
    assert [change["path"] for change in json.loads(done.stdout)["changes"]] == ["text.txt"]
    assert state_of(project)["skip"] == ["sample/**", "more/*", "other.txt", "mine/*"]
    assert state_of(project)["note"] == "kept"


def test_uncommitted_changes_stop_an_update_before_anything_is_read(
    plain: Path, cut: Cut, mshell_cut: Run
) -> None:
    project = cut(plain)
    change_template(plain, {"other.txt": "newer\n"})
    write_tree(project, {"text.txt": "mine\n"})
    done = mshell_cut("update", cwd=project)
    assert done.returncode == 1
    assert "commit or stash them first (text.txt)" in done.stderr
    git(project, "checkout", "--quiet", "text.txt")
    write_tree(project, {"new.txt": "mine, not committed\n"})
    change_template(plain, {"new.txt": "of the template\n"})
    in_the_way = mshell_cut("update", cwd=project)
    assert in_the_way.returncode == 1
    assert "new.txt" in in_the_way.stderr
    assert (project / "new.txt").read_text() == "mine, not committed\n"
    assert git(project, "status", "--porcelain") == "?? new.txt"


def test_a_secret_is_neither_stored_nor_overwritten(
    make_template: MakeTemplate, cut: Cut, mshell_cut: Run
) -> None:
    template = make_template(
        {"repo_name": "orders", "token": "none"},
        {"token.txt": "<< cookiecutter.token >>\n", "other.txt": "other\n"},
        rules={"token": {"secret": True}},
    )
    project = cut(template, "--set", "token=geheim")
    change_template(template, {"other.txt": "newer\n"})
    done = mshell_cut("update", "--json", cwd=project)
    assert done.returncode == 0, done.stderr
    assert (project / "token.txt").read_text() == "geheim\n"
    assert "geheim" not in done.stdout + (project / ".cruft.json").read_text()


def test_a_template_that_moved_can_be_named(plain: Path, cut: Cut, mshell_cut: Run, tmp_path: Path) -> None:
    project = cut(plain)
    change_template(plain, {"other.txt": "newer\n"})
    plain.rename(tmp_path / "elsewhere")
    gone = mshell_cut("check", cwd=project)
    assert gone.returncode == 2
    assert "name where it is now with --template" in gone.stderr
    assert mshell_cut("check", "--template", tmp_path / "elsewhere", cwd=project).returncode == 1
    assert mshell_cut("update", "--template", tmp_path / "elsewhere", cwd=project).returncode == 0
    assert (project / "other.txt").read_text() == "newer\n"


def test_a_template_may_lie_in_a_bare_repository_on_a_shared_disk(
    plain: Path, cut: Cut, mshell_cut: Run, tmp_path: Path
) -> None:
    bare = tmp_path / "shared" / "template.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(plain), str(bare))
    project = cut(bare)
    assert state_of(project)["template"] == str(bare)
    assert mshell_cut("check", cwd=project).returncode == 0
    change_template(plain, {"other.txt": "newer\n"})
    git(plain, "push", "--quiet", str(bare), "main")
    assert mshell_cut("check", cwd=project).returncode == 1
    assert mshell_cut("update", cwd=project).returncode == 0
    assert (project / "other.txt").read_text() == "newer\n"


def test_a_rewritten_history_is_a_sentence(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    state = state_of(project)
    (project / ".cruft.json").write_text(json.dumps({**state, "commit": "0" * 39 + "1"}))
    commit_all(project)
    for verb in ("check", "diff", "update"):
        done = mshell_cut(verb, cwd=project)
        assert done.returncode == (2 if verb == "check" else 1)
        assert "has no commit 0000000000, which .cruft.json names" in done.stderr


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "line 1"),
        ("[]", "names no 'template', as text"),
        ('{"template": "x"}', "names no 'commit', as text"),
        ('{"template": "x", "commit": "--output=x"}', "'commit' is none: it begins with '-'"),
        ('{"template": "x", "commit": "c"}', "holds no answers"),
        ('{"template": "x", "commit": "c", "context": {"cookiecutter": {}}, "skip": 1}', "'skip' must be"),
        ("<<<<<<< HEAD\n{}", "has conflict markers: keep one side"),
    ],
)
def test_a_damaged_memory_is_a_sentence(mshell_cut: Run, tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / ".cruft.json").write_text(content)
    done = mshell_cut("check", cwd=tmp_path)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_outside_a_project_there_is_a_sentence(mshell_cut: Run, tmp_path: Path) -> None:
    for verb in ("check", "diff", "update"):
        done = mshell_cut(verb, cwd=tmp_path)
        assert done.returncode == 2
        assert "lies in no project" in done.stderr


def test_diff_shows_edits_as_they_lie_and_updates_to_come(plain: Path, cut: Cut, mshell_cut: Run) -> None:
    project = cut(plain)
    write_tree(project, {"other.txt": "other\nof ours\n", "sample/a.py": "mine\n", "mine.txt": "mine\n"})
    (project / "run.sh").unlink()
    found = json.loads(mshell_cut("diff", "--json", cwd=project).stdout)["files"]
    assert {file["path"]: file["kind"] for file in found} == {"other.txt": "changed", "run.sh": "deleted"}
    assert mshell_cut("diff", "--names", "other.txt", cwd=project).stdout == "other.txt\n"
    assert mshell_cut("diff", "--exit-code", cwd=project).returncode == 1
    assert mshell_cut("diff", "--exit-code", "text.txt", cwd=project).returncode == 0

    change_template(plain, {"text.txt": "newer\n"})
    shown = mshell_cut("diff", "--against", "latest", cwd=project).stdout
    assert "+newer" in shown
    assert "of ours" not in shown
    assert ".cruft.json" not in shown
    stat = mshell_cut("diff", "--against", "latest", "--stat", cwd=project).stdout
    assert "text.txt | 31 +" in stat
    # Without git, too.
    subprocess.run(["rm", "-rf", project / ".git"], check=True)
    assert "+of ours" in mshell_cut("diff", cwd=project).stdout
    assert mshell_cut("check", cwd=project).returncode == 1


def test_new_questions_are_asked_at_a_terminal(plain: Path, cut: Cut) -> None:
    project = cut(plain)
    change_template(
        plain,
        {"colour.txt": "<< cookiecutter.colour >> << cookiecutter.squad >>\n"},
        colour=["blue", "red"],
        squad="data",
        _rules={"squad": {"required": True, "pattern": "[a-z]+", "message": "must be lower case"}},
    )
    child = pseudo_terminal.start(["update", "--ask"], cwd=project)
    child.expect("colour")
    child.send("\x1b[B\r")
    child.expect("squad")
    child.send("\x15checkout\r")
    child.expect("Update the project with these answers")
    child.send("\r")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert (project / "colour.txt").read_text() == "red checkout\n"


def test_stopping_at_a_question_changes_nothing(plain: Path, cut: Cut) -> None:
    project = cut(plain)
    change_template(plain, {"colour.txt": "<< cookiecutter.colour >>\n"}, colour="blue")
    child = pseudo_terminal.start(["update", "--ask"], cwd=project)
    child.expect("colour")
    child.send("\x03")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 130
    assert git(project, "status", "--porcelain") == ""


def test_a_remote_template_is_fetched_and_its_last_copy_serves_offline(
    plain: Path, mshell_cut: Run, tmp_path: Path
) -> None:
    address = f"file://{plain}"
    done = mshell_cut("cut", "--template", address, "--no-input", "--output-dir", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    project = tmp_path / "out" / "orders"
    assert state_of(project)["template"] == address
    change_template(plain, {"other.txt": "newer\n"})
    assert mshell_cut("check", cwd=project).returncode == 1

    plain.rename(tmp_path / "gone")
    offline = mshell_cut("update", "--commit", cwd=project)
    assert offline.returncode == 0
    assert "cannot be reached: its last copy on this machine is used" in offline.stderr
    assert (project / "other.txt").read_text() == "newer\n"


def test_a_template_in_a_folder_of_its_repository_and_a_project_in_a_monorepo(
    plain: Path, mshell_cut: Run, tmp_path: Path
) -> None:
    repository = tmp_path / "templates"
    plain.rename(tmp_path / "aside")
    subprocess.run(["rm", "-rf", tmp_path / "aside" / ".git"], check=True)
    (repository / "spark").parent.mkdir()
    (tmp_path / "aside").rename(repository / "spark")
    commit_all(repository)
    mono = tmp_path / "mono"
    write_tree(mono, {"README.md": "all\n"})
    commit_all(mono)
    words = ["--template", repository, "--directory", "spark", "--no-input", "--output-dir", mono / "teams/a"]
    assert mshell_cut("cut", *words).returncode == 0
    commit_all(mono)
    project = mono / "teams/a/orders"
    inside = repository / "spark"
    write_tree(inside / "<<cookiecutter.repo_name>>", {"other.txt": "newer\n"})
    commit_all(repository)
    write_tree(mono, {"README.md": "changed\n", "staged.txt": "staged\n"})
    git(mono, "add", "staged.txt")

    done = mshell_cut("update", "--commit", cwd=project)
    assert done.returncode == 0, done.stderr
    assert git(mono, "show", "--name-only", "--format=").split() == [
        "teams/a/orders/.cruft.json",
        "teams/a/orders/other.txt",
    ]
    assert git(mono, "status", "--porcelain").splitlines() == ["M README.md", "A  staged.txt"]


def test_projects_of_one_repository_leave_each_others_updates_alone(
    plain: Path, mshell_cut: Run, tmp_path: Path
) -> None:
    mono = tmp_path / "mono"
    write_tree(mono, {"README.md": "all\n"})
    commit_all(mono)
    words = ("--template", plain, "--no-input", "--output-dir", mono)
    assert mshell_cut("cut", *words, "--set", "repo_name=a").returncode == 0
    assert mshell_cut("cut", *words, "--set", "repo_name=b").returncode == 0
    unknown = mshell_cut("update", "--dry-run", cwd=mono / "a")
    assert unknown.returncode == 1
    assert "a/.cruft.json is not committed to git: commit it first." in unknown.stderr

    write_tree(mono / "a", {"other.txt": "mine\n"})
    commit_all(mono)
    change_template(plain, {"other.txt": "newer\n"})
    assert mshell_cut("update", cwd=mono / "a").returncode == 1
    before = read_tree(mono)
    for words in (["update"], ["update", "--dry-run"], ["update", "--abort"], ["update", "--continue"]):
        refused = mshell_cut(*words, cwd=mono / "b")
        assert refused.returncode == 2
        assert f"update --continue --project {mono / 'a'}'" in refused.stderr
    assert read_tree(mono) == before
    assert mshell_cut("update", "--abort", "--project", mono / "a", cwd=mono / "b").returncode == 0
    assert (mono / "a/other.txt").read_text() == "mine\n"
    assert mshell_cut("update", cwd=mono / "b").returncode == 0
