"""Checks on the tables of a pipeline together: names, dependencies, SQL, and what streams."""

from collections.abc import Sequence

from skyspark.errors import suggest
from skyspark.pipeline import graph
from skyspark.pipeline.drafts import PipelineDraft, TableDraft
from skyspark.pipeline.model import Pipeline


def check_pipeline(draft: PipelineDraft, tables: Sequence[TableDraft], pipeline: Pipeline) -> None:
    """Note all that is wrong with tables whose shape is right.

    Args:
        draft: What the file says; its document gets the problems.
        tables: The tables with their transformations.
        pipeline: The pipeline of them.
    """
    for one in tables:
        for i, name in enumerate(one.table.depends_on):
            if name not in draft.names:
                draft.document.add(
                    one.place("depends_on", i), f"there is no table '{name}'{suggest(name, draft.names)}."
                )
    known = {one.table.name for one in tables}
    cycle = graph.find_cycle(
        {one.table.name: [name for name in one.table.depends_on if name in known] for one in tables}
    )
    if cycle:
        draft.document.add(("tables",), f"these tables read each other: {' → '.join((*cycle, cycle[0]))}.")
