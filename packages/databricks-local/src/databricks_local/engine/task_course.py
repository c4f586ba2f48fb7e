"""The course of one task of a run: its attempts, their references and timeouts, the waits between them."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from databricks_local.engine import endings
from databricks_local.engine.overrides import with_overrides
from databricks_local.engine.references import DynamicReferenceError, Scope, resolve
from databricks_local.engine.scopes import scope_of_task
from databricks_local.execution.work import Outcome
from databricks_local.jobs.model import Run, Task
from databricks_local.jobs.states import PENDING, RUNNING, State
from databricks_local.jobs.tasks import kind_of

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

log = logging.getLogger("databricks_local")

_WAITING = State("WAITING_FOR_RETRY", message="Waiting for a retry.")


CarryOut = Callable[["TaskCourse", Callable[[], None]], Coroutine[Any, Any, Outcome]]
"""Does the work of an attempt; the callback is for the moment it really begins."""


def end_attempt(workspace: "Workspace", task: Task, state: State) -> None:
    """End an attempt.

    Args:
        workspace: Its workspace.
        task: The attempt.
        state: The state it ends in.
    """
    now = workspace.clock.now_ms()
    task.state = state
    task.start_ms, task.end_ms = task.start_ms or now, now
    workspace.jobs.save_task(task)


@dataclass(frozen=True)
class RunInHand:
    """What the tasks of a run share while it is under way.

    Attributes:
        carry_out: Does the work of an attempt.
        workspace: The run's workspace.
        run: The run.
        tasks: The latest attempt of each of its tasks, by key.
        scope: What references can say of the run.
        parameters: The job parameters, their own references replaced.
    """

    carry_out: CarryOut
    workspace: "Workspace"
    run: Run
    tasks: dict[str, Task]
    scope: Scope
    parameters: Mapping[str, str]

    def save(self, task: Task, state: State) -> None:
        """Give an attempt another state.

        Args:
            task: The attempt.
            state: The state.
        """
        task.state = state
        self.workspace.jobs.save_task(task)

    def end(self, task: Task, state: State) -> None:
        """End an attempt.

        Args:
            task: The attempt.
            state: The state it ends in.
        """
        end_attempt(self.workspace, task, state)


class TaskCourse:
    """A task, or an iteration of a for-each task, from its first attempt to its last.

    Attributes:
        worker: Ends with the last attempt; `settle` is to be called then.
        run: What it shares with the other tasks of its run.
        task: The attempt under way, or the last one.
        inputs: The element of an iteration, alone in a tuple; empty for others.
        iterations: The courses under way of a for-each task's iterations.
        waiting: The iterations that have not begun, by their numbers.
        stopped: The state it is to end in; None while nothing stops it.
    """

    def __init__(self, run: RunInHand, task: Task, inputs: tuple[Any, ...] = ()) -> None:
        """Take over a task and begin.

        Args:
            run: Its run.
            task: The attempt to begin with.
            inputs: The element of an iteration, alone in a tuple.
        """
        self.run = run
        self.task = task
        self.inputs = inputs
        self.iterations: set[TaskCourse] = set()
        self.waiting: dict[int, Task] = {}
        self.stopped: State | None = None
        self.worker = asyncio.create_task(self._drive())

    def stop(self, end: State) -> None:
        """Stop the task; its processes are gone when the worker has ended.

        Args:
            end: The state it ends in.
        """
        # A second cancellation would break off the clearing up after the first.
        if not self.worker.done() and self.stopped is None:
            self.stopped = end
            self.run.save(self.task, State("TERMINATING", message=end.message))
            self.worker.cancel()

    def stop_attempt(self, task_run_id: int, end: State) -> bool:
        """Stop the task or the iteration that an attempt belongs to, and return whether it is one of these.

        Args:
            task_run_id: The attempt's number.
            end: The state it ends in.
        """
        if self.task.run_id == task_run_id:
            self.stop(end)
            return True
        if task_run_id in self.waiting:
            self.run.end(self.waiting.pop(task_run_id), end)
            return True
        return any(iteration.stop_attempt(task_run_id, end) for iteration in self.iterations)

    def settle(self) -> None:
        """Write down the end of a task that was stopped, or that failed for a reason of our own."""
        if self.task.state.ended:
            return
        if self.worker.cancelled():
            self.run.end(self.task, self.stopped or endings.STOPPED)
            return
        log.error("task run %s failed", self.task.run_id, exc_info=self.worker.exception())
        message = f"databricks-local failed at task run {self.task.run_id}: its log says why."
        self.run.end(self.task, endings.failed("INTERNAL_ERROR", message))

    async def _drive(self) -> None:
        settings, clock = self.task.settings, self.run.workspace.clock
        retry = 0
        while True:
            state = await self._attempt(retry)
            self.run.end(self.task, state)
            most = settings.get("max_retries") or 0
            if not _is_retried(state, settings) or (most != -1 and retry >= most):
                return
            retry += 1
            until = self.task.end_ms + (settings.get("min_retry_interval_millis") or 0)
            self._replace(self.run.workspace.jobs.new_attempt(self.task, state=_WAITING))
            await asyncio.sleep(0)
            await clock.sleep_until(until)

    def _replace(self, task: Task) -> None:
        self.task = task
        if task.parent_run_id is None:
            self.run.tasks[task.key] = task

    async def _attempt(self, retry: int) -> State:
        self.task.start_ms = self.run.workspace.clock.now_ms()
        self.run.save(self.task, PENDING)
        try:
            self.task.resolved = self._resolved(retry)
        except DynamicReferenceError as error:
            return endings.failed("INVALID_RUN_CONFIGURATION", str(error))
        seconds = self.task.settings.get("timeout_seconds") or 0
        started = asyncio.Event()

        def on_started() -> None:
            if not started.is_set() and not self.stopped:
                started.set()
                self.task.setup_ms = self.run.workspace.clock.now_ms() - self.task.start_ms
                self.run.save(self.task, RUNNING)

        outcome = await self._within(seconds, started, self.run.carry_out(self, on_started))
        if outcome is None:
            return endings.timed_out(seconds)
        self._take(outcome)
        return endings.ended(outcome)

    def _resolved(self, retry: int) -> dict[str, Any]:
        scope = scope_of_task(
            self.run.scope,
            self.task,
            parameters=self.run.parameters,
            tasks=self.run.tasks,
            inputs=self.inputs,
            retry=retry,
        )
        settings = with_overrides(self.task.settings, self.run.run.parameters)
        kind = kind_of(settings)
        if kind == "for_each_task":
            # The nested task's references are those of each iteration.
            loop = settings[kind]
            return {**settings, kind: {**loop, "inputs": resolve(loop["inputs"], scope)}}
        return {**settings, kind: resolve(settings[kind], scope)}

    async def _within(
        self, seconds: int, started: asyncio.Event, carrying_out: Coroutine[Any, Any, Outcome]
    ) -> Outcome | None:
        """Return what the work came to; None when it took too long and was stopped."""
        work = asyncio.create_task(carrying_out)
        timer = asyncio.create_task(self._expire(seconds, started))
        try:
            await asyncio.wait({work, timer}, return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else None
        finally:
            timer.cancel()
            if not work.done():
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    async def _expire(self, seconds: int, started: asyncio.Event) -> None:
        # To wait for a free slot of this machine is not the task's fault.
        await started.wait()
        if not seconds:
            await asyncio.Event().wait()
        clock = self.run.workspace.clock
        await clock.sleep_until(clock.now_ms() + seconds * 1000)

    def _take(self, outcome: Outcome) -> None:
        task = self.task
        task.setup_ms, task.execution_ms = outcome.setup_ms, outcome.execution_ms
        task.error, task.error_trace = outcome.error, outcome.error_trace
        task.result, task.values = outcome.result, dict(outcome.values)


def _is_retried(state: State, settings: Mapping[str, Any]) -> bool:
    if state.result == "TIMEDOUT":
        return bool(settings.get("retry_on_timeout"))
    # What cannot be read does not get better.
    return state.result == "FAILED" and state.code != "INVALID_RUN_CONFIGURATION"
