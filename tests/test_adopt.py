"""`mshell-cut adopt`: repositories without a memory get the one they were cut with."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pexpect
import pseudo_terminal
import pytest
import unhurried_doctor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scaffold import (
    REPOSITORY,
    MakeTemplate,
    change_template,
    commit_all,
    git,
    read_tree,
    write_tree,
)

from mshell_cut import adoption, cli
from mshell_cut.renders import Renders
from mshell_cut.upstream import located

Run = Callable[..., subprocess.CompletedProcess[str]]
Here = Callable[..., dict[str, Any]]

STOCK = REPOSITORY / ".venvs" / "stock" / "bin"
RELEASES = {"v0.1.0": "a10c8d9", "v0.2.0": "946b5b4"}
DAB = {
    "type_of_task": "dab",
    "service_principal_application_id_dev": "1b2c3d4e-0000-4000-8000-0123456789ab",
    "service_principal_application_id_prod": "1b2c3d4e-0000-4000-8000-0123456789AC",
}


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


def words(answers: Mapping[str, str]) -> list[str]:
    return [word for name, value in answers.items() for word in ("--set", f"{name}={value}")]


def forget(project: Path) -> dict[str, Any]:
    """Take away what a project remembers, and return it."""
    path = project / ".cruft.json"
    stored: dict[str, Any] = json.loads(path.read_text())
    path.unlink()
    return stored


def cut(here: Here, template: Path, into: Path, *options: str, **answers: str) -> tuple[Path, dict[str, Any]]:
    """Cut a project and have it forget; the project, and what it remembered."""
    made = here("cut", "--template", template, "--no-input", "--output-dir", into, *options, *words(answers))
    project = Path(made["project"])
    return project, forget(project)


# --- projects of this repository's own template


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as committed, with its releases."""
    clone = tmp_path_factory.mktemp("adopt") / "upstream"
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, clone], check=True)
    git(clone, "remote", "remove", "origin")
    for tag, commit in RELEASES.items():
        if tag not in git(clone, "tag").split():
            git(clone, "tag", tag, commit)
    return clone


@pytest.fixture
def shared_cache(upstream: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One cache for all tests of a module: compiling the template takes longer than rendering it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(upstream.parent / "cache"))


ANSWERS = {
    "repo_name": "Orders-2.x",
    "repo_description": 'Pays "all" the $ bills_ of <é> \\ *users*',
    "gitlab_group_name": "Acme/data",
    "squad_name": "checkout",
    "contact_email": "o'neil+x@acme.example",
    "contact_slack_channel": "#a_b-c_d",
    "aws_project_name": "Cost 7: a/b",
    "schedule": "*/5 4 * * MON-FRI",
}


@pytest.mark.parametrize(
    ("release", "answers"),
    [
        ("v0.1.0", {**ANSWERS, "ecr_registry": "210987654321.dkr.ecr.us-gov-west-1.amazonaws.com"}),
        ("v0.1.0", {**ANSWERS, **DAB, "package_source": "index", "catalog": "trade"}),
        ("v0.2.0", {**ANSWERS, "databricks_runtime": "18", "package_source": "index"}),
        ("v0.2.0", {**ANSWERS, **DAB, "databricks_host_dev": "https://dbc-1.cloud.databricks.com"}),
    ],
    ids=["v0.1.0-docker", "v0.1.0-dab", "v0.2.0-docker", "v0.2.0-dab"],
)
def test_an_edited_project_is_adopted_with_what_it_was_cut_with(
    upstream: Path,
    shared_cache: None,
    here: Here,
    tmp_path: Path,
    release: str,
    answers: dict[str, str],
) -> None:
    made, before = cut(here, upstream, tmp_path, "--checkout", release, **answers)
    project = made.rename(tmp_path / "renamed")
    edit(project)
    files = read_tree(project)

    found = here("adopt", project, "--template", upstream, "--yes")
    assert found["name"] == release
    assert 0.75 < found["score"] < 1
    assert {change["path"] for change in found["files"]} == {
        *("README.md", "pyproject.toml", "CODEOWNERS", ".editorconfig"),
    }
    after = json.loads((project / ".cruft.json").read_text())
    # A project that is adopted follows the releases, unless --to says otherwise.
    assert after == {**before, "checkout": None}
    written = read_tree(project)
    written.pop(".cruft.json")
    assert written == files
    here("check", "--project", project, code=0 if release == newest_release(upstream) else 1)


def edit(project: Path) -> None:
    """What people do to a project: another text on top, another owner, files gone and added."""
    readme = (project / "README.md").read_text()
    (project / "README.md").write_text(
        readme.replace("# Orders-2.x", "# Payments", 1) + "\n## Ours\n\nMore.\n"
    )
    pyproject = (project / "pyproject.toml").read_text()
    (project / "pyproject.toml").write_text(pyproject.replace("o'neil+x@acme.example", "new@acme.example"))
    (project / "CODEOWNERS").write_text("* @somebody/else\n")
    shutil.rmtree(project / "src" / "transformations")
    (project / ".editorconfig").unlink()
    write_tree(project, {"src/transformations/silver/ours.py": "OURS = 1\n", "notes.txt": "data-platform\n"})
    commit_all(project)


def newest_release(upstream: Path) -> str:
    return git(upstream, "describe", "--tags", "--abbrev=0")


def test_a_foreign_repository_is_refused_with_its_score(
    upstream: Path, shared_cache: None, here: Here, tmp_path: Path
) -> None:
    foreign = tmp_path / "foreign"
    shutil.copytree(REPOSITORY / "packages" / "skyspark" / "src", foreign / "src")
    write_tree(foreign, {"README.md": "# Foreign\n", "Makefile": "all:\n\techo hello\n"})
    before = read_tree(foreign)
    found = here("adopt", foreign, "--template", upstream, "--to", "v0.2.0", "--yes", code=1)
    assert found["error"]["kind"] == "NoLikeness"
    assert "v0.2.0 comes nearest, with" in found["error"]["message"]
    assert "% in common" in found["error"]["message"]
    assert read_tree(foreign) == before


# --- small templates


FILES = {
    "README.md": "# << cookiecutter.repo_name >>\n\n<< cookiecutter.description >>\n\n"
    "A project of `<< cookiecutter.owner >>`\n",
    "pyproject.toml": '[project]\nname = "<< cookiecutter.repo_name >>"\n'
    'description = << cookiecutter.description | jsonify >>\ntext = "same"\n',
    "Makefile": "RUNTIME := << cookiecutter.runtime >>\n\nall:\n\techo all\n\ntest:\n\tpytest\n",
    "ci.yml": "on: push\njobs:\n  test:\n    steps:\n      - run: make test\n",
    "docker/Dockerfile": "FROM scratch\nLABEL owner=<< cookiecutter.owner | lower >>\n",
    "bundle/databricks.yaml": "bundle:\n  owner: << cookiecutter.owner >>\n",
}
QUESTIONS = {
    "repo_name": "orders",
    "description": "All orders",
    "owner": "data-team",
    "kind": ["docker", "dab"],
    "runtime": ["17", "18"],
}
PRIVATE: dict[str, Any] = {
    "rules": {
        "repo_name": {"required": True, "pattern": "[A-Za-z][A-Za-z0-9-]*", "message": "must be a name"},
        "owner": {"required": True, "pattern": "[A-Za-z0-9_/-]+", "message": "must be a team"},
        "description": {"required": True},
    },
    "prune": {"kind": {"dab": ["docker"], "docker": ["bundle"]}},
}


@pytest.fixture
def template(make_template: MakeTemplate) -> Path:
    return make_template(QUESTIONS, FILES, **PRIVATE)


def test_a_project_of_plain_cookiecutter_is_adopted_so_that_stock_cruft_takes_it(
    template: Path, tmp_path: Path, here: Here, mshell_cut: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    subprocess.run(
        [STOCK / "cookiecutter", template, "--no-input", "--default-config", "repo_name=bills", "kind=dab"],
        cwd=tmp_path / "out",
        check=True,
    )
    project = tmp_path / "out" / "bills"
    done = mshell_cut("adopt", "--template", template, "--yes", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "Score     100%" in done.stdout
    assert "differs" not in done.stdout
    commit_all(project)
    for command in (["cruft", "check"], ["cruft", "diff", "--exit-code"]):
        ran = subprocess.run([STOCK / command[0], *command[1:]], cwd=project, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr
    assert here("check", "--project", project)["current"] is True
    unhurried_doctor.wait_long(monkeypatch.setattr)
    doctor = here("doctor", "--offline", "--project", project)
    assert not [check for check in doctor["checks"] if check["status"] == "error"]


def test_what_the_files_do_not_say_is_guessed_and_marked(template: Path, tmp_path: Path, here: Here) -> None:
    made, _ = cut(here, template, tmp_path / "out", repo_name="bills", owner="A/b_c", runtime="18")
    for name in ("README.md", "docker/Dockerfile", "pyproject.toml"):
        (made / name).unlink()
    project = made.rename(tmp_path / "payments")
    found = here("adopt", project, "--template", template, "--dry-run")["answers"]
    assert found["repo_name"] == {"answer": "payments", "origin": "guessed"}
    assert found["owner"] == {"answer": "data-team", "origin": "guessed"}
    assert found["runtime"] == {"answer": "18", "origin": "found"}
    git(project, "remote", "add", "origin", "git@example.com:acme/ledger.git")
    found = here("adopt", project, "--template", template, "--dry-run")["answers"]
    assert found["repo_name"] == {"answer": "ledger", "origin": "guessed"}
    assert not (project / ".cruft.json").exists()


def test_most_places_have_their_way(template: Path, tmp_path: Path, here: Here) -> None:
    project, _ = cut(here, template, tmp_path / "out", repo_name="bills", kind="dab", owner="one")
    write_tree(project, {"README.md": "# bills\n\nAll orders\n\nA project of `two`\n"})
    write_tree(project, {"bundle/databricks.yaml": "bundle:\n  owner: one\n"})
    found = here("adopt", project, "--template", template, "--dry-run")
    # One place for each: what gives more of the files decides, and the bundle's file is the shorter.
    assert found["answers"]["owner"]["answer"] == "one"
    write_tree(project, {"README.md": "# bills\n\nAll orders\n"})
    assert here("adopt", project, "--template", template, "--dry-run")["answers"]["owner"]["answer"] == "one"


def test_an_answer_that_stands_nowhere_but_in_lower_case_is_taken_so(
    template: Path, tmp_path: Path, here: Here
) -> None:
    project, _ = cut(here, template, tmp_path / "out", owner="Acme")
    (project / "README.md").unlink()
    found = here("adopt", project, "--template", template, "--dry-run")["answers"]
    assert found["owner"] == {"answer": "acme", "origin": "found"}


@pytest.mark.parametrize(
    "line",
    [
        "<< cookiecutter.text | jsonify >>,",
        """text = "<< cookiecutter.text | replace('\\\\', '\\\\\\\\') | replace('"', '\\\\"') >>\"""",
        "| Text | << cookiecutter.text | replace('_', '\\\\_') | replace('|', '\\\\|') >> |",
        "<p class='text'><< cookiecutter.text | e >></p>",
        "text: '<< cookiecutter.text | replace(\"'\", \"''\") >>'",
        "<< cookiecutter.text >>",
    ],
    ids=["json", "toml", "markdown", "html", "yaml", "alone"],
)
def test_an_answer_is_read_through_whatever_escapes_it(
    make_template: MakeTemplate, tmp_path: Path, here: Here, line: str
) -> None:
    template = make_template(
        {"repo_name": "orders", "text": "Some words"},
        {
            "README.md": f"# << cookiecutter.repo_name >>\nA line\n\n{line}\n\n"
            "Other line\nOther line\n# Us\n# Us\n"
        },
    )
    text = 'It\'s "é_ß" \\n & <|> \\_'
    project, before = cut(here, template, tmp_path / "out", text=text)
    assert before["context"]["cookiecutter"]["text"] == text
    found = here("adopt", project, "--template", template, "--dry-run")
    assert found["answers"]["text"] == {"answer": text, "origin": "found"}
    assert found["answers"]["repo_name"] == {"answer": "orders", "origin": "found"}


def test_answers_beside_each_other_are_told_apart_by_the_rules(
    make_template: MakeTemplate, tmp_path: Path, here: Here
) -> None:
    template = make_template(
        {"repo_name": "orders", "group": "acme", "squad": "data"},
        {
            "README.md": "# << cookiecutter.repo_name >>\n"
            "Owners: @<< cookiecutter.group >>/<< cookiecutter.squad >>\n"
        },
        rules={"squad": {"pattern": "[a-z]+"}, "group": {"pattern": "[a-z]+(/[a-z]+)*"}},
    )
    project, before = cut(here, template, tmp_path / "out", group="acme/all", squad="checkout")
    here("adopt", project, "--template", template, "--yes")
    assert json.loads((project / ".cruft.json").read_text()) == before


def test_lower_case_counts_less(make_template: MakeTemplate, tmp_path: Path, here: Here) -> None:
    files = {f"{name}.txt": f"{name}: << cookiecutter.owner | lower >>\n" for name in ("One", "Two")}
    files["Zoo.txt"] = "Written: << cookiecutter.owner >>\n"
    template = make_template({"repo_name": "orders", "owner": "data"}, files)
    project, _ = cut(here, template, tmp_path / "out", owner="Acme")
    found = here("adopt", project, "--template", template, "--dry-run")["answers"]
    assert found["owner"] == {"answer": "Acme", "origin": "found"}


def test_files_that_a_choice_rules_out_speak_against_it(
    make_template: MakeTemplate, tmp_path: Path, here: Here
) -> None:
    template = make_template(
        {"repo_name": "orders", "source": ["index", "vendor"]},
        {"README.md": "# << cookiecutter.repo_name >>\nA line\n", "vendor/one.whl": b"PK\x00\xff"},
        prune={"source": {"index": ["vendor"]}},
    )
    for source in ("index", "vendor"):
        project, _ = cut(here, template, tmp_path / source, source=source)
        found = here("adopt", project, "--template", template, "--dry-run")["answers"]
        assert found["source"] == {"answer": source, "origin": "found"}


def test_answers_that_are_given_are_taken(template: Path, tmp_path: Path, here: Here) -> None:
    project, _ = cut(here, template, tmp_path / "out", owner="Acme")
    options = ["--template", template, "--set", "owner=Else", "--set", "runtime=18", "--dry-run"]
    found = here("adopt", project, *options)["answers"]
    assert found["owner"] == {"answer": "Else", "origin": "given"}
    assert found["runtime"] == {"answer": "18", "origin": "given"}
    refused = here("adopt", project, "--template", template, "--set", "colour=red", "--dry-run", code=2)
    assert "'colour' is no question" in refused["error"]["message"]


def test_equal_releases_go_to_the_newest_and_others_to_their_own(
    template: Path, tmp_path: Path, here: Here
) -> None:
    git(template, "tag", "v1.0.0")
    change_template(template, {"ci.yml": FILES["ci.yml"] + "      - run: make lint\n"})
    git(template, "tag", "v1.1.0")
    # Differs for bundles only.
    change_template(template, {"bundle/databricks.yaml": "bundle:\n  owner: << cookiecutter.owner >>\n#\n"})
    git(template, "tag", "v1.2.0")
    change_template(template, {"ci.yml": "on: pull_request\n"})
    for cut_from, kind, expected in [
        ("v1.0.0", "docker", "v1.0.0"),
        ("v1.1.0", "docker", "v1.2.0"),
        ("v1.1.0", "dab", "v1.1.0"),
        ("v1.2.0", "dab", "v1.2.0"),
    ]:
        project, _ = cut(here, template, tmp_path / f"{cut_from}-{kind}", "--checkout", cut_from, kind=kind)
        assert here("adopt", project, "--template", template, "--dry-run")["name"] == expected
    # What is not released yet has to fit better than all that is.
    project, before = cut(here, template, tmp_path / "head")
    found = here("adopt", project, "--template", template, "--yes")
    assert (found["commit"], found["name"]) == (before["commit"], f"{before['commit'][:10]} (after v1.2.0)")
    forget(project)
    found = here("adopt", project, "--template", template, "--to", "v1.1.0", "--yes")
    assert found["name"] == "v1.1.0"
    assert json.loads((project / ".cruft.json").read_text())["checkout"] == "v1.1.0"


def test_without_releases_the_commit_is_found(template: Path, tmp_path: Path, here: Here) -> None:
    project, before = cut(here, template, tmp_path / "out")
    change_template(template, {"ci.yml": "on: pull_request\n"})
    write_tree(template, {"unrelated.txt": "x"})
    commit_all(template)
    found = here("adopt", project, "--template", template, "--yes")
    assert found["commit"] == before["commit"]


def test_answers_are_read_from_the_names_of_files(
    make_template: MakeTemplate, tmp_path: Path, here: Here
) -> None:
    template = make_template(
        {"repo_name": "orders", "package": "the_orders"},
        {
            "README.md": "# << cookiecutter.repo_name >>\nSome lines\nthat stay\n",
            "src/<< cookiecutter.package >>/main.py": "NAME = 1\nPRINT = 2\n",
        },
    )
    project, before = cut(here, template, tmp_path / "out", repo_name="bills", package="old_bills")
    (project / "src" / "old_bills" / "main.py").write_text("NAME = 1\nPRINT = 2\nMORE = 3\n")
    here("adopt", project, "--template", template, "--yes")
    assert json.loads((project / ".cruft.json").read_text()) == before


def test_a_schedule_is_read_from_its_quartz_form(
    make_template: MakeTemplate, tmp_path: Path, here: Here
) -> None:
    template = make_template(
        {"repo_name": "orders", "schedule": "0 2 * * *"},
        {
            "README.md": "# << cookiecutter.repo_name >>\nSome lines\nthat stay\n",
            "job.yml": '<% set m, h, d, mo, w = cookiecutter.schedule.split(" ") %>\n'
            'cron: "0 << m >> << h >> << "?" if w != "*" else d >> << mo >> << "?" if w == "*" else w >>"\n',
        },
        rules={"schedule": {"format": "cron", "required": True}},
    )
    for number, schedule in enumerate(("*/5 3 1 * *", "7 4 * * MON-FRI")):
        project, before = cut(here, template, tmp_path / f"out{number}", schedule=schedule)
        here("adopt", project, "--template", template, "--yes")
        assert json.loads((project / ".cruft.json").read_text()) == before


def test_a_template_that_computes_with_answers_and_has_hooks_of_its_own(
    make_template: MakeTemplate, tmp_path: Path, here: Here
) -> None:
    template = make_template(
        {"repo_name": "orders", "count": "3", "owner": "data", "secret": "none", "tested": True},
        {
            "README.md": "# << cookiecutter.repo_name >>\n"
            "Twice << cookiecutter.count * 1 >> is << 2 * (cookiecutter.count.__len__()) >>\n",
            "owner.txt": "The owner is << cookiecutter.owner >>\n",
            "number.txt": '<% if [1, 2, 3, 4]["0123".index(cookiecutter.count)] %>\nnumber\n<% endif %>\n',
            "tests.txt": "<% if cookiecutter.tested %>\nyes\n<% else %>\nno\n<% endif %>\n",
        },
        rules={"secret": {"secret": True}},
    )
    refuse = "import sys\nsys.exit(0 if '<< cookiecutter.owner >>'.islower() else 1)\n"
    (template / "hooks" / "pre_gen_project.py").write_text(refuse)
    commit_all(template)
    project, before = cut(here, template, tmp_path / "out", owner="acme", tested="false")
    found = here("adopt", project, "--template", template, "--yes")["answers"]
    assert found["count"]["origin"] == "guessed"
    assert found["owner"] == {"answer": "acme", "origin": "found"}
    assert "secret" not in found
    assert json.loads((project / ".cruft.json").read_text()) == before


def test_an_answer_that_is_computed_with_may_have_a_default_made_of_another(
    make_template: MakeTemplate, tmp_path: Path, here: Here
) -> None:
    template = make_template(
        {"repo_name": "orders", "address": "https://git.example.com/<< cookiecutter.repo_name >>"},
        {
            "README.md": "# The project << cookiecutter.repo_name >>\n",
            "host.txt": "The host is << cookiecutter.address.split('//')[1] >>\n",
        },
    )
    project, before = cut(here, template, tmp_path / "out", repo_name="sales")
    found = here("adopt", project, "--template", template, "--yes")["answers"]
    assert found["address"] == {"answer": "https://git.example.com/sales", "origin": "guessed"}
    assert json.loads((project / ".cruft.json").read_text()) == before


def test_answers_that_are_needed_and_stand_nowhere_are_asked_for(
    make_template: MakeTemplate, tmp_path: Path, here: Here
) -> None:
    template = make_template(
        {"repo_name": "orders", "principal": ""},
        {"README.md": "# << cookiecutter.repo_name >>\nSome lines\nthat stay\n"},
        rules={"principal": {"required": True}},
    )
    project, _ = cut(here, template, tmp_path / "out", principal="me")
    refused = here("adopt", project, "--template", template, "--yes", code=2)
    assert "principal is required." in refused["error"]["message"]
    assert "--set" in refused["error"]["message"]
    assert not (project / ".cruft.json").exists()
    here("adopt", project, "--template", template, "--yes", "--set", "principal=me")


TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Co", "Zl", "Zp", "Cn"]),
    min_size=1,
    max_size=30,
)


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    name=st.from_regex(r"[A-Za-z][A-Za-z0-9-]{0,12}", fullmatch=True),
    owner=st.from_regex(r"[A-Za-z0-9_/-]{1,12}", fullmatch=True),
    description=TEXT.filter(
        lambda text: (
            text == text.strip() and not {"<<", "<%", "<#"} & {text[i : i + 2] for i in range(len(text))}
        )
    ),
    kind=st.sampled_from(["docker", "dab"]),
    runtime=st.sampled_from(["17", "18"]),
)
def test_whatever_the_answers_are_they_are_read_back(
    template: Path, tmp_path_factory: pytest.TempPathFactory, **answers: str
) -> None:
    answers["repo_name"] = answers.pop("name")
    place = tmp_path_factory.mktemp("read")
    upstream = located(str(template), None, place)
    renders = Renders(upstream)
    (version,) = adoption.versions(upstream, None)
    folder = renders.at(version, {name: answers[name] for name in QUESTIONS})
    found = adoption.find(folder, renders, [version], {}, lambda _: nullcontext())
    assert (found.answers, found.share) == (answers, 1)


# --- how it is called


def test_the_template_is_recorded_as_a_cut_records_it(
    template: Path, tmp_path: Path, here: Here, mshell_cut: Run
) -> None:
    nested = tmp_path / "nested"
    (nested / "deep").mkdir(parents=True)
    shutil.copytree(template, nested / "deep" / "one", symlinks=True, ignore=shutil.ignore_patterns(".git"))
    commit_all(nested)
    git(nested, "branch", "stable")
    git(tmp_path, "clone", "--quiet", str(nested), str(tmp_path / "clone"))
    git(tmp_path, "clone", "--quiet", "--bare", str(nested), str(tmp_path / "bare"))
    options: list[list[str]] = [
        ["--template", str(tmp_path / "clone"), "--directory", "deep/one"],
        ["--template", str(nested / "deep" / "one")],
        ["--template", f"file://{nested}", "--directory", "deep/one"],
        ["--template", str(tmp_path / "bare"), "--directory", "deep/one"],
    ]
    for number, where in enumerate(options):
        project = Path(here("cut", "--no-input", "--output-dir", tmp_path / str(number), *where)["project"])
        before = forget(project)
        here("adopt", project, *where, "--yes")
        assert json.loads((project / ".cruft.json").read_text()) == before
    added = mshell_cut(
        *("templates", "add", "ours", f"file://{nested}", "--directory", "deep/one", "--checkout", "stable")
    )
    assert added.returncode == 0, added.stderr
    project = Path(here("cut", "ours", "--no-input", "--output-dir", tmp_path / "ours")["project"])
    before = forget(project)
    assert (before["checkout"], before["directory"]) == ("stable", "deep/one")
    here("adopt", project, "--template", "ours", "--yes")
    assert json.loads((project / ".cruft.json").read_text()) == before


def test_what_is_linked_already_is_refused(template: Path, tmp_path: Path, here: Here) -> None:
    made = here("cut", "--template", template, "--no-input", "--output-dir", tmp_path / "out")
    found = here("adopt", made["project"], "--template", template, "--yes", code=2)
    assert found["error"]["kind"] == "AlreadyLinked"
    assert "move it away" in found["error"]["message"]


def test_without_a_terminal_it_wants_yes(template: Path, tmp_path: Path, here: Here, mshell_cut: Run) -> None:
    project, _ = cut(here, template, tmp_path / "out")
    done = mshell_cut("adopt", "--template", template, cwd=project)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert not (project / ".cruft.json").exists()


@pytest.mark.parametrize("answer", ["y", "n", "\x03"])
def test_at_a_terminal_it_asks(template: Path, tmp_path: Path, here: Here, answer: str) -> None:
    project, before = cut(here, template, tmp_path / "out")
    terminal = pseudo_terminal.start(["adopt", "--template", str(template)], cwd=project)
    terminal.expect("Write .*cruft.json")
    assert not (project / ".cruft.json").exists()
    terminal.send(answer if answer == "\x03" else f"{answer}\r")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == (0 if answer == "y" else 130)
    if answer == "y":
        assert json.loads((project / ".cruft.json").read_text()) == before
    else:
        assert not (project / ".cruft.json").exists()


def test_a_folder_that_is_not_under_git_is_linked_too(template: Path, tmp_path: Path, here: Here) -> None:
    project, before = cut(here, template, tmp_path / "out", "--no-git")
    assert not (project / ".git").exists()
    write_tree(project, {"ci.yml": FILES["ci.yml"] + "# ours\n"})
    found = here("adopt", project, "--template", template, "--yes")
    assert found["files"] == [{"path": "ci.yml", "kind": "changed", "before": None}]
    assert json.loads((project / ".cruft.json").read_text()) == before
    assert sorted(path.name for path in project.iterdir()) == sorted(
        [".cruft.json", "Makefile", "README.md", "ci.yml", "docker", "pyproject.toml"]
    )
