"""What the kinds of tasks ask of their process: the code, its parameters, where it runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from databricks_local.execution.images import Image
from databricks_local.execution.places import PlaceError, find_file, in_workspace
from databricks_local.execution.work import Work


class PlanError(Exception):
    """A task that cannot begin.

    Attributes:
        code: The termination code that says why.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Plan:
    """What a process is to run.

    Attributes:
        spec: For the process itself, by the names that ``dbruntime`` reads.
        folder: Its working folder; None for a fresh one.
        import_folders: What its code imports from, beside its libraries.
    """

    spec: Mapping[str, Any]
    folder: Path | None = None
    import_folders: tuple[Path, ...] = field(default=())


def plan_of(work: Work, root: Path, image: Image | None) -> Plan:
    """Return what a task asks of its process.

    Args:
        work: The task.
        root: The workspace's folder.
        image: The image it runs in.

    Raises:
        PlanError: What it names is not there, or it is of a kind that no process runs.
    """
    for kind, make in _KINDS.items():
        if kind in work.task:
            return make(_Asked(work, work.task[kind], root, image))
    raise PlanError(
        "INVALID_RUN_CONFIGURATION", f"Task {work.task_key} has nothing that databricks-local runs."
    )


@dataclass(frozen=True)
class _Asked:
    work: Work
    task: Mapping[str, Any]
    root: Path
    image: Image | None


def _python_file(asked: _Asked) -> Plan:
    path = asked.task["python_file"]
    try:
        of_image = asked.image.file(path) if asked.image else None
        file = of_image or find_file(asked.root, path)
    except PlaceError:
        message = f"Cannot read the python file {path}. Please check driver logs for more details."
        raise PlanError("RESOURCE_NOT_FOUND", message) from None
    spec = {
        "kind": "spark_python_task",
        "file": str(file),
        "parameters": list(asked.task.get("parameters") or ()),
    }
    # Since runtime 14 a file of the workspace runs in its own folder.
    folder = file.parent if of_image is None and in_workspace(path) else None
    return Plan(spec, folder, (file.parent,))


def _wheel(asked: _Asked) -> Plan:
    parameters = list(asked.task.get("parameters") or ())
    if not parameters and asked.task.get("named_parameters"):
        # Job parameters are pushed down to tasks with named parameters.
        named = {**asked.task["named_parameters"], **asked.work.job_parameters}
        parameters = [f"--{name}={value}" for name, value in named.items()]
    spec = {
        "kind": "python_wheel_task",
        "package": asked.task["package_name"],
        "entry_point": asked.task["entry_point"],
        "parameters": parameters,
    }
    return Plan(spec)


def _notebook(asked: _Asked) -> Plan:
    given = {**(asked.task.get("base_parameters") or {}), **asked.work.job_parameters}
    return Plan({"kind": "notebook_task", "notebook": asked.task["notebook_path"], "arguments": given})


def _sql_file(asked: _Asked) -> Plan:
    path = asked.task["file"]["path"]
    try:
        file = find_file(asked.root, path)
    except PlaceError as error:
        raise PlanError("RESOURCE_NOT_FOUND", f"Cannot read the SQL file {error}") from None
    given = {**(asked.task.get("parameters") or {}), **asked.work.job_parameters}
    return Plan({"kind": "sql_task", "file": str(file), "arguments": given})


_KINDS = {
    "spark_python_task": _python_file,
    "python_wheel_task": _wheel,
    "notebook_task": _notebook,
    "sql_task": _sql_file,
}
