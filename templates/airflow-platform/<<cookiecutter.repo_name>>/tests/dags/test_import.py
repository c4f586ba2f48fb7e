"""Airflow reads the files of dags/ again and again: that must work, and must not cost a query."""

import ast
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import BundleDagBag, DagBag
from airflow.sdk import BaseHook, Variable
from sqlalchemy.engine import Engine

DAGS = Path(__file__).parents[2] / "dags"
# The others import what downloads, unpacks and uploads.
IMPORTED_BY_DAGS = {f"stack_exchange.{name}" for name in ("alert", "assets", "pod")}


@pytest.fixture(
    params=sorted(DAGS.rglob("*.py")), ids=lambda file: file.relative_to(DAGS).as_posix()
)
def file(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Refuse what makes a file slow or lets it fail, and say what was asked for all the same."""
    asked = []

    def refuse(what: str) -> Callable[..., None]:
        def refuse(*_: object, **__: object) -> None:
            asked.append(what)
            raise AssertionError(f"{what} is asked for while a file of dags/ is read")

        return refuse

    monkeypatch.setattr(socket.socket, "connect", refuse("the network"))
    monkeypatch.setattr(socket, "getaddrinfo", refuse("the network"))
    monkeypatch.setattr(Engine, "connect", refuse("the database"))
    monkeypatch.setattr(Variable, "get", refuse("a variable"))
    monkeypatch.setattr(BaseHook, "get_connection", refuse("a connection"))
    return asked


def test_a_file_is_read(file: Path, asked: list[str]) -> None:
    # Not in safe mode, which passes over files that do not look like a DAG.
    bag = BundleDagBag(
        dag_folder=file, bundle_path=DAGS, bundle_name="dags-folder", safe_mode=False
    )
    assert not bag.import_errors
    assert not asked


def test_a_file_says_what_it_is_for(file: Path) -> None:
    assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))


def test_airflow_looks_for_dags_only_where_they_are(bag: DagBag) -> None:
    looked_through = {Path(file.file).name for file in bag.dagbag_stats}
    assert looked_through == {file.name for file in DAGS.glob("*.py")}


@pytest.mark.parametrize("dag", sorted(DAGS.glob("*.py")), ids=lambda file: file.name)
def test_reading_a_dag_imports_nothing_that_only_its_tasks_need(dag: Path) -> None:
    imported = {
        node.module
        for node in ast.parse(dag.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
    }
    assert {name for name in imported if name.startswith("stack_exchange")} <= IMPORTED_BY_DAGS
