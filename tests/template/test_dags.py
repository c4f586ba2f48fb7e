"""The project's own tests of its DAGs: they catch what would hurt Airflow, and need no sample."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from template.additions import add_all
from template.projects import MACHINE, ROOT, Render, run

pytestmark = pytest.mark.slow

BAD = {
    "network": "import urllib.request\n\nurllib.request.urlopen('http://127.0.0.1:9')\n",
    "caught": (
        "import contextlib\nimport socket\n\n"
        "with contextlib.suppress(Exception):\n    socket.create_connection(('127.0.0.1', 9))\n"
    ),
    "database": "from airflow.models import DagModel\nfrom airflow.utils.session import create_session\n\n"
    "with create_session() as session:\n    session.query(DagModel).all()\n",
    "variable": "from airflow.sdk import Variable\n\nVariable.get('environment', default='dev')\n",
    "connection": "from airflow.sdk import BaseHook\n\nBaseHook.get_connection('databricks_default')\n",
    "no_dag": "TABLES = []\n",
}

READ = """
import sys
from airflow.models import DagBag
bags = [DagBag(folder, include_examples=False) for folder in sys.argv[1:]]
print([bag.import_errors for bag in bags], [sorted(bag.dags) for bag in bags])
"""


def test_the_lowest_airflow_reads_the_dags(render: Render, tmp_path: Path) -> None:
    run(ROOT / "scripts/airflow.sh", "lowest", cwd=ROOT)
    folders = []
    for kind in ("docker", "dab"):
        project = shutil.copytree(render(type_of_task=kind, repo_name="orders"), tmp_path / kind)
        add_all(project, kind, repo_name="orders")
        folders.append(project / "dags")
    python = ROOT / ".venvs/airflow-lowest/bin/python"
    printed = run(python, "-c", READ, *folders, cwd=tmp_path, AIRFLOW_HOME=str(tmp_path / "airflow"))
    dags = ["orders", "orders-nightly", "orders-report"]
    assert printed.splitlines()[-1] == f"{[{}, {}]} {[dags, dags]}"


@pytest.mark.parametrize("kind", ["docker", "dab"])
def test_the_projects_own_tests_catch_a_file_that_would_hurt_airflow(
    render: Render, tmp_path: Path, kind: str
) -> None:
    run(ROOT / "scripts/airflow.sh", "newest", cwd=ROOT)
    project = shutil.copytree(render(type_of_task=kind), tmp_path / "project")
    (project / ".venv-dags").symlink_to(ROOT / ".venvs/airflow")
    # Users replace the sample; what upgrades bring must not need it.
    (project / "dags/medallion.py").unlink()
    (project / "tests/dags/test_medallion.py").unlink()
    add_all(project, kind)
    for name, text in BAD.items():
        (project / f"dags/{name}.py").write_text(f'"""Is bad."""\n\n{text}', encoding="utf-8")
    command = [".venv-dags/bin/python", "-m", "pytest", "-p", "no:cacheprovider", "--confcutdir=tests/dags"]
    done = subprocess.run(
        [*command, "tests/dags"], cwd=project, env=MACHINE, capture_output=True, text=True, check=False
    )
    found = re.findall(r"^FAILED tests/dags/test_import\.py::\w+\[(\w+)\]", done.stdout, re.MULTILINE)
    assert sorted(found) == sorted(BAD), done.stdout
    assert re.search(rf"=+ {len(BAD)} failed, \d+ passed", done.stdout), done.stdout
