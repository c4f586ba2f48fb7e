"""What of a pipeline is streaming: decided from what its tables say, never from their names."""

from skyspark.pipeline.model import Mode, Pipeline, Table
from skyspark.pipeline.transformations import SOURCE


def streamed_inputs(pipeline: Pipeline, table: Table, default: Mode) -> frozenset[str]:
    """Return the inputs that a table reads as streams; the others it reads whole.

    A stream can follow its table's own source and tables that only grow: streaming ones that append. What is
    marked as a dimension is read whole.

    Args:
        pipeline: The pipeline.
        table: One of its tables.
        default: The mode of tables that declare none.
    """
    if table.mode_in(default) == "batch":
        return frozenset()
    streamed = {name for name in table.depends_on if _grows(pipeline.by_name[name], pipeline, default)}
    if table.source is not None and not table.source.dimension:
        streamed.add(SOURCE)
    return frozenset(streamed)


def _grows(table: Table, pipeline: Pipeline, default: Mode) -> bool:
    if table.dimension or table.mode_in(default) == "batch":
        return False
    if table.temporary:
        return bool(streamed_inputs(pipeline, table, default))
    return table.write_mode("streaming") == "append"
