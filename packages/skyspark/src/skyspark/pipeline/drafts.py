"""A pipeline on its way from file to model: what both forms of the file say, and where it stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from skyspark.pipeline.base import Model, Options
from skyspark.pipeline.document import Document
from skyspark.pipeline.model import Environment, Mode, Table
from skyspark.pipeline.problems import Path


class Header(Model):
    """What a file says of the pipeline as a whole; the attributes are those of ``Pipeline``."""

    name: str | None = Field(default=None, min_length=1)
    description: str | None = None
    catalog: str | None = None
    schema_name: str | None = Field(default=None, alias="schema")
    storage: str | None = None
    module_root: str = Field(default="transformations", pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")
    mode: Mode = "batch"


class Surroundings(Model):
    """What a file says of the places where the pipeline runs, with variables.

    Attributes:
        spark: Settings for the Spark session.
        settings: Folder beside the file with the application's settings, which are variables too.
        variables: Values of ``${NAME}``.
        environments: What differs in each environment.
    """

    spark: Options = Field(default_factory=dict)
    settings: str | None = None
    variables: Options = Field(default_factory=dict)
    environments: dict[str, Environment] = Field(default_factory=dict)


@dataclass(frozen=True)
class TableDraft:
    """A table as far as its part of the file says.

    Attributes:
        table: The table.
        at: Where it stands.
        places: Where parts of it stand that are not below ``at``, by their places in the model.
    """

    table: Table
    at: Path
    places: Mapping[Path, Path] = field(default_factory=dict)

    def place(self, *path: str | int) -> Path:
        """Return where in the file a part of the table stands.

        Args:
            path: Its place in the model, such as ``"target", "mode"``.
        """
        for length in range(len(path), 0, -1):
            if path[:length] in self.places:
                return (*self.places[path[:length]], *path[length:])
        return (*self.at, *path)


@dataclass(frozen=True)
class PipelineDraft:
    """A pipeline as far as its file says.

    Attributes:
        document: The file; gets the problems.
        header: What it says of the pipeline as a whole.
        header_at: Where the header's keys stand.
        surroundings: What it says of the places where the pipeline runs.
        tables: The tables whose shape is right.
        names: The names of all tables, those whose shape is wrong too.
        stepwise: Whether it is the form in which each step reads those before it.
    """

    document: Document
    header: Header
    header_at: Path
    surroundings: Surroundings
    tables: Sequence[TableDraft]
    names: frozenset[str]
    stepwise: bool = False


def names_of(entries: Any) -> frozenset[str]:
    """Return the names of all mappings in a list that have one.

    Args:
        entries: A value of the file, of any shape.
    """
    named = (one.get("name") for one in entries if isinstance(one, dict)) if isinstance(entries, list) else ()
    return frozenset(name for name in named if isinstance(name, str))


def positions(entries: Sequence[Any], at: Path) -> list[tuple[Path, Any]]:
    """Return the entries of a list with their places.

    Args:
        entries: The list.
        at: Where it stands.
    """
    return [((*at, i), one) for i, one in enumerate(entries)]
