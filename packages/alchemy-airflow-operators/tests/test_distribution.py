"""What Airflow and pip see of the package: the provider, its modules, and the wheel."""

import importlib
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PACKAGE = Path(__file__).parents[1]
REPOSITORY = PACKAGE.parents[1]
SOURCES = PACKAGE / "src"
NAME = "alchemy-airflow-operators"


def modules(*folders: str) -> set[str]:
    """Return the modules of folders of the package, by their dotted names."""
    found = (path for folder in folders for path in (SOURCES / "alchemy" / folder).glob("**/*.py"))
    return {
        ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__") for path in found
    }


@pytest.fixture(scope="module")
def info() -> dict[str, Any]:
    from alchemy.provider_info import get_provider_info

    return get_provider_info()


def airflow(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    """Return what Airflow's command line prints, asked in this process because its start takes seconds."""
    from airflow.cli.cli_parser import get_parser

    parsed = get_parser().parse_args([*arguments, "--output", "json"])
    # Its first import may have logged something.
    capsys.readouterr()
    parsed.func(parsed)
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return rows


def test_airflow_lists_the_provider_and_shows_it(
    capsys: pytest.CaptureFixture[str], info: dict[str, Any]
) -> None:
    listed = {row["package_name"]: row for row in airflow(capsys, "providers", "list")}
    assert listed[NAME]["version"] == version(NAME)
    assert listed[NAME]["description"] == info["description"].rstrip(".")
    assert airflow(capsys, "providers", "get", NAME) == [{"Provider": NAME, "Version": version(NAME)}]


def test_the_provider_info_is_what_airflows_schema_wants(info: dict[str, Any]) -> None:
    schema = json.loads(files("airflow").joinpath("provider_info.schema.json").read_text())
    jsonschema.validate(info, schema)
    # The schema lets any further key pass, so a misspelt one would be lost without a word. The versions:
    # https://airflow.apache.org/docs/apache-airflow-providers/howto/create-custom-providers.html
    assert info.keys() - schema["properties"].keys() == {"versions"}
    assert info["versions"] == [version(NAME)]


@pytest.mark.parametrize("kind", ["operators", "hooks", "triggers"])
def test_the_provider_info_names_modules_that_can_be_imported(info: dict[str, Any], kind: str) -> None:
    integrations = {each["integration-name"] for each in info["integrations"]}
    for group in info[kind]:
        assert group["integration-name"] in integrations
        for name in group["python-modules"]:
            module = importlib.import_module(name)
            assert name in modules(kind)
            assert [each for each in vars(module).values() if getattr(each, "__module__", None) == name]


def test_what_has_no_need_of_airflow_imports_nothing_of_it() -> None:
    free = {"alchemy", "alchemy.errors", "alchemy.provider_info", *modules("payload")}
    assert len(free) > 4
    program = (
        "import importlib, sys\n"
        f"for name in {sorted(free)!r}: importlib.import_module(name)\n"
        "print(*(name for name in sys.modules if name.partition('.')[0] in ('airflow', 'databricks')))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def wheel(folder: Path, umask: str, zone: str) -> Path:
    """Build the package's wheel, as `scripts/vendor.sh` does."""
    build = "python -m build --wheel --no-isolation --outdir"
    subprocess.run(
        ["sh", "-c", f"umask {umask} && exec .venv/bin/{build} '{folder}' '{PACKAGE}'"],
        cwd=REPOSITORY,
        env=os.environ | {"SOURCE_DATE_EPOCH": "315532800", "TZ": zone},
        check=True,
        capture_output=True,
    )
    (made,) = folder.glob("*.whl")
    return made


def test_a_wheel_is_the_package_and_nothing_else(tmp_path: Path) -> None:
    first = wheel(tmp_path / "first", "022", "UTC")
    assert wheel(tmp_path / "second", "077", "Asia/Tokyo").read_bytes() == first.read_bytes()

    with zipfile.ZipFile(first) as opened:
        names = set(opened.namelist())
        (points,) = (name for name in names if name.endswith(".dist-info/entry_points.txt"))
        entry_points = ConfigParser()
        entry_points.read_string(opened.read(points).decode())
    code = {name for name in names if ".dist-info/" not in name}
    assert code == {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert "alchemy/py.typed" in code
    assert not [name for name in names if "test" in name]
    assert dict(entry_points["apache_airflow_provider"]) == {
        "provider_info": "alchemy.provider_info:get_provider_info"
    }


def test_the_lowest_versions_that_are_promised_are_those_of_the_tests() -> None:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    lines = (REPOSITORY / "scripts/airflow/lowest.txt").read_text().splitlines()
    pins = (Requirement(line) for line in lines if line and not line.startswith("#"))
    lowest = {pin.name: next(iter(pin.specifier)).version for pin in pins}
    for dependency in map(Requirement, project["dependencies"]):
        (bound,) = (each.version for each in dependency.specifier if each.operator == ">=")
        assert Version(bound) == Version(lowest[dependency.name])
        assert dependency.specifier.contains(version(dependency.name))
