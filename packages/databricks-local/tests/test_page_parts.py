"""What the page computes before it shows anything: places in the graph, bars of time, pieces of a log."""

import itertools
import re
from pathlib import Path

import pytest
from databricks_local.engine.endings import STOPPED, failed, run_ended
from databricks_local.jobs.model import Task
from databricks_local.jobs.states import PENDING, QUEUED, RUNNING, SUCCESS
from databricks_local.page import words
from databricks_local.page.graph import BOX_HEIGHT, BOX_WIDTH, draw
from databricks_local.page.logs import PIECE, read_piece
from databricks_local.page.timeline import timeline
from hypothesis import given
from hypothesis import strategies as st


@st.composite
def graphs(draw_: st.DrawFn) -> dict[str, list[str]]:
    size = draw_(st.integers(1, 14))
    names = [f"t{index}" for index in range(size)]
    return {
        name: draw_(st.lists(st.sampled_from(names[:index]), max_size=4)) if index else []
        for index, name in enumerate(names)
    }


@given(graphs())
def test_boxes_do_not_overlap_and_tasks_stand_right_of_what_they_wait_for(
    graph: dict[str, list[str]],
) -> None:
    drawing = draw(graph)
    boxes = {box.key: box for box in drawing.boxes}
    assert list(boxes) == list(graph)
    for one, other in itertools.combinations(boxes.values(), 2):
        assert abs(one.x - other.x) >= BOX_WIDTH or abs(one.y - other.y) >= BOX_HEIGHT
    for box in boxes.values():
        assert 0 <= box.x <= drawing.width - BOX_WIDTH
        assert 0 <= box.y <= drawing.height - BOX_HEIGHT
    assert {(edge.source, edge.target) for edge in drawing.edges} == {
        (source, target) for target, sources in graph.items() for source in sources
    }
    for edge in drawing.edges:
        assert boxes[edge.source].x + BOX_WIDTH < boxes[edge.target].x


@given(graphs())
def test_an_edge_goes_through_no_box(graph: dict[str, list[str]]) -> None:
    drawing = draw(graph)
    for edge in drawing.edges:
        x, y = 0, 0
        for command, numbers in re.findall(r"([MCH])([^MCH]*)", edge.path):
            at = [int(number) for number in numbers.split()]
            to = at[0] if command == "H" else at[-2]
            crossed = [box for box in drawing.boxes if box.x < to and box.x + BOX_WIDTH > x]
            if command == "H":
                assert not [box for box in crossed if box.y < y < box.y + BOX_HEIGHT]
            elif command == "C":
                assert not crossed
            x, y = to, y if command == "H" else at[-1]


def test_two_lines_that_can_avoid_each_other_do_not_cross() -> None:
    drawing = draw({"a": [], "b": [], "after_b": ["b"], "after_a": ["a"]})
    y = {box.key: box.y for box in drawing.boxes}
    assert (y["a"] < y["b"]) == (y["after_a"] < y["after_b"])


def test_a_dependency_on_a_task_that_is_left_out_is_not_drawn() -> None:
    assert draw({"b": ["a"]}).edges == []
    assert draw({}).boxes == []


def ended(**times: int) -> Task:
    return Task(2, 1, "a", {}, state=SUCCESS, **times)


def spans_of(task: Task, now_ms: int = 100_000) -> list[tuple[str, float, float]]:
    bars = timeline([task], 0, 0, now_ms)
    return [(span.kind, span.left, span.width) for span in bars.rows[0].spans]


def test_what_is_neither_setup_nor_execution_was_waiting() -> None:
    task = ended(start_ms=10_000, end_ms=60_000, setup_ms=20_000, execution_ms=25_000)
    assert spans_of(task) == [("queue", 10, 5), ("setup", 15, 20), ("execution", 35, 25)]


@pytest.mark.parametrize(
    ("task", "spans"),
    [
        (Task(2, 1, "a", {}, state=PENDING), []),
        (Task(2, 1, "a", {}, state=QUEUED, start_ms=40_000), [("queue", 40, 60)]),
        (Task(2, 1, "a", {}, state=PENDING, start_ms=40_000), [("setup", 40, 60)]),
        (
            Task(2, 1, "a", {}, state=RUNNING, start_ms=40_000, setup_ms=10_000),
            [("setup", 40, 10), ("execution", 50, 50)],
        ),
        (ended(start_ms=40_000, end_ms=50_000), [("execution", 40, 10)]),
        (ended(start_ms=40_000, end_ms=40_000), []),
    ],
)
def test_a_bar_shows_what_is_known_so_far(task: Task, spans: list[tuple[str, float, float]]) -> None:
    assert spans_of(task) == spans


@given(st.integers(1, 10**9))
def test_an_axis_has_a_readable_number_of_marks(length_ms: int) -> None:
    ticks = timeline([], 0, length_ms, 0).ticks
    assert 1 <= len(ticks) <= 12
    assert len({tick.label for tick in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (-5, "0.0 s"),
        (940, "0.9 s"),
        (12_900, "12 s"),
        (59_999, "59 s"),
        (61_000, "1 min 01 s"),
        (3_599_999, "59 min 59 s"),
        (7_260_000, "2 h 01 min"),
    ],
)
def test_a_duration_is_as_exact_as_its_size_allows(milliseconds: int, text: str) -> None:
    assert words.duration(milliseconds) == text


def test_the_pieces_of_a_log_make_up_the_whole(tmp_path: Path) -> None:
    file = tmp_path / "stdout"
    text = "".join(f"{number} größer € 🎈\n" for number in range(8_000))
    file.write_text(text)
    pieces = [read_piece(file, 0)]
    while pieces[-1].end < pieces[-1].size:
        pieces.append(read_piece(file, pieces[-1].end))
    assert len(pieces) > 2
    assert "".join(piece.text for piece in pieces) == text


def test_a_character_that_is_half_written_is_left_for_the_next_piece(tmp_path: Path) -> None:
    file = tmp_path / "stdout"
    file.write_bytes("ä€".encode()[:-1])
    piece = read_piece(file, 0)
    assert (piece.text, piece.end, piece.size) == ("ä", 2, 4)
    file.write_bytes("ä€".encode())
    assert read_piece(file, piece.end).text == "€"


def test_a_log_is_first_read_from_its_end_at_the_start_of_a_line(tmp_path: Path) -> None:
    file = tmp_path / "stdout"
    file.write_text("".join(f"line {number}\n" for number in range(20_000)))
    piece = read_piece(file, None)
    assert piece.start > 0
    assert piece.text.startswith("line ")
    assert piece.text.endswith("line 19999\n")
    assert len(piece.text) <= PIECE


def test_a_log_that_is_not_there_yet_is_empty(tmp_path: Path) -> None:
    assert read_piece(tmp_path / "stdout", None).size == 0


def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    file = tmp_path / "stdout"
    file.write_bytes(b"\xff\xfe one\n")
    assert read_piece(file, 0).text == "\ufffd\ufffd one\n"


def test_a_program_that_failed_is_told_from_a_server_that_stopped() -> None:
    assert words.state(run_ended("FAILED", ("gold", failed("RUN_EXECUTION_ERROR")))).words == "Failed"
    assert words.state(STOPPED).words == "Internal error"
