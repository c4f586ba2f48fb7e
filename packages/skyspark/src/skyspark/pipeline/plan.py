"""What a run would do: the selected tables in an order that works, in stages."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from skyspark.errors import SelectionError
from skyspark.pipeline import graph
from skyspark.pipeline.matching import Matcher
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.selectors import Complement, Criterion, Intersection, Selector, Union, parse_selector

# How many names an error lists.
_SHOWN = 8


@dataclass(frozen=True)
class Selection:
    """What the user asks for; nothing asked for means all tables.

    Attributes:
        tags: Tags; a table needs them and has to be among the selected ones.
        match: Whether a table needs ``any`` or ``all`` of the tags.
        select: Selectors in dbt's grammar, such as ``tag:daily+``; several are united.
        exclude: Selectors of what is left out, whatever else asks for it.
        upstream: Whether what the selected tables read, directly or not, is included. Temporary tables are
            read from nowhere else and always are.
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
    """Select tables and put them in order, in time linear in the pipeline.

    Args:
        pipeline: The pipeline, as ``load_pipeline`` returns it: nothing missing, no cycle.
        selection: What is asked for.

    Raises:
        SelectionError: A selector is none, names what is not there, or nothing is selected; close matches
            are named. Or a temporary table is left out that a selected one reads.
    """
    matcher = Matcher(pipeline)
    asked = [Union(tuple(map(parse_selector, selection.select)))] if selection.select else []
    chosen = matcher.select(_all_of([*_tagged(selection), *asked]))
    excluded = matcher.select(Union(tuple(map(parse_selector, selection.exclude))))
    if matcher.problems:
        raise SelectionError("\n".join(dict.fromkeys(matcher.problems)))
    chosen -= excluded
    if not chosen:
        raise SelectionError(_nothing(pipeline, matcher.unmatched))
    if selection.upstream and not excluded:
        read = matcher.upstream(chosen)
    else:
        read = _read(pipeline, chosen, excluded, stored=selection.upstream)
    planned = chosen | read
    # In the order of the file, on which the order within a stage rests.
    inputs = {
        table.name: [name for name in table.depends_on if name in planned]
        for table in pipeline.tables
        if table.name in planned
    }
    return Plan(pipeline, graph.stages(inputs), read - chosen)


def _tagged(selection: Selection) -> list[Selector]:
    if not selection.tags:
        return []
    tags = tuple(Criterion("tag", tag) for tag in selection.tags)
    return [Union(tags) if selection.match == "any" else Intersection(tags)]


def _all_of(selectors: Sequence[Selector]) -> Selector:
    return Intersection(tuple(selectors)) if selectors else Complement(Union(()))


def _read(
    pipeline: Pipeline, chosen: frozenset[str], excluded: frozenset[str], *, stored: bool
) -> frozenset[str]:
    """Return what the chosen tables read: what only excluded ones would read is not needed."""
    followed: dict[str, list[str]] = {}
    for table in pipeline.tables:
        followed[table.name] = []
        for name in table.depends_on:
            if name not in excluded and (stored or pipeline.by_name[name].temporary):
                followed[table.name].append(name)
    read = frozenset(graph.reachable(followed, chosen))
    for table in pipeline.tables:
        if table.name not in chosen and table.name not in read:
            continue
        for name in table.depends_on:
            if name in excluded and pipeline.by_name[name].temporary:
                raise SelectionError(
                    f"'{table.name}' reads the temporary table '{name}', which is stored nowhere and cannot "
                    f"be excluded alone: exclude '{name}+'."
                )
    return read


def _nothing(pipeline: Pipeline, unmatched: Sequence[str]) -> str:
    if not pipeline.tables:
        return f"the pipeline {pipeline.name} has no tables."
    known: dict[str, list[str]] = {
        "tables": [table.name for table in pipeline.tables],
        "tags": sorted({tag for table in pipeline.tables for tag in table.tags}),
        "layers": sorted({table.layer for table in pipeline.tables if table.layer is not None}),
    }
    lists = [f"the {kind} {_some(names)}" for kind, names in known.items() if names]
    reasons = "".join(f" {reason[0].upper()}{reason[1:]}" for reason in dict.fromkeys(unmatched))
    return f"nothing is selected.{reasons} The pipeline has {'; '.join(lists)}."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
