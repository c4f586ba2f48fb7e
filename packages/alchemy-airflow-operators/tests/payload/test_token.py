from dataclasses import astuple, replace

import pytest
from alchemy.payload.token import Attempt, first_try
from hypothesis import given
from hypothesis import strategies as st

FIRST = Attempt("orders", "manual__1", "2026-01-01T00:00:00+00:00", "load", -1, first_try=1, try_number=1)

attempts = st.builds(
    Attempt,
    dag_id=st.text(),
    run_id=st.text(),
    run_started=st.text(),
    task_id=st.text(),
    map_index=st.integers(-1, 5),
    first_try=st.just(1),
    try_number=st.integers(1, 5),
)


def test_a_token_is_the_same_in_every_version_of_this_package():
    assert list(FIRST.tokens()) == ["17c1bf445372249265bd4fe6d5ec835c81ea19e42e687e25bb7a63a970c7ae9c"]


@given(attempts)
def test_tokens_have_the_length_that_the_api_takes_and_are_all_different(attempt):
    tokens = list(attempt.tokens())
    assert len(set(tokens)) == len(tokens) == attempt.try_number
    assert all(len(token) == 64 and token.isalnum() for token in tokens)


@given(attempts)
def test_a_later_try_knows_the_tokens_of_those_before(attempt):
    later = replace(attempt, try_number=attempt.try_number + 1)
    assert list(later.tokens())[:-1] == list(attempt.tokens())


@given(attempts, attempts)
def test_two_task_instances_share_no_token(one, other):
    same = astuple(one)[:5] == astuple(other)[:5]
    assert bool(set(one.tokens()) & set(other.tokens())) == same


@pytest.mark.parametrize(
    "change",
    [
        {"dag_id": "order"},
        {"run_id": "manual__2"},
        {"run_started": "2026-01-02T00:00:00+00:00"},
        {"task_id": "loa"},
        {"map_index": 0},
        {"dag_id": "ordersmanual__1", "run_id": ""},
    ],
)
def test_another_run_task_or_index_has_other_tokens(change):
    assert set(replace(FIRST, **change).tokens()).isdisjoint(FIRST.tokens())


def test_a_cleared_task_does_not_know_the_tokens_of_the_time_before():
    before = replace(FIRST, try_number=3)
    cleared = replace(FIRST, first_try=4, try_number=4)
    assert set(cleared.tokens()).isdisjoint(before.tokens())


@pytest.mark.parametrize(
    ("try_number", "max_tries", "retries", "first"),
    [
        # Airflow starts with max_tries = retries, and a clear sets it to the tries so far + retries.
        (1, 2, 2, 1),
        (3, 2, 2, 1),
        (2, 3, 2, 2),
        (4, 5, 2, 4),
        (5, 5, 2, 4),
        (1, 0, 0, 1),
        # The DAG was changed to fewer or to more retries in between.
        (1, 5, 0, 1),
        (1, 0, 5, 1),
    ],
)
def test_the_first_try_is_the_one_after_the_last_clear(try_number, max_tries, retries, first):
    assert first_try(try_number, max_tries, retries) == first
