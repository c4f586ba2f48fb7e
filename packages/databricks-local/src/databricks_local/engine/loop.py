"""For-each tasks: one iteration for each element of an array, some of them side by side.

https://docs.databricks.com/jobs/for-each describes them.
"""

import asyncio
import json
from collections import Counter
from typing import Any

from databricks_local.engine import endings
from databricks_local.engine.conditions import Upstream, upstream_of
from databricks_local.engine.references import as_text
from databricks_local.engine.task_course import TaskCourse
from databricks_local.execution.work import Outcome
from databricks_local.jobs.model import Task


async def iterate(course: TaskCourse) -> Outcome:
    """Run the iterations of a for-each task.

    An iteration that fails keeps no other from running. A repair runs those again that did not succeed.

    Args:
        course: The for-each task.

    Raises:
        asyncio.CancelledError: It was stopped; nothing of its iterations is left.
    """
    settings = (course.task.resolved or {})["for_each_task"]
    inputs = _array(settings["inputs"])
    if inputs is None:
        message = f"The inputs of task '{course.task.key}' are no JSON array: {settings['inputs'][:200]}"
        return Outcome(ok=False, code="INVALID_RUN_CONFIGURATION", message=message, error=message)
    records = course.run.workspace.jobs
    done = _done_before(course, inputs)
    with course.run.workspace.store.transaction():
        waiting = [
            (records.new_iteration(course.task, index, as_text(each)), each)
            for index, each in enumerate(inputs)
            if index not in done
        ]
    ended = await _side_by_side(course, waiting, settings.get("concurrency") or 1)
    found = Counter(upstream_of(task.state.result) for task in ended)
    if found[Upstream.FAILED]:
        message = f"{found[Upstream.FAILED]} of {len(inputs)} iterations failed."
        return Outcome(ok=False, code="RUN_EXECUTION_ERROR", message=message, error=message)
    return Outcome(ok=False, code="USER_CANCELED") if found[Upstream.CANCELED] else Outcome(ok=True)


async def _side_by_side(course: TaskCourse, waiting: list[tuple[Task, Any]], concurrency: int) -> list[Task]:
    course.waiting = {task.run_id: task for task, _ in waiting}
    left = iter(waiting)
    working: dict[asyncio.Task[None], TaskCourse] = {}
    ended: list[Task] = []

    def settle(workers: set[asyncio.Task[None]]) -> None:
        for worker in workers:
            iteration = working.pop(worker)
            iteration.settle()
            course.iterations.discard(iteration)
            ended.append(iteration.task)

    try:
        while True:
            while len(working) < concurrency and (following := next(left, None)):
                task, value = following
                if course.waiting.pop(task.run_id, None) is None:
                    ended.append(task)
                    continue
                iteration = TaskCourse(course.run, task, (value,))
                course.iterations.add(iteration)
                working[iteration.worker] = iteration
            if not working:
                return ended
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            settle(done)
    except BaseException:
        end = course.stopped or endings.CANCELED
        for iteration in working.values():
            iteration.stop(end)
        if working:
            done, _ = await asyncio.wait(working)
            settle(done)
        for task in course.waiting.values():
            course.run.end(task, end)
        raise


def _array(text: str) -> list[Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _done_before(course: TaskCourse, inputs: list[Any]) -> set[int]:
    """Return the positions of the inputs whose iterations succeeded before a repair."""
    task, records = course.task, course.run.workspace.jobs
    if not task.repair_id:
        return set()
    done: set[int] = set()
    for before in records.tasks(task.job_run_id):
        if before.key == task.key and before.run_id != task.run_id:
            for each in records.iterations(before):
                index = each.iteration or 0
                same = index < len(inputs) and as_text(inputs[index]) == each.input
                if same and each.state.succeeded:
                    done.add(index)
    return done
