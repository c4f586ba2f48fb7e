"""The environment variables of a task: those of a cluster, and what the machine needs to run it."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from databricks_local.execution.interpreter import Interpreter
from databricks_local.execution.places import roots
from databricks_local.execution.processes import MARK, mark
from databricks_local.execution.work import Work

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

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
_KNOWN_SCHEMAS = ("default", "information_schema")
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


def session_environment(workspace: "Workspace", python: Interpreter, folder: Path) -> dict[str, str]:
    """Return what a program with a session of Spark needs: folders of its own, paths, catalogs, tables.

    Args:
        workspace: The workspace.
        python: The interpreter.
        folder: Holds ``conf``, ``home`` and ``tmp`` of this program.
    """
    catalogs = workspace.catalogs.catalog_names()
    # All catalogs are names of one metastore, which learns from sessions what was made by the API.
    schemas = sorted({schema["name"] for name in catalogs for schema in workspace.catalogs.schemas(name)})
    paths = {name: str(place) for name, place in roots(workspace.root).items()}
    return {
        # Files in a home folder, such as the credentials of a real workspace, are not for user code.
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "PYSPARK_PYTHON": str(python.path),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "DATABRICKS_LOCAL_CATALOGS": json.dumps(catalogs),
        "DATABRICKS_LOCAL_SCHEMAS": json.dumps([name for name in schemas if name not in _KNOWN_SCHEMAS]),
        "DATABRICKS_LOCAL_METASTORE": workspace.launcher.metastore.address,
        "DATABRICKS_LOCAL_PATHS": json.dumps(paths),
    }


def task_environment(
    work: Work,
    workspace: "Workspace",
    python: Interpreter,
    *,
    cluster_id: str,
    import_folders: Iterable[Path],
) -> dict[str, str]:
    """Return the environment of a task's process.

    Args:
        work: The task.
        workspace: The workspace.
        python: The interpreter.
        cluster_id: The number its cluster bears.
        import_folders: What its code imports from.
    """
    root = workspace.root
    folders = [SANDBOX, *import_folders]
    own = work.cluster.get("spark_env_vars") or {}
    environment = plain_environment(root, python, str(work.task_run_id)) | {
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "MPLBACKEND": "Agg",
        "DATABRICKS_RUNTIME_VERSION": runtime_version(work),
        "DB_CLUSTER_ID": cluster_id,
        "DB_DRIVER_IP": "127.0.0.1",
        "DB_IS_DRIVER": "TRUE",
        **session_environment(workspace, python, work.folder),
    }
    if not work.cluster:
        environment["IS_SERVERLESS"] = "TRUE"
    return environment | with_secrets(own, secrets(workspace))


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


def secrets(workspace: "Workspace") -> dict[str, dict[str, str]]:
    """Return what tasks may ask for, by scope and key.

    Args:
        workspace: Its own secrets, and beside them those of the server's environment variables
            ``DATABRICKS_LOCAL_SECRET_<SCOPE>__<KEY>``, in small letters.
    """
    found = {
        scope: {key: value.decode(errors="replace") for key, value in keys.items()}
        for scope, keys in workspace.secrets.values().items()
    }
    for name, value in os.environ.items():
        scope, separator, key = name.removeprefix(_SECRET).lower().partition("__")
        if name.startswith(_SECRET) and separator:
            found.setdefault(scope, {})[key] = value
    return found


def with_secrets(settings: Mapping[str, object], known: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return settings of a cluster with ``{{secrets/scope/key}}`` replaced; unknown ones stay as they are.

    Args:
        settings: Spark settings or environment variables.
        known: The secrets by scope and key.
    """

    def value(found: re.Match[str]) -> str:
        scope, key = found.groups()
        own = known.get(scope, {}).get(key)
        return own or known.get(_plain(scope), {}).get(_plain(key), found[0])

    return {name: _SECRET_REFERENCE.sub(value, str(text)) for name, text in settings.items()}


def _plain(name: str) -> str:
    """Return a scope or key as an environment variable can spell it, in small letters."""
    return re.sub(r"\W", "_", name).lower()
