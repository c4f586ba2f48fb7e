"""What reaches the image; `tests/demo` walks the Dockerfile, and runs the apps on what it installs."""

import re
from pathlib import Path

import pytest
from image_root import build_context
from template.projects import BIN, Render, run

ASSUMED = ("--assume-old=.venv/.installed",)


@pytest.fixture(scope="module")
def project(render: Render) -> Path:
    """A project that has this workspace's environment."""
    project = render(type_of_task="docker")
    (project / ".venv").symlink_to(BIN.parent)
    return project


@pytest.fixture(scope="module", autouse=True)
def made(project: Path) -> None:
    """Have its Makefile make the wheels."""
    run("make", *ASSUMED, "package", "wheels", cwd=project)


def test_the_build_context_holds_wheels_and_nothing_else(project: Path, tmp_path: Path) -> None:
    context = build_context(project, tmp_path)
    found = [path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()]
    assert found
    assert all(re.fullmatch(r"(dist|wheels)/[^/]+\.whl", name) for name in found)


def test_the_wheels_fit_the_image_and_hold_no_spark(project: Path) -> None:
    wheels = [path.name for path in (project / "wheels").glob("*.whl")]
    assert any(name.startswith("skyspark-") for name in wheels)
    assert not any(name.startswith(("alchemy", "databricks_local", "apache_airflow")) for name in wheels)
    for name in wheels:
        *_, python, abi, platform = name.removesuffix(".whl").split("-")
        assert not name.startswith(("pyspark-", "delta_spark-"))
        assert platform == "any" or ("linux" in platform and "x86_64" in platform)
        assert python.startswith(("py3", "py2.py3")) or "cp312" in (python, abi) or "abi3" in abi
