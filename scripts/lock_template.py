"""Resolves the dependencies of the projects that the templates render.

    .venv/bin/python scripts/lock_template.py [skyspark] [astro-dag]

Writes the locks of the named templates, of all by default. For skyspark they hold what each kind of project
on each runtime resolves to, merged into one file each whose Jinja conditions pick the right lines. A project
resolves anew with its own `make lock`.
"""

import itertools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[1]
PROJECT = "<<cookiecutter.repo_name>>"
ASTRO_DAG = ROOT / "templates" / "astro-dag"
LOCKS = ("requirements.lock", "requirements-dags.lock")
Combination = tuple[str, str]


def main() -> None:
    """Write the locks of the templates that the command line names."""
    templates = {"skyspark": lock_skyspark, "astro-dag": lock_astro_dag}
    for name in sys.argv[1:] or templates:
        templates[name]()


def lock_skyspark() -> None:
    """Write the locks of the template at the top."""
    questions = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    combinations = list(itertools.product(questions["type_of_task"], questions["databricks_runtime"]))
    found: dict[str, dict[str, list[Combination]]] = {lock: {} for lock in LOCKS}
    for combination in combinations:
        for lock, requirements in resolve(combination).items():
            for requirement in requirements:
                found[lock].setdefault(requirement, []).append(combination)
    for lock, requirements in found.items():
        (ROOT / PROJECT / lock).write_text(merged(requirements, combinations), encoding="utf-8")


def lock_astro_dag() -> None:
    """Write the lock of templates/astro-dag, which is the same for all answers."""
    with tempfile.TemporaryDirectory() as folder:
        project = lock_project(ASTRO_DAG, folder)
        lock = (project / "requirements.lock").read_text(encoding="utf-8")
    (ASTRO_DAG / PROJECT / "requirements.lock").write_text(lock, encoding="utf-8")


def merged(found: dict[str, list[Combination]], combinations: list[Combination]) -> str:
    """Write requirements one after the other, those of some combinations under a condition."""
    lines = []
    for condition, group in itertools.groupby(
        sorted(found, key=str.casefold), key=lambda requirement: when(found[requirement], combinations)
    ):
        text = "".join(group)
        lines.append(f"<% if {condition} %>\n{text}<% endif %>\n" if condition else text)
    return "".join(lines)


def resolve(combination: Combination) -> dict[str, list[str]]:
    """Resolve for one kind and runtime: by lock, a text for each package, its version with its hashes."""
    kind, runtime = combination
    with tempfile.TemporaryDirectory() as folder:
        project = lock_project(ROOT, folder, type_of_task=kind, databricks_runtime=runtime)
        texts = {lock: (project / lock).read_text(encoding="utf-8") for lock in LOCKS}
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


def when(chosen: list[Combination], combinations: list[Combination]) -> str:
    """Say in Jinja for which of the combinations a requirement is."""
    if chosen == combinations:
        return ""
    kinds = {kind for kind, _ in chosen}
    runtimes = {runtime for _, runtime in chosen}
    parts = []
    if kinds != {kind for kind, _ in combinations}:
        parts.append(f'cookiecutter.type_of_task == "{kinds.pop()}"')
    if runtimes != {runtime for _, runtime in combinations}:
        parts.append(f'cookiecutter.databricks_runtime == "{runtimes.pop()}"')
    return " and ".join(parts)


if __name__ == "__main__":
    main()
