"""The airflow-platform template under test, its answers, and those that decide what is rendered."""

import itertools
import json

from template.projects import ROOT

TEMPLATE = ROOT / "templates" / "airflow-platform"
PROJECT = TEMPLATE / "<<cookiecutter.repo_name>>"
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
PUBLIC = [name for name in QUESTIONS if not name.startswith("_")]
# git-sync needs another secret for each kind of address.
ADDRESSES = {
    "https": "https://github.com/example/airflow-platform.git",
    "ssh": "git@github.com:example/airflow-platform.git",
}
COMBINATIONS = [
    {"airflow_version": airflow, "python_version": python, "git_repo_url": address}
    for airflow, python, address in itertools.product(
        QUESTIONS["airflow_version"], QUESTIONS["python_version"], ADDRESSES.values()
    )
]


def answers(**given: str) -> dict[str, str]:
    """Complete some answers with the template's defaults."""
    plain = {
        name: QUESTIONS[name][0] if isinstance(QUESTIONS[name], list) else QUESTIONS[name] for name in PUBLIC
    } | given
    repo = plain["repo_name"]
    return plain | {"git_repo_url": plain["git_repo_url"].replace("<< cookiecutter.repo_name >>", repo)}
