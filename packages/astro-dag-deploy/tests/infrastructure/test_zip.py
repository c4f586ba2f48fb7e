"""The zips: what is in them, that they are made alike each time, and that they work without anything else."""

import importlib.util
import json
import marshal
import os
import platform
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2]
REPOSITORY = PACKAGE.parents[1]
UV = REPOSITORY / ".venv/bin/uv"
# Of the runtime, with what they need: boto3's own urllib3 and jmespath give way to those of the zip.
RUNTIME = ("boto3", "botocore", "s3transfer", "dateutil", "six.py")
MACHINES = {"x86_64": "x86_64", "arm64": "aarch64"}
PROGRAM = Path(shutil.which("true")).resolve()
HERE = next(name for name, machine in MACHINES.items() if platform.machine() == machine)


VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


def build(*words, python=sys.executable):
    command = [python, PACKAGE / "build_zip.py", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def built(output, *words, **more):
    done = build("lambda", "--output", output, *words, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def zips(tmp_path_factory):
    """A zip and what its making said, for each processor."""
    outputs = {name: tmp_path_factory.mktemp(name) / "lambda.zip" for name in MACHINES}
    return {
        name: (output, built(output, "--uv", UV, "--architecture", name)) for name, output in outputs.items()
    }


@pytest.fixture(params=MACHINES)
def made(request, zips):
    return request.param, *zips[request.param]


def test_compiled_files_are_for_the_processor_and_python_3_12(made):
    architecture, output, _ = made
    compiled = [name for name in zipfile.ZipFile(output).namelist() if ".so" in name]
    assert any("pydantic_core" in name for name in compiled)
    for name in compiled:
        assert re.search(rf"\.(cpython-312-{MACHINES[architecture]}-linux-gnu|abi3)\.so$", name), name
        with zipfile.ZipFile(output) as archive:
            machine = int.from_bytes(archive.read(name)[18:20], "little")
        assert machine == {"x86_64": 0x3E, "arm64": 0xB7}[architecture]


def test_it_is_small_and_says_how_small(made):
    _, output, said = made
    size = output.stat().st_size
    assert size < 10 * 1024**2
    assert f"lambda.zip: {size / 1024**2:.1f} MB" in said


def test_it_has_what_the_code_needs_and_nothing_else(made):
    names = zipfile.ZipFile(made[1]).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {
        "annotated_types",
        "astro_dag_deploy",
        "aws_lambda_powertools",
        "jmespath",
        "pydantic",
        "pydantic_core",
        "typing_extensions.py",
        "typing_inspection",
        "urllib3",
    }
    sources = {path.relative_to(PACKAGE / "src").as_posix() for path in (PACKAGE / "src").rglob("*.py")}
    assert sources == {name for name in names if name.startswith("astro_dag_deploy/")}
    assert not [name for name in names if name.endswith((".pyc", ".pyi", "py.typed", "RECORD", "METADATA"))]
    licences = {name.split("-")[0] for name in names if ".dist-info/" in name}
    assert {"pydantic", "urllib3", "aws_lambda_powertools"} <= licences


def test_it_is_the_same_each_time(made, tmp_path):
    architecture, output, _ = made
    again = tmp_path / "again.zip"
    built(again, "--uv", UV, "--architecture", architecture)
    assert again.read_bytes() == output.read_bytes()
    for entry in zipfile.ZipFile(again).infolist():
        assert (entry.date_time, entry.external_attr >> 16) == ((1980, 1, 1, 0, 0, 0), 0o100644)


def test_pip_makes_the_same(zips, tmp_path):
    """It is what runs inside the build image, where there is no uv."""
    output, _ = zips[HERE]
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    by_pip = tmp_path / "lambda.zip"
    built(by_pip, "--architecture", HERE, python=environment / "bin/python")
    assert by_pip.read_bytes() == output.read_bytes()


# Compiled too: for Python 3.12 the interpreter may not be there.
@pytest.fixture(scope="module")
def for_this_python(tmp_path_factory):
    output = tmp_path_factory.mktemp("this") / "lambda.zip"
    words = ["--architecture", HERE, "--python-version", VERSION, "--compile-with", sys.executable]
    built(output, "--uv", UV, *words)
    return output


def test_modules_are_compiled_for_where_lambda_puts_them(for_this_python, tmp_path):
    with zipfile.ZipFile(for_this_python) as archive:
        names = set(archive.namelist())
        tag = sys.implementation.cache_tag
        compiled = archive.read(f"astro_dag_deploy/__pycache__/main.{tag}.pyc")
    modules = {name for name in names if name.endswith(".py")}
    assert len([name for name in names if name.endswith(".pyc")]) == len(modules)
    # Flags of PEP 552: by hash, and not to be checked.
    assert int.from_bytes(compiled[4:8], "little") == 0b01
    assert marshal.loads(compiled[16:]).co_filename == "/var/task/astro_dag_deploy/main.py"
    again = tmp_path / "again.zip"
    words = ["--architecture", HERE, "--python-version", VERSION, "--compile-with", sys.executable]
    built(again, "--uv", UV, *words)
    assert again.read_bytes() == for_this_python.read_bytes()


def test_another_python_compiles_nothing(tmp_path):
    words = ["--uv", UV, "--architecture", HERE, "--python-version", "3.99", "--compile-with", sys.executable]
    done = build("lambda", *words, "--output", tmp_path / "lambda.zip")
    assert done.returncode == 1
    assert f"is Python {VERSION}: name one of 3.99" in done.stderr
    assert not list(tmp_path.iterdir())


def test_the_handler_works_from_the_zip_alone(for_this_python, tmp_path):
    output = for_this_python
    with zipfile.ZipFile(output) as archive:
        archive.extractall(tmp_path / "task")
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    installed = Path(str(distribution("boto3").locate_file("")))
    for name in RUNTIME:
        (runtime / name).symlink_to(installed / name)
    program = """
import json, sys
from types import SimpleNamespace
from astro_dag_deploy import main
context = SimpleNamespace(aws_request_id="id", get_remaining_time_in_millis=lambda: 300000)
answer = main.handler({"repo": "orders"}, context)
from astro_dag_deploy.utils import astro_api_client, astro_cli_client
import boto3, pydantic, urllib3
print(json.dumps([answer, *(module.__file__ for module in (main, boto3, pydantic, urllib3))]))
"""
    # -S: nothing of the environment that runs this test.
    done = subprocess.run(
        [sys.executable, "-S", "-c", program],
        env={"PYTHONPATH": f"{tmp_path / 'task'}:{runtime}", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer, *files = json.loads(done.stdout.splitlines()[-1])
    assert answer["statusCode"] == 400
    assert "astroWorkspace: is missing." in answer["body"]["problems"]
    assert [Path(file).relative_to(tmp_path).parts[0] for file in files] == [
        "task",
        "runtime",
        "task",
        "task",
    ]


def test_the_lock_has_the_versions_that_the_tests_run_with():
    def versions(path):
        return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", path.read_text(), re.MULTILINE))

    shipped = versions(PACKAGE / "requirements-lambda.lock")
    tested = versions(REPOSITORY / "scripts/lambda/requirements.lock")
    assert len(shipped) > 5
    assert shipped.items() <= tested.items()


def test_what_is_too_large_is_refused_and_leaves_nothing(tmp_path, monkeypatch, capsys):
    specification = importlib.util.spec_from_file_location("build_zip", PACKAGE / "build_zip.py")
    build_zip = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(build_zip)
    assert build_zip.LARGEST == 50 * 1024**2
    monkeypatch.setattr(build_zip, "LARGEST", 1000)
    output = tmp_path / "layer.zip"
    output.write_text("before")
    words = ["layer", "--astro", str(PROGRAM), "--architecture", HERE, "--output", str(output)]
    assert build_zip.main(words) == 1
    assert "bytes, and Lambda takes 1,000." in capsys.readouterr().err
    assert output.read_text() == "before"
    assert list(tmp_path.iterdir()) == [output]


def test_the_layer_has_the_program_where_lambda_looks(tmp_path):
    output = tmp_path / "layer.zip"
    done = build("layer", "--astro", PROGRAM, "--architecture", HERE, "--output", output)
    assert done.returncode == 0, done.stderr
    (entry,) = zipfile.ZipFile(output).infolist()
    assert (entry.filename, entry.external_attr >> 16) == ("bin/astro", 0o100755)
    assert zipfile.ZipFile(output).read(entry) == PROGRAM.read_bytes()


@pytest.mark.parametrize("kind", ["script", "other processor", "missing"])
def test_the_layer_takes_only_programs_for_lambda(tmp_path, kind):
    program, architecture = tmp_path / "astro", HERE
    if kind == "script":
        program.write_text("#!/bin/sh\n")
    if kind == "other processor":
        program = PROGRAM
        (architecture,) = MACHINES.keys() - {HERE}
    done = build(
        "layer", "--astro", program, "--architecture", architecture, "--output", tmp_path / "layer.zip"
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {program} is no ")
    assert not (tmp_path / "layer.zip").exists()
