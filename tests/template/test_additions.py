"""What the template adds to its projects is as clean as what it cuts."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from template.additions import ADDED, TABLES, add_all
from template.projects import BIN, Render, run

from mshell_cut.additions import Request

KINDS = ["docker", "dab"]


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def added(render: Render, kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one of each, and with tables that read each other."""
    project = shutil.copytree(render(type_of_task=kind), tmp_path_factory.mktemp(kind) / "project")
    add_all(project, kind)
    return project


def test_all_of_it_is_clean(added: Path) -> None:
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=added)
    run(BIN / "ruff", "format", "--no-cache", "--check", ".", cwd=added)
    run(BIN / "yamllint", "--strict", ".", cwd=added)


def test_the_pipeline_with_its_new_tables_is_right(added: Path) -> None:
    printed = run(BIN / "skyspark", "plan", "src/resources/config.yml", cwd=added)
    for table in TABLES:
        assert table in printed


def test_each_has_a_test(added: Path) -> None:
    tests = {path.stem for path in (added / "tests").rglob("test_*.py")}
    assert {f"test_{request.name}" for request in ADDED} <= tests


def test_the_files_of_the_project_only_gain_lines(render: Render, kind: str, added: Path) -> None:
    changed = [
        "src/resources/config.yml",
        "src/schema/tables.py",
        "src/common/settings.py",
        "pyproject.toml",
        *(f"src/resources/settings/{name}.yaml" for name in ("local", "dev", "prod")),
    ]
    before = render(type_of_task=kind)
    for path in changed:
        done = subprocess.run(
            ["diff", before / path, added / path], capture_output=True, text=True, check=False
        )
        assert done.returncode == 1, path
        assert not [line for line in done.stdout.splitlines() if line.startswith("<")], path


def test_keys_that_still_hold_become_an_expectation(added: Path) -> None:
    tables = yaml.safe_load((added / "src/resources/config.yml").read_text(encoding="utf-8"))["tables"]
    entries = {table["name"]: table for table in tables}
    rule = {"type": "unique", "columns": ["user_id"], "action": "fail"}
    assert entries["customers"]["expectations"] == [rule]
    assert "expectations" not in entries["silver_orders"]


def test_names_of_any_length_and_columns_that_are_there_stay_clean(render: Render, tmp_path: Path) -> None:
    project = shutil.copytree(render(), tmp_path / "project")
    long = "bronze_" + "n" * 31
    again = f"gold_{'m' * 33}"
    requests = [
        Request("table", long),
        Request("table", f"silver_{'n' * 31}", depends_on=["silver_users", long]),
        Request("table", again, depends_on=[f"silver_{'n' * 31}", long]),
        Request("app", "a" * 48, depends_on=[long, again]),
        Request("app", "b" * 48, tags=["t" * 80, "u"]),
        Request("dag", "c" * 48, depends_on=["a" * 48, "b" * 48]),
        Request("schema", "d" * 48),
    ]
    add_all(project, "docker", requests)
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=project)
    run(BIN / "ruff", "format", "--no-cache", "--check", ".", cwd=project)
    assert f"rows_of_{long}_2" in (project / "src/schema/tables.py").read_text(encoding="utf-8")
