"""The course of one run: its tasks in the order of their graph, its timeout, its end."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from databricks_local.engine import endings, graph
from databricks_local.engine.conditions import Decision, Upstream, decide, result_of_run, upstream_of
from databricks_local.engine.kinds import carry_out
from databricks_local.engine.references import DynamicReferenceError, resolve
from databricks_local.engine.scopes import scope_of_run
from databricks_local.engine.task_course import RunInHand, TaskCourse, end_attempt
from databricks_local.jobs.model import Run, Task
from databricks_local.jobs.states import RUNNING, State

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

log = logging.getLogger("databricks_local")


class RunCourse:
    """A run under way; there is one for each run that has left the queue and has not ended.

    Attributes:
        run: The run. Nobody else changes it, nor its task runs, until it has ended.
    """

    def __init__(self, workspace: "Workspace", run: Run) -> None:
        """Take over a run.

        Args:
            workspace: Its workspace.
            run: The run.
        """
        self.run = run
        self._workspace = workspace
        self._records = workspace.jobs
        self._clock = workspace.clock
        # Later attempts come later: of each key the latest stays.
        self._tasks: dict[str, Task] = {task.key: task for task in self._records.tasks(run.run_id)}
        self._after = graph.dependents(task.settings for task in self._tasks.values())
        self._courses: dict[str, TaskCourse] = {}
        self._canceled_early: list[str] = []
        self._ended: list[str] = []
        self._stop: State | None = None

    async def drive(self) -> None:
        """Carry the run out to its end."""
        run = self.run
        if self._stop is None:
            run.state = RUNNING
            run.run_started_ms = run.run_started_ms or self._clock.now_ms()
            self._records.save_run(run)
        timer = asyncio.create_task(self._time_out())
        try:
            end = await self._carry_out()
        except DynamicReferenceError as error:
            end = endings.failed("INVALID_RUN_CONFIGURATION", str(error))
        except Exception:
            log.exception("run %s failed", run.run_id)
            end = endings.failed(
                "INTERNAL_ERROR", f"databricks-local failed at run {run.run_id}: its log says why."
            )
        finally:
            timer.cancel()
        self._end(self._stop or end)

    def stop(self, end: State) -> None:
        """Stop all that runs; the run ends once its processes are gone.

        Args:
            end: The state that the run and its unfinished tasks end in.
        """
        if self._stop is None and not self.run.state.ended:
            self._stop = end
            self.run.state = State("TERMINATING", message=end.message)
            self._records.save_run(self.run)
            for course in self._courses.values():
                course.stop(end)

    def stop_task(self, task_run_id: int) -> bool:
        """Cancel one task run or one iteration, and return whether it is under way.

        Args:
            task_run_id: The attempt's number.
        """
        for task in self._tasks.values():
            if task.run_id == task_run_id and task.key not in self._courses and not task.state.ended:
                # What waits for it is looked at when a task ends for which it waits itself.
                self._end_task(task, endings.CANCELED)
                self._canceled_early.append(task.key)
                return True
        return any(course.stop_attempt(task_run_id, endings.CANCELED) for course in self._courses.values())

    async def _time_out(self) -> None:
        seconds = self.run.settings.get("timeout_seconds") or 0
        if seconds:
            await self._clock.sleep_until(self._clock.now_ms() + seconds * 1000)
            self.stop(endings.timed_out(seconds))

    async def _carry_out(self) -> State:
        scope = scope_of_run(self._workspace, self.run)
        parameters = resolve(self.run.job_parameters, scope)
        in_hand = RunInHand(carry_out, self._workspace, self.run, self._tasks, scope, parameters)
        working: dict[asyncio.Task[None], TaskCourse] = {}
        candidates: Iterable[str] = self._tasks
        while True:
            if not self._stop:
                self._begin(in_hand, working, candidates)
            if not working:
                return self._result()
            done, _ = await asyncio.wait(working, return_when=asyncio.FIRST_COMPLETED)
            ended, self._canceled_early = self._canceled_early, []
            for worker in done:
                course = working.pop(worker)
                course.settle()
                del self._courses[course.task.key]
                ended.append(course.task.key)
            self._ended += ended
            candidates = [after for key in ended for after in self._after.get(key, ())]

    def _begin(
        self, in_hand: RunInHand, working: dict[asyncio.Task[None], TaskCourse], candidates: Iterable[str]
    ) -> None:
        """Start or skip those tasks of some that wait for nothing any more, and what then follows them."""
        waiting = deque(candidates)
        while waiting:
            task = self._tasks[waiting.popleft()]
            if task.state.ended or task.key in self._courses or not self._is_ready(task):
                continue
            decision = self._decide(task)
            if task.settings.get("disabled"):
                self._end_task(task, endings.DISABLED)
            elif decision is not Decision.RUN:
                self._end_task(task, endings.skipped(decision))
            else:
                course = self._courses[task.key] = TaskCourse(in_hand, task)
                working[course.worker] = course
                continue
            waiting.extend(self._after.get(task.key, ()))

    def _upstream(self, task: Task) -> list[tuple[Task, str | None]]:
        # Tasks that the caller left out are no part of the run: nothing waits for them.
        return [
            (self._tasks[each["task_key"]], each.get("outcome"))
            for each in graph.dependencies(task.settings)
            if each["task_key"] in self._tasks
        ]

    def _is_ready(self, task: Task) -> bool:
        return all(upstream.state.ended for upstream, _ in self._upstream(task))

    def _decide(self, task: Task) -> Decision:
        found = [
            Upstream.EXCLUDED
            if outcome and upstream.condition and upstream.condition != outcome
            else upstream_of(upstream.state.result)
            for upstream, outcome in self._upstream(task)
        ]
        return decide(task.settings.get("run_if") or "ALL_SUCCESS", found)

    def _result(self) -> State:
        tasks = self._tasks.values()
        leaves = graph.leaves(task.settings for task in tasks)
        result = result_of_run(
            [task.state.result for task in tasks if task.key in leaves],
            [task.state.result for task in tasks if task.key not in leaves],
        )
        failed = [
            task
            for task in tasks
            if task.state.life_cycle != "SKIPPED" and upstream_of(task.state.result) is Upstream.FAILED
        ]
        # Those of the same millisecond by the order of their ends; those before a repair come first.
        place = {key: number for number, key in enumerate(self._ended)}
        first = min(failed, key=lambda task: (task.end_ms, place.get(task.key, -1)), default=None)
        return endings.run_ended(result, (first.key, first.state) if first else None)

    def _end(self, end: State) -> None:
        canceled = upstream_of(end.result) is Upstream.CANCELED
        blocked = endings.skipped(Decision.UPSTREAM_CANCELED if canceled else Decision.UPSTREAM_FAILED)
        with self._workspace.store.transaction():
            for task in self._tasks.values():
                if not task.state.ended:
                    self._end_task(task, blocked if task.state.life_cycle == "BLOCKED" else end)
            self.run.state = end
            self.run.end_ms = self._clock.now_ms()
            self._records.save_run(self.run)

    def _end_task(self, task: Task, end: State) -> None:
        end_attempt(self._workspace, task, end)
