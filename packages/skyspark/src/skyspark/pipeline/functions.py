"""Transformations written in Python: how they are marked, and how they are called."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from skyspark.errors import TransformationError, suggest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

F = TypeVar("F", bound=Callable[..., Any])


def table(function: F | None = None, *, name: str | None = None) -> Any:
    """Mark the function of a module that makes a table; one named like the table needs no mark.

    Args:
        function: The function, where the mark is used without arguments.
        name: The table's name; default: the name of the module.
    """

    def mark(marked: F) -> F:
        marked.__skyspark_table__ = name  # type: ignore[attr-defined]
        return marked

    return mark if function is None else mark(function)


def call_function(
    function: str, spark: "SparkSession", inputs: Mapping[str, "DataFrame"], params: Mapping[str, Any]
) -> "DataFrame":
    """Call a transformation with its inputs by parameter name.

    Args:
        function: ``module.name``.
        spark: The session, given to a parameter ``spark``.
        inputs: Frames by the names of the inputs; a function takes those it has parameters for.
        params: Values for the other parameters.

    Raises:
        TransformationError: It is not there, has a parameter that nothing is given for, or returns no frame.
    """
    module_name, _, name = function.rpartition(".")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise TransformationError(f"{function}: there is no module {error.name}.") from error
    found = getattr(module, name, None)
    if not callable(found):
        raise TransformationError(
            f"{function}: {module_name} has no function '{name}'{suggest(name, dir(module))}."
        )
    given = {"spark": spark, **inputs, **params}
    parameters = inspect.signature(found).parameters.values()
    if not any(p.kind is p.VAR_KEYWORD for p in parameters):
        given = {p.name: given[p.name] for p in parameters if p.name in given}
    missing = [p.name for p in parameters if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    missing = [name for name in missing if name not in given]
    if missing:
        raise TransformationError(
            f"{function}: nothing is given for its parameter {', '.join(missing)}"
            f"{suggest(missing[0], (*inputs, *params))}: name a table it depends on, or set it in params."
        )
    frame: DataFrame = found(**given)
    if not hasattr(frame, "sparkSession"):
        raise TransformationError(f"{function} returned {type(frame).__name__} and must return a DataFrame.")
    return frame
