"""What `make render` wrote: every environment, as an operator would read it.

A file's name begins with its environment, and names git-sync where development has it on.
"""

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

Manifest = dict[str, Any]
Labels = dict[str, str]

FOLDER = Path(__file__).parents[2] / "build" / "render"
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
NAMESPACE = "<< cookiecutter.namespace >>"
API_SERVER, STATSD, TRIGGERER_LOGS = 8080, 9125, 8794


class Workload(NamedTuple):
    """Pods of one kind: what starts them, their labels and what they are made of."""

    name: str
    kind: str
    labels: Labels
    spec: Manifest
    replicas: int

    @property
    def containers(self) -> list[Manifest]:
        return [*(self.spec.get("initContainers") or []), *self.spec["containers"]]


class Render:
    """One file, and how its parts belong together."""

    def __init__(self, name: str) -> None:
        text = (FOLDER / name).read_text(encoding="utf-8")
        self.environment = name.removesuffix(".yaml").split("-")[0]
        self.git_sync = self.environment == "prod" or "git-sync" in name
        self.manifests = [manifest for manifest in yaml.safe_load_all(text) if manifest]
        (config,) = (m for m in self.of("ConfigMap") if m["metadata"]["name"] == "airflow-config")
        self.worker_template: Manifest = yaml.safe_load(config["data"]["pod_template_file.yaml"])
        self.workloads = list(self._workloads())

    def of(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def names(self, kind: str) -> set[str]:
        return {manifest["metadata"]["name"] for manifest in self.of(kind)}

    def workload(self, component: str) -> Workload:
        (found,) = (w for w in self.workloads if w.labels.get("component") == component)
        return found

    def _workloads(self) -> Iterator[Workload]:
        for manifest in [*self.manifests, self.worker_template]:
            kind, name, spec = manifest["kind"], manifest["metadata"]["name"], manifest.get("spec")
            if kind == "Pod":
                yield Workload("worker", kind, manifest["metadata"]["labels"], spec, 1)
                continue
            if kind not in ("Deployment", "StatefulSet", "Job", "CronJob"):
                continue
            template = (spec["jobTemplate"]["spec"] if kind == "CronJob" else spec)["template"]
            labels = template["metadata"]["labels"]
            yield Workload(name, kind, labels, template["spec"], spec.get("replicas", 1))


@functools.cache
def read(name: str) -> Render:
    return Render(name)


@pytest.fixture(params=FILES)
def render(request: pytest.FixtureRequest) -> Render:
    return read(request.param)


@pytest.fixture(params=[name for name in FILES if name.startswith("dev")])
def development(request: pytest.FixtureRequest) -> Render:
    return read(request.param)


@pytest.fixture(params=[name for name in FILES if name.startswith("prod")])
def production(request: pytest.FixtureRequest) -> Render:
    return read(request.param)


def matches(selector: Manifest, labels: Labels) -> bool:
    wanted: Labels = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def allows(render: Render, source: Labels, target: Labels, port: int) -> bool:
    """Whether the network policies let pods of this namespace reach a port of others there."""
    policies = [m["spec"] for m in render.of("NetworkPolicy")]
    policies = [policy for policy in policies if matches(policy["podSelector"], target)]
    return not policies or any(
        port in [allowed["port"] for allowed in rule["ports"]]
        and any(
            "podSelector" in peer
            and "namespaceSelector" not in peer
            and matches(peer["podSelector"], source)
            for peer in rule["from"]
        )
        for policy in policies
        for rule in policy.get("ingress", [])
    )


def test_both_environments_were_rendered() -> None:
    assert {name.removesuffix(".yaml").split("-")[0] for name in FILES} == {"dev", "prod"}


def test_kubernetes_takes_every_manifest(
    render: Render, refusal_of: Callable[[Manifest], str]
) -> None:
    refused = {
        f"{manifest['kind']} {manifest['metadata']['name']}": refusal
        for manifest in [*render.manifests, render.worker_template]
        if (refusal := refusal_of(manifest))
    }
    assert not refused


def test_all_of_it_is_in_the_namespace(render: Render) -> None:
    elsewhere = {
        manifest["metadata"]["name"]
        for manifest in render.manifests
        if manifest["metadata"].get("namespace", NAMESPACE) != NAMESPACE
    }
    assert not elsewhere


def test_airflow_3_runs_in_its_parts(render: Render) -> None:
    deployments = {"api-server", "scheduler", "dag-processor", "triggerer"}
    found = {w.labels.get("component") for w in render.workloads if w.kind == "Deployment"}
    assert deployments <= found
    assert not {"webserver", "redis", "flower"} & found
    assert render.workload("run-airflow-migrations").kind == "Job"
    assert "helm.sh/hook" not in str(render.of("Job"))


def test_every_container_has_resources(render: Render) -> None:
    lacking = [
        f"{workload.name}, {container['name']}"
        for workload in render.workloads
        for container in workload.containers
        if "cpu" not in (container.get("resources") or {}).get("requests", {})
        or "memory" not in container["resources"]["requests"]
        or "memory" not in container["resources"].get("limits", {})
    ]
    assert not lacking


def test_every_pod_may_run_where_pods_are_restricted(render: Render) -> None:
    forbidden = []
    for workload in render.workloads:
        pod = workload.spec.get("securityContext", {})
        for container in workload.containers:
            security = {**pod, **container.get("securityContext", {})}
            if (
                security.get("runAsNonRoot") is not True
                or security.get("seccompProfile") != {"type": "RuntimeDefault"}
                or security.get("allowPrivilegeEscalation") is not False
                or security.get("capabilities", {}).get("drop") != ["ALL"]
                or security.get("runAsUser") == 0
            ):
                forbidden.append(f"{workload.name}, {container['name']}")
        forbidden += [
            f"{workload.name}, {volume['name']}"
            for volume in workload.spec.get("volumes", [])
            if "hostPath" in volume
        ]
    assert not forbidden


def test_what_runs_on_is_watched(render: Render) -> None:
    unwatched = [
        workload.name
        for workload in render.workloads
        if workload.kind in ("Deployment", "StatefulSet")
        and "livenessProbe" not in workload.spec["containers"][0]
    ]
    assert not unwatched
    assert "readinessProbe" in render.workload("api-server").spec["containers"][0]


def test_secrets_are_read_by_name_and_key(
    render: Render, secret_templates: dict[str, dict[str, str]]
) -> None:
    assert not render.names("Secret")
    unknown = []
    for workload in render.workloads:
        for container in workload.containers:
            for variable in container.get("env") or []:
                read = variable.get("valueFrom", {}).get("secretKeyRef")
                if read and read["key"] not in secret_templates.get(read["name"], {}):
                    unknown.append(f"{workload.name}, {variable['name']}")
            unknown += [
                f"{workload.name}, {source['secretRef']['name']}"
                for source in container.get("envFrom") or []
                if source["secretRef"]["name"] not in secret_templates
            ]
        unknown += [
            f"{workload.name}, {volume['name']}"
            for volume in workload.spec.get("volumes", [])
            if "secret" in volume and volume["secret"]["secretName"] not in secret_templates
        ]
    assert not unknown


def test_service_accounts_are_there(render: Render) -> None:
    accounts = render.names("ServiceAccount")
    used = {
        workload.spec["serviceAccountName"]
        for workload in render.workloads
        if workload.labels.get("tier") == "airflow"
    }
    bound = {
        subject["name"] for binding in render.of("RoleBinding") for subject in binding["subjects"]
    }
    assert used <= accounts
    assert bound <= accounts
    # docs/environments.md names these for the role of AWS.
    assert {"airflow-triggerer", "airflow-api-server"} <= used
    worker = render.workload("worker").spec["serviceAccountName"]
    assert worker in ("airflow-worker", "airflow-worker-kubernetes")


def test_workers_run_the_image_of_the_others(render: Render) -> None:
    images = {
        workload.spec["containers"][0]["image"]
        for workload in render.workloads
        if workload.labels.get("tier") == "airflow" and workload.labels["component"] != "statsd"
    }
    assert len(images) == 1
    assert not images.pop().endswith((":latest", ":"))


def test_services_lead_to_pods(render: Render) -> None:
    for service in render.of("Service"):
        selector = service["spec"]["selector"]
        assert any(selector.items() <= workload.labels.items() for workload in render.workloads)


def test_dags_come_from_git_where_git_sync_is_on(render: Render) -> None:
    synced = {
        workload.labels["component"]: [
            container
            for container in workload.containers
            if container["name"] in ("git-sync", "git-sync-init")
        ]
        for workload in render.workloads
        if "component" in workload.labels
    }
    assert [c["name"] for c in synced["worker"]] == ["git-sync-init"] * render.git_sync
    expected = ["git-sync-init", "git-sync"] * render.git_sync
    assert [c["name"] for c in synced["dag-processor"]] == expected
    references = {
        variable["value"]
        for containers in synced.values()
        for container in containers
        for variable in container["env"]
        if variable["name"] == "GITSYNC_REF"
    }
    assert len(references) == render.git_sync
    assert not references & {"", "HEAD"}


def test_logs_of_development_are_on_the_volume(development: Render) -> None:
    (claim,) = {
        volume["persistentVolumeClaim"]["claimName"]
        for component in ("api-server", "scheduler", "dag-processor", "triggerer", "worker")
        for volume in development.workload(component).spec["volumes"]
        if volume["name"] == "logs"
    }
    assert claim == "airflow-logs"


def test_the_database_of_development_asks_for_the_password_of_the_secret(
    development: Render,
) -> None:
    (database,) = (w for w in development.workloads if w.kind == "StatefulSet")
    (password,) = (
        variable["valueFrom"]["secretKeyRef"]
        for variable in database.spec["containers"][0]["env"]
        if variable["name"] == "POSTGRES_PASSWORD"
    )
    assert password == {"name": "airflow-metadata", "key": "postgres-password"}
    assert database.name in development.names("Service")


def test_production_stores_nothing_in_the_cluster(production: Render) -> None:
    assert not production.of("StatefulSet")
    assert not production.of("PersistentVolumeClaim")


def test_production_survives_the_loss_of_a_node(production: Render) -> None:
    budgets = [budget["spec"] for budget in production.of("PodDisruptionBudget")]
    for component in ("api-server", "scheduler", "triggerer"):
        workload = production.workload(component)
        assert workload.replicas >= 2
        (budget,) = (b for b in budgets if matches(b["selector"], workload.labels))
        assert budget["maxUnavailable"] == 1
        (spread,) = workload.spec["topologySpreadConstraints"]
        assert matches(spread["labelSelector"], workload.labels)


@pytest.mark.parametrize(
    ("source", "target", "port", "allowed"),
    [
        ("worker", "api-server", API_SERVER, True),
        ("scheduler", "api-server", API_SERVER, True),
        ("dag-processor", "api-server", API_SERVER, True),
        ("triggerer", "api-server", API_SERVER, True),
        ("worker", "statsd", STATSD, True),
        ("scheduler", "statsd", STATSD, True),
        ("api-server", "triggerer", TRIGGERER_LOGS, True),
        ("worker", "triggerer", TRIGGERER_LOGS, False),
        ("worker", "scheduler", API_SERVER, False),
    ],
)
def test_policies_of_production_let_through_what_airflow_needs(
    production: Render, source: str, target: str, port: int, allowed: bool
) -> None:
    labels = production.workload(source).labels, production.workload(target).labels
    assert allows(production, *labels, port) is allowed


def test_policies_of_production_keep_others_out(production: Render) -> None:
    for target, port in (("api-server", API_SERVER), ("statsd", STATSD)):
        labels = production.workload(target).labels
        assert not allows(production, {"app": "of somebody else"}, labels, port)


def test_the_ingress_of_production_leads_to_the_api_server_by_tls(production: Render) -> None:
    (ingress,) = production.of("Ingress")
    (rule,) = ingress["spec"]["rules"]
    (tls,) = ingress["spec"]["tls"]
    assert tls["hosts"] == [rule["host"]]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    (service,) = (s for s in production.of("Service") if s["metadata"]["name"] == backend["name"])
    assert backend["port"]["name"] in [port["name"] for port in service["spec"]["ports"]]
    assert service["spec"]["selector"]["component"] == "api-server"


def test_prometheus_finds_the_metrics_of_production(production: Render) -> None:
    (service,) = (s for s in production.of("Service") if s["metadata"]["name"] == "airflow-statsd")
    annotations = service["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert int(annotations["prometheus.io/port"]) in [p["port"] for p in service["spec"]["ports"]]


def test_production_has_its_cleaning_jobs(production: Render) -> None:
    assert production.names("CronJob") == {"airflow-cleanup", "airflow-database-cleanup"}
