import json
import os
import socket
import time
import urllib.error
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from databricks.sdk import WorkspaceClient
from databricks.sdk.clock import Clock
from databricks.sdk.core import Config
from databricks.sdk.errors import InternalError
from databricks.sdk.service.jobs import ConditionTask, ConditionTaskOp, SubmitTask, Task
from databricks_local.process import LocalWorkspace

CREATE = "/api/2.?/jobs/create"
CONDITION = ConditionTask(left="1", op=ConditionTaskOp.EQUAL_TO, right="1")


@pytest.fixture
def workspace(databricks_local: LocalWorkspace) -> Iterator[LocalWorkspace]:
    yield databricks_local
    databricks_local.clear_faults()


@pytest.fixture
def client(workspace: LocalWorkspace) -> WorkspaceClient:
    return workspace.client()


class NoWait(Clock):
    """Keeps how long a client wants to wait, and does not wait."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def create(client: WorkspaceClient, name: str) -> int | None:
    return client.jobs.create(name=name, tasks=[Task(task_key="a", condition_task=CONDITION)]).job_id


def jobs_named(client: WorkspaceClient, name: str) -> int:
    return len(list(client.jobs.list(name=name)))


def happened(workspace: LocalWorkspace) -> list[int]:
    return [fault["happened"] for fault in workspace.call("GET", "/api/databricks-local/faults")["faults"]]


def test_throttled_calls_are_repeated_by_the_client_after_the_seconds_it_was_told(
    workspace: LocalWorkspace, client: WorkspaceClient
) -> None:
    workspace.fault(route=CREATE, status=429, retry_after=30, count=1)
    clock = NoWait()
    config = Config(
        host=workspace.host, token=workspace.token, auth_type="pat", config_file=os.devnull, clock=clock
    )
    create(WorkspaceClient(config=config), "throttled")
    (slept,) = clock.slept
    # The client adds up to a second, so that many do not come back at once.
    assert 30 <= slept < 31
    assert happened(workspace) == [1]
    assert jobs_named(client, "throttled") == 1


def test_an_unavailable_service_is_asked_again(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    workspace.fault(route=CREATE, method="POST", status=503, retry_after=0, count=1)
    create(client, "unavailable")
    assert happened(workspace) == [1]
    assert jobs_named(client, "unavailable") == 1


def test_an_internal_error_ends_the_call_at_once(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    workspace.fault(route=CREATE, status=500)
    with pytest.raises(InternalError):
        create(client, "internal error")
    assert happened(workspace) == [1]
    assert jobs_named(client, "internal error") == 0


def test_a_connection_reset_before_the_call_leaves_nothing_behind(
    workspace: LocalWorkspace, client: WorkspaceClient
) -> None:
    workspace.fault(route=CREATE, reset="before", count=1)
    create(client, "reset before")
    assert happened(workspace) == [1]
    assert jobs_named(client, "reset before") == 1


def test_a_call_whose_answer_was_lost_takes_effect_twice_when_it_is_repeated(
    workspace: LocalWorkspace, client: WorkspaceClient
) -> None:
    workspace.fault(route=CREATE, reset="after", count=1)
    create(client, "reset after")
    assert happened(workspace) == [1]
    assert jobs_named(client, "reset after") == 2


def test_with_a_token_the_repeated_call_finds_the_first_run(
    workspace: LocalWorkspace, client: WorkspaceClient
) -> None:
    before = {run.run_id for run in client.jobs.list_runs()}
    workspace.fault(route="*/runs/submit", reset="after", count=1)
    waiter = client.jobs.submit(
        run_name="once",
        idempotency_token="answer lost",
        tasks=[SubmitTask(task_key="a", condition_task=CONDITION)],
    )
    assert happened(workspace) == [1]
    assert {run.run_id for run in client.jobs.list_runs()} - before == {waiter.run_id}


@pytest.mark.parametrize("reset", ["before", "after"])
def test_the_connection_is_reset_and_not_just_closed(workspace: LocalWorkspace, reset: str) -> None:
    workspace.fault(reset=reset)
    address = urlsplit(workspace.host)
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(b"GET /api/2.1/jobs/list HTTP/1.1\r\nHost: here\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            connection.recv(1)


def test_a_slow_answer_is_late_and_right(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    workspace.fault(route=CREATE, latency_ms=700)
    begun = time.monotonic()
    assert create(client, "slow")
    assert time.monotonic() - begun >= 0.7


def test_a_fault_hits_its_route_and_method_only(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    workspace.fault(route=CREATE, method="GET", status=500)
    workspace.fault(route="/api/2.?/jobs/delete", status=500)
    job_id = create(client, "spared")
    assert job_id
    with pytest.raises(InternalError):
        client.jobs.delete(job_id)
    assert happened(workspace) == [0, 1]


def test_chances_are_the_same_with_the_same_seed(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    def outcomes(seed: int) -> list[bool]:
        fault = workspace.fault(route="*/jobs/list", status=500, probability=0.4, seed=seed)
        hit = []
        for _ in range(40):
            try:
                jobs_named(client, "nobody")
                hit.append(False)
            except InternalError:
                hit.append(True)
        workspace.call("DELETE", f"/api/databricks-local/faults/{fault}")
        return hit

    first = outcomes(1)
    assert 5 < sum(first) < 35
    assert outcomes(1) == first
    assert outcomes(2) != first


def test_a_fault_ends_when_it_is_removed(workspace: LocalWorkspace, client: WorkspaceClient) -> None:
    kept, ended = (workspace.fault(route=CREATE, status=status) for status in (504, 500))
    workspace.call("DELETE", f"/api/databricks-local/faults/{ended}")
    shown = workspace.call("GET", "/api/databricks-local/faults")["faults"]
    assert [(fault["fault_id"], fault["status"], fault["route"]) for fault in shown] == [(kept, 504, CREATE)]
    workspace.clear_faults()
    assert create(client, "free again")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({}, "needs latency_ms, status or reset"),
        ({"latency_ms": -1}, "latency_ms must be"),
        ({"status": 404}, "status must be one of 429, 500, 503, 504"),
        ({"reset": "later"}, "reset must be 'before' or 'after'"),
        ({"reset": "after", "status": 500}, "not both"),
        ({"status": 500, "retry_after": 1}, "retry_after is for"),
        ({"status": 500, "probability": 0}, "probability must be"),
        ({"status": 500, "count": 0}, "count must be"),
        ({"status": 500, "chance": 1}, "unknown field 'chance'"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    workspace: LocalWorkspace, fault: dict[str, object], said: str
) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        workspace.fault(**fault)
    assert caught.value.code == 400
    assert said in json.load(caught.value)["message"]
    assert happened(workspace) == []
