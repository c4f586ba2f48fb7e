"""What runs leave behind, through databricks-sdk: errors, logs, results, the code of notebooks."""

import base64
import json
import re
import time
from typing import Any
from urllib.parse import unquote

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.service import jobs
from databricks.sdk.service.jobs import RunLifecycleStateV2State, RunResultState
from databricks.sdk.service.workspace import ImportFormat, Language
from databricks_local.process import LocalWorkspace

CLUSTER = {"spark_version": "17.3.x-scala2.13", "num_workers": 1}


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


def ended(client: WorkspaceClient, *tasks: dict[str, Any]) -> jobs.Run:
    given = [jobs.SubmitTask.from_dict(each) for each in tasks]
    run_id = client.jobs.submit(tasks=given).run_id
    limit = time.monotonic() + 600
    while (run := client.jobs.get_run(run_id)).status.state is not RunLifecycleStateV2State.TERMINATED:
        assert time.monotonic() < limit, f"run {run_id} did not end: {run.state}"
        time.sleep(0.05)
    return run


def put(client: WorkspaceClient, name: str, source: str, *, notebook: bool = False) -> str:
    path = f"/Shared/test_runs_output/{name}"
    client.workspace.mkdirs("/Shared/test_runs_output")
    kind, language = (ImportFormat.SOURCE, Language.PYTHON) if notebook else (ImportFormat.RAW, None)
    client.workspace.upload(path, source.encode(), format=kind, language=language, overwrite=True)
    return path


def script(path: str, *parameters: str) -> dict[str, Any]:
    task = {"python_file": path, "parameters": list(parameters)}
    return {"task_key": "script", "spark_python_task": task, "new_cluster": CLUSTER}


def notebook(path: str, **parameters: str) -> dict[str, Any]:
    task = {"notebook_path": path, "base_parameters": parameters}
    return {"task_key": "notebook", "notebook_task": task, "new_cluster": CLUSTER}


def test_logs_of_a_script_are_what_it_wrote(client: WorkspaceClient) -> None:
    path = put(
        client, "writes.py", "import sys\nprint('out', *sys.argv[1:])\nprint('err', file=sys.stderr)\n"
    )
    run = ended(client, script(path, "a", "ü"))
    assert run.state.result_state is RunResultState.SUCCESS
    output = client.jobs.get_run_output(run.tasks[0].run_id)
    assert "out a ü\n" in output.logs
    assert "err\n" in output.logs
    assert output.logs_truncated is False
    assert output.error is None
    assert output.metadata.tasks == []
    assert output.metadata.state.result_state is RunResultState.SUCCESS
    assert client.jobs.get_run_output(run.run_id).logs == output.logs


def test_an_error_of_a_script_is_told_with_its_trace(client: WorkspaceClient) -> None:
    path = put(client, "fails.py", "def broken():\n    raise ValueError('no such table: x')\n\nbroken()\n")
    run = ended(client, script(path))
    assert run.state.result_state is RunResultState.FAILED
    output = client.jobs.get_run_output(run.tasks[0].run_id)
    assert output.error == "ValueError: no such table: x"
    assert "Traceback (most recent call last)" in output.error_trace
    assert "in broken" in output.error_trace


def test_of_long_logs_the_end_is_shown(client: WorkspaceClient) -> None:
    path = put(client, "long.py", "for n in range(60_000):\n    print(f'{n:0100}')\nprint('the end')\n")
    output = client.jobs.get_run_output(ended(client, script(path)).run_id)
    assert output.logs_truncated is True
    assert output.logs.rstrip().endswith("the end")
    assert 5 * 2**20 - 200 < len(output.logs) <= 5 * 2**20


NOTEBOOK = """# Databricks notebook source
# MAGIC %md
# MAGIC # Title <b>

# COMMAND ----------

value = 1 < 2

# COMMAND ----------

dbutils.widgets.text("x", "")
dbutils.notebook.exit(dbutils.widgets.get("x") * 3)
"""


def test_a_notebook_hands_its_result_on(client: WorkspaceClient) -> None:
    path = put(client, "hands on", NOTEBOOK, notebook=True)
    run = ended(client, notebook(path, x="ab"))
    assert run.state.result_state is RunResultState.SUCCESS, run.state
    output = client.jobs.get_run_output(run.tasks[0].run_id)
    assert (output.notebook_output.result, output.notebook_output.truncated) == ("ababab", False)
    assert output.logs is None


def test_the_code_of_a_notebook_is_exported(client: WorkspaceClient) -> None:
    path = put(client, "exported", NOTEBOOK, notebook=True)
    run = ended(client, notebook(path, x=""))
    (view,) = client.jobs.export_run(run.tasks[0].run_id, views_to_export=jobs.ViewsToExport.CODE).views
    assert (view.name, view.type) == ("exported", jobs.ViewType.NOTEBOOK)
    assert "<pre>value = 1 &lt; 2</pre>" in view.content
    found = re.search(r"__DATABRICKS_NOTEBOOK_MODEL = '(.+?)'", view.content)
    model = json.loads(unquote(base64.b64decode(found[1]).decode()))
    assert model["name"] == "exported"
    assert [each["command"] for each in model["commands"]][:2] == ["%md\n# Title <b>", "value = 1 < 2"]
    assert client.jobs.export_run(run.run_id, views_to_export=jobs.ViewsToExport.DASHBOARDS).views == []


def test_only_notebooks_are_exported(client: WorkspaceClient) -> None:
    condition = {"condition_task": {"op": "EQUAL_TO", "left": "1", "right": "1"}}
    one = ended(client, {"task_key": "a", **condition})
    with pytest.raises(InvalidParameterValue, match="is no notebook task"):
        client.jobs.export_run(one.run_id)
    two = ended(client, {"task_key": "a", **condition}, {"task_key": "b", **condition})
    with pytest.raises(InvalidParameterValue, match="Exporting runs with multiple tasks is not supported"):
        client.jobs.export_run(two.run_id)
