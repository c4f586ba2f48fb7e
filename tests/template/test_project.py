"""A cut project is green from its first minute, with all that can be added to it: on real Spark and Delta.

The demo's tests run `make lint test package` in projects of both kinds with a table added; here
are the other runtime, all that can be added, pip in place of uv, and the projects' own tests of their DAGs.
"""

import re
import shutil
from pathlib import Path

import pytest
from template.additions import ADDED, add_all
from template.projects import Render, make_environment, path_with_uv, path_without_uv, run

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("kind", "runtime"), [("docker", "17.3"), ("dab", "18")])
def test_a_new_project_is_green_with_all_that_can_be_added(
    render: Render, tmp_path: Path, kind: str, runtime: str
) -> None:
    project = shutil.copytree(render(type_of_task=kind, databricks_runtime=runtime), tmp_path / "project")
    add_all(project, kind, databricks_runtime=runtime)
    run("git", "init", "--quiet", cwd=project)
    run("git", "add", "--all", cwd=project)
    machine = {
        "PATH": path_with_uv(tmp_path / "bin"),
        # A machine without a past: what `make build-dev` does not put there is missing.
        "SKYSPARK_CACHE_DIR": str(tmp_path / "cache"),
        # What runs once is not worth compiling well, by Java or by pip, for which "false" means: do not.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "PIP_NO_COMPILE": "false",
        # Its days are those of UTC wherever its owner lives.
        "TZ": "Pacific/Auckland",
    }
    if kind == "docker":
        # To make a class data archive takes a minute, and it is made for the other kind.
        (tmp_path / "cache").mkdir()
        (tmp_path / "cache" / "archives").touch()

    # One line for each file with tests, also where the machine says how verbose pytest is to be.
    machine["PYTEST_ADDOPTS"] = "--verbosity=0 --color=no"
    # Both environments of a project are made in the same way: to have pip make one will do.
    installer = {"PATH": path_without_uv()} if kind == "docker" else {}
    built = make_environment(project, **machine | installer)
    # What is added is the same Python in both kinds, but for the DAGs.
    suites = ["test", "test-dags"] if kind == "dab" else ["test-dags"]
    printed = run("make", "lint", *suites, "package", cwd=project, **machine)
    machine.pop("PYTEST_ADDOPTS")

    for test in ("import", "medallion"):
        assert re.search(rf"^tests/dags/test_{test}\.py \.+", printed, re.MULTILINE), test
    for request in ADDED if kind == "dab" else []:
        assert re.search(rf"^tests/\S+/test_{request.name}\.py \.+", printed, re.MULTILINE), request.name
    assert len(re.findall(r"=+ \d+ passed", printed)) == len(suites)
    assert not re.search(r"\d+ (failed|skipped|error)", printed)
    (wheel,) = (project / "dist").iterdir()
    assert wheel.name.endswith("-py3-none-any.whl")
    assert not run("git", "ls-files", "--others", "--exclude-standard", cwd=project)

    assert ("the class data archive is now in" in built) == (kind == "dab")
    if kind == "dab":
        run("make", "package-dependencies", "bundle-validate", cwd=project, **machine)
        assert list((project / "dependency_wheels").glob("skyspark-*.whl"))
        shipped = (project / "requirements-dabs.txt").read_text(encoding="utf-8")
        assert "skyspark" in shipped
        assert not re.search(r"^(pyspark|delta[-_]spark)\b", shipped, re.MULTILINE)

    run("make", "clean", cwd=project)
    assert not run("git", "ls-files", "--others", cwd=project)
    shutil.rmtree(tmp_path / "cache")
