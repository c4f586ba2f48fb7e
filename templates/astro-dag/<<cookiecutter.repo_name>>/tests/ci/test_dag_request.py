"""What the deploy function is asked: everything under dags/, or nothing at all."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from dag_request import NotDeployableError, build_request

ROOT = Path(__file__).parents[2]
OWNER = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["deploy-dags"]
DAG = """
from airflow.sdk import DAG

with DAG(dag_id="{}", description="Does nothing", schedule=None):
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two DAGs in a file, one in another, and a file that both need."""
    package = tmp_path / "dags" / "orders_of_tests"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "first.py").write_text(DAG.format("a") + DAG.format("b"), encoding="utf-8")
    (package / "second.py").write_text(DAG.format("c"), encoding="utf-8")
    (package / "query.sql").write_bytes("select 'é'\r\n".encode())
    return tmp_path / "dags"


def test_every_dag_and_every_other_file_is_in_it_once(folder: Path) -> None:
    (folder / "orders_of_tests" / "__pycache__").mkdir()
    (folder / "orders_of_tests" / "__pycache__" / "first.pyc").write_bytes(b"\xff")
    (folder / ".DS_Store").write_bytes(b"\xff")
    request = build_request(folder, OWNER, "dev")
    dags = request["body"]["dags"]
    assert [(dag["dag_id"], dag["dag_file"]["path"]) for dag in dags] == [
        ("a", "orders_of_tests/first.py"),
        ("b", "orders_of_tests/first.py"),
        ("c", "orders_of_tests/second.py"),
    ]
    assert [dag["dependencies"] for dag in dags] == [
        [
            {"path": "orders_of_tests/__init__.py", "text": ""},
            {"path": "orders_of_tests/query.sql", "text": "select 'é'\r\n"},
        ],
        [],
        [],
    ]
    assert dags[0]["squad_name"] == OWNER["squad_name"]
    assert dags[0]["description"] == "Does nothing"


def test_each_request_has_an_id_of_its_own(folder: Path) -> None:
    ids = {build_request(folder, OWNER, "dev")["requestId"] for _ in range(2)}
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("bad.py", b"import airflow.sdk as dag\n\n1 / 0\n", r"dags/bad\.py does not load: .*zero"),
        ("twice.py", DAG.format("a").encode(), r"dags/\S+ does not load: .*DAG a from "),
        ("rows.parquet", b"\xff\xfe", r"dags/rows\.parquet is no text in UTF-8: "),
    ],
)
def test_a_file_that_cannot_be_deployed_is_named(
    folder: Path, name: str, content: bytes, problem: str
) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(NotDeployableError) as refused:
        build_request(folder, OWNER, "dev")
    (sentence,) = refused.value.problems
    assert re.match(problem, sentence)


def test_a_folder_without_a_dag_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotDeployableError, match="no DAG"):
        build_request(tmp_path, OWNER, "dev")


def test_the_program_prints_the_request_of_this_project() -> None:
    command = [sys.executable, "ci/deploy_dags.py", "--deployment", "dev", "--print"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    request = json.loads(done.stdout)
    assert (request["astroWorkspace"], request["repo"]) == (OWNER["workspace"], OWNER["repo"])
    assert request["body"]["dags"]
