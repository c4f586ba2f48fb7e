"""Which tables of a pipeline a selector means."""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate
from functools import cached_property
from itertools import dropwhile
from pathlib import PurePosixPath
from typing import get_args

from skyspark.errors import suggest
from skyspark.pipeline import graph
from skyspark.pipeline.model import Layer, Pipeline, Table
from skyspark.pipeline.selectors import (
    Complement,
    Criterion,
    Intersection,
    Method,
    Neighbours,
    Rebuilt,
    Selector,
    Union,
)
from skyspark.pipeline.transformations import PythonFunction, SqlQuery


def transformation_path(table: Table) -> PurePosixPath | None:
    """Return the path of the file that a table's transformation is written in, or ``None``.

    It is that of the module's name, or of the query's file without ``..`` at its front: so
    ``transformations/silver/orders.sql`` it is wherever the pipeline's file lies.

    Args:
        table: The table, as ``load_pipeline`` returns it.
    """
    made = table.transformation
    if isinstance(made, PythonFunction):
        return PurePosixPath(*made.function.split(".")[:-1]).with_suffix(".py")
    if isinstance(made, SqlQuery) and made.file is not None:
        return PurePosixPath(*dropwhile("..".__eq__, PurePosixPath(made.file).parts))
    return None


class Matcher:
    """Evaluates selectors on one pipeline, each in time linear in the pipeline.

    Attributes:
        problems: One sentence for each tag, layer, name or path met so far that the pipeline does not have.
        unmatched: One sentence for each pattern met so far that matches nothing; in itself no mistake.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.problems: list[str] = []
        self.unmatched: list[str] = []
        self._pipeline = pipeline
        self._inputs = {table.name: table.depends_on for table in pipeline.tables}
        # In a compound selector the same word may stand twice.
        self._matched: dict[Criterion, frozenset[str]] = {}

    def select(self, selector: Selector) -> frozenset[str]:
        """Return the names of the tables that a selector means.

        Args:
            selector: The selector.
        """
        match selector:
            case Criterion():
                return self._criterion(selector)
            case Neighbours():
                begin = self._criterion(selector.of)
                up = self.upstream(begin, selector.up)
                return begin | up | self._downstream(begin, selector.down)
            case Rebuilt():
                begin = self._criterion(selector.of)
                below = begin | self._downstream(begin, None)
                return below | self.upstream(below, None)
            case Union():
                return frozenset().union(*map(self.select, selector.parts))
            case Intersection():
                # All are evaluated, so that all that is unknown is found.
                first, *others = map(self.select, selector.parts)
                return first.intersection(*others)
            case Complement():
                return frozenset(self._inputs) - self.select(selector.of)

    def upstream(self, names: Iterable[str], steps: int | None = None) -> frozenset[str]:
        """Return what some tables read, directly or not.

        Args:
            names: The tables.
            steps: How far to go, in edges; ``None`` for any distance.
        """
        return frozenset(graph.reachable(self._inputs, names, steps))

    def _downstream(self, names: Iterable[str], steps: int | None) -> frozenset[str]:
        return frozenset(graph.reachable(self._readers, names, steps))

    @cached_property
    def _readers(self) -> dict[str, list[str]]:
        return graph.readers(self._inputs)

    @cached_property
    def _values(self) -> dict[Method, dict[str, set[str]]]:
        """For each method: the tables by the values they are selected by."""
        values: dict[Method, dict[str, set[str]]] = {method: {} for method in get_args(Method)}
        # A layer without a table is a layer all the same.
        values["layer"] = {layer: set() for layer in get_args(Layer)}
        for table in self._pipeline.tables:
            values["name"][table.name] = {table.name}
            for tag in table.tags:
                values["tag"].setdefault(tag, set()).add(table.name)
            if table.layer is not None:
                values["layer"][table.layer].add(table.name)
            path = transformation_path(table)
            if path is not None and path.name:
                for part in {path, path.with_suffix(""), *path.parents}:
                    values["path"].setdefault(str(part), set()).add(table.name)
        return values

    def _criterion(self, criterion: Criterion) -> frozenset[str]:
        if criterion not in self._matched:
            self._matched[criterion] = self._match(criterion)
        return self._matched[criterion]

    def _match(self, criterion: Criterion) -> frozenset[str]:
        value = criterion.value
        if criterion.method == "path":
            value = str(PurePosixPath(value))
        values = self._values[criterion.method]
        if value in values:
            return frozenset(values[value])
        if criterion.is_pattern:
            fits: Callable[[str], object] = re.compile(translate(value)).match
            found = frozenset(name for known, names in values.items() if fits(known) for name in names)
            if not found:
                self.unmatched.append(
                    f"no {_NOUNS[criterion.method]} matches '{value}'{suggest(value, values)}."
                )
            return found
        self.problems.append(f"there is no {_NOUNS[criterion.method]} '{value}'{suggest(value, values)}.")
        return frozenset()


_NOUNS: dict[Method, str] = {
    "name": "table",
    "tag": "tag",
    "layer": "layer",
    "path": "transformation under the path",
}
