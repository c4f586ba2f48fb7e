"""The process is killed before and after each call: bucket and Astro have a whole set each."""

import os

import boto3
import pytest
from fault_proxy import Wrong, has_effect
from killing import Victim


@pytest.fixture(scope="module")
def victim(aws):
    with Victim() as victim:
        yield victim


def kill_at(scene, victim, event, call, moment):
    """Carry a request out, and kill who does so just before or after a call."""

    def hit(name, *_):
        if name == call:
            victim.kill()

    scene.proxy.forget()
    setattr(scene.proxy, moment, hit)
    if moment == "before":
        scene.proxy.rule = lambda name, _: Wrong.RESET if name == call else None
    answer = victim.handle(event, {**os.environ, **scene.environment()})
    scene.proxy.forget()
    assert answer is None, f"{call} was not made: {answer}"


def test_a_deploy_that_is_killed_before_a_call_leaves_whole_sets(scene, victim):
    for call in scene.calls():
        event = scene.next_event()
        kill_at(scene, victim, event, call, "before")
        scene.assert_whole(call, None)
        scene.assert_recovers(call, event)


def test_a_deploy_that_is_killed_after_a_call_leaves_whole_sets(scene, victim):
    # After one that changes nothing is before the next.
    for call in filter(has_effect, scene.calls()):
        event = scene.next_event()
        kill_at(scene, victim, event, call, "after")
        scene.assert_whole(call, None)
        scene.assert_recovers(call, event, anew=True)


def test_a_refused_request_that_is_killed_changes_nothing(scene, victim, monkeypatch):
    boto3.client("ses").verify_email_identity(EmailAddress="from@example.com")
    monkeypatch.setenv("MAIL_FROM", "from@example.com")
    monkeypatch.setenv("MAIL_TO", "team@example.com")
    bad = scene.cloud.event("orders", {"orders/broken.py": "1 +\n"}, requestId="broken")
    scene.proxy.forget()
    assert scene.handle(bad)["statusCode"] == 400
    calls = list(scene.proxy.calls)
    assert "SES SendEmail #1" in calls
    for call in calls:
        for moment in ("before", "after"):
            kill_at(scene, victim, {**bad, "requestId": f"{call}-{moment}".replace(" ", "")}, call, moment)
    scene.assert_has(scene.files())


def test_another_repository_waits_for_the_lease_of_who_was_killed(scene, victim):
    (call,) = (name for name in scene.calls() if name.endswith("/finalize #1"))
    orders = scene.next_event()
    kill_at(scene, victim, orders, call, "before")
    users = scene.cloud.event("users", {"users/new.py": "NEW = 1\n"})
    answer = scene.handle(users)
    assert (answer["statusCode"], answer["body"]["error"]) == (503, "busy")
    assert set(scene.cloud.bundle()) == {"users/dag.py", "users/q.sql", *scene.files(scene.number - 1)}
    scene.let_time_pass()
    # The set of who was killed was stored, so it comes along.
    assert scene.handle(users)["statusCode"] == 200
    assert scene.cloud.bundle() == {"users/new.py": "NEW = 1\n", **scene.files()}
