"""The engine through databricks-sdk: order, conditions, retries, timeouts, loops, queues, repairs, restarts.

Most tasks here need no process: conditions, and run-job tasks, which fail at once when there is no such job.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.service import jobs
from databricks.sdk.service.jobs import RunLifeCycleState
from databricks_local.process import LocalWorkspace

NO_JOB = 987654321
TEN_HOURS_MS = 36_000_000


@pytest.fixture(scope="module")
def workspace(databricks_local_factory: Callable[..., LocalWorkspace]) -> LocalWorkspace:
    return databricks_local_factory()


@pytest.fixture(scope="module")
def client(workspace: LocalWorkspace) -> WorkspaceClient:
    return workspace.client()


@pytest.fixture
def own(databricks_local_factory: Callable[..., LocalWorkspace]) -> Iterator[LocalWorkspace]:
    made = databricks_local_factory()
    yield made
    made.stop()


def task(key: str, *after: str, **settings: Any) -> dict[str, Any]:
    """A task that succeeds at once. A dependency may be written `key=outcome`."""
    depends_on = [
        {"task_key": each} if not outcome else {"task_key": each, "outcome": outcome}
        for each, _, outcome in (each.partition("=") for each in after)
    ]
    works = any(name.endswith("_task") for name in settings)
    return {
        "task_key": key,
        "depends_on": depends_on,
        **({} if works else condition("1", "EQUAL_TO", "1")),
        **settings,
    }


def condition(left: str, op: str, right: str) -> dict[str, Any]:
    return {"condition_task": {"op": op, "left": left, "right": right}}


def failing(key: str, *after: str, **settings: Any) -> dict[str, Any]:
    return task(key, *after, run_job_task={"job_id": NO_JOB}, **settings)


def waiting(key: str, *after: str, **settings: Any) -> dict[str, Any]:
    """A task that fails, then waits ten hours for its retry."""
    return failing(key, *after, max_retries=1, min_retry_interval_millis=TEN_HOURS_MS, **settings)


def new_job(client: WorkspaceClient, *tasks: dict[str, Any], **settings: Any) -> int:
    settings = {"queue": {"enabled": False}, **settings, "tasks": list(tasks)}
    return int(client.api_client.do("POST", "/api/2.2/jobs/create", body=settings)["job_id"])


def submit(client: WorkspaceClient, *tasks: dict[str, Any], **settings: Any) -> int:
    body = {"tasks": list(tasks), **settings}
    return int(client.api_client.do("POST", "/api/2.2/jobs/runs/submit", body=body)["run_id"])


def run_now(client: WorkspaceClient, job_id: int, **settings: Any) -> int:
    return int(client.jobs.run_now(job_id, **settings).run_id)


def until(client: WorkspaceClient, run_id: int, reached: Callable[[jobs.Run], bool]) -> jobs.Run:
    limit = time.monotonic() + 300
    while not reached(run := client.jobs.get_run(run_id)):
        assert time.monotonic() < limit, f"run {run_id} stays {run.state}: {states(run)}"
        time.sleep(0.02)
    return run


def ended(client: WorkspaceClient, run_id: int) -> jobs.Run:
    return until(client, run_id, lambda run: run.end_time > 0)


def running_task(client: WorkspaceClient, run_id: int, key: str) -> int:
    """Wait until a task waits for its retry or runs; return the number of the attempt."""
    busy = {RunLifeCycleState.WAITING_FOR_RETRY, RunLifeCycleState.RUNNING}

    def latest(run: jobs.Run) -> jobs.RunTask:
        return [each for each in run.tasks if each.task_key == key][-1]

    return latest(until(client, run_id, lambda run: latest(run).state.life_cycle_state in busy)).run_id


def result(run: jobs.Run) -> str:
    return str(run.state.result_state and run.state.result_state.value)


def states(run: jobs.Run) -> dict[str, str]:
    """The result of each task's latest attempt, or what it is doing."""
    return {each.task_key: states_of(each) for each in run.tasks or ()}


def states_of(attempt: jobs.RunTask) -> str:
    return str((attempt.state.result_state or attempt.state.life_cycle_state).value)


def resolved(client: WorkspaceClient, run: jobs.Run, key: str) -> dict[str, str]:
    shown = client.jobs.get_run(run.run_id, include_resolved_values=True)
    [found] = [each for each in shown.tasks if each.task_key == key]
    return found.resolved_values.as_dict()["condition_task"]


# Order and conditions


def test_a_branch_runs_by_the_outcome_of_its_condition(client: WorkspaceClient) -> None:
    run = ended(
        client,
        submit(
            client,
            task("weekday", **condition("{{job.start_time.iso_weekday}}", "LESS_THAN_OR_EQUAL", "7")),
            task("yes", "weekday=true"),
            task("no", "weekday=false"),
            task("after_no", "no"),
            task("both", "yes", "no"),
            task("joined", "yes", "no", run_if="NONE_FAILED"),
            task("any", "yes", "no", run_if="AT_LEAST_ONE_SUCCESS"),
        ),
    )
    assert states(run) == {
        "weekday": "SUCCESS",
        "yes": "SUCCESS",
        "no": "EXCLUDED",
        "after_no": "EXCLUDED",
        "both": "EXCLUDED",
        "joined": "SUCCESS",
        "any": "SUCCESS",
    }
    assert result(run) == "SUCCESS"


def test_tasks_after_a_failure(client: WorkspaceClient) -> None:
    run = ended(
        client,
        submit(
            client,
            failing("bad"),
            task("good"),
            task("after", "bad"),
            task("far", "after"),
            task("cleanup", "far", run_if="ALL_DONE"),
            task("alarm", "bad", "good", run_if="AT_LEAST_ONE_FAILED"),
            task("all_lost", "bad", "good", run_if="ALL_FAILED"),
            task("rest", "bad", "good", run_if="AT_LEAST_ONE_SUCCESS"),
        ),
    )
    assert states(run) == {
        "bad": "FAILED",
        "good": "SUCCESS",
        "after": "UPSTREAM_FAILED",
        "far": "UPSTREAM_FAILED",
        "cleanup": "SUCCESS",
        "alarm": "SUCCESS",
        "all_lost": "EXCLUDED",
        "rest": "SUCCESS",
    }
    assert result(run) == "SUCCESS_WITH_FAILURES"
    assert run.state.life_cycle_state is RunLifeCycleState.TERMINATED
    assert run.status.termination_details.code.value == "SUCCESS_WITH_FAILURES"


def test_a_run_fails_with_its_leaf_tasks_and_names_the_culprit(client: WorkspaceClient) -> None:
    run = ended(
        client,
        submit(client, failing("late", "bad", run_if="ALL_DONE"), failing("bad"), task("after", "bad")),
    )
    assert result(run) == "FAILED"
    assert run.state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
    assert run.state.state_message == (
        f"Task bad failed with message: Job {NO_JOB} does not exist. "
        "This caused all downstream tasks to get skipped."
    )
    assert run.status.termination_details.code.value == "RUN_EXECUTION_ERROR"
    skipped = run.tasks[2]
    assert skipped.state.life_cycle_state is RunLifeCycleState.SKIPPED
    assert skipped.status.termination_details.code.value == "SKIPPED"


def test_a_condition_that_cannot_be_compared_fails(client: WorkspaceClient) -> None:
    run = ended(client, submit(client, task("a", **condition("many", "GREATER_THAN", "3"))))
    assert run.tasks[0].state.state_message == "'many' is no number, and the operator compares numbers."
    assert run.tasks[0].status.termination_details.code.value == "INVALID_RUN_CONFIGURATION"


def test_tasks_that_the_caller_leaves_out_hold_up_nothing(client: WorkspaceClient) -> None:
    job_id = new_job(client, failing("a"), task("b", "a"), task("c", "b"))
    run = ended(client, run_now(client, job_id, only=["b", "c"]))
    assert (states(run), result(run)) == ({"b": "SUCCESS", "c": "SUCCESS"}, "SUCCESS")


def test_a_disabled_task_does_not_run(client: WorkspaceClient) -> None:
    run = ended(client, submit(client, failing("a", disabled=True), task("b")))
    assert (states(run), result(run)) == ({"a": "DISABLED", "b": "SUCCESS"}, "SUCCESS")


# References


def test_references_in_job_parameters_and_tasks(client: WorkspaceClient) -> None:
    job_id = new_job(
        client,
        task("first"),
        task(
            "second",
            "first",
            **condition("{{job.parameters.label}}", "EQUAL_TO", "{{tasks.first.result_state}} {{task.name}}"),
        ),
        name="refs",
        parameters=[
            {"name": "label", "default": "{{job.name}}/{{job.id}}"},
            {"name": "given", "default": "unused"},
        ],
    )
    run = ended(client, run_now(client, job_id, job_parameters={"given": "x{{job.run_id}}"}))
    assert resolved(client, run, "second") == {"left": f"refs/{job_id}", "right": "success second"}


def test_a_wrong_reference_fails_its_task_at_once(client: WorkspaceClient) -> None:
    call = {"job_id": NO_JOB, "job_parameters": {"x": "{{job.naem}}"}}
    wrong = task("a", run_job_task=call, max_retries=3, min_retry_interval_millis=TEN_HOURS_MS)
    run = ended(client, submit(client, wrong, task("b", "a", run_if="ALL_DONE")))
    assert run.tasks[0].state.state_message == "The reference {{job.naem}} leads to nothing."
    assert states(run) == {"a": "FAILED", "b": "SUCCESS"}


def test_references_stand_in_what_a_task_does_only(client: WorkspaceClient) -> None:
    run = ended(client, submit(client, task("a", description="Not {{job.read}} here.")))
    assert (result(run), run.tasks[0].description) == ("SUCCESS", "Not {{job.read}} here.")


def test_a_reference_to_a_task_that_has_not_ended(client: WorkspaceClient) -> None:
    run_id = submit(client, waiting("a"), task("b", **condition("{{tasks.a.run_id}}", "EQUAL_TO", "1")))
    run = until(client, run_id, lambda run: states(run)["b"] == "FAILED")
    assert "no task of this name has ended" in run.tasks[1].state.state_message
    client.jobs.cancel_run(run_id)


def test_a_wrong_reference_in_a_job_parameter_fails_the_run(client: WorkspaceClient) -> None:
    job_id = new_job(client, task("a"), parameters=[{"name": "p", "default": "{{tasks.a.values.x}}"}])
    run = ended(client, run_now(client, job_id))
    assert (result(run), states(run)) == ("FAILED", {"a": "FAILED"})
    assert "task 'a'" in run.state.state_message


# Retries and timeouts


def test_each_retry_is_a_task_run_of_its_own(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    run_id = submit(client, failing("a", max_retries=2, min_retry_interval_millis=3_600_000), task("b", "a"))
    first = running_task(client, run_id, "a")
    assert states(client.jobs.get_run(run_id)) == {"a": "WAITING_FOR_RETRY", "b": "BLOCKED"}
    workspace.advance(3_600)
    until(client, run_id, lambda run: len(run.tasks) == 4 and running_task(client, run_id, "a") != first)
    workspace.advance(3_600)
    run = ended(client, run_id)
    attempts = [each for each in run.tasks if each.task_key == "a"]
    assert [each.attempt_number for each in attempts] == [0, 1, 2]
    assert len({each.run_id for each in attempts}) == 3
    assert all(later.start_time - earlier.end_time >= 3_600_000 for earlier, later in pairwise(attempts))
    assert (states(run), result(run)) == ({"a": "FAILED", "b": "UPSTREAM_FAILED"}, "FAILED")


def test_a_retry_that_succeeds_ends_well(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    child = new_job(client, task("x"), max_concurrent_runs=0)
    job_id = new_job(
        client, task("a", run_job_task={"job_id": child}, max_retries=-1, min_retry_interval_millis=3_600_000)
    )
    run_id = run_now(client, job_id)
    second = until(client, run_id, lambda run: len(run.tasks) == 2).tasks[1].run_id
    client.jobs.update(child, new_settings=jobs.JobSettings(max_concurrent_runs=1))
    workspace.advance(3_600)
    run = ended(client, run_id)
    assert [each.state.result_state.value for each in run.tasks] == ["FAILED", "SUCCESS"]
    assert (run.tasks[1].run_id, result(run)) == (second, "SUCCESS")


def test_retries_without_an_end_stop_with_the_run(client: WorkspaceClient) -> None:
    run_id = submit(client, failing("a", max_retries=-1, min_retry_interval_millis=10))
    until(client, run_id, lambda run: len(run.tasks) > 3)
    client.jobs.cancel_run(run_id)
    run = ended(client, run_id)
    count = len(run.tasks)
    time.sleep(0.1)
    assert len(client.jobs.get_run(run_id).tasks) == count
    assert result(run) == "CANCELED"


def test_a_task_that_takes_too_long_is_stopped(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    child = new_job(client, waiting("x"), max_concurrent_runs=5)
    late = task("late", run_job_task={"job_id": child}, timeout_seconds=600)
    patient = {**late, "task_key": "patient", "max_retries": 1, "retry_on_timeout": True}
    impatient = {**late, "task_key": "impatient", "max_retries": 1, "retry_on_timeout": False}
    run_id = submit(client, patient, impatient, task("alarm", "impatient", run_if="ALL_FAILED"))
    running_task(client, run_id, "patient")
    running_task(client, run_id, "impatient")
    workspace.advance(601)
    until(client, run_id, lambda run: len(run.tasks) == 4 and states(run)["patient"] == "RUNNING")
    workspace.advance(601)
    run = ended(client, run_id)
    assert Counter((each.task_key, each.state.result_state.value) for each in run.tasks) == {
        ("patient", "TIMEDOUT"): 2,
        ("impatient", "TIMEDOUT"): 1,
        ("alarm", "SUCCESS"): 1,
    }
    assert run.tasks[0].state.user_cancelled_or_timedout
    assert result(run) == "FAILED"
    children = list(client.jobs.list_runs(job_id=child))
    assert [result(each) for each in children] == ["CANCELED"] * 3


def test_a_run_that_takes_too_long_is_stopped(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    run_id = submit(client, waiting("a"), task("b", "a"), timeout_seconds=900)
    running_task(client, run_id, "a")
    workspace.advance(901)
    run = ended(client, run_id)
    assert (result(run), run.state.life_cycle_state.value) == ("TIMEDOUT", "TERMINATED")
    assert run.state.user_cancelled_or_timedout
    assert states(run) == {"a": "TIMEDOUT", "b": "UPSTREAM_FAILED"}


# Loops


def loop(key: str, inputs: str, nested: dict[str, Any], concurrency: int = 1, *after: str) -> dict[str, Any]:
    settings = {"inputs": inputs, "concurrency": concurrency, "task": nested}
    return task(key, *after, for_each_task=settings)


def iterations(client: WorkspaceClient, run: jobs.Run, key: str) -> list[jobs.RunTask]:
    [*_, found] = [each for each in run.tasks if each.task_key == key]
    return client.jobs.get_run(found.run_id).iterations or []


def iteration_states(client: WorkspaceClient, run_id: int, key: str) -> list[str]:
    return [states_of(each) for each in iterations(client, client.jobs.get_run(run_id), key)]


def test_an_iteration_for_each_input(client: WorkspaceClient) -> None:
    child = new_job(
        client,
        task("x", **condition("{{job.parameters.item}}", "NOT_EQUAL", "bad")),
        failing("worse", "x=false"),
        max_concurrent_runs=10,
        parameters=[{"name": "item", "default": "none"}, {"name": "whole", "default": "none"}],
    )
    nested = task(
        "each",
        run_job_task={"job_id": child, "job_parameters": {"item": "{{input.name}}", "whole": "{{input}}"}},
    )
    inputs = [{"name": "one"}, {"name": "bad"}, {"name": "two"}]
    run = ended(client, submit(client, loop("loop", json.dumps(inputs), nested), task("after", "loop")))
    assert states(run) == {"loop": "FAILED", "after": "UPSTREAM_FAILED"}
    assert run.tasks[0].state.state_message == "1 of 3 iterations failed."

    found = iterations(client, run, "loop")
    assert [each.state.result_state.value for each in found] == ["SUCCESS", "FAILED", "SUCCESS"]
    assert len({each.run_id for each in found} | {run.tasks[0].run_id}) == 4
    given = [run_parameters(client, each) for each in found]
    assert given == [{"item": each["name"], "whole": json.dumps(each)} for each in inputs]


def run_parameters(client: WorkspaceClient, iteration: jobs.RunTask) -> dict[str, str]:
    child = client.jobs.get_run_output(iteration.run_id).run_job_output.run_id
    return {each.name: each.value for each in client.jobs.get_run(child).job_parameters}


def test_iterations_run_side_by_side_up_to_a_limit(client: WorkspaceClient) -> None:
    job_id = new_job(
        client,
        loop("loop", "{{job.parameters.many}}", waiting("each"), 3),
        parameters=[{"name": "many", "default": "[1, 2, 3, 4, 5]"}],
    )
    run_id = run_now(client, job_id)
    running_task(client, run_id, "loop")

    def doing() -> list[str]:
        return iteration_states(client, run_id, "loop")

    busy = ["FAILED", "FAILED", "FAILED", "PENDING", "PENDING"] + ["WAITING_FOR_RETRY"] * 3
    wait_until(lambda: sorted(doing()) == sorted(busy))

    def one(state: str) -> int:
        found = iterations(client, client.jobs.get_run(run_id), "loop")
        return next(each.run_id for each in found if states_of(each) == state)

    client.jobs.cancel_run(one("PENDING"))
    assert Counter(doing()) == Counter({"FAILED": 3, "WAITING_FOR_RETRY": 3, "PENDING": 1, "CANCELED": 1})
    client.jobs.cancel_run(one("WAITING_FOR_RETRY"))
    busy = ["FAILED"] * 4 + ["CANCELED"] * 2 + ["WAITING_FOR_RETRY"] * 3
    wait_until(lambda: sorted(doing()) == sorted(busy))
    client.jobs.cancel_run(run_id)
    run = ended(client, run_id)
    assert states(run) == {"loop": "CANCELED"}
    assert set(doing()) == {"CANCELED", "FAILED"}


def wait_until(reached: Callable[[], bool]) -> None:
    limit = time.monotonic() + 300
    while not reached():
        assert time.monotonic() < limit
        time.sleep(0.02)


@pytest.mark.parametrize("inputs", ["{{job.parameters.many}}", "{{my.value}}"])
def test_inputs_that_are_no_array(client: WorkspaceClient, inputs: str) -> None:
    job_id = new_job(
        client, loop("loop", inputs, failing("each")), parameters=[{"name": "many", "default": '{"a": 1}'}]
    )
    run = ended(client, run_now(client, job_id))
    assert "are no JSON array" in run.tasks[0].state.state_message


def test_no_inputs_are_no_iterations(client: WorkspaceClient) -> None:
    run = ended(client, submit(client, loop("loop", "[]", failing("each")), task("after", "loop")))
    assert states(run) == {"loop": "SUCCESS", "after": "SUCCESS"}


def test_iterations_have_retries_of_their_own(client: WorkspaceClient) -> None:
    nested = failing("each", max_retries=1)
    after = task("after", "loop", run_if="ALL_DONE")
    run = ended(client, submit(client, loop("loop", '["a", "b"]', nested, 2), after))
    found = iterations(client, run, "loop")
    assert sorted(each.attempt_number for each in found) == [0, 0, 1, 1]
    assert result(run) == "SUCCESS_WITH_FAILURES"


def test_a_repair_runs_those_iterations_again_that_failed(client: WorkspaceClient) -> None:
    child = new_job(
        client,
        task("x", **condition("{{job.parameters.item}}", "EQUAL_TO", "{{job.parameters.good}}")),
        failing("y", "x=false"),
        max_concurrent_runs=10,
        parameters=[{"name": "item", "default": ""}, {"name": "good", "default": "1"}],
    )
    nested = task("each", run_job_task={"job_id": child, "job_parameters": {"item": "{{input}}"}})
    run = ended(client, submit(client, loop("loop", "[1, 2]", nested)))
    assert result(run) == "FAILED"
    client.jobs.update(
        child,
        new_settings=jobs.JobSettings(parameters=[jobs.JobParameterDefinition(name="good", default="2")]),
    )
    client.jobs.repair_run(run.run_id, rerun_all_failed_tasks=True)
    run = ended(client, run.run_id)
    assert result(run) == "SUCCESS"
    again = iterations(client, run, "loop")
    assert [(each.state.result_state.value, run_parameters(client, each)["item"]) for each in again] == [
        ("SUCCESS", "2")
    ]


# Jobs that run jobs


def test_a_run_job_task_hands_on_parameters_and_result(client: WorkspaceClient) -> None:
    child = new_job(
        client,
        task("x", **condition("{{job.parameters.day}} {{job.trigger.type}}", "EQUAL_TO", "1 run_job_task")),
        failing("y", "x=false"),
        parameters=[{"name": "day", "default": "0"}],
    )
    job_id = new_job(
        client, task("a", run_job_task={"job_id": child}), parameters=[{"name": "day", "default": "1"}]
    )
    run = ended(client, run_now(client, job_id))
    assert result(run) == "SUCCESS"
    run = ended(client, run_now(client, job_id, job_parameters={"day": "2"}))
    assert (result(run), states(run)) == ("FAILED", {"a": "FAILED"})
    assert "did not succeed: Task y failed with message" in run.tasks[0].state.state_message


def test_jobs_that_would_run_themselves_fail(client: WorkspaceClient) -> None:
    one = new_job(client, task("x"))
    other = new_job(client, task("y", run_job_task={"job_id": one}))
    client.jobs.reset(
        one,
        new_settings=jobs.JobSettings(
            name="one",
            tasks=[jobs.Task(task_key="x", run_job_task=jobs.RunJobTask(job_id=other))],
            max_concurrent_runs=5,
        ),
    )
    run = ended(client, run_now(client, one))
    assert result(run) == "FAILED"
    assert "would run itself" in run.state.state_message


def test_a_child_ends_with_the_task_that_runs_it(client: WorkspaceClient) -> None:
    child = new_job(client, waiting("x"))
    run_id = submit(client, task("a", run_job_task={"job_id": child}))
    attempt = running_task(client, run_id, "a")
    wait_until(lambda: len(list(client.jobs.list_runs(job_id=child, active_only=True))) == 1)
    client.jobs.cancel_run(attempt)
    assert result(ended(client, run_id)) == "CANCELED"
    assert [result(each) for each in client.jobs.list_runs(job_id=child)] == ["CANCELED"]


def test_a_child_that_is_canceled_cancels_its_task(client: WorkspaceClient) -> None:
    child = new_job(client, waiting("x"))
    call = {"job_id": child}
    run_id = submit(client, task("a", run_job_task=call, max_retries=-1, min_retry_interval_millis=1))
    running_task(client, run_id, "a")
    wait_until(lambda: len(list(client.jobs.list_runs(job_id=child, active_only=True))) == 1)
    client.jobs.cancel_all_runs(job_id=child)
    run = ended(client, run_id)
    assert (result(run), states(run), len(run.tasks)) == ("CANCELED", {"a": "CANCELED"}, 1)


# Queues


def test_a_run_too_many_is_skipped(client: WorkspaceClient) -> None:
    job_id = new_job(client, waiting("a"), max_concurrent_runs=2)
    active = [run_now(client, job_id) for _ in range(2)]
    run = ended(client, run_now(client, job_id))
    assert (result(run), run.state.life_cycle_state.value) == ("MAXIMUM_CONCURRENT_RUNS_REACHED", "SKIPPED")
    assert "limit of 2 maximum concurrent runs" in run.state.state_message
    assert run.status.termination_details.code.value == "MAX_CONCURRENT_RUNS_EXCEEDED"
    client.jobs.cancel_all_runs(job_id=job_id)
    assert [result(ended(client, each)) for each in active] == ["CANCELED", "CANCELED"]


def test_queued_runs_begin_in_their_order(client: WorkspaceClient) -> None:
    job_id = new_job(client, waiting("a"), queue={"enabled": True})
    first, *others = [run_now(client, job_id) for _ in range(4)]
    queued = [client.jobs.get_run(each) for each in others]
    assert [each.state.life_cycle_state.value for each in queued] == ["QUEUED"] * 3
    assert queued[0].status.queue_details.code.value == "MAX_CONCURRENT_RUNS_REACHED"
    assert queued[0].state.queue_reason == "Queued due to reaching maximum concurrent runs of 1."

    client.jobs.cancel_run(others[1])
    assert result(client.jobs.get_run(others[1])) == "CANCELED"
    client.jobs.cancel_run(first)
    until(client, others[0], lambda run: run.state.life_cycle_state is RunLifeCycleState.RUNNING)
    assert client.jobs.get_run(others[2]).state.life_cycle_state is RunLifeCycleState.QUEUED

    client.jobs.update(job_id, new_settings=jobs.JobSettings(max_concurrent_runs=2))
    until(client, others[2], lambda run: run.state.life_cycle_state is RunLifeCycleState.RUNNING)
    last = run_now(client, job_id)
    client.jobs.cancel_all_runs(all_queued_runs=True, job_id=job_id)
    assert result(client.jobs.get_run(last)) == "CANCELED"
    assert client.jobs.get_run(others[2]).state.life_cycle_state is RunLifeCycleState.RUNNING
    client.jobs.cancel_all_runs(job_id=job_id)


def test_a_deleted_job_takes_its_runs_along(client: WorkspaceClient) -> None:
    job_id = new_job(client, waiting("a"), queue={"enabled": True})
    runs = [run_now(client, job_id) for _ in range(3)]
    client.jobs.delete(job_id)
    assert [result(ended(client, each)) for each in runs] == ["CANCELED"] * 3


def test_a_hundred_runs_at_once_each_begin_once(client: WorkspaceClient) -> None:
    job_id = new_job(client, task("a"), failing("b", "a"), queue={"enabled": True}, max_concurrent_runs=3)

    def start(number: int) -> int:
        return run_now(client, job_id, idempotency_token=f"token-{number % 50}")

    with ThreadPoolExecutor(20) as pool:
        run_ids = list(pool.map(start, range(100)))
    assert Counter(run_ids).most_common()[0][1] == 2
    assert len(set(run_ids)) == 50
    runs = [ended(client, run_id) for run_id in sorted(set(run_ids))]
    assert {(result(run), len(run.tasks)) for run in runs} == {("FAILED", 2)}
    assert sum(1 for _ in client.jobs.list_runs(job_id=job_id)) == 50

    def active(moment: int) -> int:
        return sum(run.tasks[0].start_time <= moment < run.end_time for run in runs)

    assert max(active(run.tasks[0].start_time) for run in runs) <= 3


# Cancellation and repair


def test_cancelling_a_run_cancels_its_tasks(client: WorkspaceClient) -> None:
    run_id = submit(client, waiting("a"), task("b", "a"), task("c", "b", run_if="ALL_DONE"))
    running_task(client, run_id, "a")
    client.jobs.cancel_run(run_id)
    run = ended(client, run_id)
    assert states(run) == {"a": "CANCELED", "b": "UPSTREAM_CANCELED", "c": "UPSTREAM_CANCELED"}
    assert (result(run), run.state.state_message) == ("CANCELED", "Run cancelled.")
    assert run.state.life_cycle_state is RunLifeCycleState.TERMINATED
    assert run.state.user_cancelled_or_timedout
    assert run.status.termination_details.code.value == "USER_CANCELED"
    client.jobs.cancel_run(run_id)
    assert ended(client, run_id).end_time == run.end_time


def test_cancelling_a_task_goes_on_with_what_handles_it(client: WorkspaceClient) -> None:
    run_id = submit(
        client,
        waiting("a"),
        task("b", "a"),
        task("after_b", "b", run_if="ALL_DONE"),
        task("cleanup", "a", run_if="AT_LEAST_ONE_FAILED"),
    )
    attempt = running_task(client, run_id, "a")
    blocked = next(each.run_id for each in client.jobs.get_run(run_id).tasks if each.task_key == "b")
    client.jobs.cancel_run(blocked)
    client.jobs.cancel_run(attempt)
    run = ended(client, run_id)
    assert states(run) == {"a": "CANCELED", "b": "CANCELED", "after_b": "SUCCESS", "cleanup": "SUCCESS"}
    assert result(run) == "SUCCESS_WITH_FAILURES"


def test_a_repair_keeps_what_was_done(client: WorkspaceClient) -> None:
    job_id = new_job(
        client,
        task("good"),
        task("bad", "good", **condition("{{job.parameters.n}}", "LESS_THAN", "1")),
        task(
            "last",
            "bad",
            **condition("{{job.repair_count}} {{task.execution_count}}", "EQUAL_TO", "1 2"),
        ),
        parameters=[{"name": "n", "default": "none"}],
    )
    run = ended(client, run_now(client, job_id))
    assert states(run) == {"good": "SUCCESS", "bad": "FAILED", "last": "UPSTREAM_FAILED"}
    good = run.tasks[0]
    repair = client.jobs.repair_run(run.run_id, rerun_all_failed_tasks=True, job_parameters={"n": "0"})
    run = ended(client, run.run_id)
    assert result(run) == "SUCCESS"
    attempts = [(each.task_key, each.attempt_number, states_of(each)) for each in run.tasks]
    assert attempts == [
        ("good", 0, "SUCCESS"),
        ("bad", 0, "FAILED"),
        ("last", 0, "UPSTREAM_FAILED"),
        ("bad", 1, "SUCCESS"),
        ("last", 1, "SUCCESS"),
    ]
    assert run.tasks[-1].condition_task.outcome == "true"
    assert run.tasks[0].end_time == good.end_time
    history = client.jobs.get_run(run.run_id, include_history=True).repair_history
    assert [each.state.result_state.value for each in history] == ["FAILED", "SUCCESS"]
    assert history[1].id == repair.response.repair_id


def test_a_repair_waits_for_no_other_run(client: WorkspaceClient) -> None:
    job_id = new_job(client, waiting("a"))
    broken = run_now(client, job_id)
    running_task(client, broken, "a")
    client.jobs.cancel_run(broken)
    ended(client, broken)
    other = run_now(client, job_id)
    running_task(client, other, "a")
    client.jobs.repair_run(broken, rerun_tasks=["a"])
    running_task(client, broken, "a")
    client.jobs.cancel_all_runs(job_id=job_id)
    assert [result(ended(client, each)) for each in (broken, other)] == ["CANCELED", "CANCELED"]


# Restarts


def test_after_a_kill_runs_are_closed_and_queued_ones_go_on(own: LocalWorkspace) -> None:
    client = own.client()
    job_id = new_job(client, waiting("a"), task("b", "a"), queue={"enabled": True})
    quick = new_job(client, loop("loop", "[1]", waiting("each")), task("after", "loop"))
    child = new_job(client, waiting("x"), queue={"enabled": True})
    child_run = run_now(client, child)
    broken, queued = run_now(client, job_id), run_now(client, job_id)
    looping = run_now(client, quick)
    calling = submit(client, task("a", run_job_task={"job_id": child}))
    running_task(client, broken, "a")
    attempt = running_task(client, calling, "a")
    wait_until(lambda: iteration_states(client, looping, "loop") == ["FAILED", "WAITING_FOR_RETRY"])
    waiting_child = client.jobs.get_run_output(attempt).run_job_output.run_id
    own.kill()
    own.start()
    for run_id in (broken, looping, calling, child_run):
        run = client.jobs.get_run(run_id)
        assert run.state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
        assert result(run) == "FAILED"
        assert run.state.state_message.startswith("The workspace was stopped while this was under way")
        assert run.status.termination_details.code.value == "INTERNAL_ERROR"
        assert run.end_time > 0
    assert states(client.jobs.get_run(broken)) == {"a": "FAILED", "b": "UPSTREAM_FAILED"}
    found = iterations(client, client.jobs.get_run(looping), "loop")
    assert [(each.attempt_number, states_of(each), each.end_time > 0) for each in found] == [
        (0, "FAILED", True),
        (1, "FAILED", True),
    ]
    assert result(client.jobs.get_run(waiting_child)) == "CANCELED"

    running_task(client, queued, "a")
    own.advance(TEN_HOURS_MS / 1000)
    assert states(ended(client, queued)) == {"a": "FAILED", "b": "UPSTREAM_FAILED"}

    client.jobs.repair_run(broken, rerun_tasks=["b"])
    assert states(ended(client, broken)) == {"a": "FAILED", "b": "UPSTREAM_FAILED"}


def test_a_stop_closes_runs_and_keeps_the_queue(own: LocalWorkspace) -> None:
    client = own.client()
    job_id = new_job(client, waiting("a"), queue={"enabled": True})
    running, queued = run_now(client, job_id), run_now(client, job_id)
    running_task(client, running, "a")
    own.stop()
    stopped_ms = time.time_ns() // 1_000_000
    own.start()
    closed = client.jobs.get_run(running)
    assert closed.state.life_cycle_state is RunLifeCycleState.INTERNAL_ERROR
    # By the server that stopped: one that was killed leaves it to the next.
    assert 0 < closed.end_time <= stopped_ms
    running_task(client, queued, "a")
