"""What goes wrong in an upgrade with stock cruft, shown with it, and that it goes right with mshell-cut."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scaffold import MakeTemplate, change_template, commit_all, git, write_tree
from stock.test_stock_tools import stock

Run = Callable[..., subprocess.CompletedProcess[str]]
LINES = "".join(f"line {number}\n" for number in range(1, 31))


class Twins:
    """The same project twice: one for stock cruft, one for us."""

    def __init__(self, template: Path, folder: Path, mshell_cut: Run) -> None:
        self.template = template
        self._run = mshell_cut
        self.theirs, self.ours = folder / "theirs" / "orders", folder / "ours" / "orders"
        self.theirs.parent.mkdir()
        done = stock("cruft", "create", template, "--no-input", "--default-config", cwd=self.theirs.parent)
        assert done.returncode == 0, done.stderr
        commit_all(self.theirs)
        self.copy()

    def copy(self) -> None:
        """Give us what cruft has."""
        shutil.rmtree(self.ours.parent, ignore_errors=True)
        shutil.copytree(self.theirs.parent, self.ours.parent, symlinks=True)

    def edit(self, **files: str) -> None:
        """Change files in both, and commit."""
        for project in (self.theirs, self.ours):
            write_tree(project, files)
            commit_all(project)

    def begin_anew(self, **files: str) -> None:
        """Change files in both, in a first commit: no repository holds what the template gave."""
        for project in (self.theirs, self.ours):
            shutil.rmtree(project / ".git")
            write_tree(project, files)
            commit_all(project)

    def template_changes(self, files: dict[str, str | bytes], **questions: object) -> None:
        change_template(self.template, files, **questions)

    def cruft(self, *words: str) -> subprocess.CompletedProcess[str]:
        return stock("cruft", *words, cwd=self.theirs)

    def us(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self._run(*words, cwd=self.ours)


@pytest.fixture
def twins(make_template: MakeTemplate, tmp_path: Path, mshell_cut: Run) -> Callable[..., Twins]:
    def make(questions: dict[str, object] | None = None, files: dict[str, str] | None = None) -> Twins:
        template = make_template(
            {"repo_name": "orders", **(questions or {})},
            files or {"text.txt": LINES, "other.txt": "other\n"},
        )
        return Twins(template, tmp_path, mshell_cut)

    return make


def commit_of(project: Path) -> str:
    return str(json.loads((project / ".cruft.json").read_text())["commit"])


def test_a_commit_that_changes_no_project_makes_none_stale(twins: Callable[..., Twins]) -> None:
    both = twins()
    (both.template / "TOOL.md").write_text("of the tool only\n")
    commit_all(both.template)
    assert both.cruft("check").returncode == 1

    assert both.us("check").returncode == 0


def test_an_update_that_conflicts_is_no_success(twins: Callable[..., Twins]) -> None:
    both = twins()
    before = commit_of(both.ours)
    both.edit(**{"text.txt": LINES.replace("line 15", "line 15 of ours")})
    both.template_changes({"text.txt": LINES.replace("line 15", "line 15 of the template")})
    fault = both.cruft("update", "--skip-apply-ask")
    assert fault.returncode == 0
    assert "Good work!" in fault.stdout
    assert commit_of(both.theirs) != before

    done = both.us("update")
    assert done.returncode == 1
    assert "edit/edit  text.txt" in done.stdout
    text = (both.ours / "text.txt").read_text()
    assert "<<<<<<< yours\nline 15 of ours\n=======\nline 15 of the template\n>>>>>>> template-" in text
    assert "UU text.txt" in git(both.ours, "status", "--porcelain")


def test_a_merge_needs_nothing_but_the_project_as_it_is(twins: Callable[..., Twins], tmp_path: Path) -> None:
    both = twins()
    changed = LINES.replace("line 2\n", "line 2 of ours\n").replace("line 29\n", "line 29 of ours\n")
    both.begin_anew(**{"text.txt": changed})
    both.template_changes({"text.txt": LINES.replace("line 4\n", "line 4 of the template\n")})
    both.cruft("update", "--skip-apply-ask")
    assert list(both.theirs.rglob("*.rej"))

    assert both.us("update").returncode == 0
    assert (both.ours / "text.txt").read_text() == changed.replace("line 4\n", "line 4 of the template\n")
    assert not list(both.ours.rglob("*.rej"))


def test_a_folder_that_git_does_not_keep_still_gets_new_files(twins: Callable[..., Twins]) -> None:
    both = twins(files={"text.txt": LINES, "data/.gitignore": "*\n", "data/a.txt": "a\n"})
    for project in (both.theirs, both.ours):
        git(project, "rm", "-r", "--quiet", "--cached", "data")
        git(project, "commit", "--quiet", "--message", "data is not for git")
        shutil.rmtree(project / "data")
    both.template_changes({"data/b.txt": "b\n"})
    assert both.cruft("update", "--skip-apply-ask").returncode == 0
    assert not (both.theirs / "data" / "b.txt").exists()

    assert both.us("update").returncode == 0
    assert (both.ours / "data" / "b.txt").read_text() == "b\n"
    assert not (both.ours / "data" / "a.txt").exists()


def test_a_choice_that_is_gone_is_a_sentence_or_is_mapped(twins: Callable[..., Twins]) -> None:
    both = twins({"runtime": ["16.4", "17.3"]}, {"runtime.txt": "<< cookiecutter.runtime >>\n"})
    both.template_changes({}, runtime=["17.3", "18"])
    fault = both.cruft("update", "--skip-apply-ask")
    assert fault.returncode != 0
    assert "Traceback" in fault.stderr

    done = both.us("update")
    assert done.returncode == 2
    assert "error: runtime must be one of 17.3, 18." in done.stderr
    assert "--set" in done.stderr
    assert git(both.ours, "status", "--porcelain") == ""

    both.template_changes({}, _migrations=[{"release": "v2", "choices": {"runtime": {"16.4": "17.3"}}}])
    done = both.us("update")
    assert done.returncode == 0, done.stderr
    assert "runtime was 16.4 and is 17.3, since v2." in done.stderr
    assert (both.ours / "runtime.txt").read_text() == "17.3\n"


def test_the_users_own_defaults_stay_out_of_an_update(twins: Callable[..., Twins], machine: Path) -> None:
    both = twins()
    (machine / ".cookiecutterrc").write_text("default_context:\n  colour: mine\n")
    write_tree(machine, {".config/mshell-cut/config.yaml": "defaults:\n  colour: mine\n"})
    both.template_changes({"colour.txt": "<< cookiecutter.colour >>\n"}, colour="blue")
    assert both.cruft("update", "--skip-apply-ask").returncode == 0
    assert (both.theirs / "colour.txt").read_text() == "mine\n"

    done = both.us("update")
    assert done.returncode == 0, done.stderr
    assert (both.ours / "colour.txt").read_text() == "blue\n"
    assert "colour=blue" in done.stderr


def test_a_change_of_the_projects_own_is_an_addition(twins: Callable[..., Twins]) -> None:
    both = twins()
    both.edit(**{"other.txt": "other\nof ours\n"})
    assert "\n-of ours\n" in both.cruft("diff").stdout

    shown = both.us("diff").stdout
    assert "\n+of ours\n" in shown
    assert "\n-of ours\n" not in shown


def test_only_the_projects_own_folder_has_to_be_clean(twins: Callable[..., Twins]) -> None:
    both = twins()
    for project in (both.theirs, both.ours):
        shutil.rmtree(project / ".git")
        write_tree(project.parent, {"elsewhere/notes.txt": "notes\n"})
        commit_all(project.parent)
        write_tree(project.parent, {"elsewhere/notes.txt": "more notes\n"})
    both.template_changes({"other.txt": "newer\n"})
    assert "unclean" in both.cruft("update", "--skip-apply-ask").stdout
    assert (both.theirs / "other.txt").read_text() == "other\n"

    assert both.us("update").returncode == 0
    assert (both.ours / "other.txt").read_text() == "newer\n"
    assert git(both.ours.parent, "diff", "--name-only") == "elsewhere/notes.txt"


def test_an_answer_to_no_question_is_refused(twins: Callable[..., Twins]) -> None:
    both = twins()
    both.template_changes({"other.txt": "newer\n"})
    done = both.cruft("update", "--skip-apply-ask", "--variables-to-update", '{"repo_nmae": "x"}')
    assert done.returncode == 0

    refused = both.us("update", "--set", "repo_nmae=x")
    assert refused.returncode == 2
    assert "'repo_nmae' is no question of this template: did you mean repo_name?" in refused.stderr
    assert git(both.ours, "status", "--porcelain") == ""


def test_a_template_that_is_broken_changes_nothing(twins: Callable[..., Twins]) -> None:
    both = twins()
    both.template_changes({"other.txt": "<% if %>\n"})
    fault = both.cruft("update", "--skip-apply-ask")
    assert "Traceback" in fault.stderr

    done = both.us("update")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "other.txt, line 1" in done.stderr
    assert git(both.ours, "status", "--porcelain") == ""


def test_private_variables_are_those_of_each_version(twins: Callable[..., Twins]) -> None:
    both = twins({"_licence": "MIT"}, {"licence.txt": "<< cookiecutter._licence >>\n"})
    assert (
        json.loads((both.theirs / ".cruft.json").read_text())["context"]["cookiecutter"]["_licence"] == "MIT"
    )
    both.template_changes({}, _licence="Apache-2.0")

    assert both.us("check").returncode == 1
    assert both.us("update").returncode == 0
    assert (both.ours / "licence.txt").read_text() == "Apache-2.0\n"
    assert "_licence" not in (both.ours / ".cruft.json").read_text()
    assert stock("cruft", "check", cwd=both.ours).returncode == 0


def test_a_template_may_read_what_cookiecutter_tells_it(twins: Callable[..., Twins]) -> None:
    both = twins()
    both.template_changes({"from.txt": "<< cookiecutter._checkout or 'the default' >>\n"})
    fault = both.cruft("update", "--skip-apply-ask")
    assert fault.returncode != 0
    assert "_checkout" in fault.stderr

    assert both.us("update").returncode == 0
    assert (both.ours / "from.txt").read_text() == "the default\n"
