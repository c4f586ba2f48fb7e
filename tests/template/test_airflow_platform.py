"""The airflow-platform template: what comes out of it agrees with the answers, everywhere."""

import os
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from template.airflow_platform import (
    ADDRESSES,
    COMBINATIONS,
    PUBLIC,
    QUESTIONS,
    TEMPLATE,
    answers,
)
from template.awkward import unescaped
from template.projects import Render, run, texts

from mshell_cut.globs import matcher

CHART = QUESTIONS["_chart_versions"]
KUBERNETES = QUESTIONS["_kubernetes_version"]
WORKFLOW = ".github/workflows/ci.yml"
VERBS = {"up", "upgrade-dags", "status", "logs", "debug", "down", "image-push", "render"}
TARGETS = VERBS | {
    "help", "build-dev", "build-notebooks", "lint", "format", "test", "test-notebooks", "package",
    "bundle-validate", "bundle-deploy", "lock", "clean",
}  # fmt: skip
is_sample = matcher(QUESTIONS["_samples"])


@pytest.fixture(scope="module")
def project(render_airflow_platform: Render) -> Path:
    return render_airflow_platform()


@pytest.fixture(scope="module", params=COMBINATIONS, ids=lambda chosen: "-".join(chosen.values())[:17])
def combination(request: pytest.FixtureRequest) -> dict[str, str]:
    return request.param


@pytest.fixture(scope="module")
def combined(render_airflow_platform: Render, combination: dict[str, str]) -> Path:
    return render_airflow_platform(**combination)


def read(project: Path, path: str) -> str:
    return (project / path).read_text(encoding="utf-8")


def manifests(project: Path) -> dict[str, list[dict[str, Any]]]:
    return {
        path.relative_to(project).as_posix(): list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
        for path in sorted((project / "k8s").rglob("*.yaml"))
    }


def test_stock_cruft_finds_the_template() -> None:
    assert (TEMPLATE / "{{cookiecutter.repo_name}}").readlink() == Path("<<cookiecutter.repo_name>>")


def test_every_sample_pattern_means_a_file(project: Path) -> None:
    paths = [path for path, _ in texts(project)]
    for pattern in QUESTIONS["_samples"]:
        assert any(map(matcher([pattern]), paths)), pattern


def test_what_upgrades_bring_imports_no_sample(project: Path) -> None:
    of_samples = {Path(path).stem for path, _ in texts(project) if is_sample(path)} | {"stack_exchange"}
    for path, text in texts(project):
        if path.endswith(".py") and not is_sample(path):
            imported = re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE)
            assert not of_samples & set(imported), path


def test_next_steps_are_targets() -> None:
    for step in QUESTIONS["_next_steps"]:
        command, *targets = step.split()
        assert command == "make"
        assert set(targets) <= TARGETS


def test_make_lists_its_targets(project: Path) -> None:
    assert {line.split()[0] for line in run("make", cwd=project).splitlines()} == TARGETS


def test_a_verb_calls_its_script_and_nothing_else(project: Path) -> None:
    for verb in VERBS:
        assert run("make", "--dry-run", verb, cwd=project) == f"scripts/{verb}.sh\n"


def test_scripts_are_verbs_that_can_be_run_or_are_sourced_by_them(project: Path) -> None:
    begun = {path for path in (project / "scripts").iterdir() if path.read_text().startswith("#!")}
    assert {path.stem for path in begun} == VERBS
    for path in (project / "scripts").iterdir():
        assert path.suffix == ".sh"
        assert os.access(path, os.X_OK) == (path in begun), path
        if path not in begun:
            assert any(f"scripts/{path.name}" in other.read_text() for other in begun), path


def test_airflow_and_python_are_the_same_wherever_they_are_named(
    combined: Path, combination: dict[str, str]
) -> None:
    airflow, python = combination["airflow_version"], combination["python_version"]
    dockerfile = read(combined, "cicd/Dockerfile")
    assert re.findall(r"^FROM (\S+)$", dockerfile, re.MULTILINE) == [
        f"apache/airflow:{airflow}-python{python}"
    ]
    assert set(re.findall(r"apache/airflow:(\d[^\"\s]*)", dockerfile)) == {f"{airflow}-python{python}"}
    assert set(re.findall(r'apache-airflow==([^"\s]+)', dockerfile)) == {airflow}
    assert yaml.safe_load(read(combined, "chart/values.yaml"))["airflowVersion"] == airflow
    assert f"\napache-airflow=={airflow}\n" in read(combined, "requirements-dev.txt")
    assert re.findall(r"^apache-airflow==(\S+)", read(combined, "requirements.lock"), re.MULTILINE) == [
        airflow
    ]
    check = yaml.safe_load(read(combined, WORKFLOW))["jobs"]["check"]["steps"]
    assert [step["with"]["python-version"] for step in check if "setup-python" in step.get("uses", "")] == [
        python
    ]
    assert f"| Airflow | {airflow} on Python {python}, Helm chart {CHART[airflow]}," in read(
        combined, "README.md"
    )
    (other,) = {*QUESTIONS["airflow_version"]} - {airflow}
    for path, text in texts(combined):
        if not path.endswith(".lock"):
            # A chart is made for one version of Airflow, which may be the other.
            lines = [line for line in text.splitlines() if "app_version" not in line]
            assert not re.search(rf"(?<![\d.]){re.escape(other)}(?![\d.])", "\n".join(lines)), path


def test_chart_and_kubernetes_are_the_same_wherever_they_are_named(
    combined: Path, combination: dict[str, str]
) -> None:
    chart = CHART[combination["airflow_version"]]
    platform = read(combined, "scripts/platform.sh")
    assert re.findall(r'^readonly CHART_VERSION="(.*)"$', platform, re.MULTILINE) == [chart]
    assert re.findall(r'^readonly KUBERNETES_VERSION="(.*)"$', platform, re.MULTILINE) == [KUBERNETES]
    for name in ("release", "render"):
        assert '--version "$CHART_VERSION"' in read(combined, f"scripts/{name}.sh")
    assert yaml.safe_load(read(combined, "tests/chart/chart_keys.yaml"))["chart"] == chart
    (node,) = yaml.safe_load(read(combined, "k8s/kind.yaml"))["nodes"]
    assert re.fullmatch(rf"kindest/node:v{re.escape(KUBERNETES)}\.\d+@sha256:[0-9a-f]{{64}}", node["image"])


def test_kubernetes_takes_what_is_there_before_the_chart(combined: Path) -> None:
    taken = 0
    for path, documents in manifests(combined).items():
        for manifest in documents:
            # Is kind's own, not Kubernetes'.
            if manifest["kind"] != "Cluster":
                kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
                assert manifest["metadata"].get("namespace", "airflow") == "airflow", path
                taken += 1
    assert taken > 6


def test_git_sync_has_the_secret_that_the_address_needs(combined: Path, combination: dict[str, str]) -> None:
    sync = yaml.safe_load(read(combined, "chart/values.yaml"))["dags"]["gitSync"]
    (secret,) = manifests(combined)["k8s/secrets/git.yaml"]
    assert sync["repo"] == combination["git_repo_url"]
    if combination["git_repo_url"] == ADDRESSES["https"]:
        assert "sshKeySecret" not in sync
        assert sync["credentialsSecret"] == secret["metadata"]["name"] == "airflow-git-credentials"
        assert secret["stringData"].keys() >= {"GITSYNC_USERNAME", "GITSYNC_PASSWORD"}
    else:
        assert "credentialsSecret" not in sync
        assert sync["sshKeySecret"] == secret["metadata"]["name"] == "airflow-git-ssh"
        assert secret["stringData"].keys() == {"gitSshKey"}
        assert sync["knownHosts"].startswith("github.com ssh-ed25519 ")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("ssh://git@gitlab.com/example/x.git", "gitlab.com"),
        ("git@git.example.com:x/y.git", None),
        ("ssh://git@git.example.com:7999/x/y.git", None),
        # Whose name only looks like it.
        ("git@github.com.example.com:x/y.git", None),
    ],
)
def test_the_keys_of_known_hosts_are_trusted_and_no_others(
    render_airflow_platform: Render, address: str, host: str | None
) -> None:
    project = render_airflow_platform(git_repo_url=address)
    sync = yaml.safe_load(read(project, "chart/values.yaml"))["dags"]["gitSync"]
    assert sync["sshKeySecret"] == "airflow-git-ssh"
    assert sync.get("knownHosts", "None").split()[0] == str(host)


def test_no_manifest_holds_a_secret(combined: Path) -> None:
    found = {
        name: document["stringData"]
        for documents in manifests(combined).values()
        for document in documents
        if document["kind"] == "Secret" and (name := document["metadata"]["name"])
    }
    assert len(found) >= 6
    for name, data in found.items():
        assert all(re.fullmatch(r"\$\{[A-Z_]+\}", value) for value in data.values()), name
    assert ".env\n" in read(combined, ".gitignore")


def test_the_readme_names_every_answer(project: Path) -> None:
    readme = unescaped(read(project, "README.md"))
    chosen = answers()
    assert [name for name in PUBLIC if chosen[name] not in readme] == []


def test_nothing_is_released_until_the_owner_switches_it_on(project: Path) -> None:
    workflow = yaml.safe_load(read(project, WORKFLOW))
    # PyYAML reads the key `on` as a boolean.
    assert workflow[True] == {"pull_request": None, "push": {"branches": ["main"], "tags": ["v*"]}}
    assert workflow["env"] == {"release": False}
    assert read(project, WORKFLOW).count("release: false") == 1
    release = workflow["jobs"]["release"]
    assert set(release["needs"]) == {"check", "notebooks"}
    assert release["if"] == "github.ref_type == 'tag' && needs.check.outputs.release == 'true'"
    assert release["environment"] == "prod"
    assert [step["run"] for step in release["steps"] if "run" in step] == ["make image-push"]


def test_only_the_release_may_prove_who_it_is(project: Path) -> None:
    ci = yaml.safe_load(read(project, WORKFLOW))
    assert ci["permissions"] == {}
    assert {name: job["permissions"] for name, job in ci["jobs"].items()} == {
        "check": {"contents": "read"},
        "notebooks": {"contents": "read"},
        "release": {"contents": "read", "id-token": "write"},
    }


def test_ci_does_what_a_laptop_does(project: Path) -> None:
    jobs = yaml.safe_load(read(project, WORKFLOW))["jobs"]
    done = [
        target
        for job in jobs.values()
        for step in job["steps"]
        if step.get("run", "").startswith("make ")
        for target in step["run"].split()[1:]
        if "=" not in target
    ]
    assert set(done) <= TARGETS
    assert {"lint", "test", "test-notebooks", "render", "package"} <= set(done)
