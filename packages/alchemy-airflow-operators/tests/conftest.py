"""Real Airflow in its own folder, and a workspace whose tasks run where Spark is."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SPARK = REPOSITORY / ".venv/bin/python"
CONNECTION = "AIRFLOW_CONN_DATABRICKS_DEFAULT"

# Airflow reads these while it is imported.
_home = tempfile.TemporaryDirectory(prefix="airflow-")
os.environ |= {
    "AIRFLOW_HOME": _home.name,
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
    # A busy machine takes long to import providers, and a process on it to give the database free again.
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_home.name}/airflow.db?timeout=300",
}


def connection(host: str, token: str, extra: dict[str, str] | None = None) -> str:
    """Return the connection to a workspace as Airflow's variables of the environment have it."""
    name, _, port = host.removeprefix("http://").partition(":")
    values = {"conn_type": "databricks", "host": name, "port": int(port), "schema": "http", "password": token}
    return json.dumps({**values, "extra": json.dumps(extra or {})})


@pytest.fixture(scope="session")
def databricks_local_options() -> Sequence[str]:
    """Return the interpreter with Spark, Delta's jars, and room for tasks that wait."""
    command = [SPARK.parent / "skyspark", "jars", "list"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    return [f"--python={SPARK}", "--offline", *(f"--jar={jar}" for jar in listed.stdout.splitlines())]


@pytest.fixture(scope="session")
def database() -> Iterator[None]:
    """Airflow's metadata database, new and migrated."""
    from airflow.utils.db import initdb

    initdb()
    yield
    _home.cleanup()
