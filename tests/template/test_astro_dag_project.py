"""A cut DAG project is green from its first minute, on real Airflow, and can be deployed."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from scaffold import write_tree
from template.astro_dag import QUESTIONS
from template.projects import MACHINE, ROOT, Render, make_environment, path_with_uv, run

pytestmark = pytest.mark.slow

MODULES = """
import json, re
from importlib.metadata import packages_distributions
print(json.dumps([name for name in packages_distributions() if re.fullmatch("[a-z][a-z0-9_]*", name)]))
"""
READ = """
import sys
from airflow.dag_processing.dagbag import BundleDagBag
bag = BundleDagBag(dag_folder=sys.argv[1], bundle_path=sys.argv[1], bundle_name="dags-folder")
print(bag.import_errors, sorted(bag.dags))
"""
BAD = {
    "network": "import urllib.request\n\nurllib.request.urlopen('http://127.0.0.1:9')\n",
    "database": "from airflow.models import DagModel\nfrom airflow.utils.session import create_session\n\n"
    "with create_session() as session:\n    session.query(DagModel).all()\n",
    "variable": "from airflow.sdk import Variable\n\nVariable.get('environment', default='dev')\n",
}
LAX = '''"""Is no DAG of the squad."""

from airflow.sdk import DAG, task

with DAG(dag_id="lax", schedule=None, catchup=True):

    @task
    def nothing() -> None:
        pass

    nothing()
'''


def copied(project: Path, folder: Path) -> Path:
    """Copy a project without its environment."""
    return shutil.copytree(project, folder / "project", ignore=shutil.ignore_patterns(".venv"))


def pytest_of(project: Path) -> list[str | Path]:
    return [project / ".venv/bin/python", "-m", "pytest", "-p", "no:cacheprovider"]


@pytest.fixture(scope="module")
def project(render_astro_dag: Render, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A project with its environment, under git."""
    folder = tmp_path_factory.mktemp("astro_dag")
    project = shutil.copytree(render_astro_dag(), folder / "project")
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", cwd=project)
    make_environment(project, PATH=path_with_uv(folder / "bin"))
    yield project
    shutil.rmtree(folder)


def test_a_new_project_is_green_and_leaves_nothing_behind(project: Path) -> None:
    # One line for each file with tests, also where the machine says how verbose pytest is to be.
    printed = run("make", "lint", "test", cwd=project, PYTEST_ADDOPTS="--verbosity=0 --color=no")
    for test in ("ci/test_dag_request", "dags/test_import", "dags/test_pipeline", "dags/test_rules"):
        assert re.search(rf"^tests/{test}\.py \.+", printed, re.MULTILINE), test
    assert len(re.findall(r"=+ \d+ passed", printed)) == 1
    assert not re.search(r"\d+ (failed|skipped|error|warning)", printed)
    assert not run("git", "ls-files", "--others", "--exclude-standard", cwd=project)


def test_no_pipeline_stands_in_for_an_installed_module(project: Path) -> None:
    modules = json.loads(run(project / ".venv/bin/python", "-c", MODULES, cwd=project))
    assert "airflow" in modules
    reserved = set(QUESTIONS["_rules"]["pipeline_name"]["reserved"])
    assert {name.replace("_", "-") for name in modules} <= reserved


def test_a_deployment_has_the_dags_of_all_its_repositories_and_can_import_them(
    project: Path, render_astro_dag: Render, tmp_path: Path
) -> None:
    other = render_astro_dag(repo_name="orders-dags", pipeline_name="orders")
    run(ROOT / "scripts/lambda.sh", cwd=ROOT)
    python = project / ".venv/bin/python"
    requests = [
        json.loads(run("make", "--silent", "deploy-request", "DEPLOYMENT=dep1", cwd=project)),
        json.loads(run(python, "ci/deploy_dags.py", "--deployment", "dep1", "--print", cwd=other)),
    ]
    done = subprocess.run(
        [ROOT / ".venvs/lambda/bin/python", ROOT / "tests/template/astro_deploy.py"],
        input=json.dumps(requests), env=MACHINE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    deployed = json.loads(done.stdout.splitlines()[-1])
    assert [answer["statusCode"] for answer in deployed["answers"]] == [200, 200], deployed["answers"]

    files = {
        path.relative_to(folder / "dags").as_posix(): path.read_text(encoding="utf-8")
        for folder in (project, other)
        for path in (folder / "dags").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert deployed["bundle"] == files
    write_tree(tmp_path / "dags", files)
    printed = run(python, "-c", READ, tmp_path / "dags", cwd=project, AIRFLOW_HOME=str(tmp_path / "airflow"))
    assert printed.splitlines()[-1] == "{} ['daily_revenue', 'orders']"


def test_a_failed_task_is_told_in_slack_and_mailed(project: Path, tmp_path: Path) -> None:
    copy = copied(project, tmp_path)
    shutil.copyfile(ROOT / "tests/template/astro_alerts.py", copy / "tests/dags/test_alerts.py")
    printed = run(*pytest_of(project), "tests/dags/test_alerts.py", cwd=copy)
    assert re.search(r"=+ 1 passed", printed)


def test_the_projects_own_tests_catch_what_would_hurt_airflow_or_the_squad(
    project: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(
        project, tmp_path / "project", symlinks=True, ignore=shutil.ignore_patterns(".venv")
    )
    # Users replace the sample; what upgrades bring must not need it.
    shutil.rmtree(copy / "dags" / QUESTIONS["pipeline_name"])
    shutil.rmtree(copy / "tests" / "steps")
    (copy / "tests" / "dags" / "test_pipeline.py").unlink()
    package = copy / "dags" / "orders"
    package.mkdir()
    (package / "__init__.py").write_text('"""Is a package."""\n', encoding="utf-8")
    (package / "lax.py").write_text(LAX, encoding="utf-8")
    for name, text in BAD.items():
        (package / f"{name}.py").write_text(f'"""Is bad."""\n\n{text}', encoding="utf-8")
    command = [*pytest_of(project), "tests/dags"]
    done = subprocess.run(command, cwd=copy, env=MACHINE, capture_output=True, text=True, check=False)
    failed = re.findall(r"^FAILED tests/dags/test_(\S+)", done.stdout, re.MULTILINE)
    assert sorted(name.partition("::")[2] for name in failed) == sorted(
        [
            *(f"test_a_file_is_read[orders/{name}.py]" for name in BAD),
            "test_a_dag_is_named_after_its_folder",
            "test_a_dag_says_what_it_does_and_whose_it_is",
            "test_a_dag_does_not_catch_up_or_overtake_itself",
            "test_a_task_belongs_to_the_squad_and_is_tried_again",
            "test_a_failure_is_told_in_slack_and_mailed",
        ]
    ), done.stdout
