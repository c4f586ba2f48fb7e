"""What the README promises: each route of its table is there and proven, and its first program runs."""

import ast
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from databricks_local.process import LocalWorkspace
from databricks_local.registry import endpoints

TESTS = Path(__file__).parent
README = (TESTS.parent / "README.md").read_text()
ROW = re.compile(
    r"^\| `(?P<method>[A-Z]+) (?P<path>/\S+)` \| `(?P<call>[^`]+)` \| `(?P<proof>[^`]+)` \|$", re.M
)


def expanded(path: str) -> list[str]:
    """Return the paths that one with ``{2.1,2.2}`` stands for."""
    parts = re.split(r"\{([^{}]*,[^{}]*)\}", path)
    choices = [part.split(",") if index % 2 else [part] for index, part in enumerate(parts)]
    return ["".join(chosen) for chosen in itertools.product(*choices)]


def test_the_table_has_each_route_once_and_no_other() -> None:
    table = sorted((row["method"], path) for row in ROW.finditer(README) for path in expanded(row["path"]))
    # The kinds of a path's parameters are no concern of callers.
    served = sorted((each.method, re.sub(r":\w+\}", "}", each.path)) for each in endpoints())
    assert table == served
    assert len(re.findall(r"^\| `[A-Z]+ /", README, re.M)) == len(ROW.findall(README))


@pytest.mark.parametrize("row", [pytest.param(row, id=row["proof"]) for row in ROW.finditer(README)])
def test_each_proof_is_a_test_that_makes_the_call(row: re.Match[str]) -> None:
    file, _, name = row["proof"].partition("::")
    source = (TESTS / file).read_text()
    tests = [node.name for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    assert name.startswith("test_")
    assert name in tests
    assert re.search(rf"\.{row['call'].rpartition('.')[2]}\b", source)


def test_the_first_program_of_the_readme_runs(databricks_local: LocalWorkspace) -> None:
    (program,) = re.findall(r"## A first run\n.*?```python\n(.*?)```", README, re.S)
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(databricks_local.root),
        "DATABRICKS_HOST": databricks_local.host,
        "DATABRICKS_TOKEN": databricks_local.token,
    }
    ran = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=1200
    )
    assert ran.returncode == 0, ran.stderr
    assert "SUCCESS 5 rows" in ran.stdout
    assert f"{databricks_local.host}/?o=" in ran.stdout
