import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from skyspark.jars import jar_dir
from skyspark.versions import SPARK_LINES

_LONGEST = (
    "test_pipelines_run.py",
    "test_bundle.py",
    "test_execution_spark.py",
    "test_catalog.py",
    "test_page.py",
    "test_engine_processes.py",
    "test_execution.py",
    "test_notebooks.py",
    "test_airflow.py",
    "test_kill.py",
    "test_load.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: one at the end is waited for by all other workers."""
    place = {name: number for number, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session")
def databricks_local_options() -> Sequence[str]:
    """Return the jars that `make build-dev` and the environments of other Spark lines fetched."""
    found = [jar for line in SPARK_LINES.values() for jar in sorted(jar_dir(line).glob("*.jar"))]
    return [f"--jar={jar}" for jar in found]


@pytest.fixture(scope="session")
def delta_rows() -> Callable[[Path], list[dict[str, Any]]]:
    """Return a function that reads the rows of a Delta table as it is now, ordered, without Spark."""

    def rows(table: Path) -> list[dict[str, Any]]:
        files: dict[str, dict[str, str]] = {}
        for commit in sorted((table / "_delta_log").glob("*.json")):
            for action in map(json.loads, commit.read_text().splitlines()):
                if "add" in action:
                    files[action["add"]["path"]] = action["add"]["partitionValues"]
                elif "remove" in action:
                    files.pop(action["remove"]["path"], None)
        found = [
            {**row, **partition}
            for name, partition in files.items()
            for row in pyarrow.parquet.read_table(table / name, partitioning=None).to_pylist()
        ]
        return sorted(found, key=str)

    return rows
