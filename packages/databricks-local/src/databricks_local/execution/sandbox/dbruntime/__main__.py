"""The main process of a task: ``python -m dbruntime SPEC``."""

import os
import sys
from pathlib import Path
from typing import Any

from . import task
from .errors import TaskError

_MOST_ROWS = 1000
_OURS = str(Path(__file__).parent)


def main(file: str) -> int:
    """Run the task, tell how it ended, and return the exit code.

    Args:
        file: What the server wrote down of it.
    """
    current = task.begin(file)
    try:
        result = _run(current.spec)
    except SystemExit as end:
        if end.code in (None, 0):
            current.end(ok=True, result=None)
            return 0
        return _failed(current, end)
    except TaskError as error:
        # The task, not its code, is wrong: a traceback of ours would not help.
        current.end(ok=False, code=error.code, message=str(error), error=str(error))
        print(error, file=sys.stderr)
        return 1
    except BaseException as error:  # noqa: BLE001
        return _failed(current, error)
    current.end(ok=True, result=result)
    return 0


def _run(spec: dict[str, Any]) -> Any:
    # Each kind imports what it needs only: most tasks are over in less time than all of it takes.
    if spec["kind"] == "spark_python_task":
        from .python_file import run_file

        run_file(Path(spec["file"]), spec["parameters"])
        return None
    if spec["kind"] == "python_wheel_task":
        from .wheel import run_entry_point

        run_entry_point(spec["package"], spec["entry_point"], spec["parameters"])
        return None
    if spec["kind"] == "notebook_task":
        from .notebook import Notebook

        notebook = Notebook(spec["notebook"], spec["arguments"])
        os.chdir(notebook.file.parent)
        sys.path.insert(0, str(notebook.file.parent))
        return notebook.run()
    from .namespace import with_spark
    from .sql import run_statements

    spark = with_spark()["spark"]
    frame = run_statements(spark, Path(spec["file"]).read_text(), spec["arguments"])
    if frame is None or not frame.columns:
        return None
    rows = frame.limit(_MOST_ROWS).collect()
    print(f"{len(rows)} rows of {', '.join(frame.columns)}")
    return {"columns": frame.columns, "rows": [[_plain(value) for value in row] for row in rows]}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


def _failed(current: task.Task, error: BaseException) -> int:
    import traceback

    trace = error.__traceback__
    while trace is not None and _is_ours(trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    # An error of Java bears its stack trace in its text.
    said = str(error).partition("\n\tat ")[0]
    last = f"{type(error).__name__}: {said}" if said else type(error).__name__
    print(text, end="", file=sys.stderr)
    current.end(ok=False, code="RUN_EXECUTION_ERROR", error=last, error_trace=text)
    return 1


def _is_ours(file: str) -> bool:
    return file.startswith((_OURS, "<frozen importlib"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
