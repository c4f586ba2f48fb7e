"""`mshell-cut add`: what is written, what is refused, and that it is all or nothing."""

import json
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from scaffold import BIN, MakeTemplate, commit_all, git, read_tree, write_tree
from waiting import until

from mshell_cut import cli, file_changes
from mshell_cut.errors import MshellCutError, RequestError

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def mshell_cut(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run the command line in this process: most of these runs take less time than Python's start."""

    def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        with monkeypatch.context() as patch:
            if cwd:
                patch.chdir(cwd)
            capfd.readouterr()
            code = cli.run([*map(str, words)])
        return subprocess.CompletedProcess(words, code, *capfd.readouterr())

    return run


CONFIG = """\
# Ours
name: orders
tables:
  - name: one   # the first
    layer: bronze
other: 1
"""
ADDITION = """\
description: a table
name: {max_length: 20, reserved: [spark], unique: [{file: config.yml, list: tables, key: name}]}
options:
  layer: {choices: [bronze, silver]}
  depends_on:
    what: table
    names: [{file: config.yml, list: tables, key: name}]
    required: {layer: silver}
  tags: {}
  schedule: {when: {kind: dab}}
files:
  - {path: "src/<< addition.layer >>/<< addition.name >>.py", text: table.py.jinja}
  - {path: tests/conftest.py, text: conftest.py, if_absent: true}
  - {path: "jobs/<< addition.name >>.yml", text: conftest.py, when: {kind: dab}}
edits:
  - {file: config.yml, list: tables, item: entry.yml.jinja}
  - file: settings/*.yaml
    except: [settings/base.yaml]
    key: "<< addition.name >>_path: << addition.stem >>"
next_steps: ["make test-<< addition.name >>"]
"""


@pytest.fixture
def template(make_template: MakeTemplate) -> Path:
    """A template that can add tables."""
    made = make_template(
        {"repo_name": "orders", "kind": ["docker", "dab"]},
        {
            "config.yml": CONFIG,
            "settings/base.yaml": "a: 1\n",
            "settings/dev.yaml": "a: 2\n",
            "settings/prod.yaml": "a: 3\n",
        },
    )
    write_tree(
        made / "additions" / "table",
        {
            "addition.yaml": ADDITION,
            "table.py.jinja": "# << addition.title >> of << cookiecutter.repo_name >>\n{{ ds }}\n",
            "entry.yml.jinja": "name: << addition.name >>\n"
            "depends_on: [<< addition.inputs | map(attribute='name') | join(', ') >>]\n",
            "conftest.py": "# Ours\n",
        },
    )
    commit_all(made)
    return made


@pytest.fixture
def project(template: Path, tmp_path: Path, mshell_cut: Run) -> Path:
    done = mshell_cut("cut", "--template", template, "--no-input", "--output-dir", tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "orders"


def test_a_table_is_added_with_its_entry_and_nothing_else_changes(project: Path, mshell_cut: Run) -> None:
    before = read_tree(project)
    done = mshell_cut("add", "table", "silver_two", "--depends-on", "one", cwd=project / "settings")
    assert done.returncode == 0, done.stderr
    after = read_tree(project)
    assert after.pop("src/silver/silver_two.py") == b"# Silver two of orders\n{{ ds }}\n"
    assert after.pop("tests/conftest.py") == b"# Ours\n"
    assert after.pop("config.yml").decode() == CONFIG.replace(
        "    layer: bronze\n", "    layer: bronze\n\n  - name: silver_two\n    depends_on: [one]\n"
    )
    assert after.pop("settings/dev.yaml") == b"a: 2\nsilver_two_path: dev\n"
    assert after.pop("settings/prod.yaml") == b"a: 3\nsilver_two_path: prod\n"
    assert after.items() <= before.items()
    assert not [path for path in project.iterdir() if path.name.startswith(".mshell-cut")]
    assert done.stdout.splitlines() == [
        "new      src/silver/silver_two.py",
        "new      tests/conftest.py",
        "changed  config.yml",
        "changed  settings/dev.yaml",
        "changed  settings/prod.yaml",
        "",
        "Next:",
        "",
        "    make test-silver_two",
    ]


def test_a_second_one_builds_on_the_first_and_keeps_what_both_need(project: Path, mshell_cut: Run) -> None:
    mshell_cut("add", "table", "two", "--layer", "bronze", cwd=project)
    (project / "tests/conftest.py").write_text("# Mine\n")
    done = mshell_cut(
        "add", "table", "silver_3", "--depends-on", "two,one", "--depends-on", "two", cwd=project
    )
    assert done.returncode == 0, done.stderr
    assert "tests/conftest.py is there already" in done.stderr
    assert (project / "tests/conftest.py").read_text() == "# Mine\n"
    tables = yaml.safe_load((project / "config.yml").read_text())["tables"]
    assert tables[-1] == {"name": "silver_3", "depends_on": ["two", "one"]}


def test_a_dry_run_shows_the_lines_and_writes_nothing(project: Path, mshell_cut: Run) -> None:
    before = read_tree(project)
    done = mshell_cut("add", "table", "bronze_two", "--dry-run", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "+  - name: bronze_two" in done.stdout
    assert "+# Bronze two of orders" in done.stdout
    assert "Nothing was written" in done.stderr
    assert read_tree(project) == before


def test_json_names_what_was_written(project: Path, mshell_cut: Run) -> None:
    done = mshell_cut("add", "table", "bronze_two", "--json", "--project", project)
    assert json.loads(done.stdout) == {
        "project": str(project),
        "kind": "table",
        "name": "bronze_two",
        "written": True,
        "created": ["src/bronze/bronze_two.py", "tests/conftest.py"],
        "changed": ["config.yml", "settings/dev.yaml", "settings/prod.yaml"],
        "kept": [],
        "next_steps": ["make test-bronze_two"],
    }


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["Orders"], "is no name"),
        (["two-three"], "is no name"),
        (["../two"], "is no name"),
        (["2"], "is no name"),
        (["class"], "means something else"),
        (["list"], "means something else"),
        (["spark"], "means something else"),
        (["bronze_" + "x" * 20], "at most 20"),
        (["one", "--layer", "bronze"], "There is a 'one' in config.yml"),
        (["two"], "Which layer"),
        (["two", "--layer", "platinum"], "choose from bronze, silver"),
        (["silver_two", "--layer", "bronze", "--depends-on", "one"], "is to be in bronze"),
        (["silver_two"], "What does 'silver_two' depend on"),
        (["silver_two", "--depends-on", "ane"], "did you mean one?"),
        (["silver_two", "--depends-on", "silver_two"], "there is no table"),
        (["bronze_two", "--tags", "on"], "is no tag"),
        (["bronze_two", "--tags", "a: b"], "is no tag"),
        (["bronze_two", "--schedule", "0 2 * * *"], "--schedule means nothing"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    project: Path, mshell_cut: Run, words: list[str], reason: str
) -> None:
    before = read_tree(project)
    done = mshell_cut("add", "table", *words, cwd=project)
    assert done.returncode == 2
    assert reason in done.stderr
    assert done.stderr.count("error: ") == 1
    assert read_tree(project) == before


def test_options_can_hang_on_answers(template: Path, tmp_path: Path, mshell_cut: Run) -> None:
    mshell_cut("cut", "--template", template, "--no-input", "--set", "kind=dab", "--output-dir", tmp_path)
    words = ["add", "table", "bronze_two", "--project", tmp_path / "orders", "--schedule"]
    done = mshell_cut(*words, "0 2 * *")
    assert done.returncode == 2
    assert "five fields of cron" in done.stderr
    assert mshell_cut(*words, "0 2 * * *").returncode == 0
    assert (tmp_path / "orders" / "jobs" / "bronze_two.yml").is_file()


@pytest.mark.parametrize(
    ("path", "content", "reason"),
    [
        ("src/bronze/bronze_two.py", "mine\n", "src/bronze/bronze_two.py is there already"),
        ("config.yml", "tables: [\n", "config.yml: line 2"),
        ("config.yml", "tables: {}\n", "is no list"),
        ("settings/prod.yaml", "bronze_two_path: x\n", "has a 'bronze_two_path' already"),
        ("settings/prod.yaml", b"\xff", "is not UTF-8 text"),
        ("src/bronze", "a file\n", "src/bronze"),
    ],
)
def test_what_is_in_the_way_stops_all_of_it(
    project: Path, mshell_cut: Run, path: str, content: str | bytes, reason: str
) -> None:
    write_tree(project, {path: content})
    before = read_tree(project)
    done = mshell_cut("add", "table", "bronze_two", cwd=project)
    assert done.returncode in (1, 2)
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    assert read_tree(project) == before


def test_a_folder_that_leads_elsewhere_is_not_followed(
    project: Path, tmp_path: Path, mshell_cut: Run
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (project / "src").symlink_to(tmp_path / "elsewhere")
    done = mshell_cut("add", "table", "bronze_two", cwd=project)
    assert done.returncode == 2
    assert "leads out of" in done.stderr
    assert not any((tmp_path / "elsewhere").iterdir())
    assert (project / "config.yml").read_text() == CONFIG


def test_a_template_without_additions_says_so(template: Path, tmp_path: Path, mshell_cut: Run) -> None:
    git(template, "rm", "-rq", "additions")
    git(template, "commit", "-qm", "without")
    mshell_cut("cut", "--template", template, "--no-input", "--output-dir", tmp_path)
    for newer in (False, True):
        if newer:
            git(template, "revert", "--no-edit", "HEAD")
        done = mshell_cut("add", "table", "bronze_two", "--project", tmp_path / "orders")
        assert done.returncode == 2
        assert "adds nothing to its projects" in done.stderr
        # Where a newer one adds nothing either, an update is no help.
        assert ("mshell-cut update" in done.stderr) is newer
        listed = mshell_cut("add", "--list", "--project", tmp_path / "orders")
        assert (listed.returncode, listed.stdout) == (0, done.stderr.removeprefix("error: "))
        told = mshell_cut("add", "--list", "--json", "--project", tmp_path / "orders")
        assert json.loads(told.stdout)["kinds"] == {}


def test_a_list_tells_what_the_project_s_own_template_adds(project: Path, mshell_cut: Run) -> None:
    assert mshell_cut("add", "--list", cwd=project / "settings").stdout == "table   a table\n"
    told = mshell_cut("add", "--list", "--json", cwd=project)
    assert json.loads(told.stdout) == {"project": str(project), "kinds": {"table": "a table"}}
    outside = mshell_cut("add", "--list", cwd=project.parent)
    assert outside.returncode == 2
    assert "no project" in outside.stderr


@pytest.mark.parametrize("option", [["--list"], ["--json"], ["--project", ".."], ["--template", "x"]])
def test_options_before_the_kind_are_refused(project: Path, mshell_cut: Run, option: list[str]) -> None:
    done = mshell_cut("add", *option, "table", "bronze_two", cwd=project)
    assert done.returncode == 2
    assert "add table NAME" in done.stdout + done.stderr
    assert not (project / "src").exists()


def test_the_additions_are_those_of_the_projects_own_version(
    template: Path, project: Path, mshell_cut: Run
) -> None:
    write_tree(
        template, {"additions/table/table.py.jinja": "newer\n", "additions/view/addition.yaml": "{}\n"}
    )
    commit_all(template)
    assert mshell_cut("add", "table", "bronze_two", cwd=project).returncode == 0
    assert (project / "src/bronze/bronze_two.py").read_text().startswith("# Bronze two")
    done = mshell_cut("add", "view", "bronze_three", cwd=project)
    assert done.returncode == 2
    assert "adds no 'view'; it adds table" in done.stderr


def test_additions_are_no_part_of_a_project(project: Path) -> None:
    assert not [path for path in read_tree(project) if "addition" in path]


def test_help_needs_no_project_and_no_heavy_import(tmp_path: Path, mshell_cut: Run) -> None:
    for kind in ("table", "app", "dag", "schema"):
        done = mshell_cut("add", kind, "--help", cwd=tmp_path)
        assert done.returncode == 0
        assert f"mshell-cut add {kind} " in done.stdout
        assert kind in mshell_cut("add", cwd=tmp_path).stdout
    code = "import sys, mshell_cut.commands.add; print({'yaml', 'jinja2', 'cookiecutter'} & set(sys.modules))"
    printed = subprocess.run([BIN / "python", "-c", code], capture_output=True, text=True, check=True)
    assert printed.stdout == "set()\n"


def test_outside_of_a_project_it_is_refused(tmp_path: Path, mshell_cut: Run) -> None:
    done = mshell_cut("add", "table", "bronze_two", cwd=tmp_path)
    assert done.returncode == 2
    assert "no project" in done.stderr


def test_a_failure_in_the_middle_leaves_all_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tree(tmp_path, {"a": "1", "b": "2"})
    (tmp_path / "a").chmod(0o750)
    before = read_tree(tmp_path)
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "b":
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(MshellCutError, match=r"No space left on device; nothing was changed\.$"):
        file_changes.write(tmp_path, {"new/deep/c": "3"}, {"a": "x", "b": "y"})
    assert read_tree(tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750


def test_files_keep_their_modes_and_links(tmp_path: Path) -> None:
    write_tree(tmp_path, {"real/a": "1"})
    (tmp_path / "real/a").chmod(0o750)
    (tmp_path / "a").symlink_to("real/a")
    file_changes.write(tmp_path, {}, {"a": "2"})
    assert (tmp_path / "a").is_symlink()
    assert (tmp_path / "real/a").read_text() == "2"
    assert (tmp_path / "real/a").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("path", ["../c", "/tmp/c", "a/../../c"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(RequestError, match="leads out of"):
        file_changes.write(tmp_path / "inner", {path: "3"}, {})
    assert not any(tmp_path.iterdir())


# Stops itself at each of the steps of writing, one run after the other.
STOPPED = """
import os, signal, sys
from pathlib import Path
from mshell_cut import cli, file_changes

step, number = int(sys.argv[1]), int(sys.argv[2])
def counted(function):
    def call(*words, **options):
        global step
        made = function(*words, **options)
        step -= 1
        if step == 0:
            os.kill(os.getpid(), number)
        return made
    return call
Path.mkdir, Path.replace, os.link = counted(Path.mkdir), counted(Path.replace), counted(os.link)
file_changes._write = counted(file_changes._write)
file_changes.write(Path("."), {"new/c": "3", "new/deep/d": "4"}, {"a": "x", "b": "y"})
print("whole")
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["9", "2"])
def test_a_signal_at_any_step_leaves_all_as_it_was(tmp_path: Path, number: signal.Signals) -> None:
    for step in range(1, 30):
        folder = tmp_path / str(step)
        write_tree(folder, {"a": "1", "b": "2"})
        before = read_tree(folder)
        command = [BIN / "python", "-c", STOPPED, str(step), str(int(number))]
        done = subprocess.run(
            command, cwd=folder, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        if "whole" in done.stdout:
            break
        left = f"after step {step} more than before is left"
        until(lambda folder=folder: {path.name for path in folder.iterdir()} == {"a", "b"}, left)
        assert read_tree(folder) == before, step
    assert step > 10
    assert read_tree(folder) == {"a": b"x", "b": b"y", "new/c": b"3", "new/deep/d": b"4"}
