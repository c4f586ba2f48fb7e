"""Who reads what is not written: temporary tables, and sources that several tables read.

Nothing here knows of Spark. A dataset is worth keeping when it would be computed more than once in a run.
"""

import threading
from collections.abc import Iterable

from skyspark.pipeline import graph
from skyspark.pipeline.model import Pipeline, Source, Table


def source_key(source: Source) -> str:
    """Return a name for a source that equal sources share, and that no table has.

    Args:
        source: The source.
    """
    return f"source {source.model_dump_json()}"


class Readers:
    """The readers in a run of all that is not written.

    Args:
        pipeline: The pipeline.
        tables: The tables of the run.
    """

    def __init__(self, pipeline: Pipeline, tables: Iterable[Table]) -> None:
        self._lock = threading.Lock()
        self._direct: dict[str, set[str]] = {}
        self._reads: dict[str, set[str]] = {}
        self._waiting: dict[str, set[str]] = {}
        for table in tables:
            if not table.temporary:
                self._add(pipeline, table)
        self._evaluations = self._count(pipeline)

    def _add(self, pipeline: Pipeline, table: Table) -> None:
        seen: set[str] = set()
        waiting = [table]
        while waiting:
            reader = waiting.pop()
            unwritten = [pipeline.by_name[n] for n in reader.depends_on if pipeline.by_name[n].temporary]
            below = [(other.name, other) for other in unwritten]
            for node, other in below:
                self._direct.setdefault(node, set()).add(reader.name)
                if node not in seen:
                    seen.add(node)
                    waiting.append(other)
            if reader.source is not None:
                key = source_key(reader.source)
                self._direct.setdefault(key, set()).add(reader.name)
                seen.add(key)
        self._reads[table.name] = seen
        for node in seen:
            self._waiting.setdefault(node, set()).add(table.name)

    def _count(self, pipeline: Pipeline) -> dict[str, int]:
        temporary = {
            t.name: [n for n in t.depends_on if pipeline.by_name[n].temporary]
            for t in pipeline.tables
            if t.temporary
        }
        found: dict[str, int] = {}

        def through(reader: str) -> int:
            if reader not in temporary:
                return 1
            # What is kept is computed once, however often it is read.
            kept = pipeline.by_name[reader].cache is not False
            return min(found[reader], 1) if kept else found[reader]

        for node in reversed(graph.in_order(temporary)):
            found[node] = sum(map(through, self._direct.get(node, ())))
        for node, readers in self._direct.items():
            if node not in found:
                found[node] = sum(map(through, readers))
        return found

    def evaluations(self, node: str) -> int:
        """Return how often a dataset would be computed in this run, if those that read it are kept.

        Args:
            node: A temporary table, or a source by its key.
        """
        return self._evaluations.get(node, 0)

    def done(self, table: str) -> list[str]:
        """Take a written table off the readers; return the datasets that nobody will read any more.

        Args:
            table: A table that ended, or will not begin.
        """
        with self._lock:
            nodes = self._reads.pop(table, set())
            for node in nodes:
                self._waiting[node].discard(table)
            return [node for node in nodes if not self._waiting[node]]
