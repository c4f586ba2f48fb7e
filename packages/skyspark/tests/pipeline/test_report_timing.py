"""Figures, the timeline and the critical path of runs made by hand, against what counting by hand gives."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyspark.pipeline.run import figures, timeline
from skyspark.pipeline.run.critical_path import critical_path


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0, "0.00 s"),
        (-0.001, "0.00 s"),
        (9.994, "9.99 s"),
        (9.999, "10.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (7384, "2 h 03 min"),
    ],
)
def test_durations(seconds, text):
    assert figures.duration(seconds) == text


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 0, "0 %"),
        (0, 7, "0 %"),
        (1, 3, "33.3 %"),
        (7, 7, "100 %"),
        (1, 1_000_000, "<0.1 %"),
        (999_999, 1_000_000, ">99.9 %"),
    ],
)
def test_shares_are_never_rounded_to_nothing_or_all(part, whole, text):
    assert figures.share(part, whole) == text


@st.composite
def unbounded_runs(draw):
    """Tables as name, begin, end and inputs; each begins the moment its last input ends."""
    ends, tables = {}, []
    for number in range(draw(st.integers(1, 12))):
        names = draw(st.lists(st.sampled_from(sorted(ends)), unique=True)) if ends else []
        start = max((ends[name] for name in names), default=0)
        ends[f"t{number:02}"] = end = start + draw(st.integers(1, 5000))
        tables.append((f"t{number:02}", start, end, *names))
    return draw(st.permutations(tables)), max(ends.values())


@given(made=unbounded_runs())
def test_with_a_thread_for_all_the_critical_path_is_the_run(table_result, run_results, made):
    tables, end = made
    results = run_results(*(table_result(*table) for table in tables), end=end)
    path = critical_path(results)
    assert sum(step.seconds for step in path) == pytest.approx(timeline.length(results))
    assert all(step.waited == pytest.approx(0, abs=1e-6) for step in path)
    assert not path[0].table.depends_on
    for before, step in pairwise(path):
        assert before.table.name in step.table.depends_on
        assert before.table.finished_at == step.table.started_at


def test_waiting_for_a_thread_is_told_apart_from_working(table_result, run_results):
    results = run_results(
        table_result("a", 0, 1000),
        table_result("b", 0, 400),
        table_result("c", 1200, 2000, "a", "b"),
        end=2000,
    )
    assert [(s.table.name, s.seconds, s.waited) for s in critical_path(results)] == [
        ("a", pytest.approx(1), pytest.approx(0)),
        ("c", pytest.approx(0.8), pytest.approx(0.2)),
    ]


def test_an_input_that_goes_on_did_not_hold_up_its_reader(table_result, run_results):
    results = run_results(
        table_result("stream", 0, 9000), table_result("reader", 500, 9500, "stream"), end=9500
    )
    assert [step.table.name for step in critical_path(results)] == ["reader"]


def test_what_an_earlier_run_made_is_not_on_the_timeline(table_result, run_results):
    results = run_results(
        table_result("old", -5000, -4000), table_result("new", 100, 300, "old"), table_result("none"), end=300
    )
    assert [bar.table.name for bar in timeline.bars(results)] == ["new"]
    assert [(s.table.name, s.waited) for s in critical_path(results)] == [("new", pytest.approx(0.1))]
    assert [t.name for t in results.of_this_run] == ["new", "none"]


def test_a_run_without_tables_that_began_has_no_path(table_result, run_results):
    assert critical_path(run_results(table_result("a"), end=5)) == []
    assert timeline.bars(run_results(table_result("a"), end=5)) == []


def test_a_bar_without_an_end_goes_to_the_end_of_the_run(table_result, run_results):
    (bar,) = timeline.bars(run_results(table_result("a", 1000, status="cancelled"), end=5000))
    assert (bar.start, bar.seconds) == (1, 4)


spans = st.tuples(st.integers(0, 50), st.integers(0, 20)).map(lambda s: (s[0], s[0] + s[1]))


@given(times=st.lists(spans, min_size=1, max_size=25))
def test_lanes_never_overlap_and_are_as_few_as_can_be(table_result, run_results, times):
    bars = timeline.bars(
        run_results(*(table_result(f"t{i}", *span) for i, span in enumerate(times)), end=100)
    )
    assert len(bars) == len(times)
    assert [bar.row for bar in bars] == list(range(len(bars)))
    assert [bar.start for bar in bars] == sorted(bar.start for bar in bars)
    for i, one in enumerate(bars):
        for other in bars[i + 1 :]:
            assert one.lane != other.lane or other.start >= one.start + one.seconds - 1e-9
    # A table that took no time still has a place of its own among those that begin with it.
    busiest = max(sum(a <= moment < b or moment == a == b for a, b in times) for moment, _ in times)
    assert max(bar.lane for bar in bars) < busiest


@given(st.floats(0.001, 1e7))
def test_marks_are_few_and_within_the_run(seconds):
    marks = timeline.marks(seconds)
    assert 1 <= len(marks) <= 9
    assert marks[0] == 0
    assert marks[-1] <= seconds * 1.001
    # Not one mark alone where there is room for more.
    assert len(marks) >= 3 or seconds < 0.02


@pytest.mark.parametrize(
    ("mark", "text"),
    [(0, "0 s"), (0.1 * 3, "0.3 s"), (10, "10 s"), (60, "1 min"), (90, "1 min 30 s"), (7200, "2 h")],
)
def test_labels_of_marks(mark, text):
    assert timeline.label(mark) == text
