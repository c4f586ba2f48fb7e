"""Runs through databricks-sdk: start, show, list, cancel, delete. Condition tasks need no process."""

import json
import re
import time
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue, ResourceDoesNotExist
from databricks.sdk.service import jobs
from databricks.sdk.service.jobs import RunLifeCycleState, RunLifecycleStateV2State, RunResultState
from databricks_local.process import LocalWorkspace

NO_JOB = 987654321
PATIENCE_S = 300


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory()


@pytest.fixture(scope="module")
def client(workspace: LocalWorkspace) -> WorkspaceClient:
    return workspace.client()


def condition(key: str, *after: str, left: str = "1", right: str = "1", **settings: Any) -> dict[str, Any]:
    return {
        "task_key": key,
        "condition_task": {"op": "EQUAL_TO", "left": left, "right": right},
        "depends_on": [{"task_key": each} for each in after],
        **settings,
    }


def failing(key: str = "fails", *after: str, **settings: Any) -> dict[str, Any]:
    """A task that fails at once: it runs a job that is not there."""
    return {
        "task_key": key,
        "run_job_task": {"job_id": NO_JOB},
        "depends_on": [{"task_key": each} for each in after],
        **settings,
    }


def waiting(key: str = "waits") -> dict[str, Any]:
    """A task that fails, and then waits ten hours for its retry."""
    return failing(key, max_retries=1, min_retry_interval_millis=36_000_000)


def job_of(client: WorkspaceClient, *tasks: dict[str, Any], **settings: Any) -> int:
    return client.jobs.create(tasks=[jobs.Task.from_dict(each) for each in tasks], **settings).job_id


def submitted(client: WorkspaceClient, *tasks: dict[str, Any], **settings: Any) -> jobs.Run:
    given = [jobs.SubmitTask.from_dict(each) for each in tasks]
    return wait_until_ended(client, client.jobs.submit(tasks=given, **settings).run_id)


def run_of(client: WorkspaceClient, job_id: int, **values: Any) -> jobs.Run:
    return wait_until_ended(client, client.jobs.run_now(job_id, **values).run_id)


def wait_until_ended(client: WorkspaceClient, run_id: int) -> jobs.Run:
    limit = time.monotonic() + PATIENCE_S
    while (run := client.jobs.get_run(run_id)).status.state is not RunLifecycleStateV2State.TERMINATED:
        assert time.monotonic() < limit, f"run {run_id} did not end: {run.state}"
        time.sleep(0.02)
    return run


def wait_for_task(client: WorkspaceClient, run_id: int, state: RunLifeCycleState) -> jobs.RunTask:
    limit = time.monotonic() + PATIENCE_S
    while (task := client.jobs.get_run(run_id).tasks[-1]).state.life_cycle_state is not state:
        assert time.monotonic() < limit, f"the last task of run {run_id} did not get {state}: {task.state}"
        time.sleep(0.02)
    return task


def test_a_run_of_a_job_is_carried_out_and_shown(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    job_id = job_of(client, condition("a"), condition("b", "a"), name="two", description="what for")
    begun = client.jobs.run_now(job_id)
    run = begun.result()
    assert begun.response.number_in_job == run.run_id == run.number_in_job == run.job_run_id
    assert (run.job_id, run.run_name, run.description) == (job_id, "two", "what for")
    assert run.run_type is jobs.RunType.JOB_RUN
    assert run.trigger is jobs.TriggerType.ONE_TIME
    assert run.creator_user_name == "local@databricks.local"
    assert run.run_page_url == f"{workspace.host}/?o=1#job/{job_id}/run/{run.run_id}"
    assert (run.state.life_cycle_state, run.state.result_state) == (
        RunLifeCycleState.TERMINATED,
        RunResultState.SUCCESS,
    )
    assert run.status.state is RunLifecycleStateV2State.TERMINATED
    assert run.status.termination_details.code is jobs.TerminationCodeCode.SUCCESS
    assert run.status.termination_details.type is jobs.TerminationTypeType.SUCCESS
    assert 0 < run.start_time <= run.end_time
    assert run.run_duration == run.end_time - run.start_time
    first, second = run.tasks
    assert (first.task_key, first.condition_task.outcome) == ("a", "true")
    assert [each.task_key for each in second.depends_on] == ["a"]
    assert run.start_time <= first.start_time <= first.end_time <= second.start_time <= run.end_time
    assert len({run.run_id, first.run_id, second.run_id}) == 3


def test_parameters_of_the_run_replace_defaults(client: WorkspaceClient) -> None:
    defaults = [jobs.JobParameterDefinition("day", "monday"), jobs.JobParameterDefinition("size", "1")]
    asks = condition("c", left="{{job.parameters.day}}", right="friday")
    job_id = job_of(client, asks, parameters=defaults)
    given = {"day": "friday", "more": "x"}
    run = run_of(client, job_id, job_parameters=given, notebook_params={"n": "1"})
    shown = {each.name: (each.default, each.value) for each in run.job_parameters}
    assert shown == {"day": ("monday", "friday"), "size": ("1", "1"), "more": (None, "x")}
    assert run.overriding_parameters.notebook_params == {"n": "1"}
    assert run.tasks[0].condition_task.left == "{{job.parameters.day}}"
    assert run.tasks[0].condition_task.outcome == "true"
    assert run.tasks[0].resolved_values is None
    (task,) = client.jobs.get_run(run.run_id, include_resolved_values=True).tasks
    assert (task.resolved_values.condition_task.left, task.resolved_values.condition_task.right) == (
        "friday",
        "friday",
    )


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"notebook_params": {"a": "b"}, "jar_params": ["c"]}, "in conjunction with jar_params"),
        ({"notebook_params": {"a": "b" * 10_000}}, "notebook_params cannot exceed 10000 bytes"),
        ({"python_params": ["größe"]}, "python_params can have ASCII characters only"),
        ({"only": ["b"]}, "only names 'b', which is no task of the job"),
        ({"idempotency_token": "t" * 65}, "has 65 characters, but can have at most 64"),
    ],
)
def test_what_a_run_cannot_be_given_is_refused(
    client: WorkspaceClient, values: dict[str, Any], said: str
) -> None:
    job_id = job_of(client, condition("a"))
    with pytest.raises(InvalidParameterValue, match=said):
        client.jobs.run_now(job_id, **values)
    assert list(client.jobs.list_runs(job_id=job_id)) == []


@pytest.mark.parametrize(
    ("only", "ran"),
    [(["b"], {"b"}), (["+b"], {"a", "b"}), (["b+"], {"b", "c"}), (["+b+"], {"a", "b", "c"})],
)
def test_some_tasks_can_be_run_alone(client: WorkspaceClient, only: list[str], ran: set[str]) -> None:
    job_id = job_of(client, condition("a"), condition("b", "a"), condition("c", "b"), condition("d"))
    run = run_of(client, job_id, only=only)
    assert {task.task_key for task in run.tasks} == ran
    assert run.state.result_state is RunResultState.SUCCESS


def test_a_one_time_run_has_a_job_of_its_own_in_name_only(client: WorkspaceClient) -> None:
    run = submitted(client, condition("a"), run_name="once")
    assert (run.run_name, run.run_type) == ("once", jobs.RunType.SUBMIT_RUN)
    assert run.job_id
    with pytest.raises(ResourceDoesNotExist):
        client.jobs.get(run.job_id)
    assert submitted(client, condition("a")).run_name == "Untitled"


def test_a_run_can_be_submitted_in_the_form_of_one_task(workspace: LocalWorkspace) -> None:
    body = {"run_name": "old form", "notebook_task": {"notebook_path": "/nowhere"}}
    run_id = workspace.call("POST", "/api/2.1/jobs/runs/submit", body)["run_id"]
    run = wait_until_ended(workspace.client(), run_id)
    assert [(task.task_key, task.notebook_task.notebook_path) for task in run.tasks] == [
        ("old_form", "/nowhere")
    ]
    assert run.state.result_state is RunResultState.FAILED


@pytest.mark.parametrize("clients", [100])
def test_a_token_starts_one_run_however_many_send_it(
    databricks_local_factory: Callable[..., LocalWorkspace], clients: int
) -> None:
    client = databricks_local_factory().client()
    task = jobs.SubmitTask.from_dict(condition("a"))

    def submit(number: int) -> int:
        return client.jobs.submit(tasks=[task], idempotency_token=f"token {number % 2}").run_id

    with ThreadPoolExecutor(clients) as threads:
        found = list(threads.map(submit, range(clients)))
    assert len(set(found)) == 2
    assert len(set(found[::2])) == 1
    assert {run.run_id for run in client.jobs.list_runs()} == set(found)


def test_a_token_belongs_to_its_job(client: WorkspaceClient) -> None:
    one, other = job_of(client, condition("a")), job_of(client, condition("a"))
    first = client.jobs.run_now(one, idempotency_token="t").run_id
    assert client.jobs.run_now(one, idempotency_token="t").run_id == first
    assert client.jobs.run_now(other, idempotency_token="t").run_id != first
    client.jobs.update(one, new_settings=jobs.JobSettings(name="changed"))
    assert client.jobs.run_now(one, idempotency_token="t").run_id == first
    empty = {client.jobs.run_now(one, idempotency_token="").run_id for _ in range(2)}
    assert len(empty) == 2


def test_the_token_of_a_deleted_run_is_refused(client: WorkspaceClient) -> None:
    task = jobs.SubmitTask.from_dict(condition("a"))
    run_id = client.jobs.submit(tasks=[task], idempotency_token="once only").run_id
    wait_until_ended(client, run_id)
    client.jobs.delete_run(run_id)
    with pytest.raises(InvalidParameterValue, match=f"Run {run_id}, .* has been deleted"):
        client.jobs.submit(tasks=[task], idempotency_token="once only")


def test_a_failed_run_tells_which_task_failed_and_why(client: WorkspaceClient) -> None:
    ended = run_of(client, job_of(client, failing("bad"), condition("after", "bad")))
    assert ended.state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
    assert ended.state.result_state is RunResultState.FAILED
    assert ended.state.state_message.startswith("Task bad failed with message:")
    assert ended.status.termination_details.code is jobs.TerminationCodeCode.RUN_EXECUTION_ERROR
    assert ended.status.termination_details.type is jobs.TerminationTypeType.CLIENT_ERROR
    bad, after = ended.tasks
    assert after.state.life_cycle_state is RunLifeCycleState.SKIPPED
    assert after.state.result_state is RunResultState.UPSTREAM_FAILED
    output = client.jobs.get_run_output(bad.run_id)
    assert output.error == f"Job {NO_JOB} does not exist."
    assert output.metadata.run_id == bad.run_id
    assert output.metadata.job_run_id == ended.run_id
    assert client.jobs.get_run_output(after.run_id).error == after.state.state_message


def test_tasks_share_job_clusters_and_have_new_ones_alone(client: WorkspaceClient) -> None:
    cluster = {"spark_version": "17.3.x-scala2.13", "num_workers": 1}
    computes: dict[str, dict[str, Any]] = {
        "a": {"job_cluster_key": "shared"},
        "b": {"job_cluster_key": "shared"},
        "c": {"new_cluster": cluster},
        "d": {"new_cluster": cluster},
        "e": {"existing_cluster_id": "0923-164208-meows279"},
        "f": {},
    }
    tasks = [
        {"task_key": key, "notebook_task": {"notebook_path": "/nowhere"}, **compute}
        for key, compute in computes.items()
    ]
    shared = jobs.JobCluster.from_dict({"job_cluster_key": "shared", "new_cluster": cluster})
    run = run_of(client, job_of(client, *tasks, job_clusters=[shared]))
    assert [each.job_cluster_key for each in run.job_clusters] == ["shared"]
    ids = [task.cluster_instance and task.cluster_instance.cluster_id for task in run.tasks]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 5
    assert ids[4:] == ["0923-164208-meows279", None]
    assert all(re.fullmatch(r"\d{4}-\d{6}-[a-z2-7]{8}", each) for each in ids[:4])
    later = {**tasks[2], "depends_on": [{"task_key": "waits"}]}
    blocked = client.jobs.run_now(job_of(client, waiting(), later)).run_id
    task = next(each for each in client.jobs.get_run(blocked).tasks if each.task_key == "c")
    assert (task.state.life_cycle_state, task.cluster_instance) == (RunLifeCycleState.BLOCKED, None)
    client.jobs.cancel_run(blocked)
    alone = submitted(client, tasks[2])
    assert alone.cluster_instance == alone.tasks[0].cluster_instance
    assert alone.cluster_spec.new_cluster.num_workers == 1


def test_output_is_of_task_runs_or_of_runs_with_one_task(client: WorkspaceClient) -> None:
    one = run_of(client, job_of(client, failing())).run_id
    assert client.jobs.get_run_output(one).error == f"Job {NO_JOB} does not exist."
    two = submitted(client, condition("a"), condition("b")).run_id
    with pytest.raises(InvalidParameterValue, match="output of runs with multiple tasks is not supported"):
        client.jobs.get_run_output(two)


def test_a_run_that_is_not_there_is_not_found(client: WorkspaceClient) -> None:
    for read in (client.jobs.get_run, client.jobs.get_run_output):
        with pytest.raises(ResourceDoesNotExist, match=r"Run 123456789 does not exist\."):
            read(123456789)
    for change in (client.jobs.cancel_run, client.jobs.delete_run, client.jobs.export_run):
        with pytest.raises(InvalidParameterValue, match=r"Run 123456789 does not exist\."):
            change(123456789)


def test_a_run_job_task_names_the_run_it_started(client: WorkspaceClient) -> None:
    child = job_of(client, condition("c"), parameters=[jobs.JobParameterDefinition("x", "1")])
    task = {"task_key": "r", "run_job_task": {"job_id": child, "job_parameters": {"x": "2"}}}
    run = run_of(client, job_of(client, task))
    output = client.jobs.get_run_output(run.tasks[0].run_id)
    started = client.jobs.get_run(output.run_job_output.run_id)
    assert (started.job_id, started.trigger) == (child, jobs.TriggerType.RUN_JOB_TASK)
    assert started.trigger_info.run_id == run.tasks[0].run_id
    assert [(each.name, each.value) for each in started.job_parameters] == [("x", "2")]


def test_iterations_are_shown_with_their_for_each_task(workspace: LocalWorkspace) -> None:
    client = workspace.client()
    child = job_of(client, condition("c"), max_concurrent_runs=1000)
    nested = {"task_key": "n", "run_job_task": {"job_id": child, "job_parameters": {"x": "{{input}}"}}}
    inputs = json.dumps(list(range(120)))
    loop = {
        "task_key": "loop",
        "for_each_task": {"inputs": inputs, "concurrency": 100, "task": nested},
    }
    run = run_of(client, job_of(client, loop))
    (task,) = run.tasks
    stats = task.for_each_task.stats.task_run_stats
    assert (stats.total_iterations, stats.succeeded_iterations, stats.active_iterations) == (120, 120, 0)
    shown = client.jobs.get_run(task.run_id, include_resolved_values=True)
    assert [each.task_key for each in shown.tasks] == ["loop"]
    assert len(shown.iterations) == 120
    resolved = [each.resolved_values.run_job_task.job_parameters["x"] for each in shown.iterations]
    assert sorted(map(int, resolved)) == list(range(120))
    assert len({each.run_id for each in shown.iterations}) == 120
    path = f"/api/2.2/jobs/runs/get?run_id={task.run_id}"
    second = workspace.call("GET", f"{path}&page_token={workspace.call('GET', path)['next_page_token']}")
    assert [len(second["tasks"]), len(second["iterations"])] == [1, 20]


def test_errors_of_iterations_are_counted(client: WorkspaceClient) -> None:
    nested = {"task_key": "n", "run_job_task": {"job_id": NO_JOB}}
    loop = {"task_key": "loop", "for_each_task": {"inputs": "[1, 2, 3]", "concurrency": 3, "task": nested}}
    run = run_of(client, job_of(client, loop))
    stats = run.tasks[0].for_each_task.stats
    assert stats.task_run_stats.failed_iterations == 3
    assert [(each.count, each.error_message) for each in stats.error_message_stats] == [
        (3, f"Job {NO_JOB} does not exist.")
    ]


def test_more_than_a_hundred_tasks_are_read_by_pages_since_2_2(workspace: LocalWorkspace) -> None:
    client = workspace.client()
    run_id = submitted(client, *(condition(f"t{number}") for number in range(150))).run_id
    first = workspace.call("GET", f"/api/2.2/jobs/runs/get?run_id={run_id}")
    assert len(first["tasks"]) == 100
    token = first["next_page_token"]
    second = workspace.call("GET", f"/api/2.2/jobs/runs/get?run_id={run_id}&page_token={token}")
    assert len(second["tasks"]) == 50
    assert "next_page_token" not in second
    assert len(workspace.call("GET", f"/api/2.1/jobs/runs/get?run_id={run_id}")["tasks"]) == 150
    assert [task.task_key for task in client.jobs.get_run(run_id).tasks] == [f"t{n}" for n in range(150)]


def test_a_canceled_run_and_its_tasks_say_so(client: WorkspaceClient) -> None:
    run_id = client.jobs.run_now(job_of(client, condition("a"), waiting())).run_id
    wait_for_task(client, run_id, RunLifeCycleState.WAITING_FOR_RETRY)
    run = client.jobs.cancel_run(run_id).result()
    assert (run.state.life_cycle_state, run.state.result_state) == (
        RunLifeCycleState.TERMINATED,
        RunResultState.CANCELED,
    )
    assert run.state.user_cancelled_or_timedout
    assert run.status.termination_details.code is jobs.TerminationCodeCode.USER_CANCELED
    assert [task.state.result_state for task in run.tasks] == [
        RunResultState.SUCCESS,
        RunResultState.FAILED,
        RunResultState.CANCELED,
    ]
    client.jobs.cancel_run(run_id)
    assert client.jobs.get_run(run_id).end_time == run.end_time


def test_retries_are_attempts_of_the_same_task(client: WorkspaceClient) -> None:
    run = run_of(client, job_of(client, failing(max_retries=2)))
    assert [(task.task_key, task.attempt_number) for task in run.tasks] == [
        ("fails", 0),
        ("fails", 1),
        ("fails", 2),
    ]
    last = client.jobs.get_run(run.tasks[2].run_id)
    assert (last.attempt_number, last.original_attempt_run_id) == (2, run.tasks[0].run_id)


def test_a_task_run_can_be_canceled_alone(client: WorkspaceClient) -> None:
    run_id = client.jobs.run_now(job_of(client, condition("a"), waiting())).run_id
    task = wait_for_task(client, run_id, RunLifeCycleState.WAITING_FOR_RETRY)
    client.jobs.cancel_run(task.run_id)
    run = wait_until_ended(client, run_id)
    assert run.tasks[-1].state.result_state is RunResultState.CANCELED


def test_all_runs_of_a_job_can_be_canceled(client: WorkspaceClient) -> None:
    job_id = job_of(client, waiting(), max_concurrent_runs=2)
    runs = [client.jobs.run_now(job_id).run_id for _ in range(3)]
    wait_for_task(client, runs[1], RunLifeCycleState.WAITING_FOR_RETRY)
    client.jobs.cancel_all_runs(job_id=job_id)
    ends = {wait_until_ended(client, run_id).state.result_state for run_id in runs}
    assert ends == {RunResultState.CANCELED}
    with pytest.raises(InvalidParameterValue, match="Missing required field: job_id"):
        client.jobs.cancel_all_runs()


def test_a_run_that_waits_for_another_says_why(client: WorkspaceClient) -> None:
    job_id = job_of(client, waiting())
    first, second = (client.jobs.run_now(job_id).run_id for _ in range(2))
    queued = client.jobs.get_run(second)
    assert queued.state.life_cycle_state is RunLifeCycleState.QUEUED
    assert queued.state.queue_reason
    assert queued.status.state is RunLifecycleStateV2State.QUEUED
    assert queued.status.queue_details.code is jobs.QueueDetailsCodeCode.MAX_CONCURRENT_RUNS_REACHED
    client.jobs.cancel_all_runs(job_id=job_id, all_queued_runs=True)
    assert wait_until_ended(client, second).state.result_state is RunResultState.CANCELED
    assert client.jobs.get_run(first).end_time == 0
    client.jobs.cancel_run(first)


def test_a_run_without_a_queue_is_skipped_while_another_is_active(client: WorkspaceClient) -> None:
    job_id = job_of(client, waiting(), queue=jobs.QueueSettings(enabled=False))
    first, second = (client.jobs.run_now(job_id).run_id for _ in range(2))
    run = client.jobs.get_run(second)
    assert run.state.life_cycle_state is RunLifeCycleState.SKIPPED
    assert run.state.result_state is RunResultState.MAXIMUM_CONCURRENT_RUNS_REACHED
    assert run.status.state is RunLifecycleStateV2State.TERMINATED
    queue = jobs.QueueSettings(enabled=True)
    third = client.jobs.run_now(job_id, queue=queue).run_id
    assert client.jobs.get_run(third).state.life_cycle_state is RunLifeCycleState.QUEUED
    client.jobs.cancel_all_runs(job_id=job_id)
    assert wait_until_ended(client, first).state.result_state is RunResultState.CANCELED


def test_deleting_a_job_cancels_its_runs_and_keeps_them(client: WorkspaceClient) -> None:
    job_id = job_of(client, waiting(), name="to be deleted")
    run_id = client.jobs.run_now(job_id).run_id
    client.jobs.delete(job_id)
    run = wait_until_ended(client, run_id)
    assert run.state.result_state is RunResultState.CANCELED
    assert run.run_name == "to be deleted"


def test_a_run_can_be_deleted_once_it_has_ended(client: WorkspaceClient) -> None:
    run_id = client.jobs.run_now(job_of(client, waiting())).run_id
    with pytest.raises(BadRequest, match=f"Run {run_id} is still active"):
        client.jobs.delete_run(run_id)
    client.jobs.cancel_run(run_id)
    task_run_id = wait_until_ended(client, run_id).tasks[0].run_id
    client.jobs.delete_run(run_id)
    for gone in (run_id, task_run_id):
        with pytest.raises(ResourceDoesNotExist):
            client.jobs.get_run(gone)


def test_a_run_of_a_schedule_names_it(workspace: LocalWorkspace) -> None:
    client = workspace.client()
    schedule = jobs.CronSchedule(quartz_cron_expression="0 * * * * ?", timezone_id="UTC")
    job_id = job_of(client, condition("a"), schedule=schedule)
    workspace.advance(60)
    limit = time.monotonic() + PATIENCE_S
    while not (runs := list(client.jobs.list_runs(job_id=job_id))):
        assert time.monotonic() < limit, "the schedule did not fire"
        time.sleep(0.02)
    run = wait_until_ended(client, runs[0].run_id)
    assert run.trigger is jobs.TriggerType.PERIODIC
    assert run.schedule == schedule
    client.jobs.delete(job_id)


def test_runs_outlive_the_server(databricks_local_factory: Callable[..., LocalWorkspace]) -> None:
    workspace = databricks_local_factory()
    client = workspace.client()
    job_id = job_of(client, condition("a"), failing("b", "a", max_retries=1))
    run = run_of(client, job_id, idempotency_token="before", job_parameters={"x": "1"})
    client.jobs.repair_run(run.run_id, rerun_tasks=["b"])
    wait_until_ended(client, run.run_id)
    path = f"/api/2.2/jobs/runs/get?include_history=true&run_id={run.run_id}"
    before = workspace.call("GET", path)
    workspace.kill()
    workspace.restart()
    assert workspace.call("GET", path) == before
    assert client.jobs.run_now(job_id, idempotency_token="before").run_id == run.run_id


@pytest.fixture(scope="module")
def listed(databricks_local_factory: Callable[..., LocalWorkspace]) -> tuple[LocalWorkspace, list[int], int]:
    """A workspace with thirty ended runs, one an hour, every third of one job, and an active one."""
    workspace = databricks_local_factory()
    client = workspace.client()
    job_id = job_of(client, condition("a"))
    runs = []
    for number in range(30):
        if number % 3 == 0:
            runs.append(run_of(client, job_id).run_id)
        else:
            runs.append(submitted(client, condition("a"), run_name=f"once {number}").run_id)
        workspace.advance(3600)
    runs.append(client.jobs.run_now(job_of(client, waiting())).run_id)
    return workspace, runs, job_id


Listed = tuple[LocalWorkspace, list[int], int]


def test_runs_are_listed_newest_first_by_pages(listed: Listed) -> None:
    workspace, runs, _ = listed
    assert [run.run_id for run in workspace.client().jobs.list_runs(limit=4)] == runs[::-1]
    first = workspace.call("GET", "/api/2.2/jobs/runs/list?limit=12")
    second = workspace.call("GET", f"/api/2.2/jobs/runs/list?limit=12&page_token={first['next_page_token']}")
    third = workspace.call("GET", f"/api/2.2/jobs/runs/list?limit=12&page_token={second['next_page_token']}")
    back = workspace.call("GET", f"/api/2.2/jobs/runs/list?limit=12&page_token={third['prev_page_token']}")
    assert back["runs"] == second["runs"]
    assert [len(page["runs"]) for page in (first, second, third)] == [12, 12, 7]
    assert "prev_page_token" not in first
    assert "next_page_token" not in third
    assert "has_more" not in first
    pages = [workspace.call("GET", f"/api/2.1/jobs/runs/list?limit={limit}") for limit in (1, 25)]
    assert [page["has_more"] for page in pages] == [True, True]


def test_runs_are_listed_by_job_state_kind_and_time(listed: Listed) -> None:
    workspace, runs, job_id = listed
    client = workspace.client()
    of_job = list(client.jobs.list_runs(job_id=job_id))
    assert [run.run_id for run in of_job] == runs[27::-3]
    assert [run.run_id for run in client.jobs.list_runs(active_only=True)] == runs[30:]
    assert len(list(client.jobs.list_runs(completed_only=True))) == 30
    one_time = list(client.jobs.list_runs(run_type=jobs.RunType.SUBMIT_RUN))
    assert len(one_time) == 20
    assert {run.run_type for run in one_time} == {jobs.RunType.SUBMIT_RUN}
    start, end = of_job[4].start_time, of_job[2].start_time
    between = list(client.jobs.list_runs(start_time_from=start, start_time_to=end))
    assert [run.run_id for run in between] == runs[21:14:-1]


def test_tasks_of_runs_are_listed_on_demand(listed: Listed) -> None:
    workspace, _, job_id = listed
    path = f"/api/2.2/jobs/runs/list?limit=1&job_id={job_id}"
    assert "tasks" not in workspace.call("GET", path)["runs"][0]
    (run,) = workspace.call("GET", f"{path}&expand_tasks=true")["runs"]
    assert [task["task_key"] for task in run["tasks"]] == ["a"]
    assert run["has_more"] is False


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("limit=26", "limit is 26, but must be between 1 and 25"),
        ("active_only=true&completed_only=true", "cannot both be true"),
        ("page_token=bm9uc2Vuc2U=", "is invalid"),
        ("run_type=OTHER", "not one of JOB_RUN"),
    ],
)
def test_a_wrong_query_of_runs_is_refused(listed: Listed, query: str, said: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        listed[0].call("GET", f"/api/2.1/jobs/runs/list?{query}")
    assert caught.value.code == 400
    assert said in caught.value.read().decode()


def test_a_limit_of_zero_is_the_largest_page(listed: Listed) -> None:
    assert len(listed[0].call("GET", "/api/2.1/jobs/runs/list?limit=0")["runs"]) == 25
