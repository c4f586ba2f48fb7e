"""k8s/: what is there before the chart, and the cluster of development."""

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest

Manifest = dict[str, Any]
Manifests = dict[str, list[Manifest]]

NAMESPACE = "<< cookiecutter.namespace >>"
KUBERNETES = "<< cookiecutter._kubernetes_version >>"


@pytest.fixture
def kind(setup_manifests: Manifests) -> Manifest:
    (cluster,) = setup_manifests["kind.yaml"]
    return cluster


@pytest.fixture
def volumes(setup_manifests: Manifests) -> dict[str, Manifest]:
    return {manifest["kind"]: manifest for manifest in setup_manifests["volumes.yaml"]}


def test_kubernetes_takes_every_manifest(
    setup_manifests: Manifests, refusal_of: Callable[[Manifest], str]
) -> None:
    refused = {
        f"k8s/{path}, {manifest['kind']}": refusal
        for path, manifests in setup_manifests.items()
        # Is kind's own, not Kubernetes'.
        if path != "kind.yaml"
        for manifest in manifests
        if (refusal := refusal_of(manifest))
    }
    assert not refused


def test_a_wrong_manifest_is_refused(
    volumes: dict[str, Manifest], refusal_of: Callable[[Manifest], str]
) -> None:
    volume = volumes["PersistentVolume"]
    wrong = volume | {"spec": volume["spec"] | {"reclaimPolicy": "Retain"}}
    assert "reclaimPolicy" in refusal_of(wrong)


def test_all_of_it_is_in_the_namespace(setup_manifests: Manifests) -> None:
    (namespace,) = setup_manifests["namespace.yaml"]
    assert namespace["metadata"]["name"] == NAMESPACE
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    elsewhere = [
        path
        for path, manifests in setup_manifests.items()
        for manifest in manifests
        if manifest["kind"] not in ("Namespace", "Cluster", "PersistentVolume")
        and manifest["metadata"]["namespace"] != NAMESPACE
    ]
    assert not elsewhere


def test_the_volume_of_the_logs_is_bound_to_its_claim_and_to_no_other(
    volumes: dict[str, Manifest],
) -> None:
    volume, claim = volumes["PersistentVolume"], volumes["PersistentVolumeClaim"]
    assert claim["spec"]["volumeName"] == volume["metadata"]["name"]
    bound = volume["spec"]["claimRef"]
    assert (bound["namespace"], bound["name"]) == (NAMESPACE, claim["metadata"]["name"])
    assert volume["spec"]["accessModes"] == claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert volume["spec"]["storageClassName"] == claim["spec"]["storageClassName"] == ""
    assert volume["spec"]["capacity"] == claim["spec"]["resources"]["requests"]


def test_the_node_of_kind_has_the_folder_that_the_volume_is(
    kind: Manifest, volumes: dict[str, Manifest]
) -> None:
    (node,) = kind["nodes"]
    (mount,) = node["extraMounts"]
    assert mount["containerPath"] == volumes["PersistentVolume"]["spec"]["hostPath"]["path"]
    assert not PurePosixPath(mount["hostPath"]).is_absolute()


def test_the_cluster_is_the_projects_on_the_kubernetes_that_manifests_are_checked_for(
    kind: Manifest,
) -> None:
    assert (kind["apiVersion"], kind["kind"]) == ("kind.x-k8s.io/v1alpha4", "Cluster")
    assert kind["name"] == "<< cookiecutter.repo_name >>"
    (node,) = kind["nodes"]
    image = rf"kindest/node:v{re.escape(KUBERNETES)}\.\d+@sha256:[0-9a-f]{{64}}"
    assert re.fullmatch(image, node["image"])


def test_no_template_of_a_secret_holds_a_value(secret_templates: dict[str, dict[str, str]]) -> None:
    assert secret_templates
    values = {
        (name, key)
        for name, data in secret_templates.items()
        for key, value in data.items()
        if not re.fullmatch(r"\$\{[A-Z_]+\}", value)
    }
    assert not values


def test_the_secrets_are_those_that_the_values_name(
    values: dict[str, Any], secret_templates: dict[str, dict[str, str]]
) -> None:
    sync = values["dags"]["gitSync"]
    named = {
        values["data"]["metadataSecretName"]: "connection",
        values["fernetKeySecretName"]: "fernet-key",
        values["apiSecretKeySecretName"]: "api-secret-key",
        values["jwtSecretName"]: "jwt-secret",
        sync.get("credentialsSecret") or sync["sshKeySecret"]: "GITSYNC_PASSWORD"
        if "credentialsSecret" in sync
        else "gitSshKey",
    }
    for name in re.findall(r"name: (\S+)", values["extraEnvFrom"]):
        named[name] = "AIRFLOW_CONN_DATABRICKS_DEFAULT"
    assert named.keys() == secret_templates.keys()
    assert all(key in secret_templates[name] for name, key in named.items())


def test_the_database_of_development_reads_its_password_from_a_key_that_is_there(
    values_of: Callable[[str], dict[str, Any]], secret_templates: dict[str, dict[str, str]]
) -> None:
    auth = values_of("dev")["postgresql"]["auth"]
    assert auth["secretKeys"]["adminPasswordKey"] in secret_templates[auth["existingSecret"]]
