"""Python files as tasks: what they find, and how their end is told."""

import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from databricks.sdk.service.compute import ClusterSpec
from databricks.sdk.service.jobs import (
    NotebookTask,
    RunIf,
    SparkPythonTask,
    SubmitTask,
    TaskDependency,
)
from databricks_local.process import LocalWorkspace
from running_tasks import (
    CLUSTER,
    NOTEBOOK,
    PATIENCE_S,
    code_of,
    exited,
    logs,
    output,
    result_of,
    run_file,
    submit,
    upload,
)


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> Iterator[LocalWorkspace]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABRICKS_LOCAL_SECRET_KEY_VAULT__API_KEY", "s3cr3t-of-the-vault")
        patch.setenv("LEFT_IN_THE_SHELL", "yes")
        yield databricks_local_factory("--max-parallel-tasks", "4")


def test_a_file_gets_its_parameters(workspace: LocalWorkspace) -> None:
    told = run_file(workspace, "import sys; print(sys.argv[1:], __name__)", "--day", "2026-01-01 *")
    assert result_of(told) == "SUCCESS"
    assert logs(told) == "['--day', '2026-01-01 *'] __main__\n"


def test_a_file_of_the_workspace_imports_and_reads_what_is_beside_it(workspace: LocalWorkspace) -> None:
    upload(workspace, "/Workspace/Users/me/job/beside.py", "VALUE = 7")
    upload(workspace, "/Workspace/Users/me/job/beside.txt", "text")
    code = "import beside; print(beside.VALUE, open('beside.txt').read())"
    assert logs(run_file(workspace, code, path="/Workspace/Users/me/job/main.py")) == "7 text\n"


def test_files_of_dbfs_run_each_in_an_empty_folder_of_its_own(workspace: LocalWorkspace) -> None:
    code = "import os; print(os.listdir()); open('left', 'w').close()"
    for _ in range(2):
        assert logs(run_file(workspace, code)) == "[]\n"


def test_an_exception_is_told_with_its_trace_and_nothing_of_ours(workspace: LocalWorkspace) -> None:
    told = run_file(workspace, "def load():\n    raise ValueError('no rows')\n\nload()\n")
    assert (result_of(told), code_of(told)) == ("FAILED", "RUN_EXECUTION_ERROR")
    assert told.error == "ValueError: no rows"
    trace = (told.error_trace or "").splitlines()
    assert [line for line in trace if "File" in line] == [
        f'  File "{workspace.root}/dbfs/task.py", line 4, in <module>',
        f'  File "{workspace.root}/dbfs/task.py", line 2, in load',
    ]
    assert told.error_trace in logs(told)
    assert told.metadata and told.metadata.state
    assert told.metadata.state.state_message == "Workload failed, see run output for details"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("import sys; sys.exit(0)", None),
        ("import sys; sys.exit(3)", "SystemExit: 3"),
        ("import sys; sys.exit('no input')", "SystemExit: no input"),
        ("import os; os._exit(4)", "exit code, 4, and"),
        ("import os; os.kill(os.getpid(), 9)", "exit code, 137 (SIGKILL), and"),
        ("def f(:", "SyntaxError: "),
    ],
)
def test_how_a_process_ends_is_how_the_task_ends(
    workspace: LocalWorkspace, code: str, error: str | None
) -> None:
    told = run_file(workspace, code)
    assert result_of(told) == ("SUCCESS" if error is None else "FAILED")
    assert (told.error or "") == "" if error is None else error in (told.error or "")


def test_a_file_that_is_not_there_is_a_sentence(workspace: LocalWorkspace) -> None:
    for path in ("dbfs:/nowhere.py", "/Workspace/nowhere.py", "/Workspace/../../state.sqlite"):
        file = SparkPythonTask(path)
        told = output(workspace, submit(workspace, SubmitTask(task_key="only", spark_python_task=file)))
        assert (result_of(told), code_of(told)) == ("FAILED", "RESOURCE_NOT_FOUND")
        assert told.error == f"Cannot read the python file {path}. Please check driver logs for more details."


def test_a_link_does_not_lead_out_of_the_workspace(workspace: LocalWorkspace, tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("print('ran')")
    (workspace.root / "dbfs").mkdir(exist_ok=True)
    (workspace.root / "dbfs/link.py").symlink_to(tmp_path / "outside.py")
    file = SparkPythonTask("dbfs:/link.py")
    told = output(workspace, submit(workspace, SubmitTask(task_key="only", spark_python_task=file)))
    assert code_of(told) == "RESOURCE_NOT_FOUND"


def test_logs_are_there_while_the_task_runs(workspace: LocalWorkspace) -> None:
    path = upload(workspace, "dbfs:/slow.py", "import time; print('begun'); time.sleep(900)")
    jobs = workspace.client().jobs
    task = SubmitTask(task_key="only", new_cluster=CLUSTER, spark_python_task=SparkPythonTask(path))
    run_id = jobs.submit(run_name="live", tasks=[task]).run_id
    task_run_id = (jobs.get_run(run_id).tasks or [])[0].run_id or 0
    deadline = time.monotonic() + PATIENCE_S
    while logs(jobs.get_run_output(task_run_id)) != "begun\n":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    jobs.cancel_run_and_wait(run_id)


def test_the_environment_is_a_clusters_and_not_the_servers(workspace: LocalWorkspace) -> None:
    cluster = ClusterSpec(
        spark_version="16.4.x-cpu-ml-scala2.12",
        num_workers=1,
        spark_env_vars={"STAGE": "test", "KEY": "{{secrets/key-vault/api-key}}"},
    )
    path = upload(
        workspace,
        "dbfs:/environment.py",
        "import os, json; print(json.dumps(dict(os.environ)).replace('vault', 'VAULT'))",
    )
    task = SubmitTask(task_key="only", new_cluster=cluster, spark_python_task=SparkPythonTask(path))
    said = logs(output(workspace, submit(workspace, task)))
    assert '"DATABRICKS_RUNTIME_VERSION": "16.4"' in said
    assert '"STAGE": "test"' in said
    assert '"KEY": "s3cr3t-of-the-VAULT"' in said
    assert workspace.token not in said
    assert "LEFT_IN_THE_SHELL" not in said
    assert "DATABRICKS_TOKEN" not in said
    assert f'"HOME": "{Path.home()}"' not in said


def test_databricks_sdk_finds_the_workspace_from_inside(workspace: LocalWorkspace) -> None:
    code = """
from databricks.sdk import WorkspaceClient
from databricks.sdk.runtime import dbutils
print(WorkspaceClient().current_user.me().user_name, hasattr(dbutils, "fs"))
"""
    assert logs(run_file(workspace, code)) == "local@databricks.local True\n"


def test_files_of_the_cluster_are_those_of_the_workspace(workspace: LocalWorkspace) -> None:
    code = """
import os, pathlib, shutil, sys
from pyspark.dbutils import DBUtils
os.makedirs("/Volumes/main/default/files/in")
pathlib.Path("/Volumes/main/default/files/in/a.txt").write_text("one")
shutil.copy("/Volumes/main/default/files/in/a.txt", "/dbfs/copied.txt")
os.rename("/dbfs/copied.txt", "/dbfs/moved.txt")
with open("/dbfs/moved.txt", "a") as file:
    file.write(" two")
folder = "/Volumes/main/default/files/in"
print(open("/dbfs/moved.txt").read(), os.listdir(folder), os.path.exists("/dbfs/copied.txt"))
dbutils = DBUtils()
dbutils.fs.cp("dbfs:/moved.txt", "/Volumes/main/default/files/in/b.txt")
print([info.path for info in dbutils.fs.ls(folder)], dbutils.fs.head("dbfs:/moved.txt"))
shutil.rmtree("/Volumes/main/default/files")
print(os.listdir("/Volumes/main/default"))
pathlib.Path("/Workspace/Shared/made/lib").mkdir(parents=True)
pathlib.Path("/Workspace/Shared/made/lib/of_the_workspace.py").write_text("NAME = 'imported'")
sys.path.append("/Workspace/Shared/made/lib")
import of_the_workspace
print(of_the_workspace.NAME)
try:
    dbutils.fs.ls("dbfs:/nowhere")
except Exception as error:
    print(error)
"""
    said = logs(run_file(workspace, code)).splitlines()
    assert said == [
        "one two ['a.txt'] False",
        "['dbfs:/Volumes/main/default/files/in/a.txt', 'dbfs:/Volumes/main/default/files/in/b.txt'] one two",
        "[]",
        "imported",
        "java.io.FileNotFoundException: No such file or directory: dbfs:/nowhere",
    ]
    assert (workspace.root / "dbfs/moved.txt").read_text() == "one two"


def test_task_values_reach_later_tasks_also_from_one_that_failed(workspace: LocalWorkspace) -> None:
    sets = upload(
        workspace,
        "/Shared/sets.py",
        f"{NOTEBOOK}values = dbutils.jobs.taskValues\n"
        "values.set('rows', {'a': [1, None]})\nraise ValueError('late')",
    )
    gets = upload(
        workspace,
        "/Shared/gets.py",
        NOTEBOOK
        + """
values = dbutils.jobs.taskValues
try:
    values.get('sets', 'nothing')
except ValueError as error:
    missing = str(error)
there = values.get(taskKey='sets', key='rows')
dbutils.notebook.exit([there, values.get('sets', 'nothing', default=0), missing])
""",
    )
    first = SubmitTask(task_key="sets", notebook_task=NotebookTask(sets))
    then = SubmitTask(
        task_key="gets",
        notebook_task=NotebookTask(gets),
        depends_on=[TaskDependency("sets")],
        run_if=RunIf.ALL_DONE,
    )
    run = submit(workspace, first, then)
    assert output(workspace, run, "sets").error == "ValueError: late"
    assert exited(output(workspace, run, "gets")) == (
        "[{'a': [1, None]}, 0, 'Task value with key nothing for task sets could not be found, "
        "and there is no default.']"
    )


def test_as_many_tasks_run_at_a_time_as_are_allowed(
    databricks_local_factory: Callable[..., LocalWorkspace],
) -> None:
    narrow = databricks_local_factory("--max-parallel-tasks", "1")
    code = "import time; print(time.time()); time.sleep(0.5); print(time.time())"
    file = SparkPythonTask(upload(narrow, "dbfs:/times.py", code))
    keys = ["a", "b", "c"]
    run = submit(narrow, *(SubmitTask(task_key=key, spark_python_task=file) for key in keys))
    spans = sorted(tuple(map(float, logs(output(narrow, run, key)).split())) for key in keys)
    for (_, end), (begin, _) in itertools.pairwise(spans):
        assert end <= begin


def test_a_task_leaves_its_logs_and_no_scratch(workspace: LocalWorkspace) -> None:
    told = run_file(workspace, "import tempfile; print(tempfile.mkdtemp())")
    folder = workspace.root / "runs" / str(told.metadata.run_id if told.metadata else None)
    assert logs(told).startswith(str(folder / "tmp"))
    assert not os.path.lexists(logs(told).strip())
    assert {"stdout", "stderr"} <= {path.name for path in folder.iterdir()}
    assert not {"tmp", "home", "conf"} & {path.name for path in folder.iterdir()}
