"""The environment variables of a task: those of a cluster, and what the machine needs to run it."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from databricks_local.config import Config
from databricks_local.execution.interpreter import Interpreter
from databricks_local.execution.places import roots
from databricks_local.execution.processes import MARK, mark
from databricks_local.execution.work import Work

SANDBOX = Path(__file__).parent / "sandbox"

# Of the server's own environment tasks get these only: what else a laptop holds is not for them.
_KEPT = (
    "DEFAULT_ARTIFACT_REPOSITORY",
    "JAVA_HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
)
_SECRET = "DATABRICKS_LOCAL_SECRET_"  # noqa: S105
_NO_VERSION = "17.3"
_SECRET_REFERENCE = re.compile(r"\{\{secrets/([^/}]+)/([^/}]+)\}\}")


def plain_environment(root: Path, python: Interpreter, name: str) -> dict[str, str]:
    """Return what any process that runs an interpreter's code for the workspace needs.

    Args:
        root: The workspace's folder.
        python: The interpreter.
        name: What the process belongs to.
    """
    kept = {key: os.environ[key] for key in _KEPT if key in os.environ}
    path = os.pathsep.join([str(python.path.parent), kept.get("PATH", os.defpath)])
    own = {"PYTHONUSERBASE": python.user_base} if python.user_base else {}
    return (
        kept
        | own
        | {
            MARK: mark(root, name),
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            # For the Java program that only works out the command line of Spark.
            "SPARK_LAUNCHER_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
            "TZ": "UTC",
        }
    )


def task_environment(
    work: Work,
    config: Config,
    python: Interpreter,
    *,
    metastore: str,
    cluster_id: str,
    import_folders: Iterable[Path],
) -> dict[str, str]:
    """Return the environment of a task's process.

    Args:
        work: The task.
        config: The workspace's choices.
        python: The interpreter.
        metastore: Address of the metastore, ``host:port``.
        cluster_id: The number its cluster bears.
        import_folders: What its code imports from.
    """
    root = config.root.absolute()
    folders = [SANDBOX, *import_folders]
    tmp = work.folder / "tmp"
    own = work.cluster.get("spark_env_vars") or {}
    environment = plain_environment(root, python, str(work.task_run_id)) | {
        # Files in a home folder, such as the credentials of a real workspace, are not for the task.
        "HOME": str(work.folder / "home"),
        "TMPDIR": str(tmp),
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "MPLBACKEND": "Agg",
        "DATABRICKS_RUNTIME_VERSION": runtime_version(work),
        "DB_CLUSTER_ID": cluster_id,
        "DB_DRIVER_IP": "127.0.0.1",
        "DB_IS_DRIVER": "TRUE",
        "PYSPARK_PYTHON": str(python.path),
        "SPARK_CONF_DIR": str(work.folder / "conf"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "DATABRICKS_LOCAL_CATALOGS": ",".join(config.catalogs),
        "DATABRICKS_LOCAL_METASTORE": metastore,
        "DATABRICKS_LOCAL_PATHS": json.dumps({name: str(folder) for name, folder in roots(root).items()}),
    }
    if not work.cluster:
        environment["IS_SERVERLESS"] = "TRUE"
    return environment | with_secrets(own)


def runtime_version(work: Work) -> str:
    """Return the version that a task's runtime says it has: ``17.3``, or ``client.4`` on serverless.

    Args:
        work: The task.
    """
    if work.environment is not None or not work.cluster:
        spec = work.environment or {}
        return f"client.{spec.get('environment_version') or spec.get('client') or '4'}"
    # 17.3.x-cpu-ml-scala2.13, and from 18 on 18.x-scala2.13.
    version = str(work.cluster.get("spark_version") or _NO_VERSION)
    return version.partition("-")[0].removesuffix(".x")


def secrets() -> dict[str, dict[str, str]]:
    """Return the values of ``DATABRICKS_LOCAL_SECRET_<SCOPE>__<KEY>`` by scope and key, in small letters."""
    found: dict[str, dict[str, str]] = {}
    for name, value in os.environ.items():
        scope, separator, key = name.removeprefix(_SECRET).lower().partition("__")
        if name.startswith(_SECRET) and separator:
            found.setdefault(scope, {})[key] = value
    return found


def with_secrets(settings: Mapping[str, object]) -> dict[str, str]:
    """Return settings of a cluster with ``{{secrets/scope/key}}`` replaced; unknown ones stay as they are.

    Args:
        settings: Spark settings or environment variables.
    """
    known = secrets()

    def value(found: re.Match[str]) -> str:
        scope, key = (re.sub(r"\W", "_", part).lower() for part in found.groups())
        return known.get(scope, {}).get(key, found[0])

    return {name: _SECRET_REFERENCE.sub(value, str(text)) for name, text in settings.items()}
