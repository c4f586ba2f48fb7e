"""The values as Helm merges them, what the chart renders from them, and what Kubernetes takes."""

import copy
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
KUBERNETES = "<< cookiecutter._kubernetes_version >>"
ENVIRONMENTS = ("dev", "prod")

Values = dict[str, Any]
Manifest = dict[str, Any]


def is_rendered() -> bool:
    """Whether build/render/ holds what `make render` makes of the values as they are."""
    rendered = [path.stat().st_mtime for path in (ROOT / "build" / "render").glob("*.yaml")]
    values = [path.stat().st_mtime for path in (ROOT / "chart").glob("*.yaml")]
    return bool(rendered) and min(rendered) >= max(values)


# Only Helm and the chart can render: CI does it before these tests, a laptop may.
collect_ignore = [] if is_rendered() else ["test_render.py"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "environment" in metafunc.fixturenames:
        metafunc.parametrize("environment", ENVIRONMENTS)


def merge(base: Values, over: Values) -> Values:
    """Merge as Helm does: mappings key by key, all else replaced. test_keys.py refuses null."""
    merged = copy.deepcopy(base)
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = merge(merged[key], value)
        else:
            merged[key] = copy.deepcopy(value)
    return merged


def read_values(name: str) -> Values:
    values: Values = yaml.safe_load((ROOT / "chart" / name).read_text(encoding="utf-8"))
    return values


@pytest.fixture(scope="session")
def values_of() -> Callable[[str], Values]:
    """The values of an environment, without the chart's defaults."""
    merged = {
        environment: merge(read_values("values.yaml"), read_values(f"values-{environment}.yaml"))
        for environment in ENVIRONMENTS
    }
    return merged.__getitem__


@pytest.fixture
def values(values_of: Callable[[str], Values], environment: str) -> Values:
    return values_of(environment)


@pytest.fixture(scope="session")
def setup_manifests() -> dict[str, list[Manifest]]:
    """What k8s/ holds: the path below it, and the documents of the file."""
    folder = ROOT / "k8s"
    return {
        path.relative_to(folder).as_posix(): list(
            yaml.safe_load_all(path.read_text(encoding="utf-8"))
        )
        for path in sorted(folder.rglob("*.yaml"))
    }


@pytest.fixture(scope="session")
def secret_templates(setup_manifests: dict[str, list[Manifest]]) -> dict[str, dict[str, str]]:
    """Names of the secrets, each with its keys and what stands in place of their values."""
    return {
        manifest["metadata"]["name"]: manifest["stringData"]
        for path, manifests in setup_manifests.items()
        if path.startswith("secrets/")
        for manifest in manifests
    }


@pytest.fixture(scope="session")
def refusal_of() -> Callable[[Manifest], str]:
    """What Kubernetes refuses in a manifest, unknown keys too; empty where it takes all of it."""

    def refusal(manifest: Manifest) -> str:
        try:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        except kubernetes_validate.ValidationError as error:
            return f"{'.'.join(str(part) for part in error.absolute_path)}: {error.message}"
        return ""

    return refusal


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a document, with the path that leads to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{path}[{index}]")
    elif isinstance(value, str):
        yield path, value


@pytest.fixture(scope="session")
def texts_of() -> Callable[[Any], list[tuple[str, str]]]:
    return lambda document: list(texts(document))
