"""The form of a pipeline's file with a list of ``tables``."""

from typing import Any

from pydantic import Field

from skyspark.pipeline.document import Document
from skyspark.pipeline.drafts import Header, PipelineDraft, Surroundings, TableDraft, names_of, positions
from skyspark.pipeline.model import Table
from skyspark.pipeline.shapes import check


class TablesFile(Surroundings, Header):
    """The whole file.

    Attributes:
        tables: At least one.
    """

    tables: tuple[Table, ...] = Field(min_length=1)


def read_tables_file(document: Document, values: dict[str, Any]) -> PipelineDraft:
    """Read the form with ``tables``.

    Args:
        document: The file; gets the problems.
        values: Its values, with variables replaced.
    """
    # The tables are checked one by one below: what is right in them is known even where one is wrong.
    head = check(document, TablesFile, {**values, "tables": [{"name": "a"}]}, ())
    entries = values["tables"]
    if not isinstance(entries, list) or not entries:
        document.add(("tables",), "it must be a list of at least one table.")
        entries = []
    tables = [(at, check(document, Table, one, at)) for at, one in positions(entries, ("tables",))]
    return PipelineDraft(
        document,
        header=head or Header(),
        header_at=(),
        surroundings=head or Surroundings(),
        tables=[TableDraft(table, at) for at, table in tables if table is not None],
        names=names_of(entries),
    )
