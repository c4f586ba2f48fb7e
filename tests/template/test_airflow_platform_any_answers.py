"""Whatever the rules of airflow-platform accept comes out whole and harmless in every file."""

import ast
import re
import string
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from template.airflow_platform import QUESTIONS, TEMPLATE, answers
from template.awkward import AWKWARD, constants, joined, unescaped
from template.projects import BIN, Render, lint, run, texts

from mshell_cut import questions

QUESTIONNAIRE = questions.load(TEMPLATE)
KUBERNETES = QUESTIONS["_kubernetes_version"]


def matching(question: str) -> st.SearchStrategy[str]:
    return st.from_regex(QUESTIONNAIRE.rules[question]["pattern"], fullmatch=True)


FREE = {
    "repo_name": matching("repo_name"),
    "repo_description": st.one_of(
        st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=200),
        st.text(string.punctuation + " é🚀", min_size=1, max_size=200),
    ),
    "squad_name": joined("_-", 64),
    "contact_email": matching("contact_email"),
    "ecr_registry": matching("ecr_registry"),
    "ecr_repository": matching("ecr_repository"),
    "aws_region": matching("aws_region"),
    "s3_bucket": matching("s3_bucket"),
    "git_repo_url": matching("git_repo_url"),
    "git_branch": matching("git_branch"),
    "airflow_version": st.sampled_from(QUESTIONS["airflow_version"]),
    "python_version": st.sampled_from(QUESTIONS["python_version"]),
    "namespace": matching("namespace"),
    "databricks_job_name": matching("databricks_job_name"),
    "stack_exchange_site": matching("stack_exchange_site"),
}
ANSWERS = st.fixed_dictionaries(
    {
        name: candidates.filter(
            lambda answer, name=name: QUESTIONNAIRE.problem(name, answers(**{name: answer})) is None
        )
        for name, candidates in FREE.items()
    }
)
LONGEST = {
    "repo_name": "-".join(["a" * 24, "b" * 25]),
    "repo_description": "w" * 200,
    "squad_name": "s" * 64,
    "contact_email": f"{'e' * 60}@{'d' * 35}.com",
    "ecr_registry": f"123456789012.dkr.ecr-fips.{'r' * 20}-{'e' * 15}.amazonaws.com.cn",
    "ecr_repository": "/".join(["a" * 99, "b" * 100]),
    "aws_region": f"us-{'w' * 24}-1",
    "s3_bucket": "b" * 63,
    "git_repo_url": f"git@{'h' * 60}.com:{'p' * 60}/{'r' * 70}",
    "git_branch": "/".join(["f" * 49, "b" * 50]),
    "namespace": "n" * 40,
    "databricks_job_name": "j" * 100,
    "stack_exchange_site": f"{'s' * 59}.{'e' * 20}",
}
# YAML 1.1 or 1.2 reads each of them as something else than a text, if it stands bare.
YAML_WORDS = {
    "repo_name": "null",
    "squad_name": "1e3",
    "ecr_repository": "0x10",
    "s3_bucket": "0o17",
    "git_branch": "1_000",
    "namespace": "yes",
    "databricks_job_name": "2026-01-01",
    "stack_exchange_site": "1.0",
}
SHELL_WORDS = {
    "contact_email": "o'neil%20+-x_'@example.com",
    "git_repo_url": "ssh://git@git.example.com:7999/a/b.c_d-e",
    "git_branch": "_x/y.z-0",
    "databricks_job_name": "a - b .. c  d",
}


# Each example renders a whole project: shrinking one would take minutes.
@settings(
    max_examples=10,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(given_answers=ANSWERS)
@example(given_answers=LONGEST)
@example(given_answers=YAML_WORDS)
@example(given_answers=SHELL_WORDS)
@example(given_answers={"repo_description": AWKWARD})
@example(given_answers={"repo_description": "\\", "repo_name": "a", "git_branch": "0", "namespace": "n"})
def test_any_accepted_answers_give_a_project_that_holds_them(
    render_airflow_platform: Render, given_answers: dict[str, str]
) -> None:
    chosen = answers(**given_answers)
    assert not QUESTIONNAIRE.problems(chosen)
    project = render_airflow_platform(**given_answers)

    for path, text in texts(project):
        match Path(path).suffix:
            case ".py":
                ast.parse(text, path)
            case ".toml":
                tomllib.loads(text)
    lint(project)
    run(BIN / "hadolint", "cicd/Dockerfile", cwd=project)
    # The one script that answers are written into.
    run(BIN / "shellcheck", "scripts/platform.sh", cwd=project)
    run(BIN / "zizmor", "--offline", "--persona", "pedantic", ".", cwd=project)
    run("make", "--dry-run", "up", "render", "package", "bundle-deploy", cwd=project)
    assert_holds(project, chosen)


def assert_holds(project: Path, chosen: dict[str, str]) -> None:
    """Read the answers back from the files that hold them."""

    def read(path: str) -> str:
        return (project / path).read_text(encoding="utf-8")

    def document(path: str) -> Any:
        return yaml.safe_load(read(path))

    image = f"{chosen['ecr_registry']}/{chosen['ecr_repository']}"
    landing = f"s3://{chosen['s3_bucket']}/stack_exchange/{chosen['stack_exchange_site']}"
    assert project.name == chosen["repo_name"]
    assert in_shell(project) == {
        "PROJECT": chosen["repo_name"],
        "NAMESPACE": chosen["namespace"],
        "IMAGE": image,
        "GIT_REPO_URL": chosen["git_repo_url"],
        "GIT_BRANCH": chosen["git_branch"],
    }
    values, dev, prod = (document(f"chart/values{name}.yaml") for name in ("", "-dev", "-prod"))
    assert values["airflowVersion"] == chosen["airflow_version"]
    assert values["defaultAirflowRepository"] == image
    assert values["dags"]["gitSync"]["repo"] == chosen["git_repo_url"]
    assert ("sshKeySecret" in values["dags"]["gitSync"]) == ("@" in chosen["git_repo_url"])
    assert dev["dags"]["gitSync"]["branch"] == dev["dags"]["gitSync"]["ref"] == chosen["git_branch"]
    logs = prod["config"]["logging"]["remote_base_log_folder"]
    assert logs.startswith(f"s3://{chosen['s3_bucket']}/")
    assert document("k8s/kind.yaml")["name"] == chosen["repo_name"]
    assert document("k8s/namespace.yaml")["metadata"]["name"] == chosen["namespace"]
    for path in [*(project / "k8s" / "secrets").glob("*.yaml"), project / "k8s" / "volumes.yaml"]:
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
            assert manifest["metadata"].get("namespace") == (
                None if manifest["kind"] == "PersistentVolume" else chosen["namespace"]
            )

    assets = constants(read("dags/stack_exchange/assets.py"))
    assert (assets["SITE"], assets["BUCKET"]) == (chosen["stack_exchange_site"], chosen["s3_bucket"])
    job_name = constants(read("dags/trigger_databricks_workflow.py"))["JOB_NAME"]
    assert job_name == chosen["databricks_job_name"]
    alert = read("dags/stack_exchange/alert.py")
    assert constants(alert)["SQUAD"] == chosen["squad_name"]
    assert f'"{chosen["contact_email"]}",\n' in alert

    bundle = document("databricks.yaml")
    assert bundle["bundle"]["name"] == chosen["repo_name"]
    assert bundle["variables"]["landing_url"]["default"] == landing
    (job,) = document("databricks-workflows/medallion.yml")["resources"]["jobs"].values()
    assert job["name"] == chosen["databricks_job_name"]
    assert job["email_notifications"]["on_failure"] == [chosen["contact_email"]]
    assert job["tags"]["squad"] == chosen["squad_name"]

    workflow = document(".github/workflows/ci.yml")
    # PyYAML reads the key `on` as a boolean.
    assert workflow[True]["push"]["branches"] == [chosen["git_branch"]]
    (login,) = (
        step["with"]
        for step in workflow["jobs"]["release"]["steps"]
        if "configure-aws" in step.get("uses", "")
    )
    assert login["aws-region"] == chosen["aws_region"]
    (title,) = re.findall(r'image\.title="(.*)"', read("cicd/Dockerfile"))
    assert title == chosen["repo_name"]
    readme = unescaped(read("README.md"))
    assert [name for name, answer in chosen.items() if answer not in readme] == []
    assert read("CODEOWNERS").endswith(f"* {chosen['contact_email']}\n")


def in_shell(project: Path) -> dict[str, str]:
    """What the scripts take the answers for: as bash reads them, and not as they look."""
    names = ("PROJECT", "NAMESPACE", "IMAGE", "GIT_REPO_URL", "GIT_BRANCH")
    said = "; ".join(f'printf "%s\\n" "${name}"' for name in names)
    done = subprocess.run(
        ["bash", "-c", f"source scripts/platform.sh; {said}"],
        cwd=project, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(zip(names, done.stdout.splitlines(), strict=True))
