"""Whatever the rules of astro-dag accept comes out whole and harmless in every file."""

import ast
import re
import string
import tomllib
from pathlib import Path

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from template.astro_dag import TEMPLATE, answers
from template.awkward import AWKWARD, alphanumeric, constants, joined, unescaped
from template.projects import BIN, Render, lint, run, texts

from mshell_cut import questions

QUESTIONNAIRE = questions.load(TEMPLATE)


def matching(question: str) -> st.SearchStrategy[str]:
    return st.from_regex(QUESTIONNAIRE.rules[question]["pattern"], fullmatch=True)


FREE = {
    "gitlab_group_name": joined("/._-", 80),
    "repo_name": joined("-_.", 64),
    "repo_description": st.one_of(
        st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=200),
        st.text(string.punctuation + " é🚀", min_size=1, max_size=200),
    ),
    "pipeline_name": matching("pipeline_name"),
    "astro_workspace_name": matching("astro_workspace_name"),
    "squad_name": joined("_-", 64),
    "contact_email": matching("contact_email"),
    "alert_slack_channel": matching("alert_slack_channel"),
    "aws_project_name": st.text(alphanumeric + " _.:/=+@-", min_size=1, max_size=64),
}
ANSWERS = st.fixed_dictionaries(FREE).filter(lambda chosen: not QUESTIONNAIRE.problems(chosen))
LONGEST = {
    "gitlab_group_name": "/".join(["a" * 39, "b" * 40]),
    "repo_name": "-".join(["a" * 31, "b" * 32]),
    "repo_description": "w" * 200,
    "pipeline_name": "p" * 40,
    "astro_workspace_name": "w" * 64,
    "squad_name": "s" * 64,
    "contact_email": f"{'e' * 60}@{'d' * 35}.com",
    "alert_slack_channel": "#" + "c" * 79,
    "aws_project_name": "p" * 64,
}
YAML_WORDS = {
    "repo_name": "0x10",
    "pipeline_name": "null",
    "astro_workspace_name": "1e3",
    "squad_name": "1e3",
    "alert_slack_channel": "#null",
    "aws_project_name": "1: 2",
}


# Each example renders a whole project: shrinking one would take minutes.
@settings(
    max_examples=20,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(given_answers=ANSWERS)
@example(given_answers=LONGEST)
@example(given_answers=YAML_WORDS)
@example(given_answers={"repo_description": AWKWARD})
@example(given_answers={"repo_description": "\\", "pipeline_name": "a"})
def test_any_accepted_answers_give_a_project_that_holds_them(
    render_astro_dag: Render, given_answers: dict[str, str]
) -> None:
    chosen = answers(**given_answers)
    assert not QUESTIONNAIRE.problems(chosen)
    project = render_astro_dag(**given_answers)

    for path, text in texts(project):
        match Path(path).suffix:
            case ".py":
                ast.parse(text, path)
            case ".toml":
                tomllib.loads(text)
            case ".yaml" | ".yml":
                yaml.safe_load(text)
    lint(project)
    run(BIN / "hadolint", "Dockerfile", cwd=project)
    run("make", "--dry-run", "deploy", "run", cwd=project)
    assert_holds(project, chosen)


def assert_holds(project: Path, chosen: dict[str, str]) -> None:
    """Read the answers back from the files that hold them."""

    def read(path: str) -> str:
        return (project / path).read_text(encoding="utf-8")

    pipeline = chosen["pipeline_name"]
    assert project.name == chosen["repo_name"]
    assert (project / "dags" / pipeline / "__init__.py").is_file()
    dag = constants(read(f"dags/{pipeline}/dag.py"))
    assert (dag["PIPELINE"], dag["SQUAD"]) == (pipeline, chosen["squad_name"])
    assert (dag["AWS_PROJECT"], dag["CHANNEL"]) == (chosen["aws_project_name"], chosen["alert_slack_channel"])
    assert f'"{chosen["contact_email"]}",\n' in read(f"dags/{pipeline}/dag.py")
    assert tomllib.loads(read("pyproject.toml"))["tool"]["deploy-dags"] == {
        "workspace": chosen["astro_workspace_name"],
        "repo": chosen["repo_name"],
        "squad_name": chosen["squad_name"],
        "contact_email": chosen["contact_email"],
        "alert_slack_channel": chosen["alert_slack_channel"],
    }
    for path in ("README.md", f"dags/{pipeline}/README.md"):
        readme = unescaped(read(path))
        for name in (
            "repo_description",
            "pipeline_name",
            "squad_name",
            "contact_email",
            "alert_slack_channel",
        ):
            assert chosen[name] in readme, (path, name)
    assert f"`{chosen['aws_project_name']}`" in read("README.md")
    assert f"`{chosen['astro_workspace_name']}`" in read("README.md")
    assert read("CODEOWNERS") == f"* @{chosen['gitlab_group_name']}/{chosen['squad_name']}\n"
    assert yaml.safe_load(read(".astro/config.yaml")) == {"project": {"name": chosen["repo_name"]}}
    (variable,) = yaml.safe_load(read("airflow_settings.yaml"))["airflow"]["variables"]
    assert variable["variable_name"] == f"{pipeline}_root"
    (title,) = re.findall(r'image\.title="(.*)"', read("Dockerfile"))
    assert title == chosen["repo_name"]
