"""A drawing of tasks and what they depend on: layers from left to right, few crossings.

The method is Sugiyama's: each task goes one layer behind the last one it depends on, an edge over several
layers has a place of its own in each, so it goes through no box, and the order within a layer follows the
middle of the neighbours.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

BOX_WIDTH = 188
BOX_HEIGHT = 58
_COLUMN = BOX_WIDTH + 48
_LANE = 10
_GAP = 20
_MARGIN = 8
_SWEEPS = 8


@dataclass(frozen=True)
class Box:
    """Where a task is drawn: its upper left corner, in pixels."""

    key: str
    x: int
    y: int


@dataclass(frozen=True)
class Edge:
    """How two tasks are joined.

    Attributes:
        source: The task that is waited for.
        target: The task that waits.
        path: The line, as the attribute ``d`` of an SVG path.
        label_x: Where the edge may be labelled.
        label_y: The same, downwards.
    """

    source: str
    target: str
    path: str
    label_x: int
    label_y: int


@dataclass(frozen=True)
class Drawing:
    """All of it, and its size in pixels."""

    boxes: list[Box]
    edges: list[Edge]
    width: int
    height: int


_Place = tuple[int, str]
"""A place in a layer: the layer and a task's key, or that of an edge that passes."""


def draw(depends_on: Mapping[str, Iterable[str]]) -> Drawing:
    """Return the drawing.

    Args:
        depends_on: For each task, in the order in which they are written, those it waits for. Names that are
            no task of the run are left out.
    """
    before = {
        key: [name for name in dict.fromkeys(names) if name in depends_on]
        for key, names in depends_on.items()
    }
    layer = _layers(before)
    columns: list[list[_Place]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for key in before:
        columns[layer[key]].append((layer[key], key))
    ways: dict[tuple[str, str], list[_Place]] = {}
    neighbours: dict[_Place, list[_Place]] = defaultdict(list)
    for target, names in before.items():
        for source in names:
            passed = [(at, f"{source}\0{target}") for at in range(layer[source] + 1, layer[target])]
            for place in passed:
                columns[place[0]].append(place)
            way = [(layer[source], source), *passed, (layer[target], target)]
            ways[source, target] = way
            for left, right in pairwise(way):
                neighbours[left].append(right)
                neighbours[right].append(left)
    _uncross(columns, neighbours)
    heights = {place: BOX_HEIGHT if place[1] in before else _LANE for column in columns for place in column}
    sizes = [sum(heights[place] + _GAP for place in column) - _GAP for column in columns]
    tallest = max(sizes, default=0)
    middle: dict[_Place, tuple[int, int]] = {}
    for column, size in zip(columns, sizes, strict=True):
        top = _MARGIN + (tallest - size) // 2
        for place in column:
            middle[place] = (_MARGIN + place[0] * _COLUMN, top + heights[place] // 2)
            top += heights[place] + _GAP
    boxes = [Box(key, x, y - BOX_HEIGHT // 2) for key in before for x, y in [middle[layer[key], key]]]
    edges = [_edge(names, [middle[place] for place in way]) for names, way in ways.items()]
    width = 2 * _MARGIN + max(0, len(columns) * _COLUMN - (_COLUMN - BOX_WIDTH))
    return Drawing(boxes, edges, width, tallest + 2 * _MARGIN)


def _layers(before: Mapping[str, list[str]]) -> dict[str, int]:
    """Return each task's layer: one more than the highest of those it waits for."""
    layer: dict[str, int] = {}
    after: dict[str, list[str]] = defaultdict(list)
    for key, names in before.items():
        for name in names:
            after[name].append(key)
    waiting = {key: len(names) for key, names in before.items()}
    free = [key for key, number in waiting.items() if not number]
    for key in free:
        layer[key] = max((layer[name] + 1 for name in before[key]), default=0)
        for name in after[key]:
            waiting[name] -= 1
            if not waiting[name]:
                free.append(name)
    return layer


def _uncross(columns: list[list[_Place]], neighbours: Mapping[_Place, list[_Place]]) -> None:
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        order = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
        for at in order:
            beside = at - 1 if forward else at + 1
            row = {place: index for index, place in enumerate(columns[beside])}
            own = {place: index for index, place in enumerate(columns[at])}

            def wanted(place: _Place, row: dict[_Place, int] = row, own: dict[_Place, int] = own) -> float:
                rows = [row[other] for other in neighbours[place] if other in row]
                return sum(rows) / len(rows) if rows else own[place]

            columns[at].sort(key=wanted)


def _edge(names: tuple[str, str], points: list[tuple[int, int]]) -> Edge:
    (x, y), *others = points
    x += BOX_WIDTH
    path = [f"M{x} {y}"]
    label = (x + (others[0][0] - x) // 2, y + (others[0][1] - y) // 2)
    for index, (next_x, next_y) in enumerate(others):
        half = (next_x - x) // 2
        path.append(f"C{x + half} {y} {next_x - half} {next_y} {next_x} {next_y}")
        x, y = next_x, next_y
        if index < len(others) - 1:
            x += BOX_WIDTH
            path.append(f"H{x}")
    return Edge(*names, " ".join(path), *label)
