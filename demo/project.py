"""Steps 1 to 3: a project is cut, gets its environment and a table of its own."""

import json
from pathlib import Path

import yaml
from machine import BIN
from walk import DemoError, Project, Walk

ANSWERS = {
    "repo_name": "popular-tags",
    "repo_description": "Finds the tags that people ask most about",
    # Any other clock would be due as soon as Airflow sees the DAG, and start it beside the asset.
    "schedule": "0 2 29 2 *",
}
BUNDLE_ANSWERS = {
    "service_principal_application_id_dev": "1b2c3d4e-0000-4000-8000-0123456789ab",
    "service_principal_application_id_prod": "1b2c3d4e-0000-4000-8000-0123456789ac",
}
TABLE = "gold_authors"


def cut(walk: Walk) -> Project:
    """Step 1: cut a project with an answers file.

    Returns:
        The project, with all of its answers; its repository is not there yet.
    """
    with walk.step(1, "Cut a project from the template") as step:
        answers = ANSWERS | {"type_of_task": walk.kind} | (BUNDLE_ANSWERS if walk.kind == "dab" else {})
        file = walk.folder / "answers.yaml"
        file.write_text(yaml.safe_dump(answers, sort_keys=False), encoding="utf-8")
        step.say("$ mshell-cut cut skyspark --answers answers.yaml")
        words = ["cut", "skyspark", "--no-input", "--answers", str(file)]
        walk.run([BIN / "mshell-cut", *words, "--output-dir", walk.folder / "projects"])
        folder = walk.folder / "projects" / ANSWERS["repo_name"]
        state = json.loads((folder / ".cruft.json").read_text(encoding="utf-8"))
        files = walk.run(["git", "ls-files"], folder).splitlines()
        reach = "a container image" if walk.kind == "docker" else "an asset bundle"
        step.say(f"{len(files)} files in a git repository with one commit; it reaches Databricks as {reach}")
        step.see("project", folder)
    return Project(
        folder, folder.name, state["context"]["cookiecutter"], walk.folder / "git" / f"{folder.name}.git"
    )


def build_environment(walk: Walk, project: Project) -> None:
    """Step 2: make the project's environment with its dependencies."""
    with walk.step(2, "Install the project's dependencies") as step:
        step.say("$ make build-dev")
        whence = _install(walk, project)
        packages = list((project.folder / ".venv/lib").glob("python3*/site-packages/*.dist-info"))
        named = {
            path.name.partition("-")[0]: path.name.split("-")[1].removesuffix(".dist") for path in packages
        }
        step.say(
            f"{len(packages)} packages in .venv, at locked versions with hashes, {whence}: "
            f"pyspark {named['pyspark']}, delta-spark {named['delta_spark']}, skyspark {named['skyspark']}"
        )
        step.see("dependencies", project.folder / "requirements.lock")


def _install(walk: Walk, project: Project) -> str:
    """Install the dependencies from uv's cache, or where that lacks one, from the index; say from where."""
    try:
        walk.run(["make", "build-dev"], project.folder, {"UV_OFFLINE": "1"})
    except DemoError:
        walk.run(["make", "build-dev"], project.folder)
        return "from the index"
    return "from uv's cache"


def add_table(walk: Walk, project: Project) -> None:
    """Step 3: add a table with its transformation, contract and test.

    Raises:
        DemoError: It is not in the pipeline afterwards.
    """
    with walk.step(3, "Add a table with its transformation and its test") as step:
        words = ["add", "table", TABLE, "--depends-on", "silver_users,silver_posts", "--tags", "daily,report"]
        step.say(f"$ mshell-cut {' '.join(words)}")
        walk.run([BIN / "mshell-cut", *words], project.folder)
        changed = walk.run(["git", "status", "--porcelain", "--untracked-files=all"], project.folder)
        for line in changed.splitlines():
            step.say(f"{'new    ' if line.startswith('?') else 'changed'} {line[3:]}")
        config = project.folder / "src/resources/config.yml"
        tables = yaml.safe_load(config.read_text(encoding="utf-8"))["tables"]
        if TABLE not in [table["name"] for table in tables]:
            raise DemoError(f"{config} has no table {TABLE}: `mshell-cut add table` did not write it.")
        step.see("transformation", _transformation(project.folder))


def _transformation(project: Path) -> Path:
    return project / "src/transformations/gold" / f"{TABLE}.py"
