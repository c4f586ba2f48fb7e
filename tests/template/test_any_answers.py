"""Whatever the rules accept comes out whole and harmless in every file."""

import ast
import json
import string
import tomllib
from pathlib import Path

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from skyspark.pipeline.interpolation import Variables
from template.awkward import AWKWARD, alphanumeric, constants, joined, unescaped
from template.projects import BIN, PRINCIPALS, ROOT, Render, answers, lint, run, texts

from mshell_cut import questions

TEMPLATE = questions.load(ROOT)


def matching(question: str) -> st.SearchStrategy[str]:
    return st.from_regex(TEMPLATE.rules[question]["pattern"], fullmatch=True)


def accepted(question: str, candidates: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return candidates.filter(lambda answer: not TEMPLATE.problem(question, answers(**{question: answer})))


def cron() -> st.SearchStrategy[str]:
    """Schedules of the format `cron`: a few terms a field, and a day of the month or a weekday or neither."""

    def field(least: int, greatest: int) -> st.SearchStrategy[str]:
        number = st.integers(least, greatest)
        span = st.tuples(number, number).map(lambda ends: "{}-{}".format(*sorted(ends)))
        step = st.tuples(st.one_of(st.just("*"), span), st.integers(1, greatest)).map("{0[0]}/{0[1]}".format)
        return st.lists(st.one_of(st.just("*"), number.map(str), span, step), min_size=1, max_size=3).map(
            ",".join
        )

    weekday = st.sampled_from(["SUN", "MON-FRI", "TUE,THU", "SUN-WED,SAT"])
    days = st.one_of(st.tuples(field(1, 31), st.just("*")), st.tuples(st.just("*"), weekday))
    return st.tuples(field(0, 59), field(0, 23), days, field(1, 12)).map(
        lambda parts: f"{parts[0]} {parts[1]} {parts[2][0]} {parts[3]} {parts[2][1]}"
    )


FREE = {
    "repo_name": joined("-_.", 64),
    "repo_description": st.one_of(
        st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=200),
        st.text(string.punctuation + " é🚀", min_size=1, max_size=200),
    ),
    "gitlab_group_name": joined("/._-", 80),
    "squad_name": joined("_-", 64),
    "contact_email": matching("contact_email"),
    "contact_slack_channel": matching("contact_slack_channel"),
    "aws_project_name": st.text(alphanumeric + " _.:/=+@-", min_size=1, max_size=64),
    "catalog": matching("catalog"),
    "schedule": cron(),
    "ecr_registry": matching("ecr_registry"),
}
ANSWERS = st.fixed_dictionaries(
    {question: accepted(question, candidates) for question, candidates in FREE.items()}
    | {
        "type_of_task": st.sampled_from(["docker", "dab"]),
        "databricks_runtime": st.sampled_from(["17.3", "18"]),
        "package_source": st.sampled_from(["vendor", "index"]),
    }
)

LONGEST = {
    "repo_name": "-".join(["a" * 31, "b" * 32]),
    "repo_description": "w" * 200,
    "gitlab_group_name": "/".join(["a" * 39, "b" * 40]),
    "squad_name": "s" * 64,
    "contact_email": f"{'e' * 60}@{'d' * 35}.com",
    "contact_slack_channel": "#" + "c" * 79,
    "aws_project_name": "p" * 64,
    "catalog": "c" * 64,
    "schedule": "0,5,10,15,20,25,30,35,40,45,50,55 0-6/2,8-20/4 * 1-2 MON-WED,FRI",
    "ecr_registry": "123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com.cn",
}


# Each example renders a whole project: shrinking one would take minutes.
@settings(
    max_examples=25,
    derandomize=True,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
@given(given_answers=ANSWERS)
@example(given_answers=LONGEST | {"type_of_task": "docker"})
@example(given_answers=LONGEST | {"type_of_task": "dab"})
@example(given_answers={"repo_description": AWKWARD, "type_of_task": "docker"})
@example(given_answers={"repo_description": AWKWARD, "type_of_task": "dab"})
@example(given_answers={"repo_description": "\\", "type_of_task": "dab"})
@example(given_answers={"repo_name": "null", "catalog": "null", "type_of_task": "dab"})
@example(given_answers={"repo_name": "0x10", "squad_name": "1e3", "catalog": "_1", "type_of_task": "dab"})
def test_any_accepted_answers_give_a_project_that_holds_them(
    render: Render, given_answers: dict[str, str]
) -> None:
    chosen = answers(**given_answers)
    assert not TEMPLATE.problems(chosen)
    project = render(**given_answers)

    for path, text in texts(project):
        match Path(path).suffix:
            case ".py":
                ast.parse(text, path)
            case ".toml":
                tomllib.loads(text)
            case ".json":
                json.loads(text)
            case ".yaml" | ".yml":
                yaml.safe_load(text)
    lint(project)
    run("make", "--dry-run", "package", cwd=project)
    assert_holds(project, chosen)


def assert_holds(project: Path, chosen: dict[str, str]) -> None:
    """Read the answers back from the files that hold them."""

    def read(path: str) -> str:
        return (project / path).read_text(encoding="utf-8")

    metadata = tomllib.loads(read("pyproject.toml"))["project"]
    assert metadata["name"] == chosen["repo_name"]
    assert metadata["description"] == chosen["repo_description"]
    assert metadata["authors"] == [{"name": chosen["squad_name"], "email": chosen["contact_email"]}]
    readme = read("README.md")
    assert chosen["repo_description"] in unescaped(readme)
    for name in ("contact_slack_channel", "contact_email", "schedule"):
        assert chosen[name] in unescaped(readme), name
    assert read("CODEOWNERS") == f"* @{chosen['gitlab_group_name']}/{chosen['squad_name']}\n"
    for env in ("dev", "prod"):
        settings = yaml.safe_load(read(f"src/resources/settings/{env}.yaml"))
        assert settings["catalog"] == chosen["catalog"]
    config = yaml.safe_load(read("src/resources/config.yml"))
    assert config["name"] == chosen["repo_name"]
    assert Variables({}, {}, {}, {}).replace(config["description"]) == chosen["repo_description"]
    dag = constants(read("dags/medallion.py"))
    assert dag["PROJECT"] == chosen["repo_name"]
    assert dag["SQUAD"] == chosen["squad_name"]
    assert f'"{chosen["contact_email"]}",\n' in read("dags/medallion.py")

    if chosen["type_of_task"] == "docker":
        assert dag["SCHEDULE"] == chosen["schedule"]
        assert dag["AWS_PROJECT"] == chosen["aws_project_name"]
        image = f"databricks-alchemy/{chosen['gitlab_group_name']}/{chosen['repo_name']}".lower()
        database = run("make", "--dry-run", "--print-data-base", "clean", cwd=project)
        assert f"\nIMAGE := {chosen['ecr_registry']}/{image}\n" in database
        run(BIN / "hadolint", "Dockerfile", cwd=project)
        return

    declared = yaml.safe_load(read("databricks-workflows/medallion_pipeline.yml"))["resources"]["pipelines"]
    assert [(one["name"], one["catalog"]) for one in declared.values()] == [
        (chosen["repo_name"], chosen["catalog"])
    ]
    job = yaml.safe_load(read("databricks-workflows/medallion.yml"))["resources"]["jobs"]["medallion"]
    assert job["name"] == chosen["repo_name"]
    assert job["description"] == chosen["repo_description"]
    assert job["email_notifications"]["on_failure"] == [chosen["contact_email"]]
    assert job["tags"] == {"project": chosen["aws_project_name"], "squad": chosen["squad_name"]}
    assert quartz(chosen["schedule"]) == job["schedule"]["quartz_cron_expression"]
    targets = yaml.safe_load(read("databricks.yaml"))["targets"]
    for env in ("dev", "prod"):
        principal = PRINCIPALS[f"service_principal_application_id_{env}"]
        assert targets[env]["run_as"] == {"service_principal_name": principal}


def quartz(cron: str) -> str:
    minute, hour, day, month, weekday = cron.split()
    if weekday == "*":
        return f"0 {minute} {hour} {day} {month} ?"
    return f"0 {minute} {hour} ? {month} {weekday}"
