"""Deploys in any order, with conflicts, failures and kills, against a model of two dictionaries."""

import itertools
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from astro_dag_deploy import main
from astro_dag_deploy.model.target import Target
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from scene import Invocation, by_manifests, let_time_pass
from urllib3.connectionpool import HTTPConnectionPool

EXAMPLES = 4
REPOSITORIES = st.sampled_from(["orders", "orders.x", "users"])
# Two have one DAG id, one is a folder of others.
PATHS = ["a.py", "b.py", "c", "c/d.py", "c.d.py", "c/q.sql", "q.sql"]


class Killed(BaseException):
    """Nobody catches it, and nothing that is done on its way out reaches anybody."""


@contextmanager
def killed_at(moment):
    """Kill the function before (even) or after (odd) one of its calls; yield whether that happened."""
    number, after = divmod(moment, 2)
    made = itertools.count()
    dead = threading.Event()
    urlopen = HTTPConnectionPool.urlopen

    def killing(*arguments, **options):
        last = next(made) == number
        if dead.is_set() or (last and not after):
            dead.set()
            raise Killed
        answer = urlopen(*arguments, **options)
        if last:
            dead.set()
            raise Killed
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HTTPConnectionPool, "urlopen", killing)
        yield dead


def dag_ids(files):
    return {path.removesuffix(".py").replace("/", ".") for path in files if path.endswith(".py")}


def folders(files):
    return {path[:index] for path in files for index in range(len(path)) if path[index] == "/"}


def go_together(one, other):
    return not (
        one.keys() & other.keys()
        or folders(one) & other.keys()
        or folders(other) & one.keys()
        or dag_ids(one) & dag_ids(other)
    )


def is_a_set(files):
    pythons = [path for path in files if path.endswith(".py")]
    return len(dag_ids(files)) == len(pythons) and not folders(files) & files.keys() and bool(pythons)


SETS = st.dictionaries(st.sampled_from(PATHS), st.sampled_from(["X = 1\n", "X = 2\n"]), max_size=4).filter(
    is_a_set
)
WRONGS = st.one_of(st.none(), st.just("Astro refuses"), st.integers(0, 70))


def test_the_bundle_is_the_union_of_the_sets_whatever_happens(cloud, monkeypatch):
    names = (f"{cloud.target.deployment}x{number}" for number in range(100))
    targets = [Target(cloud.target.workspace, name) for name in names]
    monkeypatch.setenv("ALLOWED_DEPLOYMENTS", ",".join(map(str, targets)))
    main._services.cache_clear()
    storage, dynamodb = cloud.storage, cloud.dynamodb

    class Deployment(RuleBasedStateMachine):
        def __init__(self):
            super().__init__()
            self.cloud = replace(cloud, target=targets.pop())
            target = self.cloud.target
            cloud.astro.add_deployment(target.deployment, workspace=target.workspace)
            self.sets = {}
            self.bundle = {}

        @rule(repo=REPOSITORIES, files=SETS, wrong=WRONGS)
        def deploy(self, repo, files, wrong):
            self.carry_out(repo, files, self.cloud.event(repo, files), wrong)

        @rule(repo=REPOSITORIES, wrong=WRONGS)
        def remove_all(self, repo, wrong):
            event = self.cloud.event(repo, {})
            event["body"]["remove_all"] = f"remove every DAG of {repo}"
            self.carry_out(repo, {}, event, wrong)

        @precondition(lambda self: any(len(files) > 1 for files in self.sets.values()))
        @rule(data=st.data())
        def move_a_file(self, data):
            repo = data.draw(
                st.sampled_from(sorted(repo for repo, files in self.sets.items() if len(files) > 1))
            )
            path = data.draw(st.sampled_from(sorted(self.sets[repo])))
            left, moved = (
                {**self.sets[repo]},
                {"m.py": "", **self.sets.get("mover", {}), path: self.sets[repo][path]},
            )
            del left[path]
            if is_a_set(left) and is_a_set(moved):
                self.carry_out("mover", moved, self.cloud.event("mover", moved), None)
                self.carry_out(repo, left, self.cloud.event(repo, left), None)
                self.carry_out("mover", moved, self.cloud.event("mover", moved), None)

        def carry_out(self, repo, files, event, wrong):
            others = [theirs for other, theirs in self.sets.items() if other != repo]
            if isinstance(wrong, int):
                self.kill(repo, files, event, wrong, others)
            else:
                cloud.astro.refuse_next(400, times=int(wrong is not None))
                answer = main.handler(event, Invocation())
                cloud.astro.refuse_next(400, times=0)
                self.expect(repo, files, answer, others, refused=wrong is not None)
            assert by_manifests(storage, self.cloud.target) == self.union()
            assert self.cloud.bundle() == self.bundle

        def kill(self, repo, files, event, moment, others):
            try:
                with killed_at(moment) as dead:
                    answer = main.handler(event, Invocation())
            except Killed:
                let_time_pass(dynamodb, cloud.table)
            else:
                assert not dead.is_set()
                self.expect(repo, files, answer, others)
                return
            if all(go_together(files, theirs) for theirs in others):
                before = self.union()
                had = self.sets.get(repo)
                self.sets[repo] = files
                if by_manifests(storage, self.cloud.target) == before != self.union():
                    self.sets[repo] = had or {}
                elif self.cloud.bundle() != self.bundle:
                    self.bundle = self.union()

        def expect(self, repo, files, answer, others, *, refused=False):
            if not all(go_together(files, theirs) for theirs in others):
                assert (answer["statusCode"], answer["body"]["error"]) == (409, "conflict"), answer
                return
            self.sets[repo] = files
            if refused:
                assert (answer["statusCode"], answer["body"]["uploaded"]) == (502, True), answer
            else:
                assert answer["statusCode"] == 200, answer
                self.bundle = self.union()

        def union(self):
            return {path: text for files in self.sets.values() for path, text in files.items()}

    run_state_machine_as_test(
        Deployment,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=10,
            derandomize=True,
            database=None,
            # To make a failure small takes minutes, and it is small.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
