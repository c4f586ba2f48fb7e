"""When the tasks of a run waited, were set up and ran, as bars on one axis of time."""

from collections.abc import Sequence
from dataclasses import dataclass

from databricks_local.jobs.model import Task
from databricks_local.page import words

_STEPS_MS = (
    *(100, 200, 500, 1_000, 2_000, 5_000, 10_000, 15_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000),
    *(3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000),
)
_TICKS = 6


@dataclass(frozen=True)
class Span:
    """A part of a bar.

    Attributes:
        kind: ``queue``, ``setup`` or ``execution``.
        left: Where it begins, in percent of the axis.
        width: How long it is, likewise.
        length: How long it took, for people.
    """

    kind: str
    left: float
    width: float
    length: str


@dataclass(frozen=True)
class Row:
    """One attempt of a task, or of an iteration.

    Attributes:
        task: The attempt.
        spans: What it did, in order.
    """

    task: Task
    spans: list[Span]


@dataclass(frozen=True)
class Tick:
    """A mark on the axis: where, in percent, and how long after the start."""

    left: float
    label: str


@dataclass(frozen=True)
class Timeline:
    """The bars of some attempts, and their axis."""

    rows: list[Row]
    ticks: list[Tick]


def timeline(tasks: Sequence[Task], start_ms: int, end_ms: int, now_ms: int) -> Timeline:
    """Return the bars.

    Args:
        tasks: The attempts, in the order of the rows.
        start_ms: Where the axis begins.
        end_ms: Where it ends; 0: now.
        now_ms: The time of the workspace.
    """
    whole = max(1, (end_ms or now_ms) - start_ms)

    def span(kind: str, begin_ms: int, length_ms: int) -> Span:
        left = min(100.0, max(0.0, 100 * (begin_ms - start_ms) / whole))
        width = min(100 - left, 100 * length_ms / whole)
        return Span(kind, round(left, 3), round(width, 3), words.duration(length_ms))

    rows = []
    for task in tasks:
        spans = []
        begin_ms = task.start_ms
        for kind, length_ms in _parts(task, now_ms):
            if length_ms > 0:
                spans.append(span(kind, begin_ms, length_ms))
            begin_ms += length_ms
        rows.append(Row(task, spans))
    return Timeline(rows, _ticks(whole))


def _parts(task: Task, now_ms: int) -> list[tuple[str, int]]:
    if not task.start_ms:
        return []
    whole = max(0, (task.end_ms or now_ms) - task.start_ms)
    if task.state.life_cycle == "RUNNING":
        return [("setup", task.setup_ms), ("execution", whole - task.setup_ms)]
    if not task.state.ended:
        return [("queue" if task.state.life_cycle == "QUEUED" else "setup", whole)]
    # What the engine does itself, such as a condition, is neither set up nor timed apart.
    execution = task.execution_ms or (0 if task.setup_ms else whole)
    return [
        ("queue", whole - task.setup_ms - execution),
        ("setup", task.setup_ms),
        ("execution", execution),
    ]


def _ticks(whole_ms: int) -> list[Tick]:
    step = next((step for step in _STEPS_MS if whole_ms / step <= _TICKS), whole_ms // _TICKS)
    return [Tick(round(100 * at / whole_ms, 3), _label(at, step)) for at in range(0, whole_ms, step)]


def _label(at_ms: int, step_ms: int) -> str:
    if at_ms < 60_000:
        return f"{at_ms / 1000:g} s"
    return f"{at_ms // 60_000}:{at_ms // 1000 % 60:02} min" if step_ms < 60_000 else words.minutes(at_ms)
