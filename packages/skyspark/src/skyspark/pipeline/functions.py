"""Transformations written in Python: how they are marked, and how they are called."""

import inspect
import os
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, overload

from skyspark.errors import TransformationError, suggest

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

F = TypeVar("F", bound=Callable[..., Any])


@overload
def table(function: F) -> F: ...


@overload
def table(function: None = None, *, name: str | None = None) -> Callable[[F], F]: ...


def table(function: F | None = None, *, name: str | None = None) -> Any:
    """Mark the function of a module that makes a table; one named like the table needs no mark.

    Its parameters are the table's inputs by their names, and ``spark``. All else of the table, such as what
    it depends on and what its rows have to meet, stands in the pipeline's file.

    Example:
        ```python
        @table(name="silver_orders")
        def clean(bronze_orders):
            return bronze_orders.where("order_id IS NOT NULL").dropDuplicates(["order_id"])
        ```

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
    named = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    taken = {p.name for p in named}
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        # Frames and values only: the session is given where it is asked for.
        taken |= {*inputs, *params}
    given = {name: value for name, value in given.items() if name in taken}
    missing = [p.name for p in named if p.default is p.empty and p.name not in given]
    if missing:
        raise TransformationError(
            f"{function}: nothing is given for its parameter {', '.join(missing)}"
            f"{suggest(missing[0], (*inputs, *params))}: name a table it depends on, or set it in params."
        )
    _share_path(spark)
    frame: DataFrame = found(**given)
    if not hasattr(frame, "sparkSession"):
        raise TransformationError(f"{function} returned {type(frame).__name__} and must return a DataFrame.")
    return frame


def _share_path(spark: "SparkSession") -> None:
    """Let the Python workers of a session that runs here import what its driver can: functions use UDFs."""
    # A Spark Connect session has no context, and its server has modules of its own.
    context = getattr(spark, "sparkContext", None)
    path = os.environ.get("PYTHONPATH")
    if context is not None and path:
        context.environment["PYTHONPATH"] = path
