"""Airflow in a folder of its own."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_home import isolate_airflow

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

DAGS = Path(__file__).parents[1] / "dags"
_home = isolate_airflow(DAGS)


@pytest.fixture(scope="session")
def bag() -> "DagBag":
    """Return dags/ as Airflow reads it."""
    from airflow.dag_processing.dagbag import BundleDagBag

    return BundleDagBag(dag_folder=DAGS, bundle_path=DAGS, bundle_name="dags-folder")


@pytest.fixture(scope="session")
def database() -> None:
    """Airflow's metadata database, new and empty."""
    from airflow.utils.db import initdb

    initdb()
