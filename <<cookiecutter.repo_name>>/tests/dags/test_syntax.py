"""Airflow is no part of this project's environment: its DAGs are only parsed here."""

import ast
from pathlib import Path

DAGS = sorted((Path(__file__).parents[2] / "dags").glob("*.py"))


def test_dags_are_valid_python_and_say_what_they_are_for() -> None:
    for path in DAGS:
        tree = ast.parse(path.read_text(encoding="utf-8"), path.name)
        assert ast.get_docstring(tree), path.name
