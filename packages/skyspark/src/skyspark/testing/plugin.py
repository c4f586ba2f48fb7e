"""A pytest plugin with a Spark session for the run and an empty warehouse for each test.

It is loaded in every pytest run of a project that has SkySpark installed, so nothing here imports PySpark
before a test asks for it.
"""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Tests run many small queries once each: compiling them, in Spark and in Java, costs more than it gives.
# Together these took the processor time of a run of saves and merges from 73 to 33 s.
_FOR_TESTS = {
    # With one compiler Java reserves 48 MB for compiled code. A few hundred queries fill that; from then on
    # Java throws compiled code away and compiles it again.
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"
    ),
    "spark.sql.codegen.wholeStage": "false",
    # Spark keeps 100 pieces of generated code; Delta's own queries alone need more.
    "spark.sql.codegen.cache.maxEntries": "1000",
    # Planning again after each stage pays for itself with many shuffle partitions only.
    "spark.sql.adaptive.enabled": "false",
}
_ONE_THREAD = {"spark.master": "local[1]", "spark.sql.shuffle.partitions": "1"}


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator["SparkSession"]:
    """One Spark session with Delta for the whole run, stopped at its end.

    Its default warehouse is a temporary folder, one thread unless ``SKYSPARK_LOCAL_CORES`` is set.
    With ``SPARK_REMOTE`` set it is that server's session.
    """
    from skyspark.errors import EnvironmentNotReadyError
    from skyspark.session import get_spark

    conf = _FOR_TESTS if os.environ.get("SKYSPARK_LOCAL_CORES") else _FOR_TESTS | _ONE_THREAD
    try:
        session = get_spark("tests", warehouse=tmp_path_factory.mktemp("warehouse"), conf=conf)
    except EnvironmentNotReadyError as error:
        pytest.exit(f"no Spark session for the tests: {error}", returncode=2)
    yield session
    session.stop()


@pytest.fixture
def warehouse(spark: "SparkSession", tmp_path: Path) -> Iterator[str]:
    """An own empty schema for one test, on disk below its ``tmp_path``: made current, dropped afterwards.

    Its value is the schema's name: ``settings = Settings(schema_name=warehouse)``.
    """
    name = f"test_{uuid.uuid4().hex[:12]}"
    before = spark.catalog.currentDatabase()
    location = str(tmp_path / f"{name}.db").replace("\\", "\\\\").replace("'", "\\'")
    spark.sql(f"CREATE SCHEMA {name} LOCATION '{location}'")
    spark.catalog.setCurrentDatabase(name)
    yield name
    spark.catalog.setCurrentDatabase(before)
    spark.sql(f"DROP SCHEMA IF EXISTS {name} CASCADE")
    spark.catalog.clearCache()
    for table in spark.catalog.listTables(before):
        if table.isTemporary:
            spark.catalog.dropTempView(table.name)
