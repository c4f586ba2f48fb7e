"""Temporary views: each stands for a table that is not written, as a stream, whole, or both."""

from collections.abc import Callable, Iterable, Sequence

from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.modes import Streams


class Variants:
    """Knows under which names the temporary tables of a pipeline are views.

    A view of a stream can only be read as a stream, so a table that some follow and some read whole is two.

    Args:
        pipeline: The pipeline.
        tables: The tables that are written, each after those it reads.
        streams: For each table, the inputs that it reads as streams.
        free_name: Gives a name that nothing else has.
    """

    def __init__(
        self, pipeline: Pipeline, tables: Sequence[Table], streams: Streams, free_name: Callable[[str], str]
    ) -> None:
        self._names: dict[tuple[str, bool], str] = {}
        needed: dict[str, set[bool]] = {}
        for table in reversed(tables):
            streaming = bool(streams[table.name])
            own = needed.get(table.name) or {streaming} if table.temporary else {streaming}
            for variant in own:
                for name in table.depends_on:
                    if pipeline.by_name[name].temporary:
                        needed.setdefault(name, set()).add(variant and name in streams[table.name])
            if table.temporary:
                for variant in own:
                    alone = len(own) == 1 or variant
                    self._names[table.name, variant] = (
                        table.name if alone else free_name(f"{table.name}_whole")
                    )

    def of(self, table: str) -> Iterable[tuple[str, bool]]:
        """Return the views of a temporary table: their names, and whether they are streams.

        Args:
            table: The table's name.
        """
        return [(self._names[key], key[1]) for key in ((table, True), (table, False)) if key in self._names]

    def name(self, table: str, *, streaming: bool) -> str | None:
        """Return the name under which a temporary table is read; ``None``: it is not written.

        Args:
            table: The table's name.
            streaming: Whether it is read as a stream.
        """
        return self._names.get((table, streaming))
