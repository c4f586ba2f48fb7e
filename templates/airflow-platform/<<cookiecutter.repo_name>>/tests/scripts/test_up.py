"""`make up` on a developer's machine: what it does first, what it leaves alone, what it says."""

import base64
import os
import re
from collections.abc import Callable

import pytest
from stand_ins.machine import Fault, Machine, Slow, git
from stand_ins.state import Cluster, Revision

KEYS = ["airflow-api-secret", "airflow-fernet-key", "airflow-jwt-secret", "airflow-metadata"]
SECRETS = {
    "FERNET_KEY": base64.urlsafe_b64encode(bytes(range(200, 232))).decode(),
    "API_SECRET_KEY": "made-api-secret-key",
    "JWT_SECRET": "made-jwt-secret",
    "AIRFLOW_CONN_AWS_DEFAULT": "aws://made-id:made-secret%2Fkey@/",
    "AIRFLOW_CONN_DATABRICKS_DEFAULT": '{"conn_type": "http", "password": "made \'$`\\" token"}',
}


def the_cluster(machine: Machine) -> Cluster:
    (cluster,) = machine.state.clusters.values()
    return cluster


def decoded(cluster: Cluster, secret: str) -> dict[str, str]:
    return {key: base64.b64decode(value).decode() for key, value in cluster.secrets[secret].items()}


def setting(machine: Machine, name: str) -> str:
    """What scripts/platform.sh says of itself."""
    text = (machine.project / "scripts" / "platform.sh").read_text()
    found = re.search(rf'^readonly {name}="(.*)"$', text, re.MULTILINE)
    assert found
    return found[1]


def image(machine: Machine, tag: str) -> str:
    return f"{setting(machine, 'REGISTRY')}/{setting(machine, 'REPOSITORY')}:{tag}"


def test_first_run_does_every_step_once_in_order(machine: Machine) -> None:
    run = machine.run("up")
    assert run.code == 0, run.output
    assert run.changes == [
        "kind create cluster",
        "docker build",
        "kind load docker-image",
        "kubectl apply",
        "kubectl apply",
        *["kubectl create"] * 5,
        "kubectl delete jobs",
        "helm upgrade",
    ]
    assert the_cluster(machine).revisions[-1].status == "deployed"
    assert sorted(the_cluster(machine).secrets) == sorted([*KEYS, "airflow-connections"])
    assert (machine.project / "logs").stat().st_mode & 0o7777 == 0o1777
    assert "All is ready" in run.output


@pytest.mark.parametrize(
    "environment", [{}, {"GIT_SYNC": "on"}, SECRETS], ids=["plain", "git-sync", "secrets"]
)
def test_second_run_changes_nothing(machine: Machine, environment: dict[str, str]) -> None:
    assert machine.run("up", environment).code == 0
    again = machine.run("up", environment)
    assert (again.code, again.changes) == (0, []), again.output


def test_second_run_in_a_tree_with_changes_changes_nothing(machine: Machine) -> None:
    (machine.project / "dags" / "another.py").write_text("ONE = 1\n")
    assert machine.run("up").code == 0
    again = machine.run("up")
    assert (again.code, again.changes) == (0, []), again.output


def test_every_call_names_the_cluster_of_this_project_whatever_context_is_given(
    machine: Machine,
) -> None:
    run = machine.run("up", {"KUBE_CONTEXT": "production"})
    assert run.code == 0
    contexts = {call.context for call in run.calls if call.program in ("kubectl", "helm")}
    assert contexts == {f"kind-{setting(machine, 'PROJECT')}"}


def test_all_that_is_missing_is_named_at_once_and_nothing_is_done(machine: Machine) -> None:
    machine.lacks("kind", "helm")
    machine.state.engine = False
    run = machine.run("up", {"FERNET_KEY": "short", "GIT_USERNAME": "someone", "TAG": "a b"})
    assert run.code == 2
    for missing in ("kind", "helm", "Docker engine", "FERNET_KEY", "GIT_PASSWORD", "TAG"):
        assert missing in run.output
    assert [call.step for call in run.calls] == ["docker version"]
    assert "short" not in run.output


def test_generated_keys_fit_what_reads_them(machine: Machine) -> None:
    machine.run("up")
    cluster = the_cluster(machine)
    fernet = decoded(cluster, "airflow-fernet-key")["fernet-key"]
    assert len(base64.urlsafe_b64decode(fernet)) == 32
    assert base64.urlsafe_b64encode(base64.urlsafe_b64decode(fernet)).decode() == fernet
    assert len(decoded(cluster, "airflow-jwt-secret")["jwt-secret"]) == 64
    metadata = decoded(cluster, "airflow-metadata")
    assert f"postgres:{metadata['postgres-password']}@airflow-postgresql." in metadata["connection"]
    assert cluster.secrets["airflow-connections"] == {}


def test_two_machines_get_different_keys(make_machine: Callable[[], Machine]) -> None:
    machines = [make_machine(), make_machine()]
    for machine in machines:
        machine.run("up")
    first, second = (the_cluster(machine).secrets for machine in machines)
    assert all(first[name] != second[name] for name in KEYS)


def test_secrets_come_from_the_environment_unchanged(machine: Machine) -> None:
    machine.run("up", SECRETS)
    cluster = the_cluster(machine)
    assert decoded(cluster, "airflow-fernet-key") == {"fernet-key": SECRETS["FERNET_KEY"]}
    assert decoded(cluster, "airflow-api-secret") == {"api-secret-key": SECRETS["API_SECRET_KEY"]}
    assert decoded(cluster, "airflow-jwt-secret") == {"jwt-secret": SECRETS["JWT_SECRET"]}
    connections = {name: text for name, text in SECRETS.items() if name.startswith("AIRFLOW_CONN_")}
    assert decoded(cluster, "airflow-connections") == connections


def test_no_secret_is_an_argument_printed_traced_or_left_in_a_file(machine: Machine) -> None:
    run = machine.run("up", SECRETS, trace=True)
    again = machine.run("up", SECRETS | {"JWT_SECRET": "another-jwt-secret"}, trace=True)
    assert (run.code, again.code) == (0, 0)
    values = [*SECRETS.values(), "another-jwt-secret"]
    values += [text for name in KEYS for text in decoded(the_cluster(machine), name).values()]
    values += [base64.b64encode(text.encode()).decode() for text in values]
    said = run.output + again.output + "".join(map(str, run.calls + again.calls))
    files = [
        path for path in machine.folder.rglob("*") if path.is_file() and "call." not in str(path)
    ]
    kept = "".join(path.read_text(errors="replace") for path in files)
    for value in values:
        assert value not in said
        assert value not in kept


def test_a_key_of_the_cluster_is_never_replaced(machine: Machine) -> None:
    machine.run("up")
    before = dict(the_cluster(machine).secrets)
    run = machine.run("up", {name: SECRETS[name] for name in ("FERNET_KEY", "API_SECRET_KEY")})
    assert (run.code, run.changes) == (0, [])
    assert the_cluster(machine).secrets == before
    assert "FERNET_KEY differs" in run.output
    assert "API_SECRET_KEY differs" in run.output
    assert "JWT_SECRET differs" not in run.output


def test_force_applies_the_release_again(machine: Machine) -> None:
    machine.run("up")
    assert machine.run("up", {"FORCE": "1"}).changes == ["kubectl delete jobs", "helm upgrade"]


def test_a_changed_connection_is_brought_and_pods_are_started_anew(machine: Machine) -> None:
    machine.run("up", SECRETS)
    first = the_cluster(machine).revisions[-1]
    run = machine.run("up", {"AIRFLOW_CONN_AWS_DEFAULT": "aws://other"})
    assert run.changes == ["kubectl patch secret", "kubectl delete jobs", "helm upgrade"]
    connections = decoded(the_cluster(machine), "airflow-connections")
    assert connections["AIRFLOW_CONN_AWS_DEFAULT"] == "aws://other"
    databricks = "AIRFLOW_CONN_DATABRICKS_DEFAULT"
    assert connections[databricks] == SECRETS[databricks]

    def checksum(revision: Revision) -> str:
        return next(value for value in revision.values if "checksum/secrets" in value)

    assert checksum(the_cluster(machine).revisions[-1]) != checksum(first)


@pytest.mark.parametrize("changed", ["chart/values.yaml", "chart/values-dev.yaml"])
def test_a_changed_value_upgrades_the_release_and_nothing_else(
    machine: Machine, changed: str
) -> None:
    machine.run("up")
    with (machine.project / changed).open("a") as file:
        file.write("# changed\n")
    run = machine.run("up")
    assert run.changes == ["kubectl delete jobs", "helm upgrade"]


@pytest.mark.parametrize("changed", ["dags/another.py", "requirements.txt", "cicd/Dockerfile"])
def test_what_the_image_is_made_of_makes_another_tag(machine: Machine, changed: str) -> None:
    machine.run("up")
    with (machine.project / changed).open("a") as file:
        file.write("# changed\n")
    run = machine.run("up")
    assert run.code == 0
    assert run.changes[:2] == ["docker build", "kind load docker-image"]
    assert len(machine.state.images) == 2


def test_tag_is_the_description_of_a_clean_commit_and_the_time_otherwise(machine: Machine) -> None:
    machine.run("up")
    assert list(machine.state.images) == [image(machine, "v1.0.0")]
    (machine.project / "dags" / "another.py").write_text("ONE = 1\n")
    machine.run("up")
    tag = list(machine.state.images)[-1].rpartition(":")[2]
    assert tag.isdigit()
    assert len(tag) == 14
    git(machine.project, "add", "--all")
    git(machine.project, "commit", "--quiet", "--message=more")
    assert machine.run("up").changes == []


def test_a_tag_never_names_two_contents(machine: Machine) -> None:
    taken = image(machine, "v1.0.0")
    machine.state.images[taken] = {"inputs.sha256": "of something else"}
    run = machine.run("up")
    assert run.code == 0
    assert machine.state.images[taken] == {"inputs.sha256": "of something else"}
    assert len(machine.state.images) == 2


def test_a_named_tag_comes_from_ecr_and_is_not_built(machine: Machine) -> None:
    machine.state.registry.add("v0.9.0")
    run = machine.run("up", {"TAG": "v0.9.0"})
    assert run.code == 0, run.output
    assert run.changes[1:3] == ["docker login", "docker pull"]
    assert the_cluster(machine).images == {image(machine, "v0.9.0")}
    assert machine.state.password not in run.output + "".join(map(str, run.calls))
    assert machine.run("up", {"TAG": "v0.9.0"}).changes == []


def test_a_named_tag_that_nobody_has_says_so(machine: Machine) -> None:
    run = machine.run("up", {"TAG": "v0.9.0"})
    assert run.code == 1
    assert "neither this machine nor ECR has" in run.output


def test_a_stopped_node_is_started_and_a_lost_context_written_again(machine: Machine) -> None:
    machine.run("up")
    the_cluster(machine).running = False
    machine.state.contexts.clear()
    run = machine.run("up")
    assert run.code == 0, run.output
    assert run.changes == ["docker start", "kind export kubeconfig"]


def test_a_revision_left_pending_by_a_killed_helm_is_settled(machine: Machine) -> None:
    machine.run("up")
    the_cluster(machine).revisions.append(Revision("pending-upgrade", "Preparing upgrade", ()))
    run = machine.run("up")
    assert run.code == 0, run.output
    assert [revision.status for revision in the_cluster(machine).revisions] == ["deployed"] * 2
    assert machine.run("up").changes == []


def test_a_second_run_beside_the_first_is_refused(machine: Machine) -> None:
    (machine.project / "build").mkdir()
    (machine.project / "build" / "platform.lock").write_text(f"{os.getpid()}\n")
    run = machine.run("up")
    assert (run.code, run.changes) == (1, [])
    assert str(os.getpid()) in run.output
    (machine.project / "build" / "platform.lock").write_text("999999999\n")
    assert machine.run("up").code == 0
    assert not (machine.project / "build" / "platform.lock").exists()


def test_git_sync_needs_its_credentials_only_where_the_address_does(machine: Machine) -> None:
    run = machine.run("up", {"GIT_SYNC": "on"})
    values = the_cluster(machine).revisions[-1].values if run.code == 0 else ()
    if setting(machine, "GIT_REPO_URL").startswith("https://"):
        assert "dags.gitSync.enabled=true" in values
        assert "dags.gitSync.credentialsSecret=null" in values
        given = {"GIT_SYNC": "on", "GIT_USERNAME": "someone", "GIT_PASSWORD": "made-token"}
        assert machine.run("up", given).code == 0
        assert "made-token" in decoded(the_cluster(machine), "airflow-git-credentials").values()
        assert (
            "dags.gitSync.credentialsSecret=null" not in the_cluster(machine).revisions[-1].values
        )
    else:
        assert run.code == 1
        assert "GIT_SSH_KEY_FILE" in run.output
        key = machine.folder / "key"
        key.write_text("-----BEGIN MADE KEY-----\nabc\n-----END MADE KEY-----\n")
        given = {"GIT_SYNC": "on", "GIT_SSH_KEY_FILE": str(key)}
        assert machine.run("up", given).code == 0
        assert decoded(the_cluster(machine), "airflow-git-ssh") == {"gitSshKey": key.read_text()}
    assert machine.run("up", {"GIT_SYNC": "on"}).changes == []


def test_a_failed_upgrade_says_how_to_go_on(machine: Machine) -> None:
    steps = [call.step for call in machine.run("up").calls]
    machine.state.clusters.clear()
    machine.state.images.clear()
    run = machine.run("up", fault=Fault(steps.index("helm upgrade")))
    assert run.code == 1
    assert "`make debug` shows why" in run.output
    assert the_cluster(machine).revisions[-1].status == "failed"
    status = machine.run("status")
    assert status.code == 1
    assert "the release is failed" in status.output


def test_a_silent_command_is_said_to_be_at_work(machine: Machine) -> None:
    slow = Slow("helm upgrade", until="waiting for the pods ...")
    assert machine.run("up", {"TICK_SECONDS": "0.001"}, slow=slow).code == 0
