"""kubectl and helm: what is in the cluster that a context names."""

import base64
import json

from .calls import Call
from .state import Answer, Cluster, Outcome, Pod, Revision, State

COMPONENTS = ("scheduler", "api-server", "dag-processor", "triggerer")


def kubectl(state: State, call: Call, outcome: Outcome) -> Answer:
    """Do what kubectl does."""
    if call.verb == "config get-contexts":
        return Answer(0 if call.words[0] in state.contexts else 1)
    cluster = state.cluster_of(call.context)
    if cluster is None:
        return Answer(1, stderr="The connection to the server was refused\n")
    if call.verb == "get":
        return _get(cluster, call)
    if call.verb in ("diff", "apply") and call.one("filename") != "-":
        return _file(cluster, call, outcome)
    if call.verb in ("create", "patch"):
        return _secret(cluster, call, outcome)
    if call.verb == "delete" and outcome == "whole":
        if call.words[0] == "jobs":
            cluster.jobs.clear()
        else:
            status = call.one("selector").rpartition("status=")[2]
            cluster.revisions = [one for one in cluster.revisions if one.status != status]
    if call.verb == "exec":
        commit = cluster.synced.pop(0) if len(cluster.synced) > 1 else cluster.synced[0]
        asked = call.words[1:] == ("readlink", "/opt/airflow/dags/repo")
        return Answer(stdout=f".worktrees/{commit}\n") if asked else Answer(126)
    return Answer(stdout=f"{call.verb} of {' '.join(call.words)}\n")


def _get(cluster: Cluster, call: Call) -> Answer:
    kind, output = (*call.words, "raw")[0], call.one("output")
    lines: list[str] = []
    if kind == "secrets" and ".metadata.resourceVersion" in output:
        lines = [f"{name} {version}" for name, version in sorted(cluster.versions.items())]
    elif kind == "secrets":
        lines = [" ".join((name, *sorted(data))) for name, data in sorted(cluster.secrets.items())]
    elif kind == "secret":
        if call.words[1] not in cluster.secrets:
            return Answer(1, stderr="Error from server (NotFound)\n")
        lines = [f"{key} {value}" for key, value in cluster.secrets[call.words[1]].items()]
    elif kind.startswith("deployment/"):
        if not cluster.revisions:
            return Answer(1, stderr="Error from server (NotFound)\n")
        values = cluster.revisions[-1].values
        tag = next(value for value in values if value.startswith("defaultAirflowTag="))
        synced = "dags.gitSync.enabled=true" in values
        containers = "dag-processor git-sync" if synced else "dag-processor"
        lines = [f"registry/airflow:{tag.partition('=')[2]}" if ".image" in output else containers]
    elif kind == "pod":
        lines = [cluster.restarted.get(call.words[1], "")]
    elif kind == "pods":
        component = call.one("selector").rpartition("component=")[2]
        pods = [pod for pod in cluster.pods if component in ("", pod.component)]
        with_component = "component" in output
        lines = [
            f"{pod.name} {pod.component} {pod.phase} {pod.ready}"
            if with_component
            else f"{pod.name} {pod.phase} {pod.ready}"
            for pod in pods
        ]
    return Answer(stdout="".join(f"{line}\n" for line in lines))


def _file(cluster: Cluster, call: Call, outcome: Outcome) -> Answer:
    name = call.one("filename")
    text = (call.project / name).read_text()
    if call.verb == "diff":
        return Answer(0 if cluster.objects.get(name) == text else 1)
    if outcome == "whole":
        cluster.objects[name] = text
    return Answer()


def _secret(cluster: Cluster, call: Call, outcome: Outcome) -> Answer:
    # What a pipe cut short is refused, as an API server refuses it.
    try:
        manifest = json.loads(call.stdin)
    except json.JSONDecodeError:
        return Answer(1, stderr="error: error parsing what came in\n")
    plain = manifest.get("stringData", {}).items()
    data = {key: base64.b64encode(text.encode()).decode() for key, text in plain}
    data |= manifest.get("data", {})
    name = call.words[1] if call.verb == "patch" else manifest["metadata"]["name"]
    if call.verb == "create" and name in cluster.secrets:
        return Answer(1, stderr="Error from server (AlreadyExists)\n")
    if "k8s/namespace.yaml" not in cluster.objects:
        return Answer(1, stderr="Error from server (NotFound): namespaces not found\n")
    if outcome == "whole":
        cluster.write_secret(name, cluster.secrets.get(name, {}) | data)
    return Answer()


def helm(state: State, call: Call, outcome: Outcome) -> Answer:
    """Do what Helm does."""
    values = tuple(call.options.get("set", []) + call.options.get("set-string", []))
    if call.verb == "template":
        return Answer(stdout="\n".join(["# rendered", *call.options["values"], *values]) + "\n")
    cluster = state.cluster_of(call.context)
    if cluster is None:
        return Answer(1, stderr="Error: Kubernetes cluster unreachable\n")
    if call.verb == "history":
        return _history(cluster)
    last = cluster.revisions[-1].status if cluster.revisions else ""
    if last.startswith("pending"):
        return Answer(1, stderr="Error: another operation is in progress\n")
    if cluster.jobs:
        return Answer(1, stderr="Error: cannot patch a Job: field is immutable\n")
    endings = {
        "whole": ("deployed", call.one("description")),
        "failed": ("failed", "Upgrade failed: timed out waiting for the condition"),
        "interrupted": ("pending-upgrade" if last else "pending-install", "Preparing upgrade"),
    }
    cluster.revisions.append(Revision(*endings[outcome], values))
    cluster.jobs.add("airflow-run-airflow-migrations")
    if outcome == "whole":
        cluster.pods = [Pod(f"airflow-{component}-1", component) for component in COMPONENTS]
        cluster.pods.append(Pod("airflow-postgresql-0", "-"))
    return Answer(stdout="NOTES: thank you\n")


def _history(cluster: Cluster) -> Answer:
    if not cluster.revisions:
        return Answer(1, stderr="Error: release: not found\n")
    last = cluster.revisions[-1]
    entry = {
        "revision": len(cluster.revisions),
        "updated": "2026-01-01T00:00:00Z",
        "status": last.status,
        "chart": "airflow-1.22.0",
        "app_version": "3.2.2",
        "description": last.description,
    }
    return Answer(stdout=json.dumps([entry], separators=(",", ":")) + "\n")
