"""What code asks to learn where it runs."""

from types import SimpleNamespace

from .task import current


def get_context() -> SimpleNamespace:
    """Return the numbers and names of the task, as attributes."""
    task = current()
    spec = task.spec
    return SimpleNamespace(
        isInJob=True,
        jobId=None if spec["job_id"] is None else str(spec["job_id"]),
        currentRunId=str(spec["task_run_id"]),
        rootRunId=str(spec["run_id"]),
        jobTaskType=spec["kind"],
        notebookPath=spec.get("notebook"),
        clusterId=spec["cluster_id"],
        userName=spec["user"],
        user=spec["user"],
        # The scheme is always taken to be https: init_runtime_native_auth gives the whole address.
        workspaceUrl=None,
        apiUrl=task.host,
        apiToken=task.token,
    )
