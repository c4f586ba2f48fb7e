"""Spark's settings: one machine, Delta by default, and the paths and tables of the workspace."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from databricks_local.config import Config
from databricks_local.execution.interpreter import Interpreter
from databricks_local.execution.places import roots

if TYPE_CHECKING:
    from databricks_local.workspace import Workspace

# Of a real cluster's settings these do not fit one machine.
_NOT_TAKEN = ("spark.master", "spark.submit.deployMode", "spark.hadoop.fs.defaultFS")
_CORES = 4
# Made for Spark 4.0, 4.1 and 4.2.
_DELTA = "4.4.0"
# Delta's package asks for 31 more jars (77 MB) that Spark has or that only other formats need.
_BROUGHT_BY_SPARK = (
    "com.*:*,commons-*:*,io.airlift:*,io.delta:delta-kernel-*,io.unitycatalog:*,javax.*:*,org.*:*"
)

LOG_SETTINGS = """\
rootLogger.level = error
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %d{yy/MM/dd HH:mm:ss} %p %c{1}: %m%n%ex
"""


def spark_settings(
    workspace: "Workspace", python: Interpreter, own: Mapping[str, str], scratch: Path
) -> dict[str, str]:
    """Return the settings of a session, without its master.

    Args:
        workspace: Whose tables, files and catalogs it knows.
        python: Who starts it.
        own: The ``spark_conf`` of the cluster; it wins.
        scratch: A folder for what Spark spills.
    """
    root = workspace.root
    return {
        **_delta(workspace.config, python),
        **_paths(root),
        "spark.sql.catalogImplementation": "hive",
        "spark.hadoop.hive.metastore.uris": f"thrift://{workspace.launcher.metastore.address}",
        "spark.sql.warehouse.dir": f"file:{root / 'warehouse'}",
        **{f"spark.sql.catalog.{name}": _DELTA_CATALOG for name in workspace.catalogs.catalog_names()},
        "spark.sql.session.timeZone": "UTC",
        "spark.local.dir": str(scratch),
        # Tasks are short and share few cores: the second compiler's work would not pay.
        "spark.driver.extraJavaOptions": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # Defaults are made for clusters: they turn a MERGE of ten rows from 5 s into 14 s.
        "spark.sql.shuffle.partitions": str(min(_CORES, os.cpu_count() or 1)),
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        **{name: str(value) for name, value in own.items() if name not in _NOT_TAKEN},
    }


def spark_defaults(settings: Mapping[str, str]) -> str:
    """Return settings as the text of a ``spark-defaults.conf``.

    Args:
        settings: The settings.
    """
    return "".join(f"{name} {value}\n".replace("\\", "\\\\") for name, value in settings.items())


def local_master(cores: int) -> str:
    """Return the master of a session that shares the machine with others.

    Args:
        cores: The machine's cores.
    """
    return f"local[{min(_CORES, cores)}]"


_DELTA_CATALOG = "org.apache.spark.sql.delta.catalog.DeltaCatalog"


def _delta(config: Config, python: Interpreter) -> dict[str, str]:
    settings = {
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": _DELTA_CATALOG,
        "spark.sql.sources.default": "delta",
    }
    line = python.spark_line
    # The same file may lie in the folders of several lines; a name with a line is for that one.
    jars = {jar.name: jar for jar in config.jars if "_2.1" not in jar.name or f"_{line}_" in jar.name}
    plain = {jar.name: jar for jar in config.jars if jar.name.startswith("delta-spark_2.1")}
    chosen = {**plain, **jars}
    if any(name.startswith("delta-spark") for name in chosen):
        settings["spark.driver.extraClassPath"] = ":".join(map(str, chosen.values()))
    else:
        settings["spark.jars.packages"] = _package(python)
        settings["spark.jars.excludes"] = _BROUGHT_BY_SPARK
        settings["spark.jars.ivy"] = str(config.root.absolute() / "ivy")
    return settings


def _package(python: Interpreter) -> str:
    """Return the Maven coordinates of the Delta that goes with an interpreter's Spark."""
    version = python.installed.get("delta-spark", _DELTA)
    # Since 4.1 each release is made for several lines of Spark.
    several = tuple(int(part) for part in version.split(".")[:2]) >= (4, 1)
    return f"io.delta:delta-spark_{f'{python.spark_line}_' if several else ''}2.13:{version}"


def _paths(root: Path) -> dict[str, str]:
    """Return settings that have Spark find a cluster's paths in the workspace's folder."""
    mounts = {f"link.{name}": f"file://{folder}" for name, folder in roots(root).items() if name != "/dbfs"}
    mounts["linkFallback"] = f"file://{root / 'dbfs'}"
    tables = ("workspace", "default")
    settings = {
        f"spark.hadoop.fs.viewfs.mounttable.{table}.{name}": folder
        for table in tables
        for name, folder in mounts.items()
    }
    return settings | {
        # A path without a scheme is one of DBFS.
        "spark.hadoop.fs.defaultFS": "viewfs://workspace/",
        "spark.hadoop.fs.dbfs.impl": "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme",
        "spark.hadoop.fs.viewfs.overload.scheme.target.dbfs.impl": "org.apache.hadoop.fs.LocalFileSystem",
        "spark.delta.logStore.viewfs.impl": "io.delta.storage.HDFSLogStore",
        # Hadoop has the file contexts that HDFSLogStore commits with for viewfs, and for no scheme of ours.
        "spark.delta.logStore.dbfs.impl": "io.delta.storage.LocalLogStore",
    }
