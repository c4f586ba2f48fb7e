"""What a run would do: the selected tables in an order that works, in stages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from skyspark.pipeline import graph
from skyspark.pipeline.model import Pipeline, Table


@dataclass(frozen=True)
class Selection:
    """What the user asks for; nothing asked for means all tables.

    Attributes:
        tags: Tags.
        match: Whether a table needs ``any`` or ``all`` of the tags.
        select: Selectors in dbt's grammar, such as ``tag:daily+``; several are united.
        exclude: Selectors of what is left out.
        upstream: Whether what the selected tables read, directly or not, is included.
    """

    tags: Sequence[str] = ()
    match: Literal["any", "all"] = "any"
    select: Sequence[str] = ()
    exclude: Sequence[str] = ()
    upstream: bool = True


@dataclass(frozen=True)
class Plan:
    """The selected tables of a pipeline.

    Attributes:
        pipeline: The pipeline.
        stages: Names of tables; those of one stage read only tables of stages before, or unselected ones.
        upstream: The names among them that are there only because others read them.
    """

    pipeline: Pipeline
    stages: tuple[tuple[str, ...], ...]
    upstream: frozenset[str] = field(default_factory=frozenset)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables, each after those it reads."""
        return tuple(self.pipeline.by_name[name] for stage in self.stages for name in stage)


def make_plan(pipeline: Pipeline, selection: Selection) -> Plan:
    """Select tables and put them in order.

    Args:
        pipeline: The pipeline.
        selection: What is asked for.

    Raises:
        SelectionError: A selector is none, or nothing is selected; close matches are named.
    """
    wanted = set(selection.tags)
    chosen = {table.name for table in pipeline.tables if not wanted or wanted & set(table.tags)}
    inputs = {t.name: [d for d in t.depends_on if d in chosen] for t in pipeline.tables if t.name in chosen}
    return Plan(pipeline, graph.stages(inputs))
