"""Every combination of the answers that matter to the skyspark template: only the path taken."""

import re
from pathlib import Path

import pytest
from template.projects import LOCKS, ROOT, run, texts

# Words that only make sense on one path. `\b` keeps hashes and longer words out.
DOCKER_WORDS = (
    r"docker\w*", "images?", r"container\w*", "ecr", "opencontainers", "hadolint", "SkySparkOperator",
    "databricks-alchemy", "wheels/", "staging",
)  # fmt: skip
DAB_WORDS = (
    "dab", "dabs", r"bundles?", r"databricks\.yaml", "databricks-workflows", "dependency_wheels", "quartz",
    r"service[_ ]principals?", "package-dependencies", r"databricks[_-]cli", "databricks cli",
    "check-jsonschema", "SkySparkBundleOperator", "job_cluster", "ml",
)  # fmt: skip
COMMON_TARGETS = {
    "help", "build-dev", "lint", "format", "test", "test-dags", "coverage", "plan", "graph", "run", "package",
    "clean", "lock",
}  # fmt: skip
TARGETS = {
    "docker": COMMON_TARGETS | {"wheels", "docker-build", "docker-push"},
    "dab": COMMON_TARGETS | {"package-dependencies", "bundle-validate", "bundle-deploy"},
}


def mentions(project: Path, words: tuple[str, ...]) -> list[str]:
    pattern = re.compile(rf"(?<![\w])(?:{'|'.join(words)})(?![\w])", re.IGNORECASE)
    return [
        f"{path}: {line.strip()}"
        for path, text in texts(project)
        for line in [path, *text.splitlines()]
        if pattern.search(line) and "--hash=" not in line
    ]


def test_nothing_of_the_other_kind_remains(project: Path, combination: dict[str, str]) -> None:
    other = DAB_WORDS if combination["type_of_task"] == "docker" else DOCKER_WORDS
    assert not mentions(project, other)


def test_a_project_with_an_index_knows_no_vendor_folder(project: Path, combination: dict[str, str]) -> None:
    if combination["package_source"] == "index":
        assert not mentions(project, ("vendor", "find-links"))
        assert not (project / "vendor").exists()
    else:
        found = {wheel.name.partition("-")[0] for wheel in (project / "vendor").iterdir()}
        assert found == {"skyspark", "alchemy_airflow_operators", "databricks_local"}


def test_make_has_the_targets_of_its_kind(project: Path, combination: dict[str, str]) -> None:
    listed = {line.split()[0] for line in run("make", cwd=project).splitlines()}
    assert listed == TARGETS[combination["type_of_task"]]


@pytest.mark.parametrize(
    ("package", "module", "files"),
    [
        ("skyspark", "skyspark/src/skyspark", ["requirements.txt", "requirements-dev.txt"]),
        ("alchemy-airflow-operators", "alchemy-airflow-operators/src/alchemy", ["requirements-dags.txt"]),
        ("databricks-local", "databricks-local/src/databricks_local", ["requirements-dags-dev.txt"]),
    ],
)
def test_our_packages_are_pinned_to_the_versions_beside_them(
    project: Path, package: str, module: str, files: list[str]
) -> None:
    source = (ROOT / "packages" / module / "__init__.py").read_text(encoding="utf-8")
    version = re.search(r'__version__ = "(.*)"', source)
    assert version
    for name in files:
        text = (project / name).read_text(encoding="utf-8")
        pins = re.findall(rf"^{package}(?:\[[\w,]+\])?(.*)$", text, re.MULTILINE)
        assert pins == [f"=={version[1]}"], name


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_leaves_out_what_the_project_carries(project: Path, name: str) -> None:
    lock = (project / name).read_text(encoding="utf-8")
    assert not re.search("^(skyspark|alchemy|databricks-local)", lock, re.MULTILINE)


def test_spark_is_that_of_the_runtime_and_never_ships(project: Path, combination: dict[str, str]) -> None:
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    spark = {"17.3": "4.0", "18": "4.1"}[combination["databricks_runtime"]]
    assert re.findall(r"^pyspark==(\d\.\d)\.", lock, re.MULTILINE) == [spark]
    shipped = (project / "requirements.txt").read_text(encoding="utf-8")
    assert "skyspark==" in shipped
    assert not re.search(r"^(pyspark|delta-spark)", shipped, re.MULTILINE)


def test_every_place_names_the_same_runtime(project: Path, combination: dict[str, str]) -> None:
    # Runtime 18 has no minor in its cluster key, and 18.3 in the tag of its image.
    names = {"17.3": {"17.3"}, "18": {"18", "18.3"}}[combination["databricks_runtime"]]
    found = {
        version
        for _, text in texts(project)
        for version in re.findall(r"(\d[\d.]*)(?:\.x(?:-cpu-ml)?-scala2\.13|-LTS| LTS)", text)
        + re.findall(r"^RUNTIME := (.*)$", text, re.MULTILINE)
    }
    assert found
    assert found <= names
