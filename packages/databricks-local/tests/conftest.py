import contextlib
import ipaddress
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet
import pytest
from databricks_local.process import LocalWorkspace
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


@pytest.fixture(scope="session")
def listening() -> Callable[[LocalWorkspace], dict[str, set[str]]]:
    """Return a function that gives the addresses a workspace listens on, each with its programs."""

    def found(workspace: LocalWorkspace) -> dict[str, set[str]]:
        programs = defaultdict(set)
        server = psutil.Process(workspace.pid)
        for process in (server, *server.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                for socket in process.net_connections():
                    if socket.status == psutil.CONN_LISTEN:
                        programs[_unmapped(socket.laddr.ip)].add(process.name())
        return dict(programs)

    return found


def _unmapped(address: str) -> str:
    # Java binds an IPv4 address by a socket of IPv6.
    parsed = ipaddress.ip_address(address)
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
