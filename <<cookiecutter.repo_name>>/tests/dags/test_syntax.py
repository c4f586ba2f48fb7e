"""Airflow is no part of this project's environment: its DAGs are only parsed here."""

import ast
from pathlib import Path

import pytest

DAGS = sorted((Path(__file__).parents[2] / "dags").glob("*.py"))


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.name)
def test_a_dag_is_valid_python(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"), path.name)
    assert ast.get_docstring(tree)
