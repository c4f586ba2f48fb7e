"""The functions that make tables: found in their modules, and their parameters checked."""

from dataclasses import dataclass
from pathlib import Path

from skyspark.errors import TransformationError, suggest
from skyspark.pipeline.document import Document
from skyspark.pipeline.drafts import TableDraft
from skyspark.pipeline.module_finder import ModuleFinder
from skyspark.pipeline.modules import Module, Parameters
from skyspark.pipeline.problems import Path as KeyPath
from skyspark.pipeline.problems import shown
from skyspark.pipeline.transformations import PythonFunction

_SPARK = "spark"


@dataclass(frozen=True)
class FoundFunction:
    """A function that is there.

    Attributes:
        parameters: What it takes; ``None`` if that is not known.
    """

    parameters: Parameters | None


class FunctionFinder:
    """Finds the functions of a pipeline's tables."""

    def __init__(self, modules: ModuleFinder, document: Document) -> None:
        """Prepare for one pipeline.

        Args:
            modules: Where modules are looked for.
            document: Gets the problems.
        """
        self._modules = modules
        self._document = document

    def named(self, draft: TableDraft, function: str) -> FoundFunction | None:
        """Find a function that the file names; ``None`` after a problem.

        Args:
            draft: The table that it makes.
            function: ``module.name``.
        """
        place = draft.place("transformation", "function")
        module_name, _, name = function.rpartition(".")
        module = self._module(place, module_name)
        if module is None:
            return None
        if name not in module.functions and module.complete:
            near = suggest(name, module.functions)
            self._document.add(place, f"{shown(Path(module.file))} has no function '{name}'{near}.")
            return None
        return FoundFunction(module.functions.get(name))

    def of_table(self, draft: TableDraft, module_name: str) -> PythonFunction | None:
        """Find the function of a table in the table's own module; ``None`` after a problem.

        Args:
            draft: The table: the function is marked for it, or has its name.
            module_name: The module.
        """
        module = self._module(draft.place(), module_name)
        name = self._of_table(draft, module) if module is not None else None
        if module is None or name is None:
            return None
        python = PythonFunction(type="python", function=f"{module_name}.{name}")
        parameters = module.functions[name]
        if parameters is not None:
            self.check_parameters(draft, python, parameters, draft.table.inputs)
        return python

    def check_parameters(
        self, draft: TableDraft, python: PythonFunction, parameters: Parameters, inputs: tuple[str, ...]
    ) -> None:
        """Note parameters that get nothing, and values that no parameter takes.

        Args:
            draft: The table.
            python: The function and the values for its parameters.
            parameters: What it takes.
            inputs: The names of the table's inputs.
        """
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
                near = suggest(name, sorted(taken))
                self._document.add(at, f"{python.function} has no such parameter{near}.")

    def _module(self, place: KeyPath, name: str) -> Module | None:
        try:
            module = self._modules.find(name)
        except TransformationError as error:
            self._document.add(place, str(error))
            return None
        if module is None:
            where = "next to the file, in src, and where Python looks"
            self._document.add(place, f"there is no module {name}: it is looked for {where}.")
        return module

    def _of_table(self, draft: TableDraft, module: Module) -> str | None:
        name, file = draft.table.name, shown(Path(module.file))
        marked = module.marked.get(name, ())
        if len(marked) > 1:
            self._document.add(draft.place(), f"{file} marks several functions for it: {', '.join(marked)}.")
            return None
        if marked:
            return marked[0]
        if name in module.functions:
            return name
        near = suggest(name, (*module.marked, *module.functions))
        self._document.add(
            draft.place(),
            f"{file} has no function named '{name}' and none marked with @skyspark.table{near}.",
        )
        return None
