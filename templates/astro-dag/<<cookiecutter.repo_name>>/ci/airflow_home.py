"""An Airflow that knows nothing of the one on this machine, for tests and for CI."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory


def isolate_airflow(dags: Path) -> "TemporaryDirectory[str]":
    """Give Airflow a home of its own until the process ends.

    To be called before Airflow is imported, which is when it reads its settings.

    Args:
        dags: the folder with the DAGs.

    Returns:
        The home, to be kept: it goes when nothing refers to it any more.
    """
    for name in [name for name in os.environ if name.startswith("AIRFLOW_")]:
        del os.environ[name]
    home = TemporaryDirectory(prefix="airflow-", ignore_cleanup_errors=True)
    os.environ |= {
        "AIRFLOW_HOME": home.name,
        "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        # A busy machine imports Airflow's providers for longer than the 30 s that a file gets.
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
    }
    return home
