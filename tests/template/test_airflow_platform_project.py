"""A cut platform is green from its first minute, on real Airflow and real Spark."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from template.airflow_platform import ADDRESSES, COMBINATIONS, QUESTIONS
from template.projects import Render, make_environment, path_with_uv, run

from mshell_cut.globs import matcher

pytestmark = pytest.mark.slow

READ = """
import sys
from airflow.dag_processing.dagbag import BundleDagBag
bag = BundleDagBag(dag_folder=sys.argv[1], bundle_path=sys.argv[1], bundle_name="dags-folder")
print(bag.import_errors, sorted(bag.dags))
"""
OWN_DAG = '''"""Is a DAG of the owner's."""

from airflow.sdk import DAG

with DAG(dag_id="nightly", schedule=None):
    pass
'''
# One line for each file with tests, also where the machine says how verbose pytest is to be.
QUIET = {"PYTEST_ADDOPTS": "--verbosity=0 --color=no"}


@pytest.fixture(scope="module")
def uv(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"PATH": path_with_uv(tmp_path_factory.mktemp("uv") / "bin")}


@pytest.fixture(scope="module")
def project(
    render_airflow_platform: Render, tmp_path_factory: pytest.TempPathFactory, uv: dict[str, str]
) -> Iterator[Path]:
    """A project with the environment of Airflow, under git."""
    folder = tmp_path_factory.mktemp("airflow_platform")
    project = shutil.copytree(render_airflow_platform(), folder / "project")
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", cwd=project)
    make_environment(project, **uv)
    yield project
    shutil.rmtree(folder)


def assert_green(printed: str) -> None:
    assert len(re.findall(r"=+ \d+ passed", printed)) == 1
    assert not re.search(r"\d+ (failed|skipped|error|warning)", printed)


def left_behind(project: Path) -> str:
    return run("git", "ls-files", "--others", "--exclude-standard", cwd=project)


def test_a_new_platform_is_green_and_leaves_nothing_behind(project: Path) -> None:
    printed = run("make", "lint", "test", cwd=project, **QUIET)
    for test in ("chart/test_keys", "chart/test_setup", "dags/test_import", "scripts/test_up"):
        assert re.search(rf"^tests/{test}\.py \.+", printed, re.MULTILINE), test
    assert_green(printed)
    assert not left_behind(project)


def test_its_dags_are_read_by_airflow(project: Path, tmp_path: Path) -> None:
    python = project / ".venv/bin/python"
    printed = run(python, "-c", READ, project / "dags", cwd=tmp_path, AIRFLOW_HOME=str(tmp_path))
    assert printed.splitlines()[-1] == "{} ['produce_data_assets', 'trigger_databricks_workflow']"


def test_what_upgrades_bring_is_green_without_the_samples(project: Path, tmp_path: Path) -> None:
    # Users replace the samples; what upgrades bring must not need them.
    copy = shutil.copytree(
        project, tmp_path / "project", ignore=shutil.ignore_patterns(".venv*", ".git", "__pycache__")
    )
    is_sample = matcher(QUESTIONS["_samples"])
    for path in [path for path in copy.rglob("*") if path.is_file()]:
        if is_sample(path.relative_to(copy).as_posix()):
            path.unlink()
    assert not list((copy / "dags").rglob("*.py"))
    (copy / "dags" / "nightly.py").write_text(OWN_DAG, encoding="utf-8")
    python = project / ".venv/bin/python"
    printed = run(python, "-m", "pytest", "-p", "no:cacheprovider", "tests/dags/test_import.py", cwd=copy)
    assert_green(printed)


@pytest.mark.parametrize("combination", COMBINATIONS[-1:], ids=["ssh"])
def test_the_other_airflow_and_address_have_values_and_manifests_that_are_right(
    project: Path, render_airflow_platform: Render, combination: dict[str, str]
) -> None:
    assert combination["git_repo_url"] == ADDRESSES["ssh"]
    other = render_airflow_platform(**combination)
    python = project / ".venv/bin/python"
    assert_green(run(python, "-m", "pytest", "-p", "no:cacheprovider", "tests/chart", cwd=other))


def test_its_notebooks_run_and_their_wheels_are_collected(project: Path, uv: dict[str, str]) -> None:
    make_environment(project, "build-notebooks", "requirements-notebooks.lock", **uv)
    printed = run("make", "test-notebooks", cwd=project, **uv, **QUIET)
    assert_green(printed)
    run("make", "package", cwd=project, **uv)
    wheels = {wheel.name.partition("-")[0] for wheel in (project / "dependency_wheels").glob("*.whl")}
    assert {"skyspark", "stack_exchange_pipeline"} <= wheels
    assert not {"pyspark", "delta_spark"} & wheels
    assert not left_behind(project)

    run("make", "clean", cwd=project)
    assert not run("git", "ls-files", "--others", cwd=project)
