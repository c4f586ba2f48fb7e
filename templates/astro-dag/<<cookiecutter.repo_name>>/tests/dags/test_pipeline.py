"""The sample's DAG: its shape, and a run of it on Airflow that leaves rows."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

PIPELINE = "<< cookiecutter.pipeline_name >>"


@pytest.fixture
def dag(bag: DagBag) -> DAG:
    return bag.dags[PIPELINE]


def rows(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def test_the_steps_follow_each_other(dag: DAG) -> None:
    after = {task.task_id: task.downstream_task_ids for task in dag.tasks}
    assert after == {"bronze": {"silver"}, "silver": {"gold"}, "gold": set()}


def test_it_runs_every_morning(dag: DAG) -> None:
    assert dag.schedule == "0 5 * * *"


def test_other_dags_can_run_after_it(dag: DAG) -> None:
    outlets = [asset.name for task in dag.tasks for asset in task.outlets]
    assert outlets == [f"{PIPELINE}.revenue"]


@pytest.mark.usefixtures("database")
def test_a_day_can_be_run_again_and_leaves_the_same_rows(
    dag: DAG, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"AIRFLOW_VAR_{PIPELINE.upper()}_ROOT", tmp_path.as_uri())
    for _ in range(2):
        run = dag.test(run_after=datetime(2026, 1, 4, 5, tzinfo=UTC), logical_date=None)
        assert run.state == "success"
        files = sorted(tmp_path.rglob("*.jsonl"))
        assert [file.relative_to(tmp_path).as_posix() for file in files] == [
            "bronze/2026-01-04.jsonl",
            "gold/2026-01-04.jsonl",
            "silver/2026-01-04.jsonl",
        ]
        assert [len(rows(file)) for file in files] == [7, 2, 4]
    assert rows(tmp_path / "gold/2026-01-04.jsonl") == [
        {"country": "FR", "orders": 2, "revenue_cents": 3760},
        {"country": "DE", "orders": 2, "revenue_cents": 3190},
    ]
