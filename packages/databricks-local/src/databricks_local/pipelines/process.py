"""The process of an update: from the libraries it needs to the events it tells."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from databricks_local.execution.interpreter import Interpreter, ask_interpreter

if TYPE_CHECKING:
    from databricks_local.pipelines.updates import Course

_OLDEST = (4, 1)


class UpdateFailedError(Exception):
    """An update did not come to a good end; the message is a sentence.

    Attributes:
        detail: The API's ``ErrorDetail``, where there is more to tell.
    """

    def __init__(self, message: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.detail = detail


async def run_process(course: "Course") -> None:
    """Run an update to its end.

    Args:
        course: The update; its states and events are told to it.

    Raises:
        UpdateFailedError: It failed.
        asyncio.CancelledError: It was stopped; nothing of it is left.
    """
    course.enter("WAITING_FOR_RESOURCES")
    interpreter = await _interpreter(course)
    raise UpdateFailedError(f"{interpreter.path} is not started yet")


async def _interpreter(course: "Course") -> Interpreter:
    python = course.workspace.config.pipelines_python
    try:
        interpreter = await ask_interpreter(python)
    except (OSError, ValueError) as error:
        raise UpdateFailedError(f"the interpreter for pipelines cannot be used: {error}.") from None
    line = interpreter.spark_line
    if line is None or tuple(map(int, line.split("."))) < _OLDEST:
        has = f"Spark {line}" if line else "no Spark"
        raise UpdateFailedError(
            f"pipelines need Spark 4.1 or newer, and {python} has {has}: name another interpreter with "
            "--pipelines-python."
        )
    return interpreter
