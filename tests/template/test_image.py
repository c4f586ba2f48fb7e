"""What the image would hold, without an engine: the Dockerfile's steps over the real build context."""

import fnmatch
import json
import re
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from template.projects import BIN, Render, run

PYTHON = "/databricks/python3"
ASSUMED = ("--assume-old=.venv/.installed",)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Yield the keyword and the arguments of each instruction."""
    text = re.sub(r"^\s*#.*\n", "", dockerfile, flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        if line.strip():
            keyword, _, arguments = line.partition(" ")
            yield keyword, arguments.strip()


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def build_context(project: Path, target: Path) -> Path:
    """Copy what .dockerignore lets through; of its patterns, the last one that matches decides."""
    patterns = (project / ".dockerignore").read_text(encoding="utf-8").split()
    for path in sorted(project.rglob("*")):
        name = path.relative_to(project).as_posix()
        ignored = False
        for pattern in patterns:
            wanted = pattern.removeprefix("!")
            if any(fnmatch.fnmatch(part, wanted) for part in (name, *map(str, Path(name).parents))):
                ignored = not pattern.startswith("!")
        if path.is_file() and not ignored:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
    return target


def brought_by_runtime(project: Path, printed: str) -> list[str]:
    """Pin what the runtime brings and the apps use; local Spark stands for the one Databricks injects."""
    lock = (project / "requirements.lock").read_text(encoding="utf-8")
    spark = re.findall(r"^((?:pyspark|delta-spark|py4j)==[^ ]+)", lock, re.MULTILINE)
    (left,) = re.findall(r"^left to the runtime: (.*)$", printed, re.MULTILINE)
    return [*spark, *left.split(", ")]


@pytest.fixture(scope="module")
def project(render: Render) -> Path:
    """A project that has this workspace's environment."""
    project = render(type_of_task="docker")
    (project / ".venv").symlink_to(BIN.parent)
    return project


@pytest.fixture(scope="module", autouse=True)
def printed(project: Path) -> str:
    """What its Makefile says while it makes the wheels."""
    return run("make", *ASSUMED, "package", "wheels", cwd=project)


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


@pytest.mark.slow
def test_an_app_runs_from_what_the_dockerfile_installs(project: Path, printed: str, tmp_path: Path) -> None:
    pins = brought_by_runtime(project, printed)
    root = tmp_path / "image"
    environment = root / PYTHON.strip("/")
    run(sys.executable, "-m", "venv", environment, cwd=tmp_path)
    python = environment / "bin" / "python"
    (spark,) = (pin for pin in pins if pin.startswith("pyspark=="))
    run(BIN / "uv", "pip", "install", "--quiet", "--no-deps", "--python", python, *(set(pins) - {spark}),
        cwd=tmp_path)  # fmt: skip
    # Spark is released as source, whose build takes a minute: what this workspace built is linked.
    packages = next((environment / "lib").glob("python*/site-packages"))
    for name in ("pyspark", f"{spark.replace('==', '-')}.dist-info"):
        (packages / name).symlink_to(Path(sysconfig.get_path("purelib"), name))
    context = build_context(project, tmp_path / "context")

    for keyword, arguments in instructions((project / "Dockerfile").read_text(encoding="utf-8")):
        match keyword:
            case "COPY":
                source, target = shlex.split(arguments)
                assert source.endswith("/")
                shutil.copytree(context / source, root / target.strip("/"))
            case "RUN":
                inside = re.sub(r"(?<![\w.])/(?=databricks/|opt/)", f"{root}/", arguments)
                run("/bin/sh", "-c", inside, cwd=root)
            case "FROM":
                assert arguments.startswith("databricksruntime/standard:")
            case "ARG" | "LABEL":
                pass
            case _:
                pytest.fail(f"the walk does not know {keyword}")

    installed = {
        normalised(entry["name"]): entry["version"]
        for entry in json.loads(run(python, "-m", "pip", "list", "--format", "json", cwd=tmp_path))
    }
    assert {"skyspark", project.name} <= set(installed)
    assert not {"pytest", "ruff", "build", "hatchling"} & set(installed)
    for pin in pins:
        name, _, version = pin.partition("==")
        assert installed[normalised(name)] == version

    data = project / "tests" / "data"
    run(environment / "bin" / "skyspark", "jars", "fetch", cwd=tmp_path)
    run(environment / "bin" / "medallion", "--env", "local", cwd=tmp_path,
        JDK_JAVA_OPTIONS="-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        SKYSPARK_POSTS_PATH=str(data / "Posts.xml"), SKYSPARK_USERS_PATH=str(data / "Users.xml"))  # fmt: skip
    assert list(tmp_path.glob("spark-warehouse/**/gold_popular_tags/_delta_log/*.json"))
