"""Checks on the tables of a pipeline together: their names, what they read, and what streams."""

import re
from collections.abc import Iterator, Sequence

from skyspark.errors import TableNameError, suggest
from skyspark.identifiers import TableName
from skyspark.pipeline import graph
from skyspark.pipeline.drafts import PipelineDraft, TableDraft
from skyspark.pipeline.intervals import is_interval
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.modes import all_streamed_inputs
from skyspark.pipeline.sql_checks import SqlChecks
from skyspark.pipeline.transformations import SOURCE, Aggregate, Filter, Join

# Names that a function's parameters and SQL have for something else.
_RESERVED = {SOURCE: "the table's own source", "spark": "the session"}


def check_pipeline(draft: PipelineDraft, tables: Sequence[TableDraft], pipeline: Pipeline) -> None:
    """Note all that is wrong with tables whose shape is right.

    Args:
        draft: What the file says; its document gets the problems.
        tables: The tables with their transformations.
        pipeline: The pipeline of them.
    """
    before = len(draft.document.problems)
    checks = _Checks(draft, tables, pipeline)
    checks.names()
    checks.dependencies()
    if len(draft.document.problems) == before and len(tables) == len(draft.names):
        # Who streams is asked of whole pipelines only.
        checks.streams()
    for one in tables:
        checks.inputs(one)
        checks.parts(one)
    SqlChecks(draft, tables, pipeline).run()


_FOLDER = re.compile(r"\w[\w .-]*")


class _Checks:
    def __init__(self, draft: PipelineDraft, tables: Sequence[TableDraft], pipeline: Pipeline) -> None:
        self._draft = draft
        self._tables = tables
        self._pipeline = pipeline
        self._add = draft.document.add

    def names(self) -> None:
        """Check that names are table names and that no two are equal in a catalog's eyes."""
        at = self._draft.header_at
        right_header = self._check_part((*at, "catalog"), self._pipeline.catalog)
        right_header &= self._check_part((*at, "schema"), self._pipeline.schema_name)
        if not _FOLDER.fullmatch(self._pipeline.name):
            self._add(
                (*at, "name"),
                "the name of a pipeline names its folder too: write letters, digits, spaces, "
                "'_', '-' and '.', and a letter or digit first.",
            )
        seen: dict[str, TableDraft] = {}
        stored: dict[str, str] = {}
        for one in self._tables:
            table, first = one.table, seen.setdefault(one.table.name.casefold(), one)
            if table.name in _RESERVED:
                self._add(one.place("name"), f"the name is taken: it stands for {_RESERVED[table.name]}.")
            if first is not one:
                self._add(
                    one.place("name"), f"the name '{table.name}' is given twice: see {self._line(first)}."
                )
                continue
            target = table.target
            right = self._check_part(one.place("name"), table.name)
            right &= self._check_part(one.place("target", "catalog"), target.catalog)
            right &= self._check_part(one.place("target", "schema"), target.schema_name)
            right &= self._check_part(one.place("target", "table"), target.table)
            if isinstance(target.quarantine, str):
                right &= self._check_part(one.place("target", "quarantine"), target.quarantine)
            if right and right_header and not table.temporary:
                self._check_stored(one, stored)

    def _line(self, one: TableDraft) -> str:
        return f"line {self._draft.document.line_of(one.place('name'))}"

    def _check_part(self, at: tuple[str | int, ...], name: str | None) -> bool:
        """Check one part of a name, if it is given."""
        try:
            if name is not None:
                TableName.of(name)
        except TableNameError as error:
            self._add(at, str(error).partition(": ")[2])
            return False
        return True

    def _check_stored(self, one: TableDraft, stored: dict[str, str]) -> None:
        """Check that no other table is stored under a table's names."""
        names = [(self._pipeline.table_name(one.table), ("target", "table"))]
        if (quarantine := self._pipeline.quarantine_name(one.table)) is not None:
            names.append((quarantine, ("target", "quarantine")))
        for name, key in names:
            other = stored.setdefault(name.casefold(), one.table.name)
            if other != one.table.name or (
                key[-1] == "quarantine" and names[0][0].casefold() == name.casefold()
            ):
                self._add(one.place(*key), f"it is stored as {name}, and so is '{other}'.")

    def dependencies(self) -> None:
        """Check that what tables depend on is there, and that they do not wait for each other."""
        known = {one.table.name for one in self._tables}
        before: set[str] = set()
        for one in self._tables:
            seen: set[str] = set()
            for i, name in enumerate(one.table.depends_on):
                at = one.place("depends_on", i)
                if not self._draft.document.has(at):
                    # A step that names its inputs in another way.
                    at = one.place()
                if name not in self._draft.names:
                    kind = "source or transformation" if self._draft.stepwise else "table"
                    self._add(
                        at,
                        f"there is no {kind} '{name}'{self._draft.document.near(name, self._draft.names)}.",
                    )
                elif name in seen:
                    self._add(at, f"'{name}' is named twice.")
                elif self._draft.stepwise and name not in before and name in known:
                    self._add(
                        at, f"'{name}' does not come before it: a step reads sources and earlier steps."
                    )
                seen.add(name)
            before.add(one.table.name)
        if self._draft.stepwise:
            return
        edges = {t.table.name: [n for n in t.table.depends_on if n in known] for t in self._tables}
        places = {t.table.name: t for t in self._tables}
        if cycle := graph.find_cycle(edges):
            shown = " → ".join((*cycle, cycle[0]))
            self._add(places[cycle[0]].place("depends_on"), f"these tables wait for each other: {shown}.")

    def inputs(self, one: TableDraft) -> None:
        """Check the names of inputs that parts of a table refer to."""
        table = one.table
        for key, part in (("watermark", table.watermark), ("incremental", table.incremental)):
            if part is not None and part.input is not None:
                self._check_input(one, (key, "input"), part.input)
        if table.incremental is not None and table.incremental.input is None and len(table.inputs) != 1:
            self._add(
                one.place("incremental"), f"name the input: it has {', '.join(table.inputs) or 'none'}."
            )
        match table.transformation:
            case Filter(input=name) | Aggregate(input=name) if name:
                self._check_input(one, ("transformation", "input"), name)
            case Join() as join:
                self._check_input(one, ("transformation", "left"), join.left)
                self._check_input(one, ("transformation", "right"), join.right)
                if join.left == join.right:
                    self._add(
                        one.place("transformation", "right"), "a join is of two inputs, not of one twice."
                    )

    def _check_input(self, one: TableDraft, key: tuple[str, ...], name: str) -> None:
        inputs = one.table.inputs
        # What is not a table at all is said of the dependency, where there is one.
        if name not in inputs:
            known = ", ".join(inputs) or "none"
            self._add(
                one.place(*key), f"'{name}' is no input of the table{suggest(name, inputs)}: it has {known}."
            )

    def parts(self, one: TableDraft) -> None:
        """Check the parts of a table that can be judged by themselves."""
        table = one.table
        for key, text in _intervals(table):
            if not is_interval(text):
                self._add(
                    one.place(*key), f"'{text}' is no interval: write it as in '10 minutes' or '1 day'."
                )
        seen: set[str] = set()
        for i, rule in enumerate(table.expectations):
            if rule.name.casefold() in seen:
                self._add(
                    one.place("expectations", i),
                    f"the name '{rule.name}' is given twice: name one of the two otherwise.",
                )
            seen.add(rule.name.casefold())
        if table.temporary and not self._draft.stepwise and table.target.model_fields_set:
            self._add(one.place("target"), "a temporary table is not written: it has no target.")
        if table.incremental is not None:
            self._check_incremental(one)
        if table.mode == "streaming" and table.target.mode in ("overwrite", "overwrite_partitions"):
            self._add(
                one.place("target", "mode"),
                f"a streaming table cannot {table.target.mode}: use append or merge, or mode: batch.",
            )

    def _check_incremental(self, one: TableDraft) -> None:
        table = one.table
        if table.mode == "streaming":
            self._add(
                one.place("incremental"), "a streaming table reads what is new by itself: leave it out."
            )
        if table.temporary:
            self._add(
                one.place("incremental"), "a temporary table keeps nothing to compare with: leave it out."
            )
        elif table.target.mode not in ("append", "merge"):
            self._add(
                one.place("incremental"),
                "what is read adds to the table: give the target mode append or merge.",
            )
        if (
            table.incremental is not None
            and table.incremental.lookback is not None
            and table.target.mode != "merge"
        ):
            self._add(
                one.place("incremental", "lookback"),
                "rows that are read again would be there twice: it goes with the target's mode merge.",
            )

    def streams(self) -> None:
        """Check that a table which is declared streaming has something to follow in some run."""
        streams = all_streamed_inputs(self._pipeline, "streaming")
        for one in self._tables:
            if one.table.mode == "streaming" and not streams[one.table.name]:
                self._add(
                    one.place("mode"),
                    "it has no streaming input: none is a source or a streaming table that appends.",
                )


def _intervals(table: Table) -> Iterator[tuple[tuple[str, ...], str]]:
    if table.watermark is not None:
        yield ("watermark", "delay"), table.watermark.delay
    if table.incremental is not None and table.incremental.lookback is not None:
        yield ("incremental", "lookback"), table.incremental.lookback
