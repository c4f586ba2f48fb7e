from collections.abc import Sequence
from itertools import combinations

import pytest
from databricks_local.engine.conditions import (
    ConditionError,
    Decision,
    Upstream,
    compare,
    decide,
    result_of_run,
    upstream_of,
)
from databricks_local.engine.graph import downstream, leaves
from databricks_local.engine.overrides import parameters_of_child, with_overrides
from hypothesis import given
from hypothesis import strategies as st

S, F, C, E = Upstream.SUCCEEDED, Upstream.FAILED, Upstream.CANCELED, Upstream.EXCLUDED
RUN, EXCLUDED = Decision.RUN, Decision.EXCLUDED
UPSTREAM_FAILED, UPSTREAM_CANCELED = Decision.UPSTREAM_FAILED, Decision.UPSTREAM_CANCELED
RUN_IFS = (
    "ALL_SUCCESS",
    "ALL_DONE",
    "NONE_FAILED",
    "AT_LEAST_ONE_SUCCESS",
    "ALL_FAILED",
    "AT_LEAST_ONE_FAILED",
)


@pytest.mark.parametrize(
    ("found", "decisions"),
    [
        ([S, S], [RUN, RUN, RUN, RUN, EXCLUDED, EXCLUDED]),
        ([S, F], [UPSTREAM_FAILED, RUN, UPSTREAM_FAILED, RUN, EXCLUDED, RUN]),
        ([F, F], [UPSTREAM_FAILED, RUN, UPSTREAM_FAILED, UPSTREAM_FAILED, RUN, RUN]),
        ([S, E], [EXCLUDED, RUN, RUN, RUN, EXCLUDED, EXCLUDED]),
        ([E, E], [EXCLUDED] * 6),
        ([F, E], [UPSTREAM_FAILED, RUN, UPSTREAM_FAILED, UPSTREAM_FAILED, EXCLUDED, RUN]),
        ([S, C], [UPSTREAM_CANCELED, RUN, UPSTREAM_CANCELED, RUN, EXCLUDED, RUN]),
        ([C, C], [UPSTREAM_CANCELED, RUN, UPSTREAM_CANCELED, UPSTREAM_CANCELED, RUN, RUN]),
        ([F, C], [UPSTREAM_FAILED, RUN, UPSTREAM_FAILED, UPSTREAM_FAILED, RUN, RUN]),
    ],
)
def test_run_if(found: list[Upstream], decisions: list[Decision]) -> None:
    assert [decide(run_if, found) for run_if in RUN_IFS] == decisions


def test_a_task_without_dependencies_runs() -> None:
    assert {decide(run_if, []) for run_if in RUN_IFS} == {RUN}


@given(st.sampled_from(RUN_IFS), st.lists(st.sampled_from(Upstream), min_size=1), st.randoms())
def test_the_order_of_dependencies_does_not_matter(
    run_if: str, found: list[Upstream], random: object
) -> None:
    mixed = sorted(found, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert decide(run_if, mixed) is decide(run_if, found)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ("SUCCESS", S),
        ("SUCCESS_WITH_FAILURES", S),
        ("FAILED", F),
        ("TIMEDOUT", F),
        ("UPSTREAM_FAILED", F),
        ("MAXIMUM_CONCURRENT_RUNS_REACHED", F),
        ("CANCELED", C),
        ("UPSTREAM_CANCELED", C),
        ("EXCLUDED", E),
        ("DISABLED", E),
        (None, F),
    ],
)
def test_what_a_result_means_downstream(result: str | None, expected: Upstream) -> None:
    assert upstream_of(result) is expected


@pytest.mark.parametrize(
    ("ends", "others", "expected"),
    [
        (["SUCCESS"], [], "SUCCESS"),
        (["SUCCESS", "EXCLUDED"], ["SUCCESS"], "SUCCESS"),
        (["EXCLUDED"], ["EXCLUDED"], "SUCCESS"),
        (["SUCCESS"], ["FAILED"], "SUCCESS_WITH_FAILURES"),
        (["EXCLUDED"], ["CANCELED"], "SUCCESS_WITH_FAILURES"),
        (["SUCCESS", "UPSTREAM_FAILED"], ["FAILED"], "FAILED"),
        (["TIMEDOUT"], [], "FAILED"),
        (["CANCELED", "FAILED"], [], "FAILED"),
        (["UPSTREAM_CANCELED", "SUCCESS"], ["CANCELED"], "CANCELED"),
    ],
)
def test_leaf_tasks_decide_on_the_run(ends: list[str], others: list[str], expected: str) -> None:
    assert result_of_run(ends, others) == expected


@pytest.mark.parametrize(
    ("op", "left", "right", "expected"),
    [
        ("EQUAL_TO", "12.0", "12", False),
        ("EQUAL_TO", "true", "true", True),
        ("NOT_EQUAL", "12.0", "12", True),
        ("GREATER_THAN_OR_EQUAL", "12.0", "12", True),
        ("GREATER_THAN_OR_EQUAL", "10.0", "12", False),
        ("GREATER_THAN", "9007199254740993", "9007199254740992", True),
        ("LESS_THAN", " -1e3 ", "0", True),
        ("LESS_THAN_OR_EQUAL", "0.1", "0.10", True),
    ],
)
def test_conditions(op: str, left: str, right: str, expected: bool) -> None:
    assert compare(op, left, right) is expected


@pytest.mark.parametrize("text", ["", "a", "NaN", "1,5", "1 2", "{{my.value}}"])
def test_what_is_no_number_cannot_be_compared_as_one(text: str) -> None:
    with pytest.raises(ConditionError, match="is no number"):
        compare("LESS_THAN", "1", text)


@given(st.integers(), st.integers())
def test_numbers_compare_as_numbers(left: int, right: int) -> None:
    found = [
        compare(op, str(left), str(right))
        for op in ("GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL")
    ]
    assert found == [left > right, left >= right, left < right, left <= right]


def _tasks(edges: Sequence[tuple[int, int]], count: int) -> list[dict[str, object]]:
    return [
        {
            "task_key": str(key),
            "depends_on": [{"task_key": str(before)} for before, after in edges if after == key],
        }
        for key in range(count)
    ]


@given(st.lists(st.sampled_from(list(combinations(range(8), 2)))))
def test_downstream_and_leaves(edges: list[tuple[int, int]]) -> None:
    tasks = _tasks(edges, 8)

    def reaches(start: int, goal: int) -> bool:
        return start == goal or any(reaches(after, goal) for before, after in edges if before == start)

    assert downstream(tasks, ["1", "3"]) == {
        str(key) for key in range(8) if reaches(1, key) or reaches(3, key)
    }
    assert leaves(tasks) == {str(key) for key in range(8)} - {str(before) for before, _ in edges}


def test_parameters_of_the_caller_take_the_place_of_the_tasks() -> None:
    given_ = {
        "notebook_params": {"b": "2"},
        "python_params": ["x"],
        "python_named_params": {"n": "1"},
        "sql_params": {"s": "1"},
        "pipeline_params": {"full_refresh": True},
    }
    notebook = {"notebook_task": {"notebook_path": "/x", "base_parameters": {"a": "1", "b": "1"}}}
    assert with_overrides(notebook, given_)["notebook_task"]["base_parameters"] == {"a": "1", "b": "2"}
    script = {"spark_python_task": {"python_file": "x.py", "parameters": ["own", "two"]}}
    assert with_overrides(script, given_)["spark_python_task"]["parameters"] == ["x"]
    wheel = {"python_wheel_task": {"package_name": "p", "entry_point": "main"}}
    overridden = with_overrides(wheel, given_)["python_wheel_task"]
    assert (overridden["parameters"], overridden["named_parameters"]) == (["x"], {"n": "1"})
    assert with_overrides({"sql_task": {}}, given_)["sql_task"]["parameters"] == {"s": "1"}
    assert with_overrides({"pipeline_task": {"pipeline_id": "1"}}, given_)["pipeline_task"] == {
        "pipeline_id": "1",
        "full_refresh": True,
    }
    assert with_overrides(script, {}) == script


def test_a_run_job_task_pushes_down_what_the_child_declares() -> None:
    child = {"parameters": [{"name": "day", "default": "x"}, {"name": "own", "default": "y"}]}
    task = {"job_id": 1, "job_parameters": {"own": "task", "day": "task"}, "notebook_params": {"n": "1"}}
    assert parameters_of_child(child, task, {"day": "run", "other": "run"}) == {
        "job_parameters": {"own": "task", "day": "run"},
        "notebook_params": {"n": "1"},
    }
    assert parameters_of_child({}, {"job_id": 1}, {"day": "run"}) == {}
