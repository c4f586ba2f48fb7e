import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from databricks_local.engine.references import DynamicReferenceError, Scope, TaskFacts, resolve
from databricks_local.engine.scopes import scope_of_task
from databricks_local.jobs.model import Task
from databricks_local.jobs.states import RUNNING, SUCCESS
from hypothesis import given
from hypothesis import strategies as st

STARTED = datetime(2026, 11, 21, 4, 5, 6, 789000, tzinfo=UTC)
TRIGGERED = datetime(2026, 11, 20, 23, 59, 30, tzinfo=UTC)

UPSTREAM = TaskFacts(
    name="orders",
    run_id=41,
    execution_count=3,
    result_state="UPSTREAM_FAILED",
    error_code="RUN_EXECUTION_ERROR",
    notebook_path="/Shared/orders",
    values={"rows": 12, "names": ["a", "ä"], "ok": True, "text": "plain", "two words": "x", "none": None},
    rows=[{"total": 3, "name": "x"}, {"total": 4, "name": "y"}],
)
SCOPE = Scope(
    job_id=7,
    job_name="nightly",
    run_id=40,
    repair_count=2,
    started_ms=int(STARTED.timestamp() * 1000),
    triggered_ms=int(TRIGGERED.timestamp() * 1000),
    trigger="PERIODIC",
    workspace_id="1",
    workspace_url="http://127.0.0.1:1",
    parameters={"day": "2026-01-01", "a.b": "dotted", "braces": "{{job.id}}"},
    task=TaskFacts(name="load", run_id=42, execution_count=2, retry_count=1, notebook_path="/Shared/load"),
    tasks={"orders": UPSTREAM, "my-task": replace(UPSTREAM, name="my-task", rows=None, error_code="")},
    inputs=({"id": 5, "deep": {"x": [1, 2]}},),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{job.id}}", "7"),
        ("{{job.name}}", "nightly"),
        ("{{job.run_id}}", "40"),
        ("{{job.repair_count}}", "2"),
        ("{{job.parameters.day}}", "2026-01-01"),
        ("{{job.parameters.`a.b`}}", "dotted"),
        ("{{job.start_time.iso_weekday}}", "6"),
        ("{{job.start_time.is_weekday}}", "false"),
        ("{{job.start_time.iso_date}}", "2026-11-21"),
        ("{{job.start_time.iso_datetime}}", "2026-11-21T04:05:06Z"),
        ("{{job.start_time.year}}-{{job.start_time.month}}-{{job.start_time.day}}", "2026-11-21"),
        ("{{job.start_time.hour}}:{{job.start_time.minute}}:{{job.start_time.second}}", "4:5:6"),
        ("{{job.start_time.timestamp_ms}}", "1795233906789"),
        ("{{job.trigger.time.iso_datetime}}", "2026-11-20T23:59:00Z"),
        ("{{job.trigger.time.is_weekday}}", "true"),
        ("{{job.trigger.type}}", "periodic"),
        ("{{task.name}} {{task.run_id}} {{task.execution_count}}", "load 42 2"),
        ("{{task.notebook_path}}", "/Shared/load"),
        ("{{tasks.orders.run_id}} {{tasks.orders.execution_count}}", "41 3"),
        ("{{tasks.orders.result_state}}", "upstream_failed"),
        ("{{tasks.orders.error_code}}", "RunExecutionError"),
        ("[{{tasks.`my-task`.error_code}}]", "[]"),
        ("{{tasks.orders.notebook_path}}", "/Shared/orders"),
        ("{{tasks.orders.values.rows}}", "12"),
        ("{{tasks.orders.values.names}}", '["a", "ä"]'),
        ("{{tasks.orders.values.ok}}", "true"),
        ("{{tasks.orders.values.text}}", "plain"),
        ("{{tasks.orders.values.none}}", "null"),
        ("{{tasks.orders.values.`two words`}}", "x"),
        ("{{tasks.orders.output.first_row.total}}", "3"),
        ("{{tasks.orders.output.first_row}}", '{"total": 3, "name": "x"}'),
        ("{{tasks.orders.output.rows}}", '[{"total": 3, "name": "x"}, {"total": 4, "name": "y"}]'),
        ("{{workspace.id}} {{workspace.url}}", "1 http://127.0.0.1:1"),
        ("{{input}}", '{"id": 5, "deep": {"x": [1, 2]}}'),
        ("{{input.id}} {{ input.deep.x }}", "5 [1, 2]"),
        ("{{run_id}} {{parent_run_id}} {{job_id}} {{task_key}}", "42 40 7 load"),
        ("{{start_date}} {{start_time}} {{task_retry_count}}", "2026-11-21 1795233906789 1"),
    ],
)
def test_references(text: str, expected: str) -> None:
    assert resolve(text, SCOPE) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{{my.value}}",
        "{{ds}}",
        "{{job.id}",
        "{job.id}",
        "{{job.}}",
        "{{job.id + 1}}",
        "{{tasks.my-task.values.rows}}",
        "{{}}",
        "{{ }}",
        "{{'job.id'}}",
        "{{job.`id}}",
    ],
)
def test_what_is_no_reference_stays_text(text: str) -> None:
    assert resolve(text, SCOPE) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{job.notebook_url}}", r"\{\{job.notebook_url\}\} leads to nothing"),
        ("{{job}}", "leads to nothing"),
        ("{{job.parameters.nope}}", "leads to nothing"),
        ("{{job.start_time}}", "leads to nothing"),
        ("{{job.start_time.iso}}", "leads to nothing"),
        ("{{job.trigger.file_arrival.location}}", "leads to nothing"),
        ("{{task.values.x}}", "leads to nothing"),
        ("{{tasks.later.values.x}}", "task 'later'"),
        ("{{tasks.orders.values.nope}}", "set no task value 'nope'"),
        ("{{tasks.orders.output.first_row.nope}}", "leads to nothing"),
        ("{{tasks.`my-task`.output.rows}}", "leads to nothing"),
        ("{{input.nope}}", "has no 'nope'"),
        ("{{backfill.iso_date}}", "does not imitate backfills"),
    ],
)
def test_a_wrong_reference_is_an_error(text: str, reason: str) -> None:
    with pytest.raises(DynamicReferenceError, match=reason):
        resolve(text, SCOPE)


def test_input_outside_of_a_loop_is_text() -> None:
    assert resolve("{{input.id}}", replace(SCOPE, inputs=())) == "{{input.id}}"


def test_job_parameters_have_no_task() -> None:
    with pytest.raises(DynamicReferenceError):
        resolve("{{task.name}}", replace(SCOPE, task=None))


def test_what_a_reference_gives_is_not_read_again() -> None:
    assert resolve("{{job.parameters.braces}}", SCOPE) == "{{job.id}}"


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        ({"columns": ["total", "name"], "rows": [[3, "x"], [4, None]]}, [[3, "x"], [4, None]]),
        ({"columns": ["total", "name"], "rows": []}, []),
        (None, []),
    ],
)
def test_rows_of_a_sql_task(result: Any, rows: list[list[Any]]) -> None:
    query = Task(1, 9, "query", {"sql_task": {"file": {}}}, state=SUCCESS, result=result)
    running = Task(2, 9, "running", {"sql_task": {"file": {}}}, state=RUNNING, result=result)
    after = Task(3, 9, "after", {})
    scope = scope_of_task(
        SCOPE, after, parameters={}, tasks={"query": query, "running": running}, inputs=(), retry=0
    )
    shown = json.loads(resolve("{{tasks.query.output.rows}}", scope))
    assert shown == [dict(zip(("total", "name"), row, strict=True)) for row in rows]
    assert set(scope.tasks) == {"query"}
    assert len(scope.tasks) == 1


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("ab{}`.é", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_values_without_references_stay_as_they_are(value: Any) -> None:
    assert resolve(value, SCOPE) == value


@given(JSON, st.text(max_size=5).filter(lambda text: "{" not in text and "}" not in text))
def test_task_values_come_through_at_any_depth(value: Any, around: str) -> None:
    scope = replace(SCOPE, tasks={"a": TaskFacts("a", 1, values={"v": value})})
    resolved = resolve({"x": [{"{{job.id}}": "{{tasks.a.values.v}}" + around}]}, scope)
    text = resolved["x"][0]["{{job.id}}"].removesuffix(around) if around else resolved["x"][0]["{{job.id}}"]
    assert (text if isinstance(value, str) else json.loads(text)) == value
