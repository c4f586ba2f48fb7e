"""The questions of the skyspark template, their rules and their lists of files."""

import re
import sys
from pathlib import Path

import pytest
from template.projects import LOCKS, PRINCIPALS, QUESTIONS, ROOT, Render, answers

from mshell_cut import questions

TEMPLATE = questions.load(ROOT)
PUBLIC = [name for name in QUESTIONS if not name.startswith("_")]
UUID = "0a1b2c3d-0000-4000-8000-0123456789AB"


def problems(**given: str) -> list[str]:
    return TEMPLATE.problems(answers(**given))


@pytest.mark.parametrize("kind", ["docker", "dab"])
def test_the_defaults_are_good_answers(kind: str) -> None:
    assert problems(type_of_task=kind) == []


GOOD = {
    "repo_name": ["a", "my-repo", "My_Repo.2", "x" * 64, "a-b_c.d", "gitops", "0x", "console"],
    "repo_description": ["it's \"good\": #1, 9 % `x` $X \\ é 語 🚀 {{ x }} ${{ y }} | <b> & *", "x" * 200],
    "gitlab_group_name": ["Team", "company/data/platform", "a.b_c-d"],
    "squad_name": ["data", "Data_Platform-2"],
    "contact_email": ["a@b.co", "o'brien+x@sub.example-1.com", "first.last@example.museum"],
    "contact_slack_channel": ["#data", "@data-team", "#données_2.x"],
    "aws_project_name": ["p", "Data Platform 2", "a=b+c@d:e/f_g.h-i"],
    "catalog": ["main", "_dev", "my-catalog", "null"],
    "schedule": [
        "* * * * *", "0 2 * * *", "*/15 * * * *", "0 6 * * MON-FRI", "30 6 1,15 * *", "5-50/5 0-6 1 1-6/2 *",
        "00 02 * 1 SAT,SUN",
    ],
    "ecr_registry": [
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
        "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
    ],
}  # fmt: skip
BAD = {
    "repo_name": [
        "", "-a", "a-", "a--b", "a b", "a/b", "ä", "x" * 65, "a\nb", "<<x>>", "pyspark", "PySpark",
        "delta_spark", "skyspark", "Pydantic.Settings", "json", "nul", "com1.x", "CON", "x.git", "x.wiki",
        "..", "numpy", "apps",
    ],
    "repo_description": ["", " x", "x ", "x\ty", "x\u202ey", "x\x00", "<< x", "<% x", "<# x", "x" * 201],
    "gitlab_group_name": ["", "/a", "a/", "a//b", "a b", "a.git", "-a"],
    "squad_name": ["", "data platform", "a/b", "@data", "a--b"],
    "contact_email": ["", "a", "a@b", "a@b..com", "a b@c.com", "a@-b.com", ".a@b.com", "a@b.com>", 'a"@b.c'],
    "contact_slack_channel": ["", "data", "#", "# data", "##data", "#a b", "#-a"],
    "aws_project_name": ["", "a'b", "a,b", "(a)", "é", "x" * 65, "-a"],
    "catalog": ["", "1a", "a.b", "a b", "`a`", "a'b"],
    "schedule": [
        "", "0 2 * *", "0 2 * * * *", "60 2 * * *", "0 24 * * *", "0 2 0 * *", "0 2 32 * *", "0 2 * 13 *",
        "0 2 * 0 *", "0 2 1 * MON", "0 2 * * 1", "0 2 * * mon", "0 2 * * FRI-MON", "@daily", "0  2 * * *",
        "*/0 * * * *", "*/60 * * * *", "0 2 ? * *", "0 2 L * *",
    ],
    "ecr_registry": [
        "", "docker.io", "https://123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "12345.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com/x", "123456789012.dkr.ecr.us-east-1.example.com",
    ],
}  # fmt: skip
GOOD_DAB = {
    "databricks_host_dev": [
        "https://dbc-1a2b3c4d-5e6f.cloud.databricks.com",
        "https://adb-1.2.azuredatabricks.net",
    ],
    "service_principal_application_id_dev": [UUID, UUID.lower()],
}
BAD_DAB = {
    "databricks_host_prod": [
        "", "http://x.com", "https://x", "https://x.com/", "https://x.com/?o=1", "https://a b.com", "https://x.com:443",
    ],
    "service_principal_application_id_prod": ["", "x", UUID[:-1], "{" + UUID + "}", UUID.replace("-", "")],
}  # fmt: skip


def cases(table: dict[str, list[str]]) -> list[tuple[str, str]]:
    return [(question, answer) for question, found in table.items() for answer in found]


@pytest.mark.parametrize(("question", "answer"), cases(GOOD))
def test_good_answers_are_accepted(question: str, answer: str) -> None:
    assert problems(**{question: answer}) == []


@pytest.mark.parametrize(("question", "answer"), cases(BAD))
def test_bad_answers_are_refused_in_a_sentence(question: str, answer: str) -> None:
    (sentence,) = problems(**{question: answer})
    assert sentence.startswith(f"{question} ")
    assert sentence.endswith(".")
    assert "must match" not in sentence


@pytest.mark.parametrize(("question", "answer"), cases(GOOD_DAB))
def test_good_answers_are_accepted_for_a_bundle(question: str, answer: str) -> None:
    assert problems(type_of_task="dab", **{question: answer}) == []


@pytest.mark.parametrize(("question", "answer"), cases(BAD_DAB))
def test_bad_answers_are_refused_for_a_bundle(question: str, answer: str) -> None:
    (sentence,) = problems(type_of_task="dab", **{question: answer})
    assert sentence.startswith(f"{question} ")


def test_service_principals_are_for_bundles_only_and_differ() -> None:
    assert len(problems(type_of_task="docker", **PRINCIPALS)) == 2
    dev = PRINCIPALS["service_principal_application_id_dev"]
    assert problems(type_of_task="dab", service_principal_application_id_prod=dev.upper()) == [
        "service_principal_application_id_prod must differ from service_principal_application_id_dev."
    ]


def test_every_question_has_a_label_and_every_choice_too() -> None:
    assert list(QUESTIONS["__prompts__"]) == PUBLIC
    for name in PUBLIC:
        if isinstance(QUESTIONS[name], list):
            assert list(QUESTIONS["__prompts__"][name]) == ["__prompt__", *QUESTIONS[name]]


def test_rules_are_for_questions_and_their_messages_go_on_from_the_name() -> None:
    assert set(QUESTIONS["_rules"]) <= set(PUBLIC)
    for rule in QUESTIONS["_rules"].values():
        for message in (rule.get("message"), rule.get("reserved_message")):
            assert message is None or re.match(r"must .*[^.]$", message)


def test_every_name_that_the_project_installs_or_imports_is_reserved() -> None:
    # The project's own distribution would stand in for the other in its environment and on the cluster.
    template = ROOT / "<<cookiecutter.repo_name>>"
    locks = [(template / name).read_text(encoding="utf-8") for name in LOCKS]
    installed = {name for lock in locks for name in re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)}
    carried = {wheel.name.partition("-")[0].replace("_", "-") for wheel in (template / "vendor").iterdir()}
    modules = {name.replace("_", "-").casefold() for name in sys.stdlib_module_names if name[0] != "_"}
    own = {"alchemy", *(folder.name for folder in (template / "src").iterdir())}
    assert len(carried) == 3
    assert installed | carried | modules | own <= set(QUESTIONS["_rules"]["repo_name"]["reserved"])


def test_samples_and_pruned_paths_exist(render: Render) -> None:
    projects = [render(type_of_task=kind) for kind in ("docker", "dab")]
    for pattern in QUESTIONS["_samples"]:
        assert any(list(project.glob(pattern)) for project in projects), pattern
    for by_value in QUESTIONS["_prune"].values():
        for path in (path for paths in by_value.values() for path in paths):
            assert (ROOT / "<<cookiecutter.repo_name>>" / path).exists(), path


def test_next_steps_are_targets(render: Render) -> None:
    makefile = (render() / "Makefile").read_text(encoding="utf-8")
    for step in QUESTIONS["_next_steps"]:
        command, *targets = step.split()
        assert command == "make"
        assert all(f"\n{target}:" in makefile for target in targets)


def test_the_folder_that_stock_cruft_looks_for_is_the_template() -> None:
    link = ROOT / "{{cookiecutter.repo_name}}"
    assert link.is_symlink()
    assert link.readlink() == Path("<<cookiecutter.repo_name>>")
