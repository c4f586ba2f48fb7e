"""`mshell-cut cut` without a terminal: what it writes, prints and refuses."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scaffold import MakeTemplate, commit_all, git, read_tree, write_tree

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def cut(mshell_cut: Run, template: Path, out: Path) -> Run:
    def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return mshell_cut("cut", "--template", template, "--output-dir", out, *arguments)

    return run


def nothing_in(folder: Path) -> bool:
    return not list(folder.iterdir())


def test_a_project_is_a_repository_with_one_clean_commit(cut: Run, out: Path) -> None:
    done = cut("--no-input")
    assert done.returncode == 0, done.stderr
    project = out / "orders"
    assert (project / "README.md").read_text() == "# orders\nAll orders {{ ds }}\n"
    assert git(project, "log", "--format=%an %s", "--all") == "Ada Cut from template with mshell-cut"
    assert git(project, "status", "--porcelain", "--ignored") == ""
    assert git(project, "branch", "--show-current") == "main"
    assert not (project / "bundle").exists()
    assert [path.name for path in out.iterdir()] == ["orders"]


def test_it_ends_with_the_tree_and_what_to_type_next(cut: Run, out: Path) -> None:
    done = cut("--no-input")
    assert "├── docker/\n│   └── Dockerfile\n" in done.stdout
    assert done.stdout.rstrip().endswith(f"cd {os.path.relpath(out / 'orders')}\n    make test")


def test_the_state_is_cruft_s_and_holds_no_secret(cut: Run, template: Path, out: Path) -> None:
    assert cut("--no-input", "--set", "token=hunter2").returncode == 0
    state = json.loads((out / "orders" / ".cruft.json").read_text())
    assert state["template"] == str(template)
    assert state["commit"] == git(template, "rev-parse", "HEAD")
    assert state["skip"] == ["README.md"]
    answers = state["context"]["cookiecutter"]
    assert answers["repo_name"] == "orders"
    assert answers["tested"] is True
    assert "token" not in answers
    assert b"hunter2" not in b"".join(read_tree(out).values())


def test_the_origin_of_a_checkout_is_recorded_without_its_password(
    cut: Run, template: Path, out: Path
) -> None:
    git(template, "remote", "add", "origin", "https://ada:secret@example.com/templates.git")
    assert cut("--no-input").returncode == 0
    state = json.loads((out / "orders" / ".cruft.json").read_text())
    assert state["template"] == "https://example.com/templates.git"
    assert b"secret" not in b"".join(read_tree(out).values())


def test_uncommitted_changes_of_the_template_are_rendered_and_told(
    cut: Run, template: Path, out: Path
) -> None:
    (template / "<<cookiecutter.repo_name>>" / "new").write_text("new\n")
    done = cut("--no-input")
    assert (out / "orders" / "new").is_file()
    assert "uncommitted changes" in done.stderr


def test_json_is_one_object_with_all_that_a_program_needs(cut: Run, out: Path) -> None:
    done = cut("--json", "--set", "token=hunter2")
    result = json.loads(done.stdout)
    assert result["project"] == str(out / "orders")
    assert result["written"] is True
    assert result["files"] == sorted(read_tree(out / "orders"))
    assert result["answers"]["token"] is None
    assert result["next_steps"] == ["make test"]


def test_json_holds_errors_too(cut: Run) -> None:
    done = cut("--json", "--set", "kind=dab")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"] == {
        "kind": "AnswersRefused",
        "message": "principal is required when kind is dab.",
        "exit_code": 2,
    }


def test_a_dry_run_prints_the_tree_and_writes_nothing(cut: Run, out: Path, machine: Path) -> None:
    done = cut("--no-input", "--dry-run")
    assert done.returncode == 0
    assert "├── README.md\n└── script.sh\n" in done.stdout
    assert nothing_in(out)
    assert json.loads(cut("--dry-run", "--json").stdout)["written"] is False


def test_no_git_leaves_a_plain_folder(cut: Run, out: Path) -> None:
    assert cut("--no-input", "--no-git").returncode == 0
    assert not (out / "orders" / ".git").exists()
    assert (out / "orders" / ".cruft.json").is_file()


def test_inside_another_repository_none_is_made_unless_asked(cut: Run, out: Path) -> None:
    write_tree(out, {"file": ""})
    commit_all(out)
    done = cut("--no-input")
    assert not (out / "orders" / ".git").exists()
    assert "another git repository" in done.stderr
    assert cut("--no-input", "--git", "--set", "repo_name=other").returncode == 0
    assert (out / "other" / ".git").is_dir()


def test_without_a_git_identity_the_commit_is_made_and_told(cut: Run, out: Path, machine: Path) -> None:
    (machine / ".gitconfig").write_text("[user]\n\tuseConfigOnly = true\n")
    done = cut("--no-input")
    assert done.returncode == 0, done.stderr
    assert git(out / "orders", "log", "--format=%an") == "mshell-cut"
    assert "user.email" in done.stderr


def test_an_existing_target_is_refused_and_untouched(cut: Run, out: Path) -> None:
    write_tree(out / "orders", {"mine": "precious"})
    done = cut("--no-input")
    assert done.returncode == 2
    assert "exists already" in done.stderr
    assert read_tree(out) == {"orders/mine": b"precious"}


def test_a_missing_output_folder_is_made_only_with_the_project(
    mshell_cut: Run, template: Path, out: Path
) -> None:
    deep = out / "a" / "b"
    refused = mshell_cut(
        "cut", "--template", template, "--output-dir", deep, "--no-input", "--set", "kind=dab"
    )
    assert refused.returncode == 2
    assert nothing_in(out)
    made = mshell_cut("cut", "--template", template, "--output-dir", deep, "--no-input")
    assert made.returncode == 0
    assert [path.name for path in deep.iterdir()] == ["orders"]


def test_missing_answers_are_listed_all_at_once_without_a_prompt(
    mshell_cut: Run, make_template: MakeTemplate, out: Path
) -> None:
    template = make_template(
        {"repo_name": "", "owner": "", "kind": ["a", "b"]},
        rules={"repo_name": {"required": True}, "owner": {"required": True}},
    )
    done = mshell_cut("cut", "--template", template, "--output-dir", out)
    assert done.returncode == 2
    assert done.stderr.splitlines() == ["error: repo_name is required.", "error: owner is required."]
    assert nothing_in(out)


@pytest.mark.parametrize(
    ("assignment", "sentence"),
    [
        ("repo_nme=x", "'repo_nme' is no question of this template: did you mean repo_name?"),
        ("_rules={}", "'_rules' is no question of this template; there are repo_name,"),
        ("kind=dcker", "kind must be one of docker, dab (did you mean docker?)."),
        ("tested=maybe", "tested must be true or false."),
        ("repo_name", "--set repo_name has no '=': write --set question=answer."),
        ("repo_name=UPPER", "repo_name must be lower case."),
        (
            "description=<< 7*6 >>",
            "description must not contain '<<', which opens a tag of the template language.",
        ),
        ("principal=x", "principal must be empty unless kind is dab."),
    ],
)
def test_a_bad_set_is_refused_in_words(cut: Run, out: Path, assignment: str, sentence: str) -> None:
    done = cut("--no-input", "--set", assignment)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {sentence}")
    assert "Traceback" not in done.stderr
    assert nothing_in(out)


def test_set_goes_over_the_answers_file_which_goes_over_the_user_s_config(
    cut: Run, out: Path, tmp_path: Path, machine: Path
) -> None:
    write_tree(
        machine / ".config/mshell-cut", {"config.yaml": "defaults: {repo_name: c, description: c, kind: dab}"}
    )
    write_tree(tmp_path, {"answers.yaml": "repo_name: f\nkind: docker\ntested: no\n"})
    assert cut("--no-input", "--answers", tmp_path / "answers.yaml", "--set", "repo_name=s").returncode == 0
    answers = json.loads((out / "s" / ".cruft.json").read_text())["context"]["cookiecutter"]
    assert (answers["description"], answers["kind"], answers["tested"]) == ("c", "docker", False)


def test_a_project_s_state_serves_as_an_answers_file(cut: Run, out: Path) -> None:
    cut("--no-input", "--set", "description=mine")
    assert (
        cut("--no-input", "--answers", out / "orders/.cruft.json", "--set", "repo_name=two").returncode == 0
    )
    assert "mine" in (out / "two" / "README.md").read_text()


def test_git_s_own_settings_are_offered_where_the_template_says_so(
    mshell_cut: Run, make_template: MakeTemplate, out: Path
) -> None:
    template = make_template(
        {"repo_name": "orders", "mail": "a@b.c"},
        {"m": "<< cookiecutter.mail >>"},
        rules={"mail": {"git_config": "user.email"}},
    )
    mshell_cut("cut", "--template", template, "--output-dir", out, "--no-input")
    assert (out / "orders/m").read_text() == "ada@example.com"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: [", "is not valid YAML or JSON"),
        (b"- a\n", "must hold a mapping"),
        (b"a: \xff\n", "is not UTF-8 text"),
        (b"description: no\n", "description must be text and is false: put it in quotes."),
        (b"kind: [docker]\n", "kind must be text"),
    ],
)
def test_a_bad_answers_file_is_named_with_its_fault(
    cut: Run, tmp_path: Path, out: Path, content: bytes, reason: str
) -> None:
    path = tmp_path / "answers.yaml"
    path.write_bytes(content)
    done = cut("--no-input", "--answers", path)
    assert done.returncode == 2
    assert str(path) in done.stderr
    assert reason in done.stderr
    assert nothing_in(out)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"bad": "<< cookiecutter.nothing >>"}, "has no attribute 'nothing'"),
        ({"bad": "<% if %>"}, "bad, line 1: Expected an expression"),
        ({"bad": "<< 1 + cookiecutter.repo_name >>"}, "TypeError: unsupported operand"),
        ({"bad.txt": b"caf\xe9 " + b"plain " * 40}, "is not UTF-8"),
    ],
)
def test_a_broken_template_is_one_sentence_and_leaves_nothing(
    mshell_cut: Run, make_template: MakeTemplate, out: Path, files: dict, sentence: str
) -> None:
    template = make_template({"repo_name": "orders"}, {"fine": "", **files})
    done = mshell_cut("cut", "--template", template, "--output-dir", out, "--no-input")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert nothing_in(out)


def test_hooks_of_others_run_and_cannot_spoil_json(mshell_cut: Run, template: Path, out: Path) -> None:
    (template / "hooks/post_gen_project.py").write_text("print('noise'); open('made', 'w').close()\n")
    done = mshell_cut("cut", "--template", template, "--output-dir", out, "--json")
    assert "made" in json.loads(done.stdout)["files"]
    assert "noise" in done.stderr


def test_a_hook_that_fails_leaves_nothing(mshell_cut: Run, template: Path, out: Path) -> None:
    (template / "hooks/post_gen_project.py").write_text("raise SystemExit('not like this')\n")
    done = mshell_cut("cut", "--template", template, "--output-dir", out, "--no-input")
    assert done.returncode == 1
    assert "not like this" in done.stderr
    assert "post_gen_project hook refused" in done.stderr
    assert nothing_in(out)


def test_a_plain_cookiecutter_template_is_cut_like_any_other(
    mshell_cut: Run, tmp_path: Path, out: Path
) -> None:
    template = tmp_path / "plain"
    questions = {"name": "My App", "slug": "{{ cookiecutter.name | lower | replace(' ', '-') }}", "n": 3}
    write_tree(template, {"cookiecutter.json": json.dumps(questions)})
    write_tree(template / "{{cookiecutter.slug}}", {"n": "{{ cookiecutter.n }} {{ cookiecutter._template }}"})
    done = mshell_cut(
        "cut", "--template", template, "--output-dir", out, "--no-input", "--set", "name=An App"
    )
    assert done.returncode == 0, done.stderr
    assert (out / "an-app" / "n").read_text() == f"3 {template}"
    assert "not under git" in done.stderr
    assert not (out / "an-app" / ".cruft.json").exists()
