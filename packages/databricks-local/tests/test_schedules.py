"""Jobs that start by themselves, with a clock that is moved.

It also goes on by itself, so tests of full hours begin at half past, and those of ten seconds count with the
time that went by.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError, InvalidParameterValue
from databricks.sdk.service import jobs
from databricks_local.process import LocalWorkspace

PAUSED, UNPAUSED = jobs.PauseStatus.PAUSED, jobs.PauseStatus.UNPAUSED


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory()


@pytest.fixture(scope="module")
def client(workspace: LocalWorkspace) -> WorkspaceClient:
    return workspace.client()


def now(workspace: LocalWorkspace) -> datetime:
    moment = workspace.call("GET", "/api/databricks-local/clock")["now_ms"]
    return datetime.fromtimestamp(moment / 1000, UTC)


def advance_to(workspace: LocalWorkspace, moment: datetime) -> None:
    workspace.advance(max(0.0, (moment - now(workspace)).total_seconds()) + 0.001)


def advance_to_half_past(workspace: LocalWorkspace) -> None:
    following = now(workspace) + timedelta(hours=1)
    advance_to(workspace, following.replace(minute=30, second=0, microsecond=0))


def new_job(client: WorkspaceClient, left: str = "1", right: str = "1", **settings: Any) -> int:
    compare = jobs.ConditionTask(op=jobs.ConditionTaskOp.EQUAL_TO, left=left, right=right)
    return int(
        client.jobs.create(
            name="scheduled", tasks=[jobs.Task(task_key="a", condition_task=compare)], **settings
        ).job_id
    )


def runs_of(client: WorkspaceClient, job_id: int, count: int, *, or_more: bool = False) -> list[jobs.Run]:
    """Wait until a job has so many runs, all ended; the newest comes first."""
    limit = time.monotonic() + 300
    while True:
        found = list(client.jobs.list_runs(job_id=job_id, expand_tasks=True))
        if len(found) >= count and all(run.end_time for run in found):
            assert or_more or len(found) == count
            return found
        assert time.monotonic() < limit, f"job {job_id} has {len(found)} runs, not {count}"
        time.sleep(0.02)


def none_fires(client: WorkspaceClient, job_id: int, count: int = 0) -> None:
    assert fired(client, job_id) == count


def fired(client: WorkspaceClient, job_id: int) -> int:
    """Return how many runs a job has, once all have begun that were to begin by now."""
    # All jobs are looked at together: when this one has begun, so has whatever else was due.
    at_once = new_job(client, continuous=jobs.Continuous(pause_status=UNPAUSED))
    runs_of(client, at_once, 1, or_more=True)
    client.jobs.delete(at_once)
    return sum(1 for _ in client.jobs.list_runs(job_id=job_id))


def schedule(expression: str, zone: str = "UTC", pause: jobs.PauseStatus = UNPAUSED) -> jobs.CronSchedule:
    return jobs.CronSchedule(quartz_cron_expression=expression, timezone_id=zone, pause_status=pause)


def test_a_schedule_fires_each_day_in_its_zone(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    tomorrow = now(workspace) + timedelta(days=1)
    advance_to(workspace, tomorrow.replace(hour=12, minute=0))
    job_id = new_job(
        client, left="{{job.trigger.time.iso_datetime}}", schedule=schedule("0 30 2 * * ?", "GMT+3")
    )
    none_fires(client, job_id)
    due = tomorrow.replace(hour=23, minute=30, second=0, microsecond=0)
    for count in (1, 2):
        advance_to(workspace, due - timedelta(minutes=30))
        none_fires(client, job_id, count - 1)
        # It says when it was to fire, however late it was.
        advance_to(workspace, due + timedelta(minutes=7))
        run = runs_of(client, job_id, count)[0]
        assert run.trigger is jobs.TriggerType.PERIODIC
        assert run.schedule.quartz_cron_expression == "0 30 2 * * ?"
        shown = client.jobs.get_run(run.run_id, include_resolved_values=True).tasks[0].resolved_values
        assert shown.condition_task.left == due.strftime("%Y-%m-%dT%H:%M:00Z")
        due += timedelta(days=1)
    client.jobs.delete(job_id)


def test_a_jump_over_many_fires_is_one_run(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    advance_to_half_past(workspace)
    job_id = new_job(client, schedule=schedule("0 0 * * * ?"))
    workspace.advance(86_400)
    runs_of(client, job_id, 1)
    client.jobs.delete(job_id)
    workspace.advance(86_400)
    none_fires(client, job_id, 1)


def test_runs_of_a_schedule_are_ten_seconds_apart(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    begun = now(workspace)
    job_id = new_job(client, schedule=schedule("* * * * * ?"))
    runs_of(client, job_id, 1, or_more=True)
    for seconds in (2, 9, 2, 9):
        workspace.advance(seconds)
        count = fired(client, job_id)
        assert count <= 1 + (now(workspace) - begun) // timedelta(seconds=10)
    runs_of(client, job_id, 3, or_more=True)
    client.jobs.delete(job_id)


def test_a_paused_schedule_fires_once_it_is_unpaused(
    workspace: LocalWorkspace, client: WorkspaceClient
) -> None:
    advance_to_half_past(workspace)
    job_id = new_job(client, schedule=schedule("0 0 * * * ?", pause=PAUSED))
    workspace.advance(3_600)
    none_fires(client, job_id)
    client.jobs.update(job_id, new_settings=jobs.JobSettings(schedule=schedule("0 0 * * * ?")))
    none_fires(client, job_id)
    workspace.advance(3_600)
    runs_of(client, job_id, 1)
    # Other settings do not begin the wait anew, and runs go by the settings of the time they begin.
    client.jobs.update(job_id, new_settings=jobs.JobSettings(name="renamed"))
    workspace.advance(3_600)
    assert [run.run_name for run in runs_of(client, job_id, 2)] == ["renamed", "scheduled"]
    client.jobs.update(job_id, fields_to_remove=["schedule"])
    workspace.advance(3_600)
    none_fires(client, job_id, 2)


def test_a_periodic_trigger_fires_after_each_interval(
    workspace: LocalWorkspace, client: WorkspaceClient
) -> None:
    hours = jobs.PeriodicTriggerConfigurationTimeUnit.HOURS
    every = jobs.PeriodicTriggerConfiguration(interval=2, unit=hours)
    job_id = new_job(client, trigger=jobs.TriggerSettings(periodic=every, pause_status=UNPAUSED))
    workspace.advance(3_600)
    none_fires(client, job_id)
    workspace.advance(3_601)
    runs_of(client, job_id, 1)
    workspace.advance(7_201)
    runs_of(client, job_id, 2)
    client.jobs.delete(job_id)


def test_a_continuous_job_runs_again_and_again(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    job_id = new_job(client, continuous=jobs.Continuous(pause_status=UNPAUSED))
    for count in (1, 2, 3):
        run = runs_of(client, job_id, count, or_more=True)[0]
        assert run.trigger is jobs.TriggerType.CONTINUOUS
        workspace.advance(5)
        fired(client, job_id)
        workspace.advance(6)
    runs_of(client, job_id, 4, or_more=True)
    client.jobs.update(job_id, new_settings=jobs.JobSettings(continuous=jobs.Continuous(pause_status=PAUSED)))
    runs = runs_of(client, job_id, 4, or_more=True)
    assert all(later.start_time - earlier.end_time >= 10_000 for later, earlier in pairwise(runs))
    workspace.advance(11)
    none_fires(client, job_id, len(runs))


def test_a_continuous_job_that_fails_waits_longer_each_time(
    workspace: LocalWorkspace, client: WorkspaceClient
) -> None:
    job_id = new_job(client, left="{{job.nothing}}", continuous=jobs.Continuous(pause_status=UNPAUSED))
    waits_s = [10, 20, 40, 80, 160, 320, 640]
    for count, seconds in enumerate(waits_s, 1):
        runs_of(client, job_id, count, or_more=True)
        workspace.advance(seconds / 2)
        fired(client, job_id)
        workspace.advance(seconds / 2 + 1)
    runs = runs_of(client, job_id, len(waits_s) + 1, or_more=True)[::-1]
    client.jobs.delete(job_id)
    gaps_ms = [later.start_time - earlier.end_time for earlier, later in pairwise(runs)]
    assert all(gap_ms >= seconds * 1000 for gap_ms, seconds in zip(gaps_ms, waits_s, strict=False))


def test_schedules_go_on_after_a_restart(
    workspace: LocalWorkspace, databricks_local_factory: Callable[..., LocalWorkspace]
) -> None:
    own = databricks_local_factory()
    client = own.client()
    advance_to_half_past(own)
    job_id = new_job(client, schedule=schedule("0 0 * * * ?"))
    own.advance(86_400)
    runs_of(client, job_id, 1)
    before = now(own)
    own.kill()
    own.start()
    assert now(own) >= before
    none_fires(client, job_id, 1)
    own.advance(3_600)
    runs_of(client, job_id, 2)
    own.stop()


def test_what_cannot_fire_is_refused(client: WorkspaceClient) -> None:
    periodic = jobs.PeriodicTriggerConfiguration(
        interval=0, unit=jobs.PeriodicTriggerConfigurationTimeUnit.DAYS
    )
    with pytest.raises(InvalidParameterValue, match="interval of the periodic trigger is 0"):
        new_job(client, trigger=jobs.TriggerSettings(periodic=periodic))
    body = {"schedule": {"quartz_cron_expression": "0 0 2 * * ?", "timezone_id": "UTC", "sql_condition": {}}}
    with pytest.raises(DatabricksError, match="sql_condition of a schedule"):
        client.api_client.do("POST", "/api/2.2/jobs/create", body=body)
