"""Several deploys of one deployment at once, wherever they meet: each set is whole, and in the bundle."""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from astro_dag_deploy import main
from astro_dag_deploy.model import dag_deploy
from astro_dag_deploy.model.astro import AstroDeploy
from astro_dag_deploy.services import Services
from astro_dag_deploy.utils import deployment_lock
from clocks import Standing
from fault_proxy import has_effect
from killing import Victim
from scene import OTHER, Invocation


def users_of(number):
    return {"users/dag.py": f"U = {number}\n", "users/q.sql": f"select {number}"}


def next_users_event(scene):
    scene.next_event()
    return scene.cloud.event("users", users_of(scene.number)), users_of(scene.number)


def carry_out(event):
    # Who waits for another must not give up, however slow the machine is.
    return main.handler(event, Invocation(600.0))


def meet(scene, call, first, second, carry_out_first=carry_out, carry_out_second=carry_out):
    """Carry out a request that is held up at a call until another is done or waits; return both answers."""
    answers = []
    begun, met = threading.Event(), threading.Event()

    def come():
        answers.append(carry_out_second(second))
        met.set()

    thread = threading.Thread(target=come)

    def before(name):
        if name == call and not begun.is_set():
            begun.set()
            thread.start()
            assert met.wait(600)

    def after(name, status):
        if begun.is_set() and " PutItem lock " in name and status == 400:
            met.set()

    scene.proxy.forget()
    scene.proxy.before, scene.proxy.after = before, after
    with scene.several():
        answers.insert(0, carry_out_first(first))
        assert begun.is_set(), f"{call} was not made"
        thread.join(600)
    scene.proxy.forget()
    return answers


def test_two_repositories_that_meet_at_any_change_are_both_in_the_bundle(scene):
    for call in filter(has_effect, scene.calls()):
        users, theirs = next_users_event(scene)
        answers = meet(scene, call, scene.next_event(), users)
        assert [answer["statusCode"] for answer in answers] == [200, 200], (call, answers)
        scene.assert_has(scene.files(), theirs)


def test_two_deploys_of_a_repository_that_meet_at_any_change_leave_one_set(scene):
    for call in filter(has_effect, scene.calls()):
        answers = meet(scene, call, scene.next_event(), scene.next_event())
        assert [answer["statusCode"] for answer in answers] == [200, 200], (call, answers)
        seen = scene.by_manifests()
        assert seen in [{**OTHER, **scene.files(number)} for number in (scene.number - 1, scene.number)], call
        assert scene.cloud.bundle() == seen, call


@pytest.mark.parametrize("repo", ["orders", "users"])
def test_who_sleeps_past_the_end_of_a_lease_takes_nothing_from_who_came_after(scene, repo):
    calls = scene.calls()
    lock, *_, renewal = (index for index, call in enumerate(calls) if " PutItem lock " in call)
    *_, deployed = (index for index, call in enumerate(calls) if call.startswith("Astro"))
    assert not any(call.startswith("S3") for call in calls[renewal:deployed]), calls
    previous, theirs = scene.files(), OTHER
    for index, call in enumerate(calls):
        if repo == "users" and not (has_effect(call) and lock < index <= renewal):
            continue
        if " versionId=" in call:
            # Of the files of the bundle one is as good as the manifest that names them.
            continue
        if renewal < index <= deployed:
            # Astro knows no condition: what guards it is that the lease lasts longer, see the test below.
            continue
        if call.startswith("S3 POST"):
            # Who slept just before left no file that is to be hidden.
            scene.calls()
            previous = scene.files()
        first, ours = scene.next_event(), scene.files()
        if repo == "orders":
            second, left = scene.next_event(), [scene.files()]
        else:
            second, theirs = next_users_event(scene)
            left = [previous, ours]
        if index <= lock:
            left = [ours]
        slept, answer = sleep_at(scene, call, first, second)
        assert answer["statusCode"] == 200, (call, answer)
        lost = lock < index <= renewal
        assert slept["statusCode"] in ((409, 503) if lost else (200,)), (call, slept)
        seen, bundle = scene.by_manifests(), scene.cloud.bundle()
        assert seen in [{**theirs, **files} for files in left], (call, seen)
        assert bundle in [{**theirs, **files} for files in left], (call, bundle)
        previous = {path: seen[path] for path in seen if path not in theirs}


def sleep_at(scene, call, first, second):
    """Carry out a request that sleeps at a call while another comes and goes; return both answers."""
    answers = []
    begun = threading.Event()

    def before(name):
        if name == call and not begun.is_set():
            begun.set()
            scene.let_time_pass()
            answers.append(carry_out(second))

    scene.proxy.forget()
    scene.proxy.before = before
    with scene.several():
        answers.insert(0, carry_out(first))
    scene.proxy.forget()
    assert begun.is_set(), f"{call} was not made"
    return answers


class LookingDeployer:
    """Takes the lock's lease down as it is asked to deploy."""

    def __init__(self, scene, clock):
        self._scene = scene
        self._clock = clock

    def deploy(self, project, *, seconds, **_):
        self.seconds = seconds
        self.left = Invocation().get_remaining_time_in_millis() / 1000
        (expires_at,) = self._scene.instants("expires_at")
        self.lease = expires_at - self._clock.time()
        return AstroDeploy("version")


def test_the_lease_and_the_function_outlast_the_time_that_astro_is_given(scene, monkeypatch):
    clock = Standing()
    deployer = LookingDeployer(scene, clock)
    monkeypatch.setattr(Services, "deployer", lambda *_: deployer)
    for module in (dag_deploy, deployment_lock):
        monkeypatch.setattr(module, "time", clock)
    # Each file that is assembled takes a second.
    scene.proxy.before = lambda call: clock.sleep(1.0 if call.startswith("S3 GET dags/") else 0)
    end = clock.monotonic() + 100
    monkeypatch.setattr(
        Invocation, "get_remaining_time_in_millis", lambda _: int((end - clock.monotonic()) * 1000)
    )
    with scene.by_proxy():
        answer = main.handler(scene.next_event(), Invocation())
    assert answer["statusCode"] == 200, answer
    assert clock.monotonic() > end - 99
    assert deployer.seconds < deployer.lease
    assert deployer.seconds < deployer.left - main._FOR_THE_END + 0.5


@pytest.mark.parametrize("seed", range(3))
def test_deploys_at_random_moments_all_take_effect(scene, seed):
    moments = random.Random(seed)
    for _ in range(2):
        scene.proxy.before = lambda call: time.sleep(moments.uniform(0, 0.01))
        users, theirs = next_users_event(scene)
        events = [scene.next_event(), users, scene.next_event()]
        with scene.several(), ThreadPoolExecutor(len(events)) as pool:
            answers = list(pool.map(carry_out, events))
        assert [answer["statusCode"] for answer in answers] == [200, 200, 200], answers
        seen = scene.by_manifests()
        assert seen in [{**theirs, **scene.files(number)} for number in (scene.number - 1, scene.number)]
        assert scene.cloud.bundle() == seen


def test_two_processes_that_meet_both_take_effect(scene):
    with Victim() as one, Victim() as other:

        def by(victim):
            return lambda event: victim.handle(event, {**os.environ, **scene.environment()})

        for call in scene.calls():
            if "/finalize" in call or "PUT manifests" in call:
                users, theirs = next_users_event(scene)
                answers = meet(scene, call, scene.next_event(), users, by(one), by(other))
                assert [answer["statusCode"] for answer in answers] == [200, 200], (call, answers)
                scene.assert_has(scene.files(), theirs)
