"""The sessions of nox cover what the packages promise, and CI runs all of them."""

import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from scaffold import BIN, REPOSITORY

FOLDERS = [REPOSITORY, *sorted(path.parent for path in REPOSITORY.glob("packages/*/pyproject.toml"))]


def project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def noxfile() -> ModuleType:
    spec = importlib.util.spec_from_file_location("noxfile", REPOSITORY / "noxfile.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["noxfile"] = module
    spec.loader.exec_module(module)
    return module


def test_every_package_has_a_suite_of_tests_that_are_there(noxfile: ModuleType) -> None:
    assert sorted(noxfile.SUITES) == sorted(project(folder)["name"] for folder in FOLDERS)
    for name, suite in noxfile.SUITES.items():
        about = project(REPOSITORY / suite.folder)
        assert about["name"] == name
        for path in (*suite.tests, *suite.beside, *(suite.locks or ())):
            assert (REPOSITORY / path).exists(), path


def test_what_is_promised_is_what_is_tested(noxfile: ModuleType) -> None:
    for suite in noxfile.SUITES.values():
        about = project(REPOSITORY / suite.folder)
        prefix = "Programming Language :: Python :: 3."
        named = [each.removeprefix(prefix[:-2]) for each in about["classifiers"] if each.startswith(prefix)]
        assert named == list(noxfile.PYTHONS), about["name"]
        allowed = SpecifierSet(about["requires-python"])
        assert noxfile.LOWEST in allowed
        assert "3.10" not in allowed


def test_every_lower_bound_is_installed_by_some_session(noxfile: ModuleType) -> None:
    for suite in noxfile.SUITES.values():
        folder = REPOSITORY / suite.folder
        tried = {each.name for each in noxfile.requirements(folder, suite.extras)}
        optional = project(folder).get("optional-dependencies", {})
        promised = [
            *project(folder)["dependencies"],
            *(line for extra in optional.values() for line in extra),
        ]
        assert {Requirement(line).name for line in promised} == tried


def test_ci_runs_every_session() -> None:
    listed = subprocess.run(
        [BIN / "nox", "--list", "--json", "--noxfile", REPOSITORY / "noxfile.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    workflow = yaml.safe_load((REPOSITORY / ".github/workflows/matrix.yml").read_text(encoding="utf-8"))
    matrix = workflow["jobs"]["session"]["strategy"]["matrix"]
    planned = {f"{session}({package})" for session in matrix["session"] for package in matrix["package"]}
    assert {each["session"] for each in json.loads(listed.stdout)} == planned


@pytest.mark.parametrize(
    ("requirement", "installed", "wrong"),
    [
        ("click>=8.2,<9", "8.2.0", False),
        ("click>=8.2,<9", "8.2.1", True),
        ("pyspark==4.0.5", "4.0.5", False),
        ("tzdata", "2026.6", False),
        ("prompt_toolkit>=3.0.48,<4", "3.0.48", False),
    ],
)
def test_a_lower_bound_that_cannot_be_installed_is_found(
    noxfile: ModuleType, requirement: str, installed: str, wrong: bool
) -> None:
    wanted = Requirement(requirement)
    assert bool(noxfile.untrue(wanted, {canonicalize_name(wanted.name): installed})) == wrong
