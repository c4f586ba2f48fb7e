"""Where the boxes and arrows of a drawing go: one column for each stage, few crossings, short arrows.

This is Sugiyama's method with given columns. An arrow that passes columns gets a place in each of them, so
that it goes between the boxes; arrows of one box share these places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from skyspark.pipeline.draw.lineage import Lineage, Node

HEIGHT = 54
_GAP = 18
_PASSING = 14
_BETWEEN = 92
# Of the font of the names: monospaced, so that widths are known without a browser.
_CHARACTER = 7.25
_PADDING = 34
_NARROWEST, _WIDEST = 208, 320
_SWEEPS = 8
# Beyond, arrows go straight: the places would outnumber the boxes by far.
_MOST_PASSING = 30_000


@dataclass(frozen=True)
class Box:
    """Where a node is drawn, in pixels from the upper left corner.

    Attributes:
        x: Its left side.
        y: Its upper side.
        width: Its width; the height of all is ``HEIGHT``.
        label: The name, shortened to fit.
    """

    x: float
    y: float
    width: float
    label: str


@dataclass(frozen=True)
class Column:
    """A column of boxes.

    Attributes:
        number: The stage; 0 for what is there before.
        x: Its left side.
        width: Its width.
    """

    number: int
    x: float
    width: float


@dataclass(frozen=True)
class Layout:
    """A drawing with positions.

    Attributes:
        boxes: By the nodes' ids.
        paths: For each edge, in the same order, its line as the ``d`` of an SVG path.
        columns: From left to right.
        width: Of the whole.
        height: Of the whole.
    """

    boxes: Mapping[str, Box]
    paths: Sequence[str]
    columns: Sequence[Column]
    width: float
    height: float


@dataclass(eq=False)
class _Place:
    """A node, or a point that arrows pass."""

    column: int
    height: float
    y: float = 0
    rank: int = 0


def lay_out(drawn: Lineage) -> Layout:
    """Place a lineage.

    Args:
        drawn: The lineage; every edge goes to a later column.
    """
    grid = _Grid(drawn)
    grid.order()
    grid.align()
    return grid.result()


class _Grid:
    def __init__(self, drawn: Lineage) -> None:
        self.drawn = drawn
        numbers = sorted({node.column for node in drawn.nodes})
        index = {number: i for i, number in enumerate(numbers)}
        self.numbers = numbers
        self.columns: list[list[_Place]] = [[] for _ in numbers]
        self.left: dict[_Place, list[_Place]] = {}
        self.right: dict[_Place, list[_Place]] = {}
        self.places: dict[str, _Place] = {}
        for node in drawn.nodes:
            self.places[node.id] = self._add(index[node.column], HEIGHT)
        self.routes = self._routes()

    def _add(self, column: int, height: float) -> _Place:
        place = _Place(column, height)
        self.columns[column].append(place)
        self.left[place], self.right[place] = [], []
        return place

    def _routes(self) -> list[list[_Place]]:
        """Return the places along each edge, ends included."""
        passing: dict[str, list[_Place]] = {}
        made = 0
        routes = []
        for edge in self.drawn.edges:
            start, end = self.places[edge.start], self.places[edge.end]
            chain = passing.setdefault(edge.start, [])
            while len(chain) < end.column - start.column - 1 and made < _MOST_PASSING:
                made += 1
                chain.append(self._add(start.column + len(chain) + 1, _PASSING))
                self._connect(chain[-2] if len(chain) > 1 else start, chain[-1])
            route = [start, *chain[: end.column - start.column - 1], end]
            self._connect(route[-2], end)
            routes.append(route)
        return routes

    def _connect(self, start: _Place, end: _Place) -> None:
        self.right[start].append(end)
        self.left[end].append(start)

    def order(self) -> None:
        """Order each column by the means of the neighbours' ranks, to and fro."""
        self._rank()
        for sweep in range(_SWEEPS):
            toward, columns = (
                (self.left, self.columns) if sweep % 2 == 0 else (self.right, self.columns[::-1])
            )
            for column in columns:
                # Ranks as shares: columns differ in length.
                keys = {
                    place: _mean([self._share(other) for other in toward[place]], self._share(place))
                    for place in column
                }
                column.sort(key=keys.__getitem__)
                for rank, place in enumerate(column):
                    place.rank = rank

    def _rank(self) -> None:
        for column in self.columns:
            for rank, place in enumerate(column):
                place.rank = rank

    def _share(self, place: _Place) -> float:
        return (place.rank + 0.5) / len(self.columns[place.column])

    def align(self) -> None:
        """Move the places of each column towards their neighbours, without changing their order."""
        for column in self.columns:
            _spread(column, [0.0] * len(column))
        for sweep in range(_SWEEPS):
            columns = self.columns if sweep % 2 == 0 else self.columns[::-1]
            for column in columns:
                wanted = [
                    _mean([other.y for other in (*self.left[place], *self.right[place])], place.y)
                    for place in column
                ]
                _spread(column, wanted)
        top = min((place.y - place.height / 2 for column in self.columns for place in column), default=0)
        for column in self.columns:
            for place in column:
                place.y -= top

    def result(self) -> Layout:
        nodes = self.drawn.nodes
        widths = [_NARROWEST] * len(self.columns)
        for node in nodes:
            column = self.places[node.id].column
            widths[column] = max(widths[column], _width(node))
        lefts = list(accumulate(widths, lambda left, width: left + width + _BETWEEN, initial=0))[:-1]
        boxes = {}
        for node in nodes:
            place = self.places[node.id]
            width = widths[place.column]
            y = place.y - HEIGHT / 2
            boxes[node.id] = Box(lefts[place.column], y, width, _shortened(node.name, width))
        bottom = max((place.y + place.height / 2 for column in self.columns for place in column), default=0)
        return Layout(
            boxes=boxes,
            paths=[_path(route, lefts, widths) for route in self.routes],
            columns=[Column(*column) for column in zip(self.numbers, lefts, widths, strict=True)],
            width=lefts[-1] + widths[-1] if lefts else 0,
            height=bottom,
        )


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(column: Sequence[_Place], wanted: Sequence[float]) -> None:
    """Place a column as near as possible to what is wanted, in its order and without overlaps.

    With the needed distances taken off, this is isotonic regression: neighbours that would overlap form a
    block, which stands at the mean of what its members want.
    """
    offsets = []
    offset = 0.0
    for before, place in zip([None, *column], column, strict=False):
        if before is not None:
            offset += (before.height + place.height) / 2 + _GAP
        offsets.append(offset)
    blocks: list[tuple[float, int]] = []
    for want, off in zip(wanted, offsets, strict=True):
        total, count = want - off, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            others, members = blocks.pop()
            total, count = total + others, count + members
        blocks.append((total, count))
    means = (total / count for total, count in blocks for _ in range(count))
    for place, mean, off in zip(column, means, offsets, strict=True):
        place.y = mean + off


def _width(node: Node) -> int:
    return round(min(max(len(node.name) * _CHARACTER + _PADDING, _NARROWEST), _WIDEST))


def _shortened(name: str, width: float) -> str:
    fits = int((width - _PADDING) / _CHARACTER + 0.5)
    if len(name) <= fits:
        return name
    # Both ends of a path or a name tell more than its middle.
    return f"{name[: fits - 1 - fits // 2]}…{name[len(name) - fits // 2 :]}"


def _path(route: Sequence[_Place], lefts: Sequence[float], widths: Sequence[float]) -> str:
    x, y = lefts[route[0].column] + widths[route[0].column], route[0].y
    parts = [f"M{x:.1f} {y:.1f}"]
    for place in route[1:]:
        left = lefts[place.column]
        middle = (x + left) / 2
        parts.append(f"C{middle:.1f} {y:.1f} {middle:.1f} {place.y:.1f} {left:.1f} {place.y:.1f}")
        x, y = left, place.y
        if place is not route[-1]:
            x += widths[place.column]
            parts.append(f"H{x:.1f}")
    return "".join(parts)
