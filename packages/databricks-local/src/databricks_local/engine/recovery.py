"""What becomes of runs that were under way when their server was killed."""

from typing import TYPE_CHECKING

from databricks_local.engine import endings
from databricks_local.engine.conditions import Decision
from databricks_local.engine.task_course import end_attempt

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace


def close_interrupted(workspace: "Workspace") -> None:
    """End the runs that a killed server left under way; queued ones stay queued.

    A run that is queued for a run-job task which is no more is canceled: nothing waits for it.

    Args:
        workspace: The workspace, before anything runs in it.
    """
    records, now = workspace.jobs, workspace.clock.now_ms()
    # They come by their numbers, callers before those they called.
    for run in records.unfinished():
        end = endings.STOPPED
        if run.state.life_cycle == "QUEUED":
            caller = records.task(run.trigger_run_id) if run.trigger_run_id is not None else None
            if caller is None or not caller.state.ended:
                continue
            end = endings.CANCELED
        with workspace.store.transaction():
            for task in records.all_tasks(run.run_id):
                if not task.state.ended:
                    blocked = task.state.life_cycle == "BLOCKED"
                    end_attempt(
                        workspace, task, endings.skipped(Decision.UPSTREAM_FAILED) if blocked else end
                    )
            run.state, run.end_ms = end, now
            records.save_run(run)
