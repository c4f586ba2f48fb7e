"""The framework as a client of Spark Connect."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.spark_matrix

CONNECT = """
from pyspark.errors import PySparkException
from skyspark import get_spark
from skyspark.errors import ConstraintViolationError, MergeKeyError
from skyspark.load import (
    merge_delta_table, save_delta_table, save_delta_table_clustered, save_table_metadata,
)
spark = get_spark()
assert type(spark).__module__.startswith("pyspark.sql.connect"), type(spark)
rows = spark.createDataFrame([(1, "a"), (2, "b")], "id int, v string")
save_delta_table(rows, "s.t", ["v"])
save_delta_table(rows.where("v = 'a'"), "s.t", replaceWhere="v = 'a'")
save_delta_table_clustered(rows, "s.c", ["id"])
save_delta_table_clustered(rows, "s.c", ["id"])
for _ in range(2):
    merge_delta_table(rows, "s.m", ["id"])
    merge_delta_table(rows, "s.h", ["id"], scd_type=2)
save_table_metadata("s.t", comment="it's", properties={"a": "b"})
spark.sql("ALTER TABLE s.c ADD CONSTRAINT positive CHECK (id > 0)")
negative = rows.selectExpr("-id AS id", "v")
for error, write in (
    (ConstraintViolationError, lambda: save_delta_table(negative, "s.c", mode="append")),
    (MergeKeyError, lambda: merge_delta_table(rows.unionAll(rows), "s.m", ["id"])),
):
    try:
        write()
    except error as said:
        print(said)
    else:
        raise SystemExit(f"{error.__name__} was not raised")
print([spark.table(name).count() for name in ("s.t", "s.c", "s.m", "s.h")])
"""


def test_spark_connect(clean_env, tmp_path):
    """A real server in one process, the framework as its client in another."""
    server = (
        "import os, sys\n"
        "from skyspark import get_spark\n"
        "spark = get_spark(warehouse='warehouse', conf={'spark.plugins': "
        "'org.apache.spark.sql.connect.SparkConnectPlugin', 'spark.connect.grpc.binding.port': '0', "
        "'spark.sql.shuffle.partitions': '1', 'spark.sql.codegen.wholeStage': 'false', "
        "'spark.driver.extraJavaOptions': '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC'})\n"
        "service = 'org.apache.spark.sql.connect.service.SparkConnectService$'\n"
        "port = getattr(getattr(spark.sparkContext._jvm, service), 'MODULE$').localPort()\n"
        "print(port, flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", server], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            port = int(process.stdout.readline())
            done = subprocess.run(
                [sys.executable, "-c", CONNECT],
                cwd=tmp_path,
                env=os.environ | {"SPARK_REMOTE": f"sc://127.0.0.1:{port}", "JAVA_HOME": "/nonexistent"},
                capture_output=True,
                text=True,
                check=False,
                timeout=1800,
            )
        finally:
            process.stdin.close()
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert "a row breaks the CHECK constraint positive (id > 0)" in said[0]
    assert "several rows for id=" in said[1]
    assert said[2] == "[2, 2, 2, 2]"
