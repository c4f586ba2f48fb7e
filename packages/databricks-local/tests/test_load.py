"""A hundred clients at a time: each run happens, and happens once."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.compute import Environment
from databricks.sdk.service.jobs import (
    ConditionTask,
    ConditionTaskOp,
    JobEnvironment,
    RunLifeCycleState,
    RunResultState,
    SparkPythonTask,
    SubmitTask,
    TaskDependency,
)
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace

CLIENTS = 100
PROGRAMS = 20
FOLDER = "/Users/local@databricks.local/load"


def together(clients: list[WorkspaceClient], call: Callable[[int, WorkspaceClient], int]) -> list[int]:
    """Have all clients call at the same moment."""
    barrier = threading.Barrier(len(clients))

    def one(number: int) -> int:
        barrier.wait(300)
        return call(number, clients[number])

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(one, range(len(clients))))


def tasks(number: int) -> list[SubmitTask]:
    def condition(right: str) -> ConditionTask:
        return ConditionTask(left=str(number), op=ConditionTaskOp.EQUAL_TO, right=right)

    return [
        SubmitTask(task_key="a", condition_task=condition(str(number))),
        SubmitTask(
            task_key="b", condition_task=condition("-1"), depends_on=[TaskDependency("a", outcome="true")]
        ),
    ]


def program(number: int) -> SubmitTask:
    """Return a task that writes down that it ran."""
    file = SparkPythonTask(f"/Workspace{FOLDER}/program.py", [str(number)])
    return SubmitTask(task_key="program", environment_key="default", spark_python_task=file)


def test_runs_of_a_hundred_clients_are_neither_lost_nor_doubled(
    databricks_local_factory: Callable[..., LocalWorkspace],
) -> None:
    workspace = databricks_local_factory()
    clients = [workspace.client() for _ in range(CLIENTS)]
    ran = workspace.root.with_name("ran")
    clients[0].workspace.mkdirs(FOLDER)
    code = f"import sys\nwith open({str(ran)!r}, 'a') as file:\n    file.write(sys.argv[1] + '\\n')\n"
    clients[0].workspace.upload(f"{FOLDER}/program.py", code.encode(), format=ImportFormat.RAW)

    # Pairs of clients send the same token: half of the calls start a run, the other half find it.
    def submit(number: int, client: WorkspaceClient) -> int:
        own = number // 2
        waiter = client.jobs.submit(
            run_name=f"run {own}",
            idempotency_token=f"token {own}",
            tasks=[program(own)] if own < PROGRAMS else tasks(own),
            environments=[JobEnvironment("default", Environment(environment_version="4"))],
        )
        return int(waiter.run_id)

    run_ids = together(clients, submit)
    assert all(first == second for first, second in zip(run_ids[::2], run_ids[1::2], strict=True))
    assert len(set(run_ids)) == CLIENTS // 2

    # Without tokens each call is a run, and a call whose answer is throttled on the way is none.
    throttled = 20
    workspace.fault(route="*/runs/submit", status=429, retry_after=0, count=throttled)
    more = together(clients, lambda number, client: int(submit_alone(number, client)))
    assert len(set(more)) == CLIENTS
    assert not set(more) & set(run_ids)
    faults = workspace.call("GET", "/api/databricks-local/faults")["faults"]
    assert [fault["happened"] for fault in faults] == [throttled]

    def ended(number: int, client: WorkspaceClient) -> int:
        run = client.jobs.wait_get_run_job_terminated_or_skipped(more[number])
        assert run.state
        assert run.state.result_state is RunResultState.SUCCESS
        assert [task.attempt_number for task in run.tasks or []] == [0, 0]
        return int(run.run_id or 0)

    assert together(clients, ended) == more
    for run_id in run_ids[::2]:
        state = clients[0].jobs.wait_get_run_job_terminated_or_skipped(run_id).state
        assert state
        assert state.result_state is RunResultState.SUCCESS
    assert sorted(map(int, ran.read_text().split())) == list(range(PROGRAMS))
    runs = list(clients[0].jobs.list_runs())
    names = Counter(run.run_name for run in runs)
    assert names == Counter({f"run {own}": 1 for own in range(CLIENTS // 2)}) + Counter(
        {f"alone {number}": 1 for number in range(CLIENTS)}
    )
    assert all(run.state and run.state.life_cycle_state is RunLifeCycleState.TERMINATED for run in runs)


def submit_alone(number: int, client: WorkspaceClient) -> int:
    return int(client.jobs.submit(run_name=f"alone {number}", tasks=tasks(number)).run_id)
