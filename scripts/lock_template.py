"""Resolves the dependencies of the projects that the templates render.

    .venv/bin/python scripts/lock_template.py [skyspark] [astro-dag] [airflow-platform]

Writes the locks of the named templates, of all by default. Where answers decide what is needed, a lock holds
what each combination of them resolves to, merged into one file whose Jinja conditions pick the right lines. A
project resolves anew with its own `make lock`.
"""

import itertools
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[1]
PROJECT = "<<cookiecutter.repo_name>>"
# Answers to the questions that decide what a project needs.
Answers = dict[str, str]


@dataclass(frozen=True)
class Template:
    """A template with locks.

    Attributes:
        folder: its folder in this repository.
        questions: the choices that decide what its projects need.
        locks: the files that a project's `make lock` writes.
    """

    folder: str
    questions: tuple[str, ...]
    locks: tuple[str, ...]


TEMPLATES = {
    "skyspark": Template(
        "", ("type_of_task", "databricks_runtime"), ("requirements.lock", "requirements-dags.lock")
    ),
    "astro-dag": Template("templates/astro-dag", (), ("requirements.lock",)),
    "airflow-platform": Template(
        "templates/airflow-platform",
        ("airflow_version",),
        ("requirements.lock", "requirements-notebooks.lock"),
    ),
}


def main() -> None:
    """Write the locks of the templates that the command line names."""
    for name in sys.argv[1:] or TEMPLATES:
        write_locks(TEMPLATES[name])


def write_locks(template: Template) -> None:
    """Write the locks of one template."""
    folder = ROOT / template.folder
    choices = json.loads((folder / "cookiecutter.json").read_text(encoding="utf-8"))
    combinations = [
        dict(zip(template.questions, chosen, strict=True))
        for chosen in itertools.product(*(choices[question] for question in template.questions))
    ]
    found: dict[str, dict[str, list[Answers]]] = {lock: {} for lock in template.locks}
    for answers in combinations:
        for lock, requirements in resolve(folder, template.locks, answers).items():
            for requirement in requirements:
                found[lock].setdefault(requirement, []).append(answers)
    for lock, requirements in found.items():
        (folder / PROJECT / lock).write_text(merged(requirements, combinations), encoding="utf-8")


def merged(found: dict[str, list[Answers]], combinations: list[Answers]) -> str:
    """Write requirements one after the other, those of some combinations under a condition."""
    lines = []
    for condition, group in itertools.groupby(
        sorted(found, key=str.casefold), key=lambda requirement: when(found[requirement], combinations)
    ):
        text = "".join(group)
        lines.append(f"<% if {condition} %>\n{text}<% endif %>\n" if condition else text)
    return "".join(lines)


def resolve(folder: Path, locks: tuple[str, ...], answers: Answers) -> dict[str, list[str]]:
    """Resolve for one combination: by lock, a text for each package, its version with its hashes."""
    with tempfile.TemporaryDirectory() as temporary:
        project = lock_project(folder, temporary, **answers)
        texts = {lock: (project / lock).read_text(encoding="utf-8") for lock in locks}
    package = re.compile(r"^[^\s#].*\n(?:[ ]+--hash=.*\n)*", re.MULTILINE)
    return {lock: package.findall(text) for lock, text in texts.items()}


def lock_project(template: Path, folder: str, **answers: str) -> Path:
    """Render a project and have it resolve anew with the uv of this repository."""
    project = Path(
        cookiecutter(
            str(template), no_input=True, accept_hooks=False, output_dir=folder, extra_context=answers
        )
    )
    (project / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(["make", "--assume-old=.venv/.installed", "lock"], cwd=project, check=True)
    return project


def when(chosen: list[Answers], combinations: list[Answers]) -> str:
    """Say in Jinja for which of the combinations a requirement is."""
    if chosen == combinations:
        return ""
    parts = []
    for question in combinations[0]:
        answers = {answer[question] for answer in chosen}
        if answers != {answer[question] for answer in combinations}:
            parts.append(f'cookiecutter.{question} == "{answers.pop()}"')
    return " and ".join(parts)


if __name__ == "__main__":
    main()
