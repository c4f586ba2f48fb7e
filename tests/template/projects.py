"""The template under test, its answers, and what is done to its renders."""

import itertools
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = ROOT / ".venv" / "bin"
QUESTIONS = json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))
PRINCIPALS = {
    "service_principal_application_id_dev": "1b2c3d4e-0000-4000-8000-0123456789ab",
    "service_principal_application_id_prod": "1b2c3d4e-0000-4000-8000-0123456789ac",
}
LOCKS = ("requirements.lock", "requirements-dags.lock")

COMBINATIONS = [
    dict(zip(("type_of_task", "databricks_runtime", "package_source"), values, strict=True))
    for values in itertools.product(
        *(QUESTIONS[name] for name in ("type_of_task", "databricks_runtime", "package_source"))
    )
]

Render = Callable[..., Path]
# Tests get a home of their own; tools keep the caches of this machine. A make that runs the tests tells the
# makes below it through MAKE…, which they then print.
MACHINE = {
    name: value
    for name, value in os.environ.items()
    if name != "VIRTUAL_ENV" and name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")
} | {
    # A busy machine imports Airflow's providers for longer than the 30 s that a file of DAGs gets.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
}


def answers(**given: str) -> dict[str, str]:
    """Complete some answers with the template's defaults."""
    plain = {
        name: default[0] if isinstance(default, list) else default
        for name, default in QUESTIONS.items()
        if not name.startswith("_")
    }
    principals = PRINCIPALS if given.get("type_of_task") == "dab" else {}
    return plain | principals | given


def texts(project: Path) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every text file of a project."""
    for path in sorted(project.rglob("*")):
        if path.is_file() and path.suffix != ".whl":
            yield path.relative_to(project).as_posix(), path.read_text(encoding="utf-8")


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """Run a command that must succeed and return what it prints."""
    done = subprocess.run(
        command, cwd=cwd, env=MACHINE | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def make_environment(
    project: Path, target: str = "build-dev", lock: str = "requirements.lock", **variables: str
) -> str:
    """Have a project make an environment, from uv's cache alone where that has all, and return what is said.

    Spark is released as source: of an index that does not say how long it may be kept, uv fetches it anew for
    each environment, and builds it.
    """
    look = [BIN / "uv", "pip", "install", "--offline", "--dry-run", "--quiet", "--require-hashes"]
    with tempfile.TemporaryDirectory() as nothing:
        command = [*look, "--target", nothing, "-r", project / lock]
        has_all = subprocess.run(command, env=MACHINE, capture_output=True, check=False).returncode == 0
    return run("make", target, cwd=project, **variables, **({"UV_OFFLINE": "1"} if has_all else {}))


def path_with_uv(folder: Path) -> str:
    """Put uv, and nothing else of this workspace's environment, on PATH."""
    folder.mkdir()
    (folder / "uv").symlink_to(BIN / "uv")
    return os.pathsep.join([str(folder), path_without_uv()])


def path_without_uv() -> str:
    return os.pathsep.join(
        folder for folder in MACHINE["PATH"].split(os.pathsep) if not shutil.which("uv", path=folder)
    )


def lint(project: Path) -> None:
    """Have a project's own rules of style judge its files, as its `make lint` does."""
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=project)
    run(BIN / "ruff", "format", "--no-cache", "--check", ".", cwd=project)
    run(BIN / "yamllint", "--strict", ".", cwd=project)
