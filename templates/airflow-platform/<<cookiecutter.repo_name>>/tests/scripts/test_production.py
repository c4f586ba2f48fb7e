"""`make up ENVIRONMENT=prod`: it makes nothing but the release, and only what was named."""

import os
import pty

import pytest
from stand_ins.machine import Fault, Machine, git
from stand_ins.state import Cluster, Revision

NAMED = {
    "ENVIRONMENT": "prod",
    "KUBE_CONTEXT": "production",
    "TAG": "v1.0.0",
    "GIT_TAG": "v1.0.0",
}
CONFIRMED = {**NAMED, "YES": "1"}
SECRETS = {
    "airflow-metadata": ["connection"],
    "airflow-fernet-key": ["fernet-key"],
    "airflow-api-secret": ["api-secret-key"],
    "airflow-jwt-secret": ["jwt-secret"],
    "airflow-connections": [],
    "airflow-git-ssh": ["gitSshKey"],
    "airflow-git-credentials": [
        "GIT_SYNC_USERNAME",
        "GIT_SYNC_PASSWORD",
        "GITSYNC_USERNAME",
        "GITSYNC_PASSWORD",
    ],
}


@pytest.fixture
def production(machine: Machine) -> Cluster:
    machine.state.contexts.add("production")
    cluster = machine.state.remote["production"] = Cluster()
    for name, keys in SECRETS.items():
        cluster.write_secret(name, dict.fromkeys(keys, "made"))
    machine.state.registry = {"v1.0.0"}
    return cluster


def test_only_the_release_is_made_and_a_second_run_changes_nothing(
    machine: Machine, production: Cluster
) -> None:
    run = machine.run("up", CONFIRMED)
    assert run.code == 0, run.output
    assert run.changes == ["kubectl delete jobs", "helm upgrade"]
    assert {call.program for call in run.calls} == {"aws", "kubectl", "helm"}
    assert {call.context for call in run.calls} == {"", "production"}
    values = production.revisions[-1].values
    assert {"dags.gitSync.ref=v1.0.0", "dags.gitSync.branch=v1.0.0"} <= set(values)
    again = machine.run("up", NAMED)
    assert (again.code, again.changes) == (0, []), again.output


def test_all_that_is_not_named_is_said_at_once(machine: Machine) -> None:
    (machine.project / "dags" / "another.py").write_text("ONE = 1\n")
    machine.lacks("aws")
    run = machine.run("up", {"ENVIRONMENT": "prod"})
    assert (run.code, run.calls) == (2, [])
    for missing in ("KUBE_CONTEXT", "GIT_TAG", "TAG, the image's", "program aws"):
        assert missing in run.output


def test_all_secrets_that_are_missing_are_named_at_once(
    machine: Machine, production: Cluster
) -> None:
    del production.secrets["airflow-fernet-key"]
    production.secrets["airflow-metadata"] = {"uri": "made"}
    run = machine.run("up", CONFIRMED)
    assert (run.code, run.changes) == (1, [])
    assert "- airflow-fernet-key with fernet-key" in run.output
    assert "- airflow-metadata with connection" in run.output
    assert "airflow-jwt-secret" not in run.output


@pytest.mark.usefixtures("production")
def test_an_image_that_ecr_lacks_is_refused(machine: Machine) -> None:
    run = machine.run("up", {**CONFIRMED, "TAG": "v2.0.0"})
    assert (run.code, run.changes) == (1, [])
    assert "make image-push TAG=v2.0.0" in run.output


@pytest.mark.usefixtures("production")
def test_a_tag_that_git_lacks_is_refused(machine: Machine) -> None:
    text = (machine.project / "scripts" / "platform.sh").read_text()
    address = text.partition('GIT_REPO_URL="')[2].partition('"')[0]
    remote = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{machine.project}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }
    refused = machine.run("up", {**CONFIRMED, **remote, "GIT_TAG": "v1.0.1"})
    assert (refused.code, refused.changes) == (1, [])
    assert "has no tag v1.0.1" in refused.output
    git(machine.project, "tag", "v1.0.1")
    assert machine.run("up", {**CONFIRMED, **remote, "GIT_TAG": "v1.0.1"}).code == 0


def test_nothing_is_done_before_somebody_confirms(machine: Machine, production: Cluster) -> None:
    run = machine.run("up", NAMED)
    assert (run.code, run.changes) == (2, [])
    assert "YES=1" in run.output
    for said, code in (("n\n", 1), ("y\n", 0)):
        ours, theirs = pty.openpty()
        os.write(ours, said.encode())
        run = machine.run("up", NAMED, stdin=theirs)
        os.close(ours)
        os.close(theirs)
        assert run.code == code
        assert "production" in run.output
        assert (len(production.revisions) == 1) is (said == "y\n")


def test_each_call_fails_once_and_the_next_run_succeeds(
    machine: Machine, production: Cluster
) -> None:
    steps = [call.step for call in machine.run("up", CONFIRMED).calls]
    for nth in range(len(steps)):
        production.revisions.clear()
        production.jobs.clear()
        failed = machine.run("up", CONFIRMED, fault=Fault(nth))
        assert failed.code == 1, (steps[nth], failed.output)
        assert "error: " in failed.output
        again = machine.run("up", CONFIRMED)
        assert again.code == 0, (steps[nth], again.output)
        assert production.revisions[-1].status == "deployed"


def test_an_upgrade_that_may_be_somebody_elses_is_left_alone(
    machine: Machine, production: Cluster
) -> None:
    production.revisions.append(Revision("pending-upgrade", "Preparing upgrade", ()))
    run = machine.run("up", CONFIRMED)
    assert (run.code, run.changes) == (1, [])
    assert "helm rollback" in run.output


def test_rotated_secrets_start_the_pods_anew(machine: Machine, production: Cluster) -> None:
    machine.run("up", CONFIRMED)
    production.write_secret("airflow-jwt-secret", {"jwt-secret": "made"})
    assert machine.run("up", CONFIRMED).changes == ["kubectl delete jobs", "helm upgrade"]


def test_dags_of_another_tag_keep_the_image(machine: Machine, production: Cluster) -> None:
    machine.run("up", CONFIRMED)
    environment = {**CONFIRMED, "TAG": "", "GIT_TAG": "v1.1.0"}
    run = machine.run("upgrade-dags", environment)
    assert run.code == 0, run.output
    assert run.changes == ["kubectl delete jobs", "helm upgrade"]
    values = production.revisions[-1].values
    assert {"defaultAirflowTag=v1.0.0", "dags.gitSync.ref=v1.1.0"} <= set(values)
    assert machine.run("upgrade-dags", environment).changes == []


@pytest.mark.usefixtures("production")
def test_down_is_refused(machine: Machine) -> None:
    run = machine.run("down", CONFIRMED)
    assert (run.code, run.calls) == (2, [])


@pytest.mark.parametrize("script", ["status", "logs", "debug"])
@pytest.mark.usefixtures("production")
def test_what_only_looks_needs_neither_docker_nor_kind(machine: Machine, script: str) -> None:
    machine.run("up", CONFIRMED)
    machine.lacks("docker", "kind", "aws")
    run = machine.run(script, NAMED)
    assert (run.code, run.changes) == (0, []), run.output
