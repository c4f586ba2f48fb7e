"""The other verbs, in development."""

from pathlib import Path

import pytest
from stand_ins.machine import Fault, Machine, git
from stand_ins.state import Cluster, Pod


@pytest.fixture
def cluster(machine: Machine) -> Cluster:
    run = machine.run("up")
    assert run.code == 0, run.output
    (cluster,) = machine.state.clusters.values()
    return cluster


@pytest.mark.usefixtures("cluster")
def test_down_removes_the_cluster_of_this_project_and_keeps_logs(machine: Machine) -> None:
    machine.state.clusters["another"] = Cluster()
    (machine.project / "logs" / "kept.log").write_text("a line\n")
    asked = machine.run("down")
    assert (asked.code, asked.changes) == (2, [])
    run = machine.run("down", {"YES": "1"})
    assert (run.code, run.changes) == (0, ["kind delete cluster"])
    assert list(machine.state.clusters) == ["another"]
    assert (machine.project / "logs" / "kept.log").exists()
    assert machine.run("down", {"YES": "1"}).changes == []


@pytest.mark.usefixtures("cluster")
def test_down_that_failed_goes_on(machine: Machine) -> None:
    assert machine.run("down", {"YES": "1"}, fault=Fault(2)).code == 1
    assert machine.run("down", {"YES": "1"}).code == 0
    assert machine.state.clusters == {}
    assert machine.run("up").code == 0


@pytest.mark.parametrize("script", ["status", "logs", "debug", "upgrade-dags"])
def test_without_a_cluster_the_way_to_one_is_said(machine: Machine, script: str) -> None:
    run = machine.run(script)
    assert (run.code, run.changes) == (1, [])
    assert "`make up` makes it" in run.output


def test_status_names_what_is_not_ready(machine: Machine, cluster: Cluster) -> None:
    assert machine.run("status").code == 0
    # Pods of tasks come and go.
    cluster.pods.append(Pod("a-task-that-failed", "worker", "Failed", "False"))
    cluster.pods.append(Pod("a-task-that-starts", "worker", "Pending", "False"))
    fine = machine.run("status")
    assert fine.code == 0, fine.output
    assert "1 pods of failed tasks" in fine.output
    cluster.pods.append(Pod("airflow-triggerer-2", "triggerer", "Pending", "False"))
    run = machine.run("status")
    assert (run.code, run.changes) == (1, [])
    assert "not ready: airflow-triggerer-2." in run.output


@pytest.mark.usefixtures("cluster")
def test_logs_follow_a_component(machine: Machine) -> None:
    run = machine.run("logs", {"COMPONENT": "triggerer"})
    assert run.code == 0, run.output
    assert run.calls[-1].step == "kubectl logs"
    assert run.calls[-1].one("selector") == "release=airflow,component=triggerer"
    assert machine.run("logs").calls[-1].one("selector").endswith("component=scheduler")


@pytest.mark.usefixtures("cluster")
def test_logs_of_nothing_name_the_components(machine: Machine) -> None:
    run = machine.run("logs", {"COMPONENT": "webserver"})
    assert run.code == 1
    assert "api-server" in run.output


def test_debug_shows_the_pods_that_are_not_well_and_no_others(
    machine: Machine, cluster: Cluster
) -> None:
    cluster.pods.append(Pod("crashing", "scheduler", "Running", "False"))
    cluster.restarted["crashing"] = "scheduler"
    cluster.pods.append(Pod("finished", "worker", "Succeeded", "False"))
    run = machine.run("debug")
    assert (run.code, run.changes) == (0, []), run.output
    told = [call for call in run.calls if call.verb in ("describe", "logs")]
    assert [" ".join((call.verb, *call.words)) for call in told] == [
        "describe pod crashing",
        "logs crashing",
        "logs crashing",
    ]
    assert "previous" in told[-1].options
    assert "helm history" in [call.step for call in run.calls]
    other = machine.run("debug", {"COMPONENT": "triggerer"})
    assert "All pods of triggerer are well" in other.output


def test_debug_shows_the_newest_where_many_pods_have_failed(
    machine: Machine, cluster: Cluster
) -> None:
    cluster.pods += [Pod(f"task-{n}", "worker", "Failed", "False") for n in range(30)]
    run = machine.run("debug", {"COMPONENT": "worker"})
    described = [call.words[1] for call in run.calls if call.verb == "describe"]
    assert described == [f"task-{n}" for n in range(20, 30)]


def test_debug_shows_the_rest_where_one_part_is_not_to_be_had(
    machine: Machine, cluster: Cluster
) -> None:
    cluster.revisions.clear()
    run = machine.run("debug")
    assert run.code == 0
    assert "All pods are well" in run.output


@pytest.mark.usefixtures("cluster")
def test_upgrade_dags_without_git_sync_brings_a_new_image(machine: Machine) -> None:
    assert machine.run("upgrade-dags").changes == []
    (machine.project / "dags" / "another.py").write_text("ONE = 1\n")
    run = machine.run("upgrade-dags")
    assert run.code == 0, run.output
    assert run.changes == [
        "docker build",
        "kind load docker-image",
        "kubectl delete jobs",
        "helm upgrade",
    ]


def test_upgrade_dags_with_git_sync_waits_for_what_is_pushed(machine: Machine) -> None:
    machine.run("up", {"GIT_SYNC": "on"} | _key(machine))
    (cluster,) = machine.state.clusters.values()
    pushed = git(machine.project, "rev-parse", "HEAD")
    cluster.synced = ["0" * 40, pushed]
    text = (machine.project / "scripts" / "platform.sh").read_text()
    remote = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{machine.project}.insteadOf",
        "GIT_CONFIG_VALUE_0": text.partition('GIT_REPO_URL="')[2].partition('"')[0],
        "SYNC_POLL": "0.01",
    }
    branch = text.partition('GIT_BRANCH="')[2].partition('"')[0]
    git(machine.project, "update-ref", f"refs/heads/{branch}", "HEAD")
    run = machine.run("upgrade-dags", remote)
    assert (run.code, run.changes) == (0, []), run.output
    assert f"it has {pushed}" in run.output
    cluster.synced = ["0" * 40]
    late = machine.run("upgrade-dags", {**remote, "SYNC_TIMEOUT": "0"})
    assert late.code == 1
    assert "make logs COMPONENT=dag-processor" in late.output


def _key(machine: Machine) -> dict[str, str]:
    key = machine.folder / "key"
    key.write_text("a made key\n")
    return {"GIT_SSH_KEY_FILE": str(key)}


def test_image_push_pushes_a_tag_once(machine: Machine) -> None:
    run = machine.run("image-push")
    assert (run.code, run.changes) == (0, ["docker build", "docker login", "docker push"])
    assert machine.state.registry == {"v1.0.0"}
    (labels,) = machine.state.images.values()
    assert labels["platform"] == "linux/amd64"
    again = machine.run("image-push")
    assert (again.code, again.changes) == (0, [])


def test_image_push_refuses_a_release_of_what_is_not_committed(machine: Machine) -> None:
    (machine.project / "dags" / "another.py").write_text("ONE = 1\n")
    refused = machine.run("image-push", {"TAG": "v1.0.1"})
    assert (refused.code, refused.calls[1:]) == (1, [])
    assert "commit first" in refused.output
    assert machine.run("image-push").code == 0
    (tag,) = machine.state.registry or ()
    assert tag.isdigit()


def test_image_push_refuses_the_tag_of_another_commit(machine: Machine) -> None:
    (machine.project / "dags" / "another.py").write_text("ONE = 1\n")
    git(machine.project, "add", "--all")
    git(machine.project, "commit", "--quiet", "--message=more")
    run = machine.run("image-push", {"TAG": "v1.0.0"})
    assert run.code == 1
    assert "of another commit" in run.output


def test_image_push_says_how_a_repository_is_made(machine: Machine) -> None:
    machine.state.registry = None
    run = machine.run("image-push")
    assert (run.code, run.changes) == (1, [])
    assert "aws ecr create-repository" in run.output


def test_image_push_that_failed_goes_on(machine: Machine) -> None:
    steps = [call.step for call in machine.run("image-push").calls]
    for nth in range(len(steps)):
        machine.state.registry = set()
        assert machine.run("image-push", fault=Fault(nth)).code in (1, 2)
        assert machine.run("image-push").code == 0
        assert machine.state.registry == {"v1.0.0"}


def test_render_writes_each_environment_without_a_cluster(machine: Machine) -> None:
    machine.lacks("docker", "kind", "kubectl", "aws")
    run = machine.run("render", {"TAG": "v9", "GIT_TAG": "v8"})
    assert (run.code, run.changes) == (0, []), run.output
    rendered = machine.project / "build" / "render"
    texts = {path.name: path.read_text() for path in rendered.iterdir()}
    assert sorted(texts) == ["dev-git-sync.yaml", "dev.yaml", "prod.yaml"]
    assert all("defaultAirflowTag=v9" in text for text in texts.values())
    assert "dags.gitSync" not in texts["dev.yaml"]
    assert "dags.gitSync.enabled=true" in texts["dev-git-sync.yaml"]
    assert "dags.gitSync.ref=v8" in texts["prod.yaml"]
    assert "chart/values-prod.yaml" in texts["prod.yaml"]


def test_a_render_that_fails_leaves_the_file_as_it_was(machine: Machine) -> None:
    rendered = machine.project / "build" / "render"
    machine.run("render", {"TAG": "v1"})
    assert machine.run("render", {"TAG": "v2"}, fault=Fault(1)).code == 1
    assert "v2" in (rendered / "dev.yaml").read_text()
    assert "v1" in (rendered / "dev-git-sync.yaml").read_text()


def test_the_checksum_covers_all_that_the_dockerfile_takes_in(machine: Machine) -> None:
    text = (machine.project / "scripts" / "image.sh").read_text()
    inputs = text.partition("IMAGE_INPUTS=(")[2].partition(")")[0].split()
    instructions = (machine.project / "cicd" / "Dockerfile").read_text().replace("\\\n", " ")
    taken = [
        word.rstrip("/")
        for line in instructions.splitlines()
        if line.startswith(("COPY ", "ADD "))
        for word in line.split()[1:-1]
        if not word.startswith("--")
    ]
    assert taken
    assert [word for word in taken if Path(word).parts[0] not in inputs] == []
