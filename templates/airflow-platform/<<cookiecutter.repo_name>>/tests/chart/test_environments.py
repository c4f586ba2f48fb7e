"""What each environment promises, on the values as Helm merges them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

Values = dict[str, Any]

# Where the chart takes resources, and whether it starts what takes them unless told otherwise.
COMPONENTS = {
    "apiServer": True,
    "scheduler": True,
    "scheduler.logGroomerSidecar": True,
    "dagProcessor": True,
    "dagProcessor.logGroomerSidecar": True,
    "triggerer": True,
    "triggerer.logGroomerSidecar": True,
    "workers.kubernetes": True,
    "dags.gitSync": False,
    "statsd": True,
    "pgbouncer": False,
    "pgbouncer.metricsExporterSidecar": False,
    "migrateDatabaseJob": True,
    "createUserJob": True,
    "cleanup": False,
    "databaseCleanup": False,
    "postgresql": True,
}
SECRET_NAME = re.compile(r"password|secret|token|credential|api_?key|fernet|jwt|airflow_conn", re.I)
PASSWORD_IN_ADDRESS = re.compile(r"://[^/\s:@]+:[^/\s@]+@")
# Keys whose names sound secret and whose values are the name or the key of a secret.
NAMES_ONLY = re.compile(r"(SecretName|existingSecret|adminPasswordKey|(sshKey|credentials)Secret)$")


def at(values: Values, path: str, default: Any = None) -> Any:
    found: Any = values
    for key in path.split("."):
        if not isinstance(found, dict) or key not in found:
            return default
        found = found[key]
    return found


def secrets_in(texts: list[tuple[str, str]]) -> list[str]:
    """Paths of what looks like a secret's value; an environment variable counts by its name."""
    named = {path.removesuffix(".name"): text for path, text in texts if path.endswith("].name")}
    found = []
    for path, text in texts:
        key = path.rpartition(".")[2]
        if key == "value":
            key = named.get(path.removesuffix(".value"), key)
        is_name = key in ("name", "key", "secretName") or NAMES_ONLY.search(path)
        if PASSWORD_IN_ADDRESS.search(text) or (SECRET_NAME.search(key) and not is_name):
            found.append(path)
    return found


@pytest.fixture
def production(values_of: Callable[[str], Values]) -> Values:
    return values_of("prod")


@pytest.fixture
def development(values_of: Callable[[str], Values]) -> Values:
    return values_of("dev")


def test_tasks_run_in_pods_of_their_own_without_a_broker(values: Values) -> None:
    assert values["executor"] == "KubernetesExecutor"
    assert values["redis"]["enabled"] is False


def test_every_component_that_runs_has_resources(values: Values) -> None:
    lacking = []
    for component, starts in COMPONENTS.items():
        if not at(values, f"{component}.enabled", starts):
            continue
        owner = component.rpartition(".")[0]
        if owner in COMPONENTS and not at(values, f"{owner}.enabled", COMPONENTS[owner]):
            continue
        path = f"{'postgresql.primary' if component == 'postgresql' else component}.resources"
        resources = at(values, path, {})
        for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
            if name not in resources.get(kind, {}):
                lacking.append(f"{path}.{kind}.{name}")
    assert not lacking


def test_git_sync_has_resources_and_a_secret_wherever_it_may_be_switched_on(values: Values) -> None:
    sync = values["dags"]["gitSync"]
    assert sync["resources"]["limits"]["memory"]
    assert sync["resources"]["requests"].keys() == {"cpu", "memory"}
    assert len({"credentialsSecret", "sshKeySecret"} & sync.keys()) == 1
    assert sync["ref"] == sync["branch"]


def test_secrets_are_there_by_name_only(
    values: Values, texts_of: Callable[[Any], list[tuple[str, str]]]
) -> None:
    assert not secrets_in(texts_of(values))
    for key in (
        "data.metadataSecretName",
        "fernetKeySecretName",
        "apiSecretKeySecretName",
        "jwtSecretName",
    ):
        assert at(values, key)


@pytest.mark.parametrize(
    "values",
    [
        {"env": [{"name": "AIRFLOW_CONN_X", "value": "x"}]},
        {"scheduler": {"env": [{"name": "A", "value": "postgresql://user:example@host/db"}]}},
        {"fernetKey": "x"},
        {"postgresql": {"auth": {"postgresPassword": "x"}}},
    ],
)
def test_a_secret_in_the_values_is_seen(
    values: Values, texts_of: Callable[[Any], list[tuple[str, str]]]
) -> None:
    assert len(secrets_in(texts_of(values))) == 1


def test_nothing_runs_as_root_or_may_become_root(values: Values) -> None:
    pod = values["securityContexts"]["pod"]
    assert pod["runAsNonRoot"] is True
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in (
        values["securityContexts"]["containers"],
        values["statsd"]["securityContexts"]["container"],
        values["dags"]["gitSync"]["securityContexts"]["container"],
    ):
        assert container["allowPrivilegeEscalation"] is False
        assert container["capabilities"] == {"drop": ["ALL"]}


def test_helm_can_wait_for_pods_that_wait_for_the_migrations(values: Values) -> None:
    assert values["migrateDatabaseJob"]["useHelmHooks"] is False
    assert values["createUserJob"]["enabled"] is False


def test_tasks_get_no_connection_to_the_database_of_airflow(values: Values) -> None:
    assert values["enableBuiltInSecretEnvVars"]["AIRFLOW_CONN_AIRFLOW_DB"] is False


@pytest.mark.parametrize("component", ["scheduler", "apiServer", "triggerer"])
def test_production_runs_two_of_what_must_not_stop(production: Values, component: str) -> None:
    assert production[component]["replicas"] >= 2
    budget = production[component]["podDisruptionBudget"]
    assert budget["enabled"] is True
    assert budget["config"] == {"maxUnavailable": 1}
    (spread,) = production[component]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "topology.kubernetes.io/zone"


def test_production_has_a_database_outside_of_the_cluster(production: Values) -> None:
    assert production["postgresql"]["enabled"] is False
    assert production["data"]["metadataSecretName"] == "airflow-metadata"


def test_production_keeps_its_logs_in_the_bucket_by_a_role(production: Values) -> None:
    logging = production["config"]["logging"]
    assert logging["remote_logging"] == "True"
    assert re.fullmatch(r"s3://[a-z0-9-]+/.+", logging["remote_base_log_folder"])
    assert logging["remote_log_conn_id"] == "aws_default"
    assert at(production, "logs.persistence.enabled", False) is False
    assert production["triggerer"]["persistence"]["enabled"] is False


def test_production_runs_the_dags_of_a_tag(production: Values) -> None:
    sync = production["dags"]["gitSync"]
    assert sync["enabled"] is True
    assert re.fullmatch(r"v\d+\.\d+\.\d+", sync["ref"])


def test_production_is_reached_by_tls_only(production: Values) -> None:
    ingress = production["ingress"]["apiServer"]
    assert ingress["enabled"] is True
    assert ingress["tls"]["enabled"] is True
    assert ingress["tls"]["secretName"]
    assert production["config"]["api"]["base_url"] == f"https://{ingress['host']}"
    assert "--proxy-headers" in production["apiServer"]["args"][-1]


def test_production_lets_in_only_whom_it_names(production: Values) -> None:
    assert production["networkPolicies"] == {"enabled": True}
    pods, *others = production["apiServer"]["networkPolicy"]["ingress"]["from"]
    assert pods["podSelector"]["matchLabels"] == {"tier": "airflow", "release": "airflow"}
    assert others
    assert all(peer["namespaceSelector"]["matchLabels"] for peer in others)
    assert production["statsd"]["extraNetworkPolicies"][0]["namespaceSelector"]["matchLabels"]


def test_production_is_measured(production: Values) -> None:
    assert production["statsd"]["enabled"] is True
    annotations = production["statsd"]["service"]["extraAnnotations"]
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == "9102"


def test_production_cleans_up(production: Values) -> None:
    assert production["cleanup"]["enabled"] is True
    assert production["databaseCleanup"]["enabled"] is True
    assert production["databaseCleanup"]["retentionDays"] >= 90
    executor = production["config"]["kubernetes_executor"]
    assert executor["delete_worker_pods"] == "True"
    assert executor["delete_worker_pods_on_failure"] == "True"


def test_development_keeps_failed_pods_and_no_others(development: Values) -> None:
    executor = development["config"]["kubernetes_executor"]
    assert executor["delete_worker_pods"] == "True"
    assert executor["delete_worker_pods_on_failure"] == "False"
    assert at(development, "cleanup.enabled", False) is False


def test_development_has_a_database_whose_password_is_no_value(development: Values) -> None:
    assert development["postgresql"]["enabled"] is True
    auth = development["postgresql"]["auth"]
    assert auth["existingSecret"] == development["data"]["metadataSecretName"]


def test_development_keeps_its_logs_on_the_volume(
    development: Values, setup_manifests: dict[str, list[dict[str, Any]]]
) -> None:
    (claim,) = (m for m in setup_manifests["volumes.yaml"] if m["kind"] == "PersistentVolumeClaim")
    persistence = development["logs"]["persistence"]
    assert persistence == {"enabled": True, "existingClaim": claim["metadata"]["name"]}


def test_development_runs_the_dags_of_the_image_unless_told_otherwise(development: Values) -> None:
    assert development["dags"]["gitSync"]["enabled"] is False
