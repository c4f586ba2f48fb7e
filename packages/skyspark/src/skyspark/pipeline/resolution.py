"""Finds what makes each table: its query, its function, and for steps the inputs that they name.

A table that names no transformation has one at ``{module_root}/{layer}/{name}.py`` or ``.sql``, or passes its
source on.
"""

import os
from pathlib import Path
from typing import Any

from skyspark.errors import QueryError, TransformationError, suggest
from skyspark.pipeline.document import Document
from skyspark.pipeline.drafts import PipelineDraft, TableDraft
from skyspark.pipeline.interpolation import InterpolationError, Variables
from skyspark.pipeline.model import Table
from skyspark.pipeline.modules import Module, ModuleFinder, Parameters, project_folders
from skyspark.pipeline.problems import Problem, shown
from skyspark.pipeline.queries import tables_read
from skyspark.pipeline.transformations import (
    SOURCE,
    Aggregate,
    Filter,
    Join,
    PythonFunction,
    SqlQuery,
)

_SPARK = "spark"


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
        self._folders = self.finder.folders(draft.header.module_root)

    def tables(self) -> list[TableDraft]:
        """Return the tables with their transformations and inputs."""
        made: list[TableDraft] = []
        before: dict[str, Table] = {}
        for draft in self._draft.tables:
            table = draft.table.model_copy(update=self._changes(draft, before))
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
                parameters = self._explicit(draft, python)
                named = (*parameters.required, *parameters.optional) if parameters is not None else ()
                changes = self._inputs(table, before, named)
                if parameters is not None:
                    inputs = (*table.inputs, *changes.get("depends_on", ()))
                    self._check_parameters(draft, python, parameters, inputs)
                return changes
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
        folder = self._config.resolve().parent
        path = (folder / query.file).resolve()
        place = draft.place("transformation", "file")
        if not path.is_relative_to(project_folders(self._config)[-1]):
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

    def _explicit(self, draft: TableDraft, python: PythonFunction) -> Parameters | None:
        """Find a function that the file names; return its parameters if they are known."""
        place = draft.place("transformation", "function")
        module_name, _, name = python.function.rpartition(".")
        try:
            module = self.finder.find(module_name)
        except TransformationError as error:
            self._document.add(place, str(error))
            return None
        if module is None:
            self._document.add(
                place,
                f"there is no module {module_name}: it is looked for next to the file, in src, "
                "and where Python looks.",
            )
            return None
        if name not in module.functions:
            if module.complete:
                near = suggest(name, module.functions)
                self._document.add(place, f"{shown(Path(module.file))} has no function '{name}'{near}.")
            return None
        return module.functions[name]

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
                return self._from_module(
                    draft, f"{self._draft.header.module_root}.{table.layer}.{table.name}"
                )
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

    def _from_module(self, draft: TableDraft, module_name: str) -> dict[str, Any]:
        table = draft.table
        try:
            module = self.finder.find(module_name)
        except TransformationError as error:
            self._document.add(draft.place(), str(error))
            return {}
        if module is None:
            self._document.add(draft.place(), f"Python cannot import {module_name}.")
            return {}
        name = self._function_for(table.name, module, draft)
        if name is None:
            return {}
        python = PythonFunction(type="python", function=f"{module_name}.{name}")
        parameters = module.functions[name]
        if parameters is not None:
            self._check_parameters(draft, python, parameters, table.inputs)
        return {"transformation": python}

    def _function_for(self, table: str, module: Module, draft: TableDraft) -> str | None:
        marked = module.marked.get(table, ())
        if len(marked) > 1:
            self._document.add(
                draft.place(),
                f"{shown(Path(module.file))} marks several functions for it: {', '.join(marked)}.",
            )
            return None
        if marked:
            return marked[0]
        if table in module.functions:
            return table
        near = suggest(table, (*module.marked, *module.functions))
        self._document.add(
            draft.place(),
            f"{shown(Path(module.file))} has no function named '{table}' and none marked with "
            f"@skyspark.table{near}.",
        )
        return None

    def _check_parameters(
        self, draft: TableDraft, python: PythonFunction, parameters: Parameters, inputs: tuple[str, ...]
    ) -> None:
        place = draft.place("transformation", "function")
        if not self._document.has(place):
            place = draft.place()
        for name in parameters.required:
            if name not in inputs and name not in python.params and name != _SPARK:
                self._document.add(
                    place,
                    f"{python.function} has a parameter '{name}' that nothing is given for"
                    f"{suggest(name, (*inputs, *python.params))}: name it in depends_on or in params.",
                )
        taken = {*parameters.required, *parameters.optional}
        for name in python.params:
            at = draft.place("transformation", "params", name)
            if name in inputs or name == _SPARK:
                self._document.add(at, "an input has that name: a parameter gets the one or the other.")
            elif name not in taken and not parameters.others:
                self._document.add(
                    at, f"{python.function} has no such parameter{suggest(name, sorted(taken))}."
                )

    def _from_config(self, path: Path) -> str:
        return Path(os.path.relpath(path, self._config.resolve().parent)).as_posix()


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
