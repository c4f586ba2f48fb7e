"""Every combination of the answers that matter: whole, well-formed, and only the path taken."""

import ast
import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from template.projects import BIN, LOCKS, ROOT, run, texts

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


def test_no_template_language_remains(project: Path) -> None:
    for path, text in texts(project):
        assert not re.search(r"<<|<%|<#|cookiecutter\.\w", text), path


def test_every_file_parses(project: Path) -> None:
    parsers = {
        ".py": ast.parse,
        ".toml": tomllib.loads,
        ".json": json.loads,
        ".yaml": yaml.safe_load,
        ".yml": yaml.safe_load,
    }
    parsed = [path for path, text in texts(project) if parsers.get(Path(path).suffix, len)(text) is not None]
    assert len(parsed) > 40


def test_texts_end_in_one_newline_and_lines_in_none_of_their_blanks(project: Path) -> None:
    for path, text in texts(project):
        if text:
            assert text.endswith("\n"), path
            assert not text.endswith("\n\n"), path
        assert not re.search(r"[ \t]$|\r|\n\n\n\n", text, re.MULTILINE), path


def test_ruff_and_yamllint_find_nothing(project: Path) -> None:
    run(BIN / "ruff", "check", "--no-cache", ".", cwd=project)
    run(BIN / "ruff", "format", "--no-cache", "--check", ".", cwd=project)
    run(BIN / "yamllint", "--strict", ".", cwd=project)


def test_zizmor_finds_nothing(project: Path) -> None:
    run(BIN / "zizmor", "--offline", "--persona", "pedantic", ".", cwd=project)


def test_hadolint_finds_nothing(project: Path, combination: dict[str, str]) -> None:
    if combination["type_of_task"] == "docker":
        run(BIN / "hadolint", "Dockerfile", cwd=project)


def test_actions_are_pinned_by_commit(project: Path) -> None:
    workflow = (project / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    uses = re.findall(r"uses: (.*)", workflow)
    assert uses
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v[0-9.]+", action) for action in uses)


def test_make_lists_its_targets(project: Path, combination: dict[str, str]) -> None:
    listed = {line.split()[0] for line in run("make", cwd=project).splitlines()}
    assert listed == TARGETS[combination["type_of_task"]]
    phony = re.search(r"^\.PHONY: (.*)$", (project / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert phony
    assert set(phony[1].split()) == listed


def test_make_can_plan_every_target(project: Path, combination: dict[str, str]) -> None:
    for target in TARGETS[combination["type_of_task"]]:
        run("make", "--dry-run", "--warn-undefined-variables", target, "APP=medallion", "ARGS=", cwd=project)


def test_the_makefile_needs_no_newer_make_than_that_of_macos(project: Path) -> None:
    makefile = (project / "Makefile").read_text(encoding="utf-8")
    # GNU make 3.82 and 4 brought these: https://www.gnu.org/software/make/ NEWS
    for newer in (
        ".ONESHELL",
        ".SHELLFLAGS",
        "!=",
        "&:",
        "$(file ",
        "$(intcmp",
        "$(let ",
        "private ",
        "undefine ",
    ):
        assert newer not in makefile


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
def test_a_lock_has_versions_and_hashes_and_no_address(project: Path, name: str) -> None:
    lock = (project / name).read_text(encoding="utf-8")
    assert "://" not in lock
    assert not re.search("^(skyspark|alchemy|databricks-local)", lock, re.MULTILINE)
    packages = re.findall(r"^[^\s#].*\n(?:[ ]+--hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", lock, re.MULTILINE)
    assert "".join(packages) == lock
    assert all(re.match(r"[a-z0-9-]+==[0-9][^ ]* ", package) for package in packages)


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
