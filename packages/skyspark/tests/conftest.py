"""Fixtures beside those of SkySpark's own plugin."""

import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from skyspark.pipeline.engine_python import ENGINE_LINE, has_engine
from skyspark.versions import installed_spark

# A client of Spark Connect needs gRPC: the extra "connect", which tests/matrix.sh installs.
collect_ignore = [] if find_spec("grpc") else ["test_connect.py"]
# The environments of the other lines of Spark, of which a file's schema knows nothing, have no validator.
collect_ignore += [] if find_spec("jsonschema") else ["pipeline/test_file_schema.py"]
# Declarative pipelines need gRPC and Spark 4.1; once on the newest line is enough for what takes minutes.
if not has_engine() or installed_spark() != ENGINE_LINE:
    collect_ignore += ["pipeline/test_equality.py", "pipeline/test_validate_engine.py"]

_LONGEST = (
    "test_equality.py",
    "test_run_kill.py",
    "test_merge.py",
    "test_run_streams.py",
    "test_run_batch.py",
    "test_save.py",
    "test_examples.py",
    "test_run_course.py",
    "test_merge_property.py",
    "test_validate_engine.py",
    "test_warm.py",
    "test_app.py",
    "test_connect.py",
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of the tests that run on every line of Spark, and have Java start cheaply."""
    # As in skyspark.testing, for the sessions of programs: what runs once is not worth compiling well.
    os.environ.setdefault("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
    config.addinivalue_line("markers", "spark_matrix: depends on Spark's version; see tests/matrix.sh")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: one at the end is waited for by all other workers."""
    place = {name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture
def clean_env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without anything that steers SkySpark, but for the cache."""
    for name in list(os.environ):
        if name.startswith("SKYSPARK_") and name != "SKYSPARK_CACHE_DIR":
            monkeypatch.delenv(name)
    for name in ("SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.fixture
def own_cache(clean_env: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An own, empty cache folder."""
    cache = tmp_path / "cache"
    clean_env.setenv("SKYSPARK_CACHE_DIR", str(cache))
    return cache
