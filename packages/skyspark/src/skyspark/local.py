"""What a Spark session on one machine needs: Delta from the cache, and settings made for small data.

The figures behind the choices (Delta's own defaults are made for clusters): 50 snapshot partitions and 200
shuffle partitions turn a MERGE of ten rows from 5 s into 14 s and a VACUUM from 3 s into 50 s.
"""

import os
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from skyspark.archive import class_archive, use_options
from skyspark.identifiers import TableName
from skyspark.jars import find_jars
from skyspark.java import find_java
from skyspark.versions import installed_spark, spark_home

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


JAVA_OPTIONS = "spark.driver.extraJavaOptions"


def local_cores() -> int:
    """Return the threads of a local session: ``SKYSPARK_LOCAL_CORES``, else at most four of the machine's."""
    own = os.environ.get("SKYSPARK_LOCAL_CORES", "")
    return int(own) if own.isdigit() and int(own) > 0 else min(4, os.cpu_count() or 1)


def local_conf(warehouse: Path) -> dict[str, str]:
    """Return the settings of a local session.

    Args:
        warehouse: Folder of managed tables.

    Raises:
        JavaNotFoundError: There is no Java that Spark can use.
        SparkNotFoundError: PySpark is missing or of an unknown version.
        JarsNotFoundError: The Delta jars were not fetched yet.
    """
    jars = find_jars(installed_spark())
    archive = class_archive(find_java(), spark_home(), jars)
    cores = local_cores()
    return {
        "spark.master": f"local[{cores}]",
        "spark.driver.extraClassPath": os.pathsep.join(map(str, jars)),
        JAVA_OPTIONS: " ".join(filter(None, (_log_options(), use_options(archive)))),
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        # Databricks' defaults, so that SQL without USING and timestamps mean the same here.
        "spark.sql.sources.default": "delta",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(warehouse),
        # Tables that a pipeline makes at the same time share the threads, not just take what others leave.
        "spark.scheduler.mode": "FAIR",
        "spark.sql.shuffle.partitions": str(cores),
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        # A laptop's own host name is often not resolvable, or changes with a VPN.
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }


def spark_defaults(warehouse: Path) -> str:
    """Return the settings of a local session as the text of a ``spark-defaults.conf``.

    Programs that make their own session, such as ``spark-pipelines``, take it from the folder that
    ``SPARK_CONF_DIR`` names. It names no master: ``spark-pipelines`` refuses one there.

    Args:
        warehouse: Folder of managed tables.

    Raises:
        EnvironmentNotReadyError: As for ``local_conf``.
    """
    settings = local_conf(warehouse)
    del settings["spark.master"]
    return "".join(f"{key} {value}\n".replace("\\", "\\\\") for key, value in settings.items())


def _log_options() -> str:
    own = os.environ.get("SPARK_CONF_DIR")
    if own and (Path(own) / "log4j2.properties").is_file():
        return ""
    return f"-Dlog4j2.configurationFile={Path(str(files('skyspark') / 'log4j2.properties')).as_uri()}"


def register_tables(spark: "SparkSession", warehouse: Path) -> None:
    """Make tables that earlier local runs left in the warehouse folder known to this session.

    Spark's in-memory catalog forgets them when the process ends; a Hive catalog would cost each session 3 s.

    Args:
        spark: A local session.
        warehouse: Its warehouse folder.
    """
    for log in sorted([*warehouse.glob("*/_delta_log"), *warehouse.glob("*.db/*/_delta_log")]):
        if next(log.glob("[0-9]*"), None) is None:
            # A first write that failed or was killed leaves the folder and no table.
            continue
        table = log.parent
        schema = table.parent.stem if table.parent != warehouse else "default"
        name = TableName((schema, table.name))
        spark.sql(f"CREATE SCHEMA IF NOT EXISTS {name.schema_sql}")
        location = str(table).replace("\\", "\\\\").replace("'", "\\'")
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name.sql} USING delta LOCATION '{location}'")
