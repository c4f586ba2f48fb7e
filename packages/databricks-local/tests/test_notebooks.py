"""Notebooks as tasks: cells, widgets, other notebooks, secrets."""

import re
from collections.abc import Callable, Iterator

import pytest
from databricks.sdk.service.jobs import (
    NotebookTask,
    SubmitTask,
)
from databricks_local.process import LocalWorkspace
from running_tasks import NOTEBOOK, code_of, exited, output, result_of, run_notebook, submit, upload

CELL = "\n# COMMAND ----------\n"


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> Iterator[LocalWorkspace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABRICKS_LOCAL_SECRET_KEY_VAULT__API_KEY", "s3cr3t-of-the-vault")
        yield databricks_local_factory()


def test_a_notebook_runs_its_cells_with_its_widgets(workspace: LocalWorkspace) -> None:
    cells = [
        "# MAGIC %md\n# MAGIC # A title with 'quotes",
        "dbutils.widgets.text('env', 'dev')",
        "dbutils.widgets.dropdown('mode', 'full', ['full', 'part'], 'Mode')",
        "# MAGIC %python\n# MAGIC found = dbutils.widgets.get('env')",
        "dbutils.notebook.exit(f\"{found} {dbutils.widgets.get('mode')} {dbutils.widgets.getAll()}\")",
        "raise RuntimeError('not reached')",
    ]
    told = run_notebook(workspace, CELL.join(cells), env="prod")
    assert exited(told) == "prod full {'env': 'prod', 'mode': 'full'}"
    assert result_of(told) == "SUCCESS"


def test_a_notebooks_error_names_the_line_of_the_file(workspace: LocalWorkspace) -> None:
    told = run_notebook(workspace, CELL.join(["x = 1", "# a comment\ny = x / 0"]))
    assert told.error == "ZeroDivisionError: division by zero"
    assert re.search(r'notebook", line 5, in <module>\n    y = x / 0', told.error_trace or "")


def test_an_unknown_widget_is_the_services_error(workspace: LocalWorkspace) -> None:
    told = run_notebook(workspace, "dbutils.widgets.get('day')")
    assert told.error == "InputWidgetNotDefined: No input widget named day is defined"


def test_exit_is_not_held_up_by_except_exception(workspace: LocalWorkspace) -> None:
    code = "try:\n    dbutils.notebook.exit('early')\nexcept Exception:\n    raise RuntimeError('caught')"
    assert exited(run_notebook(workspace, code)) == "early"


def test_notebooks_include_and_run_others(workspace: LocalWorkspace) -> None:
    upload(workspace, "/Shared/lib/names.py", NOTEBOOK + "NAME = 'included'")
    upload(
        workspace, "/Shared/lib/child.py", NOTEBOOK + "dbutils.notebook.exit(dbutils.widgets.get('n') * 2)"
    )
    upload(workspace, "/Shared/lib/fails.py", NOTEBOOK + "NAME")
    upload(workspace, "/Shared/lib/slow.py", NOTEBOOK + "import time; time.sleep(900)")
    code = """
said = [NAME, dbutils.notebook.run("lib/child", 600, {"n": 21})]
for path, seconds in (("/Shared/lib/fails", 0), ("./lib/slow", 0.2)):
    try:
        dbutils.notebook.run(path, seconds)
    except Exception as error:
        said.append(f"{type(error).__name__}: {error}")
dbutils.notebook.exit(said)
"""
    told = run_notebook(workspace, f"# MAGIC %run ./lib/names\n{CELL}{code}")
    assert exited(told) == str(
        [
            "included",
            "2121",
            "WorkflowException: The notebook /Shared/lib/fails failed: NameError: name 'NAME' is not defined",
            "WorkflowException: The notebook ./lib/slow took longer than 0.2 seconds.",
        ]
    )


@pytest.mark.parametrize(
    ("cells", "code", "said"),
    [
        (
            "# MAGIC %scala\n# MAGIC val x = 1",
            "RUN_EXECUTION_ERROR",
            "line 2: databricks-local does not imitate %scala",
        ),
        ("# MAGIC %run ./nowhere", "RESOURCE_NOT_FOUND", 'Unable to access the notebook "/Shared/nowhere"'),
        ("# MAGIC %pip uninstall x", "RUN_EXECUTION_ERROR", "databricks-local does %pip install only"),
        ("# MAGIC %sh exit 3", "RUN_EXECUTION_ERROR", "%sh command exited with code 3"),
    ],
)
def test_cells_that_cannot_run_are_a_sentence(
    workspace: LocalWorkspace, cells: str, code: str, said: str
) -> None:
    told = run_notebook(workspace, cells)
    assert (result_of(told), code_of(told)) == ("FAILED", code)
    assert said in (told.error or "")


def test_a_notebook_that_is_not_there_is_a_sentence(workspace: LocalWorkspace) -> None:
    task = SubmitTask(task_key="only", notebook_task=NotebookTask("/Shared/absent"))
    told = output(workspace, submit(workspace, task))
    assert code_of(told) == "RESOURCE_NOT_FOUND"
    assert (told.error or "").startswith('Unable to access the notebook "/Shared/absent".')


def test_secrets_are_given_to_code_and_shown_to_nobody(workspace: LocalWorkspace) -> None:
    code = """
import sys
secret = dbutils.secrets.get("key-vault", "api-key")
print("print", secret, file=sys.stderr)
print("scopes", [scope.name for scope in dbutils.secrets.listScopes()], len(secret))
try:
    dbutils.secrets.get("key-vault", "other")
except Exception as error:
    print(error)
raise ValueError(f"cannot log in with {secret}")
"""
    secrets = workspace.client().secrets
    secrets.create_scope("Team-A")
    secrets.put_secret("Team-A", "Pass", string_value="p4ssw0rd-of-the-team")
    code = f'print("team", dbutils.secrets.get("Team-A", "Pass"))\n{code}'
    told = run_notebook(workspace, code)
    assert told.error == "ValueError: cannot log in with [REDACTED]"
    folder = workspace.root / "runs" / str(told.metadata.run_id if told.metadata else None)
    said = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert "print [REDACTED]" in said
    assert "scopes ['Team-A', 'key_vault'] 19" in said
    assert "team [REDACTED]" in said
    assert "p4ssw0rd-of-the-team" not in said
    assert "Secret does not exist with scope: key-vault and key: other" in said
    assert "s3cr3t-of-the-vault" not in said
    assert workspace.token not in said
