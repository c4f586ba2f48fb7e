"""The engine: it takes runs, lets each begin when its job allows, and can stop them."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from databricks_local.engine import endings
from databricks_local.engine.recovery import close_interrupted
from databricks_local.engine.run_course import RunCourse
from databricks_local.engine.schedules import Schedules
from databricks_local.engine.task_course import end_attempt
from databricks_local.jobs.model import QueueReason, Run
from databricks_local.jobs.states import QUEUED, State

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace


class Engine:
    """What runs in a workspace. All of it happens on the server's event loop."""

    def __init__(self, workspace: "Workspace") -> None:
        """Begin with nothing; `start` brings what waits in the store.

        Args:
            workspace: The workspace.
        """
        self._workspace = workspace
        self._records = workspace.jobs
        self._courses: dict[int, RunCourse] = {}
        self._drivers: set[asyncio.Task[None]] = set()
        self._ends: dict[int, asyncio.Event] = {}
        self._stopping = False
        self._schedules = Schedules(workspace)

    async def start(self) -> None:
        """Close what a killed server left under way, and go on with what is queued and scheduled.

        Processes that it left are to be gone by now.
        """
        close_interrupted(self._workspace)
        for job_id in dict.fromkeys(run.job_id for run in self._records.unfinished()):
            self._let_begin(job_id)
        self._schedules.start()

    async def stop(self) -> None:
        """End all processes and write down that the runs were broken off; queued ones stay queued."""
        self._stopping = True
        await self._schedules.stop()
        for course in list(self._courses.values()):
            course.stop(endings.STOPPED)
        if self._drivers:
            await asyncio.wait(self._drivers)

    def submit(self, run: Run) -> None:
        """Take a new run, or one that is to be repaired: it begins, is queued or is skipped.

        Args:
            run: The run; from now on it is the engine's.
        """
        limit = _limit(run)
        repaired = len(run.history) > 1
        if run.job_id is None or repaired or self._active(run.job_id) < limit:
            self._begin(run)
        elif run.settings.get("queue", {}).get("enabled"):
            run.state = QUEUED
            message = f"Queued due to reaching maximum concurrent runs of {limit}."
            run.queue = QueueReason("MAX_CONCURRENT_RUNS_REACHED", message)
            self._records.save_run(run)
        else:
            self._end_unbegun(run, endings.too_many_runs(limit))

    async def cancel(self, run_id: int) -> None:
        """Stop a run, one of its task runs or an iteration; what has ended stays as it is.

        It returns at once, with the state TERMINATING, unless nothing was to be waited for.

        Args:
            run_id: The number of any of these.
        """
        if run_id in self._courses:
            self._courses[run_id].stop(endings.CANCELED)
            return
        run = self._records.run(run_id)
        if run is not None and not run.state.ended:
            self._end_unbegun(run, endings.CANCELED)
            return
        task = self._records.task(run_id)
        if task is not None and task.job_run_id in self._courses:
            self._courses[task.job_run_id].stop_task(run_id)

    def cancel_all(self, job_id: int | None, *, queued_only: bool) -> None:
        """Stop the runs of a job, or of all.

        Args:
            job_id: The job; None for all jobs and one-time runs.
            queued_only: Only those that wait.
        """
        # The waiting ones first: the end of another must not let them begin.
        for run in self._records.unfinished(job_id):
            if run.run_id not in self._courses:
                self._end_unbegun(run, endings.CANCELED)
        if not queued_only:
            for course in list(self._courses.values()):
                if job_id in (None, course.run.job_id):
                    course.stop(endings.CANCELED)

    def job_changed(self, job_id: int) -> None:
        """Look at a job that was made, changed or deleted: its schedule or its limits may be others now.

        Args:
            job_id: The job.
        """
        self._schedules.look_again()
        self._let_begin(job_id)

    async def end_of(self, run_id: int) -> State:
        """Wait for the end of a run and return how it ended.

        Args:
            run_id: The run's number.
        """
        run = self._records.run(run_id)
        if run is not None and not run.state.ended:
            await self._ends.setdefault(run_id, asyncio.Event()).wait()
            run = self._records.run(run_id)
        return run.state if run else endings.CANCELED

    def _active(self, job_id: int) -> int:
        return sum(course.run.job_id == job_id for course in self._courses.values())

    def _begin(self, run: Run) -> None:
        course = self._courses[run.run_id] = RunCourse(self._workspace, run)
        driver = asyncio.create_task(self._drive(course))
        self._drivers.add(driver)
        driver.add_done_callback(self._drivers.discard)

    async def _drive(self, course: RunCourse) -> None:
        await course.drive()
        del self._courses[course.run.run_id]
        self._ended(course.run)

    def _end_unbegun(self, run: Run, end: State) -> None:
        with self._workspace.store.transaction():
            for task in self._records.tasks(run.run_id):
                if not task.state.ended:
                    end_attempt(self._workspace, task, replace(end, life_cycle="SKIPPED"))
            run.state, run.end_ms = end, self._workspace.clock.now_ms()
            self._records.save_run(run)
        self._ended(run)

    def _ended(self, run: Run) -> None:
        if event := self._ends.pop(run.run_id, None):
            event.set()
        if not self._stopping:
            self._let_begin(run.job_id)
            self._schedules.run_ended(run)

    def _let_begin(self, job_id: int | None) -> None:
        """Let the queued runs of a job begin in their order, as many as may."""
        if job_id is None:
            return
        queued = [run for run in self._records.unfinished(job_id) if run.run_id not in self._courses]
        job = self._records.job(job_id)
        for run in queued:
            limit = job.settings.get("max_concurrent_runs", 1) if job else _limit(run)
            if self._active(job_id) >= limit:
                return
            self._begin(run)


def _limit(run: Run) -> int:
    return int(run.settings.get("max_concurrent_runs", 1))
