"""Updates of pipelines: at most one at a time for each, from the request to how it ended."""

import asyncio
import contextlib
import logging
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from databricks_local.errors import conflict
from databricks_local.execution.work import Outcome
from databricks_local.pipelines.events import EventLog
from databricks_local.pipelines.process import UpdateFailedError, run_process
from databricks_local.pipelines.records import ENDED, Pipeline, PipelineRecords, Update

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

log = logging.getLogger("databricks_local")

_ASKED = ("cause", "full_refresh", "full_refresh_selection", "refresh_selection", "validate_only")


class Course:
    """One update while it runs."""

    def __init__(self, workspace: "Workspace", update: Update) -> None:
        self.workspace = workspace
        self.update = update
        self.log = EventLog(workspace.pipelines.records, update, workspace.config.user)
        self.failure: dict[str, Any] | None = None

    def enter(self, state: str, *, error: Mapping[str, Any] | None = None) -> None:
        """Keep and report the state the update is in now."""
        if self.update.state != state:
            self.update.state = state
            self.workspace.pipelines.records.save_update(self.update)
            self.log.state(self.workspace.clock.now_ms(), error)

    async def run(self) -> None:
        """Run the update to its end, which is kept and reported whatever happens."""
        now = self.workspace.clock.now_ms
        self.log.created(now())
        try:
            await run_process(self)
        except asyncio.CancelledError:
            self.enter("STOPPING")
            self.enter("CANCELED")
            raise
        except UpdateFailedError as failure:
            self._failed(str(failure), failure.detail)
        except Exception as error:
            log.exception("update %s failed", self.update.update_id)
            self._failed(f"databricks-local failed: its log says why ({type(error).__name__}).", None)
        else:
            self.enter("COMPLETED")
            self.workspace.pipelines.records.mark(self.update.pipeline_id, failed=False)

    def _failed(self, message: str, detail: Mapping[str, Any] | None) -> None:
        self.update.message = message
        self.failure = dict(detail or {"fatal": True, "exceptions": [{"message": message, "stack": []}]})
        self.workspace.pipelines.records.mark(self.update.pipeline_id, failed=True)
        self.enter("FAILED", error=self.failure)


class Pipelines:
    """The pipelines of a workspace.

    Attributes:
        records: Pipelines, updates and events as they are kept.
    """

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self.records = PipelineRecords(workspace.store, workspace.clock)
        self._running: dict[str, tuple[Course, asyncio.Task[None]]] = {}

    async def start(self) -> None:
        """Report the updates that a killed server left as failed."""
        for update in self.records.unfinished():
            course = Course(self._workspace, update)
            course._failed("databricks-local stopped while the update ran: start it again.", None)

    async def stop(self) -> None:
        """Stop all updates."""
        tasks = [task for _, task in self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def start_update(self, pipeline: Pipeline, asked: Mapping[str, Any]) -> Update:
        """Start an update; it runs on by itself.

        Args:
            pipeline: The pipeline.
            asked: ``cause``, ``full_refresh``, ``full_refresh_selection``, ``refresh_selection``,
                ``validate_only``; absent ones are false or empty.

        Raises:
            ApiError: 409: another update of the pipeline runs.
        """
        running = self._running.get(pipeline.pipeline_id)
        if running is not None:
            raise conflict(f"An active update {running[0].update.update_id} already exists.")
        request = {name: asked[name] for name in _ASKED if asked.get(name)}
        update = self.records.new_update(pipeline, str(uuid.uuid4()), request)
        course = Course(self._workspace, update)
        task = asyncio.create_task(course.run(), name=f"update {update.update_id}")
        self._running[pipeline.pipeline_id] = (course, task)
        task.add_done_callback(lambda _: self._ended(course))
        return update

    def _ended(self, course: Course) -> None:
        del self._running[course.update.pipeline_id]
        if course.update.state not in ENDED:
            # It was stopped before it could begin.
            course.enter("CANCELED")

    def stop_update(self, pipeline: Pipeline) -> None:
        """Stop the update that runs, if one does; a pipeline that failed is idle again."""
        running = self._running.get(pipeline.pipeline_id)
        self.records.mark(pipeline.pipeline_id, failed=False)
        if running is not None:
            running[0].enter("STOPPING")
            running[1].cancel()

    async def delete(self, pipeline: Pipeline) -> None:
        """Stop the update that runs, and forget the pipeline with all its state."""
        running = self._running.get(pipeline.pipeline_id)
        if running is not None:
            running[1].cancel()
            await asyncio.gather(running[1], return_exceptions=True)
        self.records.delete(pipeline.pipeline_id)
        folder = self._workspace.root / "pipelines" / pipeline.pipeline_id
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def run_update(
        self,
        pipeline_id: str,
        *,
        full_refresh: bool = False,
        refresh_selection: Sequence[str] = (),
        full_refresh_selection: Sequence[str] = (),
    ) -> Outcome:
        """Run an update to its end, for a pipeline task.

        Args:
            pipeline_id: The pipeline.
            full_refresh: Reset all tables first.
            refresh_selection: Tables to update; empty for all.
            full_refresh_selection: Tables to reset and update.

        Raises:
            asyncio.CancelledError: It was cancelled; the update's processes are gone.
        """
        pipeline = self.records.get(pipeline_id)
        if pipeline is None:
            message = f"The specified pipeline {pipeline_id} was not found."
            return Outcome(ok=False, code="RESOURCE_NOT_FOUND", message=message, error=message)
        running = self._running.get(pipeline_id)
        if running is not None:
            message = f"An active update {running[0].update.update_id} already exists."
            return Outcome(ok=False, code="RUN_EXECUTION_ERROR", message=message, error=message)
        began = time.monotonic()
        asked = {
            "cause": "JOB_TASK",
            "full_refresh": full_refresh,
            "refresh_selection": list(refresh_selection),
            "full_refresh_selection": list(full_refresh_selection),
        }
        self.start_update(pipeline, asked)
        course, task = self._running[pipeline_id]
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            waiting = asyncio.current_task()
            if waiting is not None and waiting.cancelling():
                raise
        took = round((time.monotonic() - began) * 1000)
        update = course.update
        if update.state == "COMPLETED":
            return Outcome(ok=True, execution_ms=took)
        message = update.message or f"Update {update.update_id} was stopped."
        code = "USER_CANCELED" if update.state == "CANCELED" else "RUN_EXECUTION_ERROR"
        return Outcome(
            ok=False,
            code=code,
            message=message,
            error=message,
            error_trace=_trace(course.failure),
            execution_ms=took,
        )


def _trace(detail: Mapping[str, Any] | None) -> str | None:
    if detail is None:
        return None
    lines = []
    for exception in detail["exceptions"]:
        name = exception.get("class_name")
        lines.append(f"{name}: {exception['message']}" if name else exception["message"])
        lines += [
            f"  at {frame['method_name']} ({frame['file_name']}:{frame['line_number']})"
            for frame in exception.get("stack", [])
        ]
    return "\n".join(lines)
