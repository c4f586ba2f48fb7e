"""What of a pipeline is streaming: decided from what its tables say, never from their names."""

from collections.abc import Mapping, MutableMapping

from skyspark.pipeline.model import Mode, Pipeline, Table
from skyspark.pipeline.transformations import SOURCE

Streams = Mapping[str, frozenset[str]]


def streamed_inputs(pipeline: Pipeline, table: Table, default: Mode) -> frozenset[str]:
    """Return the inputs that a table reads as streams; the others it reads whole.

    A stream can follow its table's own source and tables that only grow: those that append what they read as
    streams. What is marked as a dimension is read whole.

    For many tables take ``all_streamed_inputs``: what a table reads depends on all that is above it.

    Args:
        pipeline: The pipeline, in which no tables wait for each other.
        table: One of its tables.
        default: The mode of tables that declare none.
    """
    return _resolve(pipeline, table, default, {})


def all_streamed_inputs(pipeline: Pipeline, default: Mode) -> Streams:
    """Return for each table of a pipeline the inputs that it reads as streams.

    Args:
        pipeline: The pipeline.
        default: The mode of tables that declare none.
    """
    known: dict[str, frozenset[str]] = {}
    for table in pipeline.tables:
        _resolve(pipeline, table, default, known)
    return known


def grows(table: Table, streams: Streams, default: Mode) -> bool:
    """Return whether a table can be read as a stream: nothing it once gave changes.

    Args:
        table: A table of a pipeline.
        streams: What the tables of the pipeline read as streams.
        default: The mode of tables that declare none.
    """
    if table.dimension or table.mode_in(default) == "batch" or not streams[table.name]:
        return False
    return table.temporary or table.write_mode("streaming") == "append"


def _resolve(
    pipeline: Pipeline, table: Table, default: Mode, known: MutableMapping[str, frozenset[str]]
) -> frozenset[str]:
    # A stack of our own: chains of tables may be longer than Python's.
    waiting = [table]
    while waiting:
        current = waiting[-1]
        if current.name in known:
            waiting.pop()
            continue
        inputs = [pipeline.by_name[name] for name in current.depends_on]
        if current.mode_in(default) == "batch":
            known[current.name] = frozenset()
        elif unknown := [other for other in inputs if other.name not in known]:
            waiting += unknown
        else:
            own = {SOURCE} if current.source is not None and not current.source.dimension else set()
            known[current.name] = frozenset(
                own | {other.name for other in inputs if grows(other, known, default)}
            )
    return known[table.name]
