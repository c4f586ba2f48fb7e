"""Tasks that a workspace runs, and what they tell."""

import io
import time
from typing import Any

from databricks.sdk.service.compute import ClusterSpec
from databricks.sdk.service.jobs import (
    NotebookTask,
    Run,
    RunOutput,
    SparkPythonTask,
    SubmitTask,
)
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace

CLUSTER = ClusterSpec(spark_version="17.3.x-scala2.13", num_workers=1, node_type_id="i3.xlarge")
NOTEBOOK = "# Databricks notebook source\n"
PATIENCE_S = 600


def upload(workspace: LocalWorkspace, path: str, text: str) -> str:
    client = workspace.client()
    if path.startswith("dbfs:"):
        client.dbfs.upload(path, io.BytesIO(text.encode()), overwrite=True)
        return path
    client.workspace.mkdirs(path.rpartition("/")[0])
    client.workspace.upload(path, io.BytesIO(text.encode()), format=ImportFormat.AUTO, overwrite=True)
    return path.removesuffix(".py") if text.startswith(NOTEBOOK) else path


def submit(workspace: LocalWorkspace, *tasks: SubmitTask) -> Run:
    for task in tasks:
        task.new_cluster = task.new_cluster or CLUSTER
    jobs = workspace.client().jobs
    run_id = jobs.submit(run_name="test", tasks=list(tasks)).run_id
    deadline = time.monotonic() + PATIENCE_S
    while not (run := jobs.get_run(run_id)).end_time:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return run


def output(workspace: LocalWorkspace, run: Run, key: str = "only") -> RunOutput:
    tasks = {task.task_key: task for task in run.tasks or ()}
    return workspace.client().jobs.get_run_output(tasks[key].run_id or 0)


def run_file(
    workspace: LocalWorkspace, text: str, *parameters: str, path: str = "dbfs:/task.py"
) -> RunOutput:
    file = SparkPythonTask(upload(workspace, path, text), list(parameters))
    return output(workspace, submit(workspace, SubmitTask(task_key="only", spark_python_task=file)))


def run_notebook(
    workspace: LocalWorkspace, text: str, path: str = "/Shared/notebook.py", **widgets: str
) -> RunOutput:
    notebook = NotebookTask(upload(workspace, path, NOTEBOOK + text), widgets)
    return output(workspace, submit(workspace, SubmitTask(task_key="only", notebook_task=notebook)))


def result_of(told: RunOutput) -> Any:
    assert told.metadata and told.metadata.state and told.metadata.state.result_state
    return told.metadata.state.result_state.value


def code_of(told: RunOutput) -> str:
    assert told.metadata and told.metadata.status and told.metadata.status.termination_details
    assert told.metadata.status.termination_details.code
    return told.metadata.status.termination_details.code.value


def logs(told: RunOutput) -> str:
    return told.logs or ""


def exited(told: RunOutput) -> str:
    assert told.notebook_output, told.error_trace or told.error
    return told.notebook_output.result or ""


def begin(workspace: LocalWorkspace, text: str, timeout_seconds: int | None = None) -> int:
    """Start a run of a file and return its number once the file has printed `begun`."""
    file = SparkPythonTask(upload(workspace, "dbfs:/begins.py", text))
    task = SubmitTask("only", spark_python_task=file, new_cluster=CLUSTER, timeout_seconds=timeout_seconds)
    jobs = workspace.client().jobs
    run_id = jobs.submit(run_name="begins", tasks=[task]).run_id
    (running,) = jobs.get_run(run_id).tasks or []
    deadline = time.monotonic() + PATIENCE_S
    while "begun" not in logs(told := jobs.get_run_output(running.run_id or 0)):
        assert not told.error, told.error_trace or told.error
        assert time.monotonic() < deadline, "it did not begin in time"
        time.sleep(0.05)
    return int(run_id)
