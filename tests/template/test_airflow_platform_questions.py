"""The questions of the airflow-platform template: what is taken and what is refused."""

import re
import string
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from template import projects
from template.airflow_platform import ADDRESSES, COMBINATIONS, PUBLIC, QUESTIONS, TEMPLATE, answers

from mshell_cut import questions

QUESTIONNAIRE = questions.load(TEMPLATE)
SITE = "datascience.stackexchange.com"


def test_the_questions_are_those_of_a_platform_and_their_defaults_are_good_answers() -> None:
    assert PUBLIC == [
        "repo_name", "repo_description", "squad_name", "contact_email", "ecr_registry", "ecr_repository",
        "aws_region", "s3_bucket", "git_repo_url", "git_branch", "airflow_version", "python_version",
        "namespace", "databricks_job_name", "stack_exchange_site",
    ]  # fmt: skip
    assert list(QUESTIONS["__prompts__"]) == PUBLIC
    for combination in COMBINATIONS:
        assert QUESTIONNAIRE.problems(answers(**combination)) == []


def test_airflow_is_chosen_with_the_chart_that_fits() -> None:
    labels = QUESTIONS["__prompts__"]["airflow_version"]
    assert list(QUESTIONS["_chart_versions"]) == QUESTIONS["airflow_version"]
    for airflow, chart in QUESTIONS["_chart_versions"].items():
        assert labels[airflow].startswith(f"Airflow {airflow} with chart {chart}")


def test_no_default_is_anybody_s_account_bucket_or_host() -> None:
    # 123456789012 is the account of AWS's own documentation, example and example.com are nobody's.
    assert re.findall(r"\d{12}", str(answers())) == ["123456789012"]
    assert answers()["s3_bucket"].startswith("example-")
    assert answers()["contact_email"].endswith("@example.com")
    assert answers()["git_repo_url"].startswith("https://github.com/example/")


@pytest.mark.parametrize("name", ["repo_description", "squad_name", "contact_email", "ecr_registry"])
def test_what_is_asked_in_all_templates_is_judged_in_the_same_words(name: str) -> None:
    theirs = {key: value for key, value in projects.QUESTIONS["_rules"][name].items() if key != "when"}
    assert QUESTIONS["_rules"][name] == theirs


GOOD = {
    "repo_name": ["a", "data-platform-2", "null", "x" * 50],
    "ecr_repository": ["ab", "a/b", "data-platform/airflow_3.x", "x" * 200],
    "aws_region": ["us-east-1", "us-gov-west-1", "eusc-de-east-1", "ap-southeast-7"],
    "s3_bucket": [
        "abc", "x" * 63, "1-2--3", "plan", "landing-123456789012-eu-west-1-an", "landing-1e3", "0x10", "123",
    ],
    "git_repo_url": [
        *ADDRESSES.values(), "https://gitlab.example.com/a/b/c.d_e-f", "ssh://git@git.example.com:7999/ab/x.git",
        "https://dev.azure.com/org/project/_git/x", "git@ssh.dev.azure.com:v3/org/project/x",
        "https://git.example.com:8443/x/.github",
    ],
    "git_branch": ["main", "release/1.0", "_", "x-y/z", "1e3", "null", "v1.lock.d", "x" * 100],
    "airflow_version": ["3.3.2", "3.3.1"],
    "python_version": ["3.11", "3.12", "3.13"],
    "namespace": ["a", "airflow-dev", "null", "kubeflow", "x" * 40],
    "databricks_job_name": ["null", "1e3", "yes", "Nightly 2.0_x-y", "0x10", "x" * 100],
    "stack_exchange_site": [SITE, "superuser.com", "ru.stackoverflow.com", "3dprinting.stackexchange.com"],
}  # fmt: skip
BAD = {
    "repo_name": ["", "A", "1a", "a_b", "a.b", "a-", "a--b", "nul", "x" * 51],
    "ecr_registry": ["", "docker.io", "12345.dkr.ecr.us-east-1.amazonaws.com", "https://123456789012.dkr.ecr.x-1"],
    "ecr_repository": ["", "a", "A/b", "/a", "a/", "a//b", "a..b", "a:b", "a@b", "-ab", "x" * 201],
    "aws_region": ["", "eu-west", "eu-west-1a", "EU-west-1", "eu_west_1", "-west-1", "$AWS_REGION"],
    "s3_bucket": [
        "", "ab", "x" * 64, "Abc", "a_b", "a.b", "-ab", "ab-", "xn--ab", "sthree-ab", "amzn-s3-demo-x",
        "ab-s3alias", "ab--ol-s3", "ab--x-s3", "ab--table-s3", "landing-an", "s3://landing",
    ],
    "git_repo_url": [
        "", "http://github.com/a/b", "https://user@github.com/a/b", "https://user:pass@github.com/a/b",
        "https://github.com", "https://github.com/", "https://github.com/a/../b", "https://github.com/a/b/",
        "https://github..com/a/b", "https://-x.com/a", "https://x.com:0/a", "https://x.com/a?ref=b",
        "https://x.com/a#b", "https://x.com/-a", "ext::sh -c id", "file:///etc/passwd", "/srv/x.git",
        "git@-oProxyCommand=id:x", "git@github.com:-a", "git@github.com:/a", "git@github.com:a;id",
        "git@github.com:$(id)", "root@github.com:a/b", "ssh://git@x.com:99999999/a",
    ],
    "git_branch": [
        "", "-x", "/x", "x/", "a//b", "a..b", ".a", "a/.b", "a.", "a.lock", "a.lock/b", "a b", "a~b", "a^b",
        "a:b", "a?b", "a*b", "a[b", "a\\b", "@{a", "HEAD", "$(id)", "x" * 101,
    ],
    "airflow_version": ["", "3.3", "2.11.0", "latest"],
    "python_version": ["", "3.10", "3", "3.12.1"],
    "namespace": [
        "", "default", "kube", "kube-system", "kube-airflow", "local-path-storage", "A", "a_b", "a.b", "1a",
        "-a", "a-", "x" * 41,
    ],
    "databricks_job_name": [
        "", "a'b", 'a"b', "a/b", "a: b", "{{a}}", "${a}", "a\\b", "-a", "a ", "é", "x" * 101,
    ],
    "stack_exchange_site": [
        "", "datascience", f"https://{SITE}", f"{SITE}/x", f"{SITE}.7z/..", "a..b", "-a.b", ".a.b", "a.b.",
        "A.com", "stackoverflow.com",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("question", "answer"), [(name, one) for name, all_ in GOOD.items() for one in all_])
def test_good_answers_are_accepted(question: str, answer: str) -> None:
    assert QUESTIONNAIRE.problems(answers(**{question: answer})) == []


@pytest.mark.parametrize(("question", "answer"), [(name, one) for name, all_ in BAD.items() for one in all_])
def test_bad_answers_are_refused_in_a_sentence(question: str, answer: str) -> None:
    (sentence,) = QUESTIONNAIRE.problems(answers(**{question: answer}))
    assert re.fullmatch(rf"{question} .*[^.]\.", sentence)
    assert "must match" not in sentence


@settings(max_examples=150, derandomize=True)
@given(branch=st.text("aZ0_./-@{~^: *[\\lock", min_size=1, max_size=12))
@example(branch="HEAD")
@example(branch="a/.b")
def test_git_takes_every_branch_that_is_accepted(branch: str) -> None:
    if QUESTIONNAIRE.problem("git_branch", answers(git_branch=branch)) is None:
        git = ["git", "check-ref-format", "--branch", branch]
        assert subprocess.run(git, capture_output=True, check=False).returncode == 0


@settings(max_examples=300, derandomize=True)
@given(namespace=st.text(string.ascii_lowercase + "09-", min_size=1, max_size=64))
def test_every_namespace_that_is_accepted_is_a_label_of_dns(namespace: str) -> None:
    # https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#dns-label-names
    if QUESTIONNAIRE.problem("namespace", answers(namespace=namespace)) is None:
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", namespace)
