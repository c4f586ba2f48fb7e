"""Every key of a values file is one that the chart has, where the chart has it."""

import difflib
import functools
import runpy
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "chart"
VALUES_FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
CHART: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "chart_keys.yaml").read_text(encoding="utf-8")
)
PLAIN = {"string": str, "integer": int, "boolean": bool, "list": list}


def shape(named: Any) -> Any:
    """The keys of a mapping with those of the shapes that it uses; what is no mapping, as it is."""
    if isinstance(named, str) and named in CHART["shapes"]:
        named = CHART["shapes"][named]
    if not isinstance(named, dict):
        return named
    keys: dict[str, Any] = {}
    for used in named.get("use", []):
        keys |= shape(used)
    return keys | {key: kind for key, kind in named.items() if key != "use"}


def paths(keys: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for key, kind in keys.items():
        found.append(prefix + key)
        if isinstance(inner := shape(kind), dict):
            found += paths(inner, f"{prefix}{key}.")
    return found


KEYS: dict[str, Any] = shape(CHART["keys"])
PATHS = paths(KEYS)


def placed(kind: str, value: Any) -> dict[str, Any]:
    """A manifest of Kubernetes that is right but for the value, where the chart would put it."""
    resource, _, field = kind.partition(".")
    api, spec = "v1", {}
    match resource:
        case "Pod":
            spec = {"containers": [{"name": "a", "image": "a"}], field: value}
        case "Container":
            resource = "Pod"
            spec = {"containers": [{"name": "a", "image": "a", field: value}]}
        case "EmptyDir":
            resource = "Pod"
            spec = {
                "containers": [{"name": "a", "image": "a"}],
                "volumes": [{"name": "a", "emptyDir": value}],
            }
        case "Deployment":
            api = "apps/v1"
            spec = {"selector": {}, "template": {}, field: value}
        case "PodDisruptionBudget":
            api = "policy/v1"
            spec = value
        case "NetworkPolicy":
            api = "networking.k8s.io/v1"
            spec = {"podSelector": {}, "ingress": [{field: value}]}
    return {"apiVersion": api, "kind": resource, "metadata": {"name": "a"}, "spec": spec}


@functools.cache
def configuration() -> set[str]:
    """Options of the Airflow and its providers here; read, as an import would start Airflow."""
    core = metadata.distribution("apache-airflow-core")
    templates = Path(str(core.locate_file("airflow/config_templates/config.yml")))
    sections = [yaml.safe_load(templates.read_text(encoding="utf-8"))]
    for provider in metadata.entry_points(group="apache_airflow_provider"):
        if provider.dist is None or not provider.module.startswith("airflow.providers."):
            continue
        module = f"{provider.module.replace('.', '/')}.py"
        described = runpy.run_path(str(provider.dist.locate_file(module)))
        sections.append(described[provider.attr]().get("config", {}))
    return {
        f"config.{section}.{option}"
        for described in sections
        for section, content in described.items()
        for option in content["options"]
    }


def problems_of_configuration(sections: dict[str, Any]) -> list[str]:
    problems = []
    for section, options in sections.items():
        for option, value in options.items():
            path = f"config.{section}.{option}"
            if section not in CHART["sectionsOfOtherProviders"] and path not in configuration():
                problems.append(
                    f"'{path}' is no option of this Airflow{meant(path, configuration())}"
                )
            if not isinstance(value, str):
                problems.append(f"'{path}' is to be text, or YAML may change it: quote it")
    return problems


def meant(path: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(path, known, n=1, cutoff=0.6)
    # The key may be right, but in the wrong place.
    last = path.rpartition(".")[2]
    close = close or sorted(other for other in known if other.endswith(f".{last}"))[:1]
    return f"; did you mean '{close[0]}'?" if close else ""


def problems(
    values: dict[str, Any],
    refusal_of: Callable[[dict[str, Any]], str],
    keys: dict[str, Any] = KEYS,
    prefix: str = "",
) -> list[str]:
    """What is wrong with the keys and types of a values file, a sentence each."""
    found = []
    for key, value in values.items():
        path = prefix + str(key)
        if key not in keys:
            found.append(
                f"'{path}' is no key that this project takes of chart {CHART['chart']}"
                + meant(path, PATHS)
            )
            continue
        kind = shape(keys[key])
        if isinstance(kind, dict):
            if isinstance(value, dict):
                found += problems(value, refusal_of, kind, f"{path}.")
            else:
                found.append(f"'{path}' is to be a mapping")
        elif kind == "configuration":
            found += problems_of_configuration(value)
        elif kind in ("map", "mapping"):
            if not isinstance(value, dict):
                found.append(f"'{path}' is to be a mapping")
            elif kind == "map":
                found += [
                    f"'{path}.{name}' is to be text, not {text!r}"
                    for name, text in value.items()
                    if not isinstance(text, str)
                ]
        elif kind in PLAIN:
            # A boolean of Python is an integer too.
            if type(value) is not PLAIN[kind]:
                found.append(f"'{path}' is to be of type {kind}, not {value!r}")
        elif refusal := refusal_of(placed(kind, value)):
            found.append(f"'{path}' is nothing that Kubernetes takes: {refusal}")
    return found


@pytest.mark.parametrize("name", VALUES_FILES)
def test_the_chart_has_every_key(name: str, refusal_of: Callable[[dict[str, Any]], str]) -> None:
    values = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    found = problems(values, refusal_of)
    assert not found, "\n".join(f"chart/{name}: {problem}." for problem in found)


def test_the_keys_are_those_of_the_chart_in_use() -> None:
    assert CHART["chart"] == "<< cookiecutter._chart_versions[cookiecutter.airflow_version] >>", (
        "chart_keys.yaml is of another chart: compare it with the new one's values.yaml"
    )


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"excutor": "KubernetesExecutor"}, "'excutor' is no key .* mean 'executor'"),
        ({"scheduler": {"replica": 2}}, "'scheduler.replica' is no key .*'scheduler.replicas'"),
        ({"workers": {"resources": {}}}, "'workers.resources' is no key .*kubernetes.resources'"),
        (
            {"scheduler": {"podDisruptionBudget": {"maxUnavailable": 1}}},
            "'scheduler.podDisruptionBudget.maxUnavailable' is no key",
        ),
        ({"webserver": {"replicas": 2}}, "'webserver' is no key"),
        ({"fernetKey": "x"}, "'fernetKey' is no key .*'fernetKeySecretName'"),
        ({"scheduler": {"replicas": "2"}}, "'scheduler.replicas' .* integer, not '2'"),
        ({"scheduler": {"replicas": True}}, "'scheduler.replicas' .* integer, not True"),
        ({"scheduler": {"replicas": None}}, "'scheduler.replicas' .* integer, not None"),
        ({"scheduler": 2}, "'scheduler' is to be a mapping"),
        ({"labels": "squad"}, "'labels' is to be a mapping"),
        ({"labels": {"squad": 7}}, "'labels.squad' is to be text, not 7"),
        (
            {"scheduler": {"resources": {"limit": {"memory": "1Gi"}}}},
            "'scheduler.resources' is nothing that Kubernetes takes: .*'limit' was unexpected",
        ),
        (
            {"securityContexts": {"pod": {"runAsNonroot": True}}},
            "'securityContexts.pod' is nothing that Kubernetes takes: .*'runAsNonroot'",
        ),
        (
            {"scheduler": {"podDisruptionBudget": {"config": {"maxUnavailabel": 1}}}},
            "'scheduler.podDisruptionBudget.config' is nothing .*'maxUnavailabel'",
        ),
        (
            {"statsd": {"extraNetworkPolicies": [{"namespaceSelectors": {}}]}},
            "'statsd.extraNetworkPolicies' is nothing .*'namespaceSelectors'",
        ),
        ({"logs": {"emptyDirConfig": {"size": "1"}}}, "'logs.emptyDirConfig' is nothing .*'size'"),
        ({"triggerer": {"strategy": {"typ": "a"}}}, "'triggerer.strategy' is nothing .*'typ'"),
        (
            {"config": {"core": {"dag_folder": "a"}}},
            "'config.core.dag_folder' is no option .*'config.core.dags_folder'",
        ),
        (
            {"config": {"kubernetes_executor": {"delete_worker_pod": "True"}}},
            "'config.kubernetes_executor.delete_worker_pod' is no option .*delete_worker_pods'",
        ),
        ({"config": {"core": {"parallelism": 8}}}, "'config.core.parallelism' is to be text"),
    ],
)
def test_a_wrong_key_is_named(
    values: dict[str, Any], sentence: str, refusal_of: Callable[[dict[str, Any]], str]
) -> None:
    with pytest.raises(AssertionError, match=sentence):
        assert not (found := problems(values, refusal_of)), found


def test_sections_of_providers_that_only_the_image_has_pass(
    refusal_of: Callable[[dict[str, Any]], str],
) -> None:
    assert not problems({"config": {"fab": {"enable_proxy_fix": "True"}}}, refusal_of)
