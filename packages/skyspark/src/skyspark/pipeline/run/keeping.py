"""Keeping a frame's rows while they are needed more than once."""

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

from pyspark import StorageLevel

from skyspark.pipeline.run.jobs import is_classic

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

log = logging.getLogger(__name__)

# Plans of these alone read columns from files that are made for it: reading again costs less than keeping.
_CHEAP = frozenset(
    {"Project", "Filter", "SubqueryAlias", "View", "LocalRelation", "Range", "InMemoryRelation"}
)
_COLUMNAR = ("parquet", "delta", "orc")


def keep(frame: "DataFrame", scope: ExitStack) -> "DataFrame":
    """Keep a frame's rows, once they are computed, until the scope is closed.

    Args:
        frame: The frame.
        scope: Its closing gives the memory back.

    Returns:
        The frame, which is computed anew each time where nothing can be kept (serverless compute).
    """
    try:
        kept = frame.persist(StorageLevel.MEMORY_AND_DISK)
    except Exception as error:  # only the text says that the compute knows no caches
        if "PERSIST" not in str(error).upper():
            raise
        log.info("rows that are read several times are computed anew: this compute keeps none")
        return frame
    scope.callback(kept.unpersist)
    return kept


def pays(frame: "DataFrame") -> bool:
    """Say whether computing a frame again costs more than keeping its rows.

    Args:
        frame: The frame.
    """
    if not is_classic(frame.sparkSession):
        return True
    return not _is_cheap(frame._jdf.queryExecution().optimizedPlan())


def _is_cheap(plan: "object") -> bool:
    name = plan.nodeName()  # type: ignore[attr-defined]
    if name == "LogicalRelation" or name.startswith("Relation"):
        relation = plan.relation()  # type: ignore[attr-defined]
        kind = relation.getClass().getSimpleName()
        if kind != "HadoopFsRelation":
            return False
        return any(known in relation.fileFormat().toString().casefold() for known in _COLUMNAR)
    if name not in _CHEAP:
        return False
    children = plan.children()  # type: ignore[attr-defined]
    return all(_is_cheap(children.apply(i)) for i in range(children.size()))
