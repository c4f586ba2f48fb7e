"""The names in pyproject.toml hold."""

import importlib
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_every_package_is_in_the_wheel() -> None:
    assert sorted(PACKAGES) == sorted(
        f"src/{init.parent.name}" for init in ROOT.glob("src/*/__init__.py")
    )


@pytest.mark.parametrize("package", [Path(package).name for package in PACKAGES])
def test_no_dependency_has_a_package_of_the_same_name(package: str) -> None:
    # The packages lie side by side in site-packages, where the last one installed would win.
    others = set(packages_distributions().get(package, [])) - {PYPROJECT["project"]["name"]}
    assert not others


@pytest.mark.parametrize("target", PYPROJECT["project"]["scripts"].values())
def test_every_app_can_be_started(target: str) -> None:
    module, _, function = target.partition(":")
    assert callable(getattr(importlib.import_module(module), function))
