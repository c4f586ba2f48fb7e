"""The astro-dag template: its questions, and what comes out of it."""

import keyword
import re
import sys
from pathlib import Path

import pytest
import yaml
from template import projects
from template.astro_dag import PROJECT, PUBLIC, QUESTIONS, TEMPLATE, answers
from template.projects import Render, run, texts

from mshell_cut import hooks, questions
from mshell_cut.globs import matcher

QUESTIONNAIRE = questions.load(TEMPLATE)
is_sample = matcher(QUESTIONS["_samples"])
WORKFLOW = ".github/workflows/ci.yml"
TARGETS = {"help", "build-dev", "lint", "format", "test", "run", "deploy-request", "deploy", "lock", "clean"}


@pytest.fixture(scope="module")
def project(render_astro_dag: Render) -> Path:
    return render_astro_dag()


def read(project: Path, path: str) -> str:
    return (project / path).read_text(encoding="utf-8")


def test_the_questions_are_those_of_a_dag_project_and_their_defaults_are_good_answers() -> None:
    assert PUBLIC == [
        "gitlab_group_name", "repo_name", "repo_description", "pipeline_name", "astro_workspace_name",
        "squad_name", "contact_email", "alert_slack_channel", "aws_project_name",
    ]  # fmt: skip
    assert list(QUESTIONS["__prompts__"]) == PUBLIC
    assert QUESTIONNAIRE.problems(answers()) == []


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("gitlab_group_name", "gitlab_group_name"),
        ("repo_description", "repo_description"),
        ("squad_name", "squad_name"),
        ("contact_email", "contact_email"),
        ("alert_slack_channel", "contact_slack_channel"),
        ("aws_project_name", "aws_project_name"),
    ],
)
def test_what_is_asked_in_all_templates_is_judged_in_the_same_words(name: str, other: str) -> None:
    assert QUESTIONS["_rules"][name] == projects.QUESTIONS["_rules"][other]


def test_a_repository_is_named_as_in_the_other_template_but_is_no_package() -> None:
    rule = projects.QUESTIONS["_rules"]["repo_name"]
    assert QUESTIONS["_rules"]["repo_name"] == {
        key: value for key, value in rule.items() if not key.startswith("reserved")
    }


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("pipeline_name", "a"), ("pipeline_name", "orders_2_eu"), ("pipeline_name", "x" * 40),
        ("astro_workspace_name", "clz8x1k2v0001ab12cd34ef56"), ("astro_workspace_name", "Data_Platform-2"),
    ],
)  # fmt: skip
def test_good_answers_are_accepted(question: str, answer: str) -> None:
    assert QUESTIONNAIRE.problems(answers(**{question: answer})) == []


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        *(
            ("pipeline_name", name)
            for name in ("", "A", "1a", "a-b", "a.b", "_a", "a_", "a__b", "é", "x" * 41)
        ),
        *(
            ("pipeline_name", name)
            for name in ("json", "class", "airflow", "dags", "tests", "celery", "boto3")
        ),
        *(("astro_workspace_name", name) for name in ("", "-a", "a/b", "a.b", "a b", "x" * 65)),
    ],
)
def test_bad_answers_are_refused_in_a_sentence(question: str, answer: str) -> None:
    (sentence,) = QUESTIONNAIRE.problems(answers(**{question: answer}))
    assert re.fullmatch(rf"{question} .*[^.]\.", sentence)
    assert "must match" not in sentence


def test_no_pipeline_stands_in_for_what_it_or_the_project_imports() -> None:
    # The pipeline's folder is a package beside all others.
    locked = re.findall(r"^([a-z0-9-]+)==", read(PROJECT, "requirements.lock"), re.MULTILINE)
    modules = {*sys.stdlib_module_names, *keyword.kwlist}
    own = {path.stem for folder in ("", "ci", "tests") for path in (PROJECT / folder).iterdir()}
    names = {name.replace("_", "-").casefold() for name in {*locked, *modules, *own}}
    possible = {name for name in names if re.fullmatch("[a-z][a-z0-9-]*", name)}
    assert "airflow-home" in possible
    assert possible <= set(QUESTIONS["_rules"]["pipeline_name"]["reserved"])


def test_the_hooks_are_generated_and_stock_cruft_finds_the_template() -> None:
    assert hooks.are_ours(TEMPLATE), "run: python -m mshell_cut.hooks templates/astro-dag/hooks"
    link = TEMPLATE / "{{cookiecutter.repo_name}}"
    assert link.readlink() == Path("<<cookiecutter.repo_name>>")


def test_every_sample_pattern_means_a_file(project: Path) -> None:
    paths = [path for path, _ in texts(project)]
    for pattern in QUESTIONS["_samples"]:
        assert any(map(matcher([pattern]), paths)), pattern


def test_what_upgrades_bring_needs_no_sample(project: Path) -> None:
    for path, text in texts(project):
        if path.endswith(".py") and not is_sample(path):
            assert QUESTIONS["pipeline_name"] not in text, path


def test_next_steps_are_targets(project: Path) -> None:
    for step in QUESTIONS["_next_steps"]:
        command, *targets = step.split()
        assert command == "make"
        assert set(targets) <= TARGETS


def test_make_lists_its_targets(project: Path) -> None:
    assert {line.split()[0] for line in run("make", cwd=project).splitlines()} == TARGETS
    phony = re.search(r"^\.PHONY: (.*)$", read(project, "Makefile"), re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == TARGETS


def test_nothing_is_deployed_until_the_owner_switches_it_on(project: Path) -> None:
    workflow = yaml.safe_load(read(project, WORKFLOW))
    # PyYAML reads the key `on` as a boolean.
    assert workflow[True] == {"pull_request": None, "push": {"branches": ["develop", "main"]}}
    assert workflow["env"] == {"deploy": False}
    assert read(project, WORKFLOW).count("deploy: false") == 1
    # GitHub knows no `env` in the `if` of a job.
    assert workflow["jobs"]["check"]["outputs"] == {"deploy": "${{ env.deploy }}"}
    deploy = workflow["jobs"]["deploy"]
    assert deploy["needs"] == "check"
    assert deploy["if"] == "github.event_name == 'push' && needs.check.outputs.deploy == 'true'"
    assert deploy["environment"] == "${{ github.ref_name == 'main' && 'prod' || 'dev' }}"
    assert [step["run"] for step in deploy["steps"] if "run" in step] == ["make build-dev", "make deploy"]


def test_only_the_deploy_may_prove_who_it_is(project: Path) -> None:
    ci = yaml.safe_load(read(project, WORKFLOW))
    assert ci["permissions"] == {}
    assert ci["jobs"]["check"]["permissions"] == {"contents": "read"}
    assert ci["jobs"]["deploy"]["permissions"] == {"contents": "read", "id-token": "write"}


def test_the_tests_run_on_the_airflow_of_the_image(project: Path) -> None:
    (runtime,) = re.findall(
        r"^FROM astrocrpublic\.azurecr\.io/runtime:(\S+)$", read(project, "Dockerfile"), re.M
    )
    series, python = re.fullmatch(r"(\d+\.\d+)-\d+-python-(\d+\.\d+)", runtime).groups()
    (airflow,) = re.findall(r"^apache-airflow==(\S+)", read(project, "requirements.lock"), re.MULTILINE)
    assert airflow.startswith(f"{series}.")
    build = runtime.partition("-python")[0]
    assert f"Airflow {airflow} on Python {python}" in read(project, "Dockerfile")
    assert f"| {airflow}: Astro Runtime {build}, Python {python} |" in read(project, "README.md")
    assert f"\napache-airflow=={airflow}\n" in read(project, "requirements-dev.txt")
    assert set(re.findall(r'python-version: "(.*)"', read(project, WORKFLOW))) == {python}


def test_a_lock_has_versions_and_hashes_and_no_address(project: Path) -> None:
    lock = read(project, "requirements.lock")
    assert "://" not in lock
    packages = re.findall(r"^[^\s#].*\n(?:[ ]+--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", lock, re.MULTILINE)
    assert "".join(packages) == lock
    for pin in re.findall(r"^(\S+?)(?:\[.*\])?==(\S+)$", read(project, "requirements.txt"), re.MULTILINE):
        assert "\n{}=={} ".format(*pin) in lock


def test_secrets_have_no_place_in_the_settings_that_are_committed(project: Path) -> None:
    settings = yaml.safe_load(read(project, "airflow_settings.yaml"))["airflow"]
    assert settings["connections"]
    for connection in settings["connections"]:
        assert not {"conn_password", "conn_uri", "conn_login"} & set(connection)
    assert ".env\n" in read(project, ".gitignore")
