"""Finds what makes each table: its query, its function, and for steps the inputs that they name.

A table that names no transformation has one at ``{module_root}/{layer}/{name}.py`` or ``.sql``, or passes its
source on.
"""

import os
from pathlib import Path
from typing import Any

from skyspark.errors import QueryError, suggest
from skyspark.pipeline.document import Document
from skyspark.pipeline.drafts import PipelineDraft, TableDraft
from skyspark.pipeline.function_finder import FunctionFinder
from skyspark.pipeline.interpolation import InterpolationError, Variables
from skyspark.pipeline.model import Table
from skyspark.pipeline.module_finder import ModuleFinder
from skyspark.pipeline.problems import Problem, shown
from skyspark.pipeline.project import in_project
from skyspark.pipeline.queries import tables_read
from skyspark.pipeline.transformations import (
    SOURCE,
    Aggregate,
    Filter,
    Join,
    PythonFunction,
    SqlQuery,
)


class Resolution:
    """Fills in the transformations of a pipeline's tables.

    Attributes:
        finder: Where modules are looked for.
    """

    def __init__(self, draft: PipelineDraft, config: Path, variables: Variables) -> None:
        """Prepare for one pipeline.

        Args:
            draft: The pipeline; its document gets the problems.
            config: Its file.
            variables: For the texts of queries in files.
        """
        self.finder = ModuleFinder(config)
        self._draft = draft
        self._document: Document = draft.document
        self._config = config
        self._variables = variables
        self._functions = FunctionFinder(self.finder, draft.document)
        self._folders = self.finder.folders(draft.header.module_root)

    def tables(self) -> list[TableDraft]:
        """Return the tables with their transformations and inputs."""
        made: list[TableDraft] = []
        before: dict[str, Table] = {}
        for draft in self._draft.tables:
            table = _with_input(draft.table.model_copy(update=self._changes(draft, before)))
            made.append(TableDraft(table, draft.at, draft.places))
            before[table.name.casefold()] = table
        return made

    def _changes(self, draft: TableDraft, before: dict[str, Table]) -> dict[str, Any]:
        """Return what is now known of a table.

        Args:
            draft: The table.
            before: The tables that stand before it, by their names in lower case.
        """
        table = draft.table
        match table.transformation:
            case SqlQuery() as query:
                sql = self._sql(draft, query)
                named = _names_read(sql.query) if self._draft.stepwise else ()
                return {"transformation": sql, **self._inputs(table, before, named)}
            case PythonFunction() as python:
                return self._python(draft, python, before)
            case Filter() | Aggregate() as one if not one.input:
                default = self._default_input(table, before)
                if default is None:
                    place = draft.place("transformation", "input")
                    self._document.add(place, f"name the input: {_choices(table, before)}.")
                    return {}
                filled = one.model_copy(update={"input": default})
                return {"transformation": filled, **self._inputs(table, before, (default,))}
            case Filter() | Aggregate() as one:
                return self._inputs(table, before, (one.input,), strict=True)
            case Join() as join:
                return self._inputs(table, before, (join.left, join.right), strict=True)
        return {} if self._draft.stepwise else self._by_layer(draft)

    def _python(self, draft: TableDraft, python: PythonFunction, before: dict[str, Table]) -> dict[str, Any]:
        found = self._functions.named(draft, python.function)
        if found is None:
            return {}
        parameters = found.parameters
        named = (*parameters.required, *parameters.optional) if parameters is not None else ()
        changes = self._inputs(draft.table, before, named)
        if parameters is not None:
            inputs = (*draft.table.inputs, *changes.get("depends_on", ()))
            self._functions.check_parameters(draft, python, parameters, inputs)
        if (parameters is None or parameters.others) and changes:
            place = draft.place("transformation", "function")
            self._document.add(
                place, "what it takes cannot be told from its parameters: name it in depends_on."
            )
        return changes

    def _inputs(
        self, table: Table, before: dict[str, Table], named: tuple[str, ...], *, strict: bool = False
    ) -> dict[str, Any]:
        """Return what a step depends on, if it does not say so: those of the names that stand before it.

        Args:
            table: The table.
            before: As for ``_changes``.
            named: Names that its transformation uses.
            strict: Whether each of them has to be an input.
        """
        if not self._draft.stepwise or table.depends_on:
            return {}
        found = [
            name if strict else before[name.casefold()].name
            for name in named
            if strict or name.casefold() in before
        ]
        return {"depends_on": tuple(dict.fromkeys(found))}

    def _default_input(self, table: Table, before: dict[str, Table]) -> str | None:
        if len(table.inputs) == 1:
            return table.inputs[0]
        if not self._draft.stepwise or table.inputs or not before:
            return None
        # A step follows the one before it; the first one has to say which source, if there are several.
        last = before[next(reversed(before))]
        return last.name if last.source is None or len(before) == 1 else None

    def _sql(self, draft: TableDraft, query: SqlQuery) -> SqlQuery:
        if query.file is None:
            return query
        if query.query:
            self._document.add(draft.place("transformation", "file"), "give the query or its file, not both.")
            return query
        path = in_project(self._config, query.file)
        place = draft.place("transformation", "file")
        if path is None:
            self._document.add(place, "the file is outside of the project: queries are read from within it.")
            return query
        return query.model_copy(update={"query": self._text(path, place)})

    def _text(self, path: Path, place: tuple[str | int, ...]) -> str:
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            near = suggest(path.name, self.finder.names_in(path.parent))
            self._document.add(place, f"there is no file {shown(path)}{near}.")
            return ""
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not in UTF-8"
            self._document.add(place, f"{shown(path)} cannot be read: {reason}.")
            return ""
        if not text.strip():
            self._document.add(place, f"{shown(path)} is empty.")
            return ""
        try:
            return self._variables.replace(text)
        except InterpolationError as error:
            self._document.problems.append(
                Problem(shown(path), self._line_of_problem(text), 1, "", str(error))
            )
            return ""

    def _line_of_problem(self, text: str) -> int:
        for number, line in enumerate(text.splitlines(), start=1):
            try:
                self._variables.replace(line)
            except InterpolationError:
                return number
        return 1

    def _by_layer(self, draft: TableDraft) -> dict[str, Any]:
        """Find the transformation that stands where the table's layer and name say."""
        table = draft.table
        if table.layer is None:
            if len(table.inputs) != 1:
                self._document.add(
                    draft.place(),
                    "how it is made is not said: name its layer, by which a module or query is found, "
                    "or give a transformation.",
                )
            return {}
        for folder in self._folders:
            names = self.finder.names_in(folder / table.layer)
            has_module, has_query = f"{table.name}.py" in names, f"{table.name}.sql" in names
            if has_module and has_query:
                self._document.add(
                    draft.place(),
                    f"both {table.name}.py and {table.name}.sql are in {shown(folder / table.layer)}.",
                )
                return {}
            if has_query:
                path = folder / table.layer / f"{table.name}.sql"
                text = self._text(path, draft.place())
                return {"transformation": SqlQuery(type="sql", query=text, file=self._from_config(path))}
            if has_module:
                package = f"{self._draft.header.module_root}.{table.layer}"
                python = self._functions.of_table(draft, f"{package}.{table.name}")
                return {"transformation": python} if python is not None else {}
        if table.inputs == (SOURCE,):
            return {}
        where = f"{self._draft.header.module_root.replace('.', '/')}/{table.layer}/{table.name}"
        near = {Path(n).stem for folder in self._folders for n in self.finder.names_in(folder / table.layer)}
        self._document.add(
            draft.place(),
            f"how it is made is not said: there is no {where}.py and no .sql{suggest(table.name, near)}; "
            "write one or give a transformation.",
        )
        return {}

    def _from_config(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._config.resolve().parent)).as_posix()


def _with_input(table: Table) -> Table:
    """Return a table that says which input it reads what is new of, where it has only one."""
    incremental = table.incremental
    if incremental is None or incremental.input is not None or len(table.inputs) != 1:
        return table
    filled = incremental.model_copy(update={"input": table.inputs[0]})
    return table.model_copy(update={"incremental": filled})


def _names_read(query: str) -> tuple[str, ...]:
    if not query:
        return ()
    try:
        return tuple(read.parts[0] for read in tables_read(query) if len(read.parts) == 1)
    except QueryError:
        # Said where all queries are checked.
        return ()


def _choices(table: Table, before: dict[str, Table]) -> str:
    names = table.inputs or tuple(one.name for one in before.values())
    return f"one of {', '.join(names)}" if names else "the table has none"
