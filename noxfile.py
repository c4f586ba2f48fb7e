"""Sessions that test each package with the lowest dependencies it promises, and on each Python it promises.

    nox                                     all of them, on the interpreters that are here
    nox --list
    nox --session "lowest(skyspark)" "tests-3.13(skyspark)"
    nox --session "tests-3.13(databricks-local)" -- -k dbfs

Each session has an environment of its own in `.venvs/nox`, with the newest dependencies that the package
takes. The development environment must be there (`make build-dev`): Airflow's tests run Spark in it.
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nox
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
LOWEST = PYTHONS[0]

nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "uv"
nox.options.envdir = ".venvs/nox"
# An interpreter that is not there is said to be missing, and CI (--error-on-missing-interpreters) then fails.
nox.options.download_python = "never"
nox.options.error_on_external_run = True
nox.options.stop_on_first_error = False


@dataclass(frozen=True)
class Suite:
    """What of a package is installed and tested.

    Attributes:
        folder: The package's folder.
        tests: The tests that use its dependencies: all of them for what is small, for what takes long a part.
        needed: What the tests import beside the package.
        extras: The package's extras that are installed, where it has some.
        extras_on: Other extras for single Pythons.
        beside: Folders of packages of ours that the tests import.
        locks: For the newest and the lowest dependencies a lock that holds what these need in turn.
    """

    folder: str
    tests: tuple[str, ...]
    needed: tuple[str, ...]
    extras: tuple[str, ...] = ()
    extras_on: Mapping[str, tuple[str, ...]] | None = None
    beside: tuple[str, ...] = ()
    locks: tuple[str, str] | None = None

    def extras_for(self, python: str) -> tuple[str, ...]:
        """Return the extras that are installed on a Python."""
        return (self.extras_on or {}).get(python, self.extras)


def _files(folder: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{folder}/test_{name}.py" for name in names)


SUITES = {
    "mshell-cut": Suite(
        ".",
        # What asks, renders and prints: the rest of it is git's and Python's own.
        tests=_files(
            "tests",
            *("catalogue_templates", "cli", "cut", "hooks", "prune", "questions", "render", "rules"),
            *("source", "wizard", "yaml_entries"),
        ),
        needed=("hypothesis", "pexpect", "pytest", "pytest-xdist"),
    ),
    "skyspark": Suite(
        "packages/skyspark",
        tests=(
            *_files("packages/skyspark/tests", "app", "connect", "save", "session", "settings", "wheels"),
            *_files(
                "packages/skyspark/tests/pipeline",
                *("deploy", "pipeline_app", "plan", "read", "report_terminal", "sql"),
            ),
        ),
        needed=("databricks-bundles", "hypothesis", "pexpect", "pytest", "pytest-xdist"),
        extras=("spark40", "connect", "deploy", "build"),
        # The first Spark that says it runs on this Python is 4.1.
        extras_on={"3.14": ("spark42", "connect", "deploy", "build")},
    ),
    "alchemy-airflow-operators": Suite(
        "packages/alchemy-airflow-operators",
        tests=(
            "packages/alchemy-airflow-operators/tests/payload",
            *_files("packages/alchemy-airflow-operators/tests", "trigger"),
            *_files("packages/alchemy-airflow-operators/tests/scenarios", "run_ends"),
        ),
        needed=("hypothesis", "pytest", "pytest-xdist"),
        beside=("packages/databricks-local",),
        # Airflow bounds little of what it needs from above, and asks to be installed with constraints.
        locks=("scripts/airflow/newest.lock", "scripts/airflow/lowest.lock"),
    ),
    "astro-dag-deploy": Suite(
        "packages/astro-dag-deploy",
        # Without faults, infrastructure and zip, which need the tools of AWS.
        tests=_files(
            "packages/astro-dag-deploy/tests",
            *("astro_api_client", "astro_cli_client", "dag_bundle", "deployment_lock", "email_client"),
            *("event", "main", "request", "resource_client", "resource_problems", "s3_client"),
        ),
        needed=("hypothesis", "moto[dynamodb,s3,secretsmanager,server,ses]", "pytest", "pytest-xdist"),
    ),
    "databricks-local": Suite(
        "packages/databricks-local",
        # Without what runs Spark: that is Spark's to promise.
        tests=_files(
            "packages/databricks-local/tests",
            *("dbfs", "frame", "jobs_refused", "page_parts", "quartz", "runs", "small_apis", "strangers"),
            *("volumes", "workspace_files"),
        ),
        needed=("hypothesis", "pyarrow", "pytest", "pytest-xdist"),
        beside=("packages/skyspark",),
    ),
}
PACKAGES = [nox.param(name, id=name) for name in SUITES]


@nox.session(python=PYTHONS)
@nox.parametrize("package", PACKAGES)
def tests(session: nox.Session, package: str) -> None:
    """Test a package on a Python, with the newest dependencies that it takes."""
    _install(session, SUITES[package], lowest=False)
    _test(session, SUITES[package])


@nox.session(python=LOWEST)
@nox.parametrize("package", PACKAGES)
def lowest(session: nox.Session, package: str) -> None:
    """Test a package with the lowest versions that it promises to take."""
    suite = SUITES[package]
    _install(session, suite, lowest=True)
    installed = _installed(session)
    for requirement in requirements(ROOT / suite.folder, suite.extras_for(LOWEST)):
        if false := untrue(requirement, installed):
            session.error(false)
    _test(session, suite)


def requirements(folder: Path, extras: tuple[str, ...]) -> list[Requirement]:
    """Return what a package says it needs.

    Args:
        folder: Its folder.
        extras: Those of its extras that count.
    """
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project.get("optional-dependencies", {})
    lines = [*project["dependencies"], *(line for extra in extras for line in optional[extra])]
    return [Requirement(line) for line in lines]


def untrue(requirement: Requirement, installed: Mapping[str, str]) -> str | None:
    """Return what is wrong with a requirement's lower bound; None where exactly that version is installed.

    Args:
        requirement: What is promised.
        installed: Versions by name.
    """
    bounds = [Version(each.version) for each in requirement.specifier if each.operator in (">=", "==")]
    found = Version(installed[canonicalize_name(requirement.name)])
    if not bounds or found == max(bounds):
        return None
    return f"'{requirement}': the lowest version that can be installed is {found}: raise the bound to it."


def _install(session: nox.Session, suite: Suite, *, lowest: bool) -> None:
    extras = suite.extras_for(str(session.python))
    package = f"./{suite.folder}" + (f"[{','.join(extras)}]" if extras else "")
    constraints = ["--constraints", suite.locks[lowest]] if suite.locks else []
    session.install(*(["--resolution", "lowest-direct"] if lowest else []), *constraints, package)
    # Nothing that only the tests need may change what the package got.
    held = Path(session.create_tmp(), "held.txt")
    versions = _installed(session)
    ours = {*SUITES, "pip"}
    held.write_text("".join(f"{name}=={versions[name]}\n" for name in sorted(versions.keys() - ours)))
    session.install("--constraints", str(held), *suite.needed, *(f"./{folder}" for folder in suite.beside))


def _installed(session: nox.Session) -> dict[str, str]:
    listed = session.run("uv", "pip", "list", "--format", "json", "--quiet", silent=True, external=True)
    return {canonicalize_name(each["name"]): each["version"] for each in json.loads(str(listed))}


def _test(session: nox.Session, suite: Suite) -> None:
    if "pyspark" in _installed(session):
        session.run("skyspark", "jars", "fetch")
    options = ["--quiet", "-n", "auto", "--dist", "loadfile", "-p", "no:cacheprovider"]
    session.run("python", "-m", "pytest", *options, *suite.tests, *session.posargs)
