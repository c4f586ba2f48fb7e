"""Resolves the dependencies of the projects that the skyspark template renders.

    .venv/bin/python scripts/lock_template.py

Writes the template's locks: what each kind of project on each runtime resolves to, merged into one file each
whose Jinja conditions pick the right lines. A project resolves anew with its own `make lock`.
"""

import itertools
import json
import re
import subprocess
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[1]
TEMPLATE = ROOT / "<<cookiecutter.repo_name>>"
LOCKS = ("requirements.lock", "requirements-dags.lock")
Combination = tuple[str, str]


def main() -> None:
    """Write the locks."""
    questions = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    combinations = list(itertools.product(questions["type_of_task"], questions["databricks_runtime"]))
    found: dict[str, dict[str, list[Combination]]] = {lock: {} for lock in LOCKS}
    for combination in combinations:
        for lock, requirements in resolve(combination).items():
            for requirement in requirements:
                found[lock].setdefault(requirement, []).append(combination)
    for lock, requirements in found.items():
        (TEMPLATE / lock).write_text(merged(requirements, combinations), encoding="utf-8")


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
        project = Path(
            cookiecutter(
                str(ROOT),
                no_input=True,
                accept_hooks=False,
                output_dir=folder,
                extra_context={"type_of_task": kind, "databricks_runtime": runtime},
            )
        )
        (project / ".venv").symlink_to(ROOT / ".venv")
        subprocess.run(["make", "--assume-old=.venv/.installed", "lock"], cwd=project, check=True)
        texts = {lock: (project / lock).read_text(encoding="utf-8") for lock in LOCKS}
    package = re.compile(r"^[^\s#].*\n(?:[ ]+--hash=.*\n)*", re.MULTILINE)
    return {lock: package.findall(text) for lock, text in texts.items()}


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
