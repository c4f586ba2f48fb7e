"""One call for a Spark session wherever the program runs: a laptop, Databricks or Spark Connect."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from skyspark.errors import EnvironmentNotReadyError
from skyspark.local import JAVA_OPTIONS, local_conf, register_tables

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def on_databricks() -> bool:
    """Say whether the program runs on a Databricks cluster (which sets DATABRICKS_RUNTIME_VERSION)."""
    return bool(os.environ.get("DATABRICKS_RUNTIME_VERSION"))


def on_connect() -> bool:
    """Say whether sessions go to a Spark Connect server (``SPARK_REMOTE=sc://…``, as PySpark reads it)."""
    return os.environ.get("SPARK_REMOTE", "").startswith("sc://")


def get_spark(
    app_name: str = "skyspark", *, warehouse: Path | str | None = None, conf: Mapping[str, str] | None = None
) -> "SparkSession":
    """Return the Spark session of this process, made when there is none.

    On Databricks and with Spark Connect the session is taken as it is: Delta, catalogs and tuning are the
    cluster's, and only ``conf`` is applied. Elsewhere it is a local session with Delta, tuned for small data
    (see ``skyspark.local``); tables that earlier local runs left in the warehouse folder are found again.

    Args:
        app_name: The name shown in Spark's log; for local sessions.
        warehouse: Folder of managed tables; for local sessions. Default: ``SKYSPARK_WAREHOUSE``, else
            ``spark-warehouse`` in the current folder.
        conf: Spark settings that win over those chosen here; Java options are added to them.

    Raises:
        JavaNotFoundError: Local, and there is no Java that Spark can use.
        SparkNotFoundError: Local, and PySpark is missing or of an unknown version.
        JarsNotFoundError: Local, and ``skyspark jars fetch`` was not run.
        EnvironmentNotReadyError: Local, and Java did not come up.
    """
    if on_databricks() or on_connect():
        from pyspark.sql import SparkSession

        return _with(SparkSession.builder, conf or {}).getOrCreate()
    return _local(app_name, warehouse, conf or {})


@contextmanager
def program_session(app_name: str, *, conf: Mapping[str, str] | None = None) -> Iterator["SparkSession"]:
    """Give a session to a program for as long as it runs.

    A local session is stopped at the end. A cluster's belongs to the cluster: stopping it there would break
    what runs beside and after.

    Args:
        app_name: The name shown in Spark's log; for local sessions.
        conf: As for ``get_spark``.

    Raises:
        EnvironmentNotReadyError: As ``get_spark`` does.
    """
    session = get_spark(app_name, conf=conf)
    try:
        yield session
    finally:
        if not on_databricks() and not on_connect():
            session.stop()


def _local(app_name: str, warehouse: Path | str | None, conf: Mapping[str, str]) -> "SparkSession":
    folder = Path(warehouse or os.environ.get("SKYSPARK_WAREHOUSE") or "spark-warehouse").absolute()
    chosen = local_conf(folder)
    # Java's options are added up: who asks for more memory still wants the class data archive.
    options = " ".join(filter(None, (chosen[JAVA_OPTIONS], conf.get(JAVA_OPTIONS))))
    chosen |= dict(conf) | {JAVA_OPTIONS: options}
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return _with(SparkSession.builder, conf).getOrCreate()
    # Else Spark starts its workers with the 'python3' on PATH, which may be another version than this one.
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        spark = _with(SparkSession.builder.appName(app_name), chosen).getOrCreate()
    except PySparkRuntimeError as error:
        raise EnvironmentNotReadyError(
            f"Java did not come up for Spark ({error.getCondition()}): "
            "run 'skyspark doctor' to see what is wrong."
        ) from error
    register_tables(spark, folder)
    return spark


def _with(builder: "SparkSession.Builder", conf: Mapping[str, str]) -> "SparkSession.Builder":
    for key, value in conf.items():
        builder = builder.config(key, value)
    return builder
