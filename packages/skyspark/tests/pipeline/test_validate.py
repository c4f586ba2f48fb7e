"""Finding or making a Python with the engine; what the engine says is in test_validate_engine.py."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from skyspark.cli import main
from skyspark.errors import EnvironmentNotReadyError
from skyspark.pipeline import engine_python as engine

CONFIG = """\
name: shop
tables:
  - name: kept
    source: {format: json, path: in, schema: "id INT"}
    target: {mode: append}
"""


@pytest.fixture
def index(own_cache, clean_env, tmp_path, monkeypatch):
    """A folder of packages that is all there is, with what the engine needs."""
    folder = tmp_path / "index"
    folder.mkdir()
    clean_env.setenv("PIP_NO_INDEX", "1")
    clean_env.setenv("PIP_FIND_LINKS", str(folder))
    clean_env.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setattr(engine, "has_engine", lambda: False)
    monkeypatch.setattr(engine, "_requirements", lambda line: ["engine==4.2", "grpcio"])
    for name, version in (("engine", "4.2"), ("grpcio", "1.80")):
        info = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{name}.py", f"VERSION = {version!r}\n")
            wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
            wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{info}/RECORD", "")
    return folder


@pytest.mark.parametrize("tool", ["uv", "pip"])
def test_an_environment_is_made_once(index, own_cache, monkeypatch, tool):
    if tool == "pip":
        monkeypatch.setattr(engine, "find_uv", lambda: None)
    said = []
    python = engine.engine_python(said.append)
    assert python.is_relative_to(own_cache / "pipelines")
    done = subprocess.run(
        [python, "-c", "import engine; print(engine.VERSION)"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "4.2\n"
    assert engine.engine_python(said.append) == python
    assert len(said) == 1
    assert "once" in said[0]


def test_nothing_is_left_of_an_environment_that_cannot_be_made(index, own_cache):
    next(index.glob("grpcio*")).unlink()
    with pytest.raises(EnvironmentNotReadyError, match=r"could not be made .*SKYSPARK_PIPELINES_PYTHON"):
        engine.engine_python(lambda line: None)
    assert list((own_cache / "pipelines").iterdir()) == []


def test_the_environment_gets_what_the_extras_say():
    requirements = engine._requirements(engine.ENGINE_LINE)
    assert f"pyspark=={engine.ENGINE_LINE.pyspark}" in requirements
    assert any(requirement.startswith("grpcio>=") for requirement in requirements)
    assert not any("extra" in requirement for requirement in requirements)


def test_an_own_python_comes_first_and_has_to_be_one(clean_env, tmp_path, capsys):
    clean_env.setenv("SKYSPARK_PIPELINES_PYTHON", sys.executable)
    assert engine.engine_python(lambda line: None) == Path(sys.executable)
    clean_env.setenv("SKYSPARK_PIPELINES_PYTHON", str(tmp_path))
    with pytest.raises(EnvironmentNotReadyError, match="which is no program"):
        engine.engine_python(lambda line: None)
    script = tmp_path / "python"
    script.write_text("#!/bin/sh\necho no engine in here >&2\nexit 1\n")
    script.chmod(0o755)
    clean_env.setenv("SKYSPARK_PIPELINES_PYTHON", str(script))
    clean_env.chdir(tmp_path)
    Path("config.yml").write_text(CONFIG.replace("append", "overwrite"))
    with pytest.raises(SystemExit) as ended:
        main(["validate", "config.yml"])
    assert ended.value.code == 1
    assert f"error: {script} ended before Spark answered (no engine in here)" in capsys.readouterr().err


def test_what_sql_cannot_say_is_told_without_an_engine(clean_env, tmp_path, capsys):
    clean_env.setenv("SKYSPARK_PIPELINES_PYTHON", "/nonexistent")
    clean_env.chdir(tmp_path)
    Path("config.yml").write_text(CONFIG)
    with pytest.raises(SystemExit) as ended:
        main(["validate", "config.yml"])
    assert ended.value.code == 1
    said = capsys.readouterr().out
    assert said.startswith(
        "config.yml:3: tables[0]: table 'kept': target mode append has no declarative equal"
    )
