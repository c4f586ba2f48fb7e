"""Resolves the dependencies of the projects that the skyspark template renders.

    .venv/bin/python scripts/lock_template.py

Writes the template's `requirements.lock`: what each kind of project on each runtime resolves to, merged into
one file whose Jinja conditions pick the right lines. A project resolves anew with its own `make lock`.
"""

import itertools
import json
import re
import subprocess
import tempfile
from pathlib import Path

from cookiecutter.main import cookiecutter

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "<<cookiecutter.repo_name>>" / "requirements.lock"
Combination = tuple[str, str]


def main() -> None:
    """Write the lock."""
    questions = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
    combinations = list(itertools.product(questions["type_of_task"], questions["databricks_runtime"]))
    found: dict[str, list[Combination]] = {}
    for combination in combinations:
        for requirement in resolve(combination):
            found.setdefault(requirement, []).append(combination)
    lines = []
    for condition, group in itertools.groupby(
        sorted(found, key=str.casefold), key=lambda requirement: when(found[requirement], combinations)
    ):
        text = "".join(group)
        lines.append(f"<% if {condition} %>\n{text}<% endif %>\n" if condition else text)
    LOCK.write_text("".join(lines), encoding="utf-8")


def resolve(combination: Combination) -> list[str]:
    """Resolve for one kind and runtime: a text for each package, its version with its hashes."""
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
        lock = (project / "requirements.lock").read_text(encoding="utf-8")
    return re.findall(r"^[^\s#].*\n(?:[ ]+--hash=.*\n)*", lock, re.MULTILINE)


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
