"""Repairs of runs through databricks-sdk."""

import time
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import BadRequest, InvalidParameterValue
from databricks.sdk.service import jobs
from databricks.sdk.service.jobs import RunLifecycleStateV2State, RunResultState
from databricks_local.process import LocalWorkspace


@pytest.fixture(scope="module")
def client(databricks_local: LocalWorkspace) -> WorkspaceClient:
    return databricks_local.client()


def condition(key: str, *after: str, left: str = "1") -> jobs.Task:
    return jobs.Task(
        task_key=key,
        condition_task=jobs.ConditionTask(jobs.ConditionTaskOp.GREATER_THAN, left, "0"),
        depends_on=[jobs.TaskDependency(each) for each in after],
    )


def tasks_of(run: jobs.Run) -> list[tuple[str, int, str]]:
    return [(task.task_key, task.attempt_number, task.state.result_state.value) for task in run.tasks]


def ended(client: WorkspaceClient, run_id: int, **values: Any) -> jobs.Run:
    limit = time.monotonic() + 300
    terminated = RunLifecycleStateV2State.TERMINATED
    while (run := client.jobs.get_run(run_id, **values)).status.state is not terminated:
        assert time.monotonic() < limit, f"run {run_id} did not end: {run.state}"
        time.sleep(0.02)
    return run


@pytest.fixture
def failed(client: WorkspaceClient) -> tuple[int, jobs.Run]:
    """A job and its run, whose second task cannot compare what it is given."""
    tasks = [condition("a"), condition("b", "a", left="{{job.parameters.n}}"), condition("c", "b")]
    parameters = [jobs.JobParameterDefinition("n", "none"), jobs.JobParameterDefinition("kept", "default")]
    job_id = client.jobs.create(tasks=tasks, parameters=parameters).job_id
    run = ended(client, client.jobs.run_now(job_id, job_parameters={"kept": "given"}).run_id)
    assert tasks_of(run) == [("a", 0, "SUCCESS"), ("b", 0, "FAILED"), ("c", 0, "UPSTREAM_FAILED")]
    return job_id, run


Failed = tuple[int, jobs.Run]


def test_all_failed_tasks_are_run_again_with_other_parameters(
    client: WorkspaceClient, failed: Failed
) -> None:
    _, run = failed
    wait = client.jobs.repair_run(run.run_id, rerun_all_failed_tasks=True, job_parameters={"n": "1"})
    repaired = ended(client, run.run_id, include_history=True)
    assert tasks_of(repaired) == [
        ("a", 0, "SUCCESS"),
        ("b", 0, "FAILED"),
        ("c", 0, "UPSTREAM_FAILED"),
        ("b", 1, "SUCCESS"),
        ("c", 1, "SUCCESS"),
    ]
    assert repaired.state.result_state is RunResultState.SUCCESS
    assert repaired.start_time == run.start_time
    assert {each.name: each.value for each in repaired.job_parameters} == {"n": "1", "kept": "given"}
    original, repair = repaired.repair_history
    assert original.type is jobs.RepairHistoryItemType.ORIGINAL
    assert original.state.result_state is RunResultState.FAILED
    assert original.task_run_ids == [task.run_id for task in run.tasks]
    assert (repair.type, repair.id) == (jobs.RepairHistoryItemType.REPAIR, wait.response.repair_id)
    assert repair.task_run_ids == [task.run_id for task in repaired.tasks[3:]]
    assert repair.state.result_state is RunResultState.SUCCESS
    assert original.end_time <= repair.start_time <= repair.end_time == repaired.end_time
    durations = [item.end_time - item.start_time for item in repaired.repair_history]
    assert repaired.run_duration == sum(durations)
    assert client.jobs.get_run(run.run_id).repair_history == []


def test_a_repair_goes_by_the_settings_of_today(client: WorkspaceClient, failed: Failed) -> None:
    job_id, run = failed
    today = jobs.JobSettings(tasks=[condition("b", "a")], parameters=[jobs.JobParameterDefinition("n", "5")])
    client.jobs.update(job_id, new_settings=today)
    client.jobs.repair_run(run.run_id, rerun_tasks=["b"])
    repaired = ended(client, run.run_id)
    assert {each.name: each.value for each in repaired.job_parameters} == {"n": "5", "kept": "given"}
    assert tasks_of(repaired)[3:] == [("b", 1, "SUCCESS")]
    assert repaired.tasks[1].condition_task.left == "{{job.parameters.n}}"
    assert repaired.tasks[3].condition_task.left == "1"


def test_tasks_that_depend_on_those_rerun_can_be_rerun_too(client: WorkspaceClient, failed: Failed) -> None:
    _, run = failed
    client.jobs.repair_run(
        run.run_id, rerun_tasks=["a"], rerun_dependent_tasks=True, job_parameters={"n": "2"}
    )
    assert tasks_of(ended(client, run.run_id))[3:] == [
        ("a", 1, "SUCCESS"),
        ("b", 1, "SUCCESS"),
        ("c", 1, "SUCCESS"),
    ]


def test_a_second_repair_must_know_of_the_first(client: WorkspaceClient, failed: Failed) -> None:
    _, run = failed
    first = client.jobs.repair_run(run.run_id, rerun_tasks=["b"]).response.repair_id
    ended(client, run.run_id)
    with pytest.raises(InvalidParameterValue, match="The latest repair ID needs to be provided"):
        client.jobs.repair_run(run.run_id, rerun_tasks=["b"])
    with pytest.raises(InvalidParameterValue, match="is not the ID of the latest repair"):
        client.jobs.repair_run(run.run_id, rerun_tasks=["b"], latest_repair_id=first + 1)
    second = client.jobs.repair_run(run.run_id, rerun_tasks=["b"], latest_repair_id=first)
    repaired = ended(client, run.run_id, include_history=True)
    assert [each.id for each in repaired.repair_history] == [None, first, second.response.repair_id]
    assert tasks_of(repaired)[3:] == [("b", 1, "FAILED"), ("b", 2, "FAILED")]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "One of rerun_tasks or rerun_all_failed_tasks must be specified"),
        ({"rerun_tasks": ["b"], "rerun_all_failed_tasks": True}, "Only one of rerun_tasks"),
        ({"rerun_tasks": ["b", "b"]}, "rerun_tasks cannot contain duplicate task keys."),
        ({"rerun_tasks": ["z"]}, "rerun_tasks names 'z', which is no task of the job"),
        ({"rerun_tasks": ["b"], "latest_repair_id": 1}, "1 is not the ID of the latest repair"),
    ],
)
def test_a_repair_that_makes_no_sense_is_refused(
    client: WorkspaceClient, failed: Failed, values: dict[str, Any], said: str
) -> None:
    _, run = failed
    with pytest.raises(InvalidParameterValue, match=said):
        client.jobs.repair_run(run.run_id, **values)
    assert client.jobs.get_run(run.run_id).end_time == run.end_time


def test_only_what_has_ended_and_failed_is_repaired(client: WorkspaceClient) -> None:
    job_id = client.jobs.create(tasks=[condition("a")]).job_id
    run_id = ended(client, client.jobs.run_now(job_id).run_id).run_id
    with pytest.raises(InvalidParameterValue, match="The run has no failed task to repair"):
        client.jobs.repair_run(run_id, rerun_all_failed_tasks=True)
    missing = jobs.RunJobTask(987654321)
    task = jobs.Task("w", run_job_task=missing, max_retries=1, min_retry_interval_millis=36_000_000)
    active = client.jobs.run_now(client.jobs.create(tasks=[task]).job_id).run_id
    with pytest.raises(BadRequest, match=f"Run {active} is in progress"):
        client.jobs.repair_run(active, rerun_all_failed_tasks=True)
    client.jobs.cancel_run(active)
