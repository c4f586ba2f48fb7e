"""What the references of a run, and of each of its tasks, can refer to."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from databricks_local.engine.references import Scope, TaskFacts
from databricks_local.identity import WORKSPACE_ID
from databricks_local.jobs.model import Run, Task

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace


def scope_of_run(workspace: "Workspace", run: Run) -> Scope:
    """Return what the defaults of a run's job parameters can refer to.

    Args:
        workspace: The run's workspace.
        run: The run.
    """
    return Scope(
        job_id=run.shown_job_id,
        job_name=run.name,
        run_id=run.run_id,
        repair_count=len(run.history) - 1,
        started_ms=run.run_started_ms,
        triggered_ms=run.triggered_ms or run.start_ms,
        trigger=run.trigger,
        workspace_id=str(WORKSPACE_ID),
        workspace_url=workspace.host,
    )


def scope_of_task(
    scope: Scope,
    task: Task,
    *,
    parameters: Mapping[str, str],
    tasks: Mapping[str, Task],
    inputs: tuple[Any, ...],
    retry: int,
) -> Scope:
    """Return what the settings of a task can refer to.

    Args:
        scope: The run's.
        task: The attempt.
        parameters: The job parameters, their own references replaced.
        tasks: The latest attempts of the run's tasks, by key.
        inputs: The element of an iteration, alone in a tuple; empty for others.
        retry: Which retry this is; 0 for the first attempt.
    """
    return replace(
        scope,
        parameters=parameters,
        task=replace(_facts(task), retry_count=retry),
        tasks=_EndedTasks(tasks),
        inputs=inputs,
    )


class _EndedTasks(Mapping[str, TaskFacts]):
    """What can be said of the tasks that have ended, worked out for those that are asked for."""

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self._tasks = tasks

    def __getitem__(self, key: str) -> TaskFacts:
        task = self._tasks[key]
        if not task.state.ended:
            raise KeyError(key)
        return _facts(task)

    def __iter__(self) -> Iterator[str]:
        return (key for key, task in self._tasks.items() if task.state.ended)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _facts(task: Task) -> TaskFacts:
    settings = task.resolved or task.settings
    return TaskFacts(
        name=task.key,
        run_id=task.run_id,
        execution_count=task.attempt + 1,
        result_state=task.state.result,
        error_code="" if task.state.succeeded else task.state.code,
        notebook_path=settings.get("notebook_task", {}).get("notebook_path"),
        values=task.values,
        rows=_rows(task.result) if "sql_task" in settings else None,
    )


def _rows(result: Any) -> list[dict[str, Any]]:
    return [dict(zip(result["columns"], row, strict=True)) for row in result["rows"]] if result else []
