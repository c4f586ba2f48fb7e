"""The form of a pipeline's file with ``sources``, ``transformations``, ``validation`` and one ``target``.

Sources and all transformations but the last become temporary tables; the last transformation, or the only
source, becomes the table that the target describes and the validation checks.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from skyspark.pipeline.base import Model, Names
from skyspark.pipeline.document import Document
from skyspark.pipeline.drafts import Header, PipelineDraft, Surroundings, TableDraft, names_of, positions
from skyspark.pipeline.expectations import Expectation
from skyspark.pipeline.model import Source, Table, Target, Watermark
from skyspark.pipeline.problems import Path
from skyspark.pipeline.shapes import M, check
from skyspark.pipeline.transformations import (
    Aggregate,
    Filter,
    Join,
    PythonFunction,
    SqlQuery,
    Transformation,
)


class Step(Model):
    """What sources and transformations have in common.

    Attributes:
        name: By which later steps read it.
        description: A comment.
        cache: Whether it is kept in memory; default: by who reads it.
        watermark: How late rows of its streaming inputs may come.
    """

    name: str = Field(min_length=1)
    description: str | None = None
    cache: bool | None = None
    watermark: Watermark | None = None


class SourceStep(Step, Source):
    """Data from outside the pipeline."""


class NamedSource(SourceStep):
    """Data from outside the pipeline, in a mapping of names to sources.

    Attributes:
        name: By which later steps read it, where that is not its key.
    """

    name: str = Field(default="", min_length=1)


class Rules(Model):
    """The section ``validation`` as a mapping.

    Attributes:
        rules: What the rows of the target have to meet.
    """

    rules: tuple[Expectation, ...]


class TransformationStep(Step):
    """What all transformations have.

    Attributes:
        depends_on: The sources and transformations before it that it reads; default: those it names.
    """

    depends_on: Names = ()


class SqlStep(TransformationStep, SqlQuery):
    """``sql``: a query on the names of sources and earlier transformations."""


class PythonStep(TransformationStep, PythonFunction):
    """``python``: a function that takes sources and earlier transformations by parameter name."""


class FilterStep(TransformationStep, Filter):
    """``filter``: the rows of one input that meet a condition."""


class JoinStep(TransformationStep, Join):
    """``join``: two inputs side by side."""


class AggregateStep(TransformationStep, Aggregate):
    """``aggregate``: one row for each group of an input's rows."""


AnyStep = Annotated[SqlStep | PythonStep | FilterStep | JoinStep | AggregateStep, Field(discriminator="type")]
_BASES: Mapping[type[Model], type[Transformation]] = {
    SqlStep: SqlQuery,
    PythonStep: PythonFunction,
    FilterStep: Filter,
    JoinStep: Join,
    AggregateStep: Aggregate,
}


class PipelineSection(Header):
    """The section ``pipeline``.

    Attributes:
        tags: What its tables can be selected by.
    """

    tags: Names = ()


class TargetSection(Target):
    """The section ``target``: where the last step is written and how.

    Attributes:
        format: Always Delta.
        description: The table's comment.
    """

    format: Literal["delta"] = Field(default="delta")
    description: str | None = None


class _OneStep(Model):
    """For pydantic to choose among the kinds of steps."""

    step: AnyStep


class _OneRule(Model):
    """For pydantic to choose among the kinds of rules."""

    rule: Expectation


class StepsFile(Surroundings):
    """The whole file.

    Attributes:
        pipeline: What it says of the pipeline as a whole.
        sources: Data from outside, at least one; or a mapping of names to sources.
        transformations: In order; each reads sources and those before it.
        validation: What the rows of the target have to meet; or a mapping with the list as ``rules``.
        target: Where the last step is written and how.
    """

    pipeline: PipelineSection = PipelineSection()
    sources: (
        Annotated[tuple[SourceStep, ...], Field(min_length=1)]
        | Annotated[dict[str, NamedSource], Field(min_length=1)]
    )
    transformations: tuple[AnyStep, ...] = ()
    validation: tuple[Expectation, ...] | Rules = ()
    target: TargetSection


def read_steps_file(document: Document, values: dict[str, Any]) -> PipelineDraft:
    """Read the form with ``sources``, ``transformations``, ``validation`` and ``target``.

    Args:
        document: The file; gets the problems.
        values: Its values, with variables replaced.
    """
    # The sections are checked one by one below: what is right in them is known even where another is wrong.
    right = {
        "pipeline": {},
        "sources": [{"name": "a", "path": "a"}],
        "transformations": [],
        "validation": [],
        "target": {},
    }
    whole = check(document, StepsFile, {key: right.get(key, value) for key, value in values.items()}, ())
    header = check(document, PipelineSection, values.get("pipeline", {}), ("pipeline",))
    target = check(document, TargetSection, values.get("target", {}), ("target",))
    tags = header.tags if header is not None else ()
    tables = [
        TableDraft(
            Table(
                name=step.name,
                description=step.description,
                cache=step.cache,
                watermark=step.watermark,
                tags=tags,
                source=_part(step, Source),
                temporary=True,
            ),
            at,
            {("source",): at},
        )
        for at, step in _sources(document, values.get("sources"))
    ]
    for at, step in _transformations(document, values.get("transformations", [])):
        transformation = _part(step, _BASES[type(step)])
        table = Table(
            name=step.name,
            description=step.description,
            cache=step.cache,
            watermark=step.watermark,
            tags=tags,
            depends_on=step.depends_on,
            transformation=transformation,
            temporary=True,
        )
        tables.append(TableDraft(table, at, {("transformation",): at}))
    rules_at, rules = _rules(document, values.get("validation", []))
    if tables and target is not None:
        last = tables[-1]
        if not values.get("transformations") and len(tables) > 1:
            document.add(
                ("sources",),
                "there is more than one source and no transformation: nothing brings them together.",
            )
        changes = {
            "temporary": False,
            "target": _part(target, Target),
            "expectations": rules,
            "description": target.description or last.table.description,
        }
        places = {**last.places, ("target",): ("target",), ("expectations",): rules_at}
        tables[-1] = TableDraft(last.table.model_copy(update=changes), last.at, places)
    return PipelineDraft(
        document,
        header=header or Header(),
        header_at=("pipeline",),
        surroundings=whole or Surroundings(),
        tables=tables,
        names=_names(values.get("sources")) | names_of(values.get("transformations")),
        stepwise=True,
    )


def _names(sources: Any) -> frozenset[str]:
    return frozenset(sources) if isinstance(sources, dict) else names_of(sources)


def _sources(document: Document, values: Any) -> list[tuple[Path, SourceStep]]:
    entries: list[tuple[Path, Any]]
    if isinstance(values, dict):
        entries = [
            (("sources", name), {"name": name, **one} if isinstance(one, dict) else one)
            for name, one in values.items()
        ]
    else:
        entries = _listed(document, values, ("sources",), "a list, or a mapping of names to sources")
    if not entries and isinstance(values, dict | list):
        document.add(("sources",), "it is empty: name at least one source.")
    checked = [(at, check(document, SourceStep, one, at)) for at, one in entries]
    return [(at, step) for at, step in checked if step is not None]


def _transformations(document: Document, values: Any) -> list[tuple[Path, Any]]:
    entries = _listed(document, values, ("transformations",))
    checked = [(at, check(document, _OneStep, one, at, inside="step")) for at, one in entries]
    return [(at, one.step) for at, one in checked if one is not None]


def _rules(document: Document, values: Any) -> tuple[Path, tuple[Expectation, ...]]:
    at: Path = ("validation",)
    if isinstance(values, dict) and set(values) == {"rules"}:
        at, values = ("validation", "rules"), values["rules"]
    checked = [
        check(document, _OneRule, one, place, inside="rule") for place, one in _listed(document, values, at)
    ]
    return at, tuple(one.rule for one in checked if one is not None)


def _listed(document: Document, values: Any, at: Path, wanted: str = "a list") -> list[tuple[Path, Any]]:
    if not isinstance(values, list):
        if document.has(at):
            document.add(at, f"it must be {wanted}.")
        return []
    return positions(values, at)


def _part(step: Model, base: type[M]) -> M:
    """Return the part of a model that another, which it is derived from, describes."""
    return base.model_construct(
        _fields_set=step.model_fields_set & set(base.model_fields),
        **{name: getattr(step, name) for name in base.model_fields},
    )
