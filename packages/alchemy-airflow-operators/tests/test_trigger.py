"""The trigger waits for a run whatever the network and the service do, and for no other reason."""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from itertools import count, groupby
from pathlib import Path
from pkgutil import resolve_name
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.models.trigger import Trigger as Row
from airflow.providers.common.compat.sdk import AirflowException
from airflow.triggers.base import TriggerEvent
from alchemy.operators.skyspark_bundle_operator import SkySparkBundleOperator
from alchemy.triggers.run import AlchemyRunTrigger
from databricks.sdk.service.workspace import ImportFormat
from databricks_local.process import LocalWorkspace

FILE = "/Shared/waits.py"
PROGRAM = b"""
import pathlib, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
"""
GET = "/api/2.?/jobs/runs/get"
CANCEL = "/api/2.?/jobs/runs/cancel"
POLLING_S = 0.02
LONGEST_S = 300
FIRST_TRY: Any = {"ti": SimpleNamespace(try_number=1)}

MakeTrigger = Callable[..., AlchemyRunTrigger]
Json = dict[str, Any]


class Run:
    """A run that goes on until it is told to end."""

    def __init__(self, workspace: LocalWorkspace, end: Path) -> None:
        self._workspace = workspace
        self._end = end
        task = {
            "task_key": "waits",
            "spark_python_task": {"python_file": f"/Workspace{FILE}", "parameters": [str(end)]},
            "new_cluster": {
                "spark_version": "17.3.x-scala2.13",
                "num_workers": 1,
                "node_type_id": "m5d.large",
            },
        }
        body = {"run_name": "waits", "tasks": [task]}
        self.run_id: int = workspace.call("POST", "/api/2.2/jobs/runs/submit", body)["run_id"]

    def end(self) -> None:
        """Have it end now."""
        self._end.touch()

    def shown(self) -> Json:
        """Return what the API says of it."""
        return self._workspace.call("GET", f"/api/2.2/jobs/runs/get?run_id={self.run_id}")

    def result(self) -> str:
        """Return what it came to, once it has ended."""
        latest = time.monotonic() + LONGEST_S
        while not (shown := self.shown())["end_time"]:
            assert time.monotonic() < latest
            time.sleep(0.05)
        return str(shown["state"]["result_state"])


def connect(workspace: LocalWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _, port = workspace.host.removeprefix("http://").partition(":")
    values = {"conn_type": "databricks", "schema": "http", "host": host, "port": int(port)}
    monkeypatch.setenv("AIRFLOW_CONN_DATABRICKS_DEFAULT", json.dumps({**values, "password": workspace.token}))
    workspace.client().workspace.upload(FILE, PROGRAM, format=ImportFormat.RAW, overwrite=True)


@pytest.fixture
def run(databricks_local: LocalWorkspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    connect(databricks_local, monkeypatch)
    run = Run(databricks_local, tmp_path / "end")
    yield run
    databricks_local.clear_faults()
    run.end()
    # The file must be there until it has been seen.
    run.result()


@pytest.fixture
def trigger(run: Run) -> MakeTrigger:
    """Make triggers for the run, whose hook asks once and gives up."""
    known = {"run_id": run.run_id, "databricks_conn_id": "databricks_default", "retry_limit": 1}
    return lambda **more: AlchemyRunTrigger(**{**known, "polling_period_seconds": POLLING_S, **more})


@pytest.fixture
def counted_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second passes whenever the trigger looks at the clock: once for each answer or the lack of one."""
    seconds = count()
    clock = SimpleNamespace(monotonic=lambda: float(next(seconds)), time=time.time)
    monkeypatch.setattr("alchemy.triggers.run.time", clock)


async def event_of(trigger: AlchemyRunTrigger) -> TriggerEvent:
    return await anext(trigger.run())


def first_event(trigger: AlchemyRunTrigger, then: Callable[[], None] = lambda: None) -> Json:
    """Return what the trigger yields first; do something once it waits."""

    async def waited() -> TriggerEvent:
        waiting = asyncio.create_task(event_of(trigger))
        await asyncio.sleep(10 * POLLING_S)
        await asyncio.to_thread(then)
        return await asyncio.wait_for(waiting, LONGEST_S)

    payload: Json = asyncio.run(waited()).payload
    return payload


def happened(workspace: LocalWorkspace) -> int:
    faults = workspace.call("GET", "/api/databricks-local/faults")["faults"]
    return sum(fault["happened"] for fault in faults)


def test_an_event_comes_once_the_run_has_ended(run: Run, trigger: MakeTrigger) -> None:
    def end() -> None:
        assert not run.shown()["end_time"]
        run.end()

    assert first_event(trigger(), end) == {"run_id": run.run_id, "problem": ""}
    assert run.shown()["end_time"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "retry_after": 1},
        {"status": 500},
        {"status": 503},
        {"status": 504},
        {"reset": "before"},
        {"reset": "after"},
    ],
    ids=str,
)
def test_storms_longer_than_the_retries_of_the_hook_are_outlived(
    databricks_local: LocalWorkspace, run: Run, trigger: MakeTrigger, fault: Json
) -> None:
    databricks_local.fault(route=GET, count=5, **fault)
    assert first_event(trigger(), run.end) == {"run_id": run.run_id, "problem": ""}
    assert happened(databricks_local) == 5


def test_a_service_that_is_away_for_a_while_is_outlived(
    databricks_local_factory: Callable[..., LocalWorkspace], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = databricks_local_factory()
    connect(workspace, monkeypatch)
    run = Run(workspace, tmp_path / "end")
    waiting = AlchemyRunTrigger(
        run_id=run.run_id,
        databricks_conn_id="databricks_default",
        polling_period_seconds=POLLING_S,
        retry_limit=1,
    )

    def away() -> None:
        workspace.kill()
        time.sleep(10 * POLLING_S)
        workspace.restart()

    assert first_event(waiting, away) == {"run_id": run.run_id, "problem": ""}
    assert run.shown()["end_time"]


@pytest.mark.usefixtures("counted_time")
def test_patience_ends_with_the_time_since_the_last_answer(
    databricks_local: LocalWorkspace, run: Run, trigger: MakeTrigger
) -> None:
    databricks_local.fault(route=GET, status=503)
    event = first_event(trigger(patience=5))
    assert event["run_id"] == run.run_id
    assert "gives no answer" in event["problem"]
    assert "503" in event["problem"]
    assert "may still be running" in event["problem"]
    assert happened(databricks_local) == 6
    databricks_local.clear_faults()
    assert not run.shown()["end_time"]


@pytest.mark.usefixtures("counted_time")
def test_each_answer_gives_the_service_all_patience_again(
    databricks_local: LocalWorkspace, run: Run, trigger: MakeTrigger
) -> None:
    draws = random.Random(4)
    failures = [draws.random() < 0.7 for _ in range(50)]
    streaks = [len(list(group)) for failed, group in groupby(failures) if failed]
    patience = max(streaks)
    assert sum(streaks) > 3 * patience

    def end_after_all() -> None:
        while happened(databricks_local) < sum(streaks):
            time.sleep(POLLING_S)
        run.end()

    databricks_local.fault(route=GET, status=503, probability=0.7, seed=4, count=sum(streaks))
    assert first_event(trigger(patience=patience), end_after_all)["problem"] == ""


@pytest.mark.usefixtures("run")
def test_what_the_service_refuses_is_not_asked_again(trigger: MakeTrigger) -> None:
    event = first_event(trigger(run_id=1234567))
    assert event["run_id"] == 1234567
    assert "gives no answer" in event["problem"]


def test_a_stored_trigger_is_the_same(run: Run, trigger: MakeTrigger) -> None:
    made = trigger(deadline=4102444800.5, patience=7, run_page_url="http://page", caller="A")
    row = Row.from_object(made)
    again = resolve_name(row.classpath)(**row.kwargs)
    assert type(again) is type(made)
    assert again.serialize() == made.serialize()
    assert (again.run_id, again.deadline, again.patience) == (run.run_id, 4102444800.5, 7)
    assert again.polling_period_seconds == POLLING_S
    assert first_event(again, run.end) == {"run_id": run.run_id, "problem": ""}


def test_a_run_is_canceled_at_the_deadline(run: Run, trigger: MakeTrigger) -> None:
    event = first_event(trigger(deadline=time.time() + 20 * POLLING_S))
    assert "execution_timeout and was canceled" in event["problem"]
    assert run.result() == "CANCELED"


def test_a_run_that_succeeded_before_the_deadline_was_seen_has_succeeded(
    run: Run, trigger: MakeTrigger
) -> None:
    run.end()
    assert run.result() == "SUCCESS"
    event = first_event(trigger(deadline=time.time() - 60))
    SkySparkBundleOperator(task_id="late", job_id=1).execute_complete(FIRST_TRY, event)


def test_a_run_that_cannot_be_canceled_at_the_deadline_is_told(
    databricks_local: LocalWorkspace, run: Run, trigger: MakeTrigger
) -> None:
    databricks_local.fault(route=CANCEL, status=503)
    event = first_event(trigger(deadline=time.time() + 20 * POLLING_S))
    assert "could not be canceled" in event["problem"]
    assert not run.shown()["end_time"]
    with pytest.raises(AirflowException, match="could not be canceled"):
        SkySparkBundleOperator(task_id="late", job_id=1).execute_complete(FIRST_TRY, event)


def test_a_person_who_ends_the_task_ends_the_run(
    databricks_local: LocalWorkspace, run: Run, trigger: MakeTrigger
) -> None:
    databricks_local.fault(route=CANCEL, reset="before", count=1)
    asyncio.run(trigger(retry_limit=2, retry_delay=0).on_kill())
    assert run.result() == "CANCELED"


def test_a_triggerer_that_ends_leaves_the_run_alone(run: Run, trigger: MakeTrigger) -> None:
    async def cut_off() -> None:
        waiting = asyncio.create_task(event_of(trigger()))
        await asyncio.sleep(10 * POLLING_S)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(cut_off())
    run.end()
    assert run.result() == "SUCCESS"
