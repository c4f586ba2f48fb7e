"""The lock: one holder, waiting, a lease that runs out."""

import threading

import boto3
import pytest
from astro_dag_deploy.errors import BusyError, StorageError
from astro_dag_deploy.model.target import Target
from astro_dag_deploy.utils import deployment_lock
from astro_dag_deploy.utils.deployment_lock import DeploymentLock
from clocks import Shortened, Standing


@pytest.fixture
def lock_of(cloud):
    def make(target=cloud.target, *, lease=3600.0, table=cloud.table):
        return DeploymentLock(table, boto3.client("dynamodb"), target, lease=lease)

    return make


@pytest.fixture
def clock(monkeypatch):
    """The clock of all locks."""
    clock = Standing()
    monkeypatch.setattr(deployment_lock, "time", clock)
    return clock


def test_one_holds_it_at_a_time_and_each_deployment_has_its_own(lock_of):
    with lock_of().held(patience=0):
        with pytest.raises(BusyError, match="Another deploy of"), lock_of().held(patience=0):
            pass
        with lock_of(Target("ws", "other")).held(patience=0):
            pass
    with lock_of().held(patience=0):
        pass


def test_who_waits_gets_it_when_it_is_free(lock_of, monkeypatch):
    order = []
    asked = threading.Event()

    class Telling(Shortened):
        @staticmethod
        def sleep(seconds):
            asked.set()
            Shortened.sleep(seconds)

    def second():
        try:
            with lock_of().held(patience=3600):
                order.append("second")
        finally:
            asked.set()

    monkeypatch.setattr(deployment_lock, "time", Telling)
    with lock_of().held(patience=0):
        thread = threading.Thread(target=second)
        thread.start()
        assert asked.wait(600)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_failure_of_the_holder_frees_it(lock_of):
    with pytest.raises(ZeroDivisionError), lock_of().held(patience=0):
        raise ZeroDivisionError
    with lock_of().held(patience=0):
        pass


def test_the_lease_of_who_was_killed_runs_out_and_is_not_his_any_more(lock_of, clock):
    killed = lock_of(lease=10)
    killed._acquire(0)
    clock.sleep(11)
    with lock_of().held(patience=0):
        with pytest.raises(BusyError, match="was lost to another deploy"):
            killed.renew()
        killed._release()
        with pytest.raises(BusyError), lock_of().held(patience=0):
            pass


def test_a_lock_that_another_had_and_freed_is_lost_too(lock_of, clock):
    slept = lock_of(lease=10)
    slept._acquire(0)
    clock.sleep(11)
    with lock_of().held(patience=0):
        pass
    with pytest.raises(BusyError, match="was lost to another deploy"):
        slept.renew()


def test_a_renewed_lease_begins_anew(lock_of, clock):
    first = lock_of(lease=10)
    with first.held(patience=0):
        clock.sleep(7)
        first.renew()
        clock.sleep(5)
        with pytest.raises(BusyError), lock_of().held(patience=0):
            pass


def test_a_table_that_is_not_there_is_a_sentence(lock_of):
    with (
        pytest.raises(StorageError, match=r"Could not lock .* in table nowhere"),
        lock_of(table="nowhere").held(patience=0),
    ):
        pass
