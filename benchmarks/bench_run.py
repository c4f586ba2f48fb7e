"""The run engine: eight slow tables against their critical path, and its overhead against PySpark by hand.

A slow table waits inside a Spark task, as for a slow source: what is measured is when tables start, not how
fast this machine's cores are.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from skyspark import get_spark
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.run.engine import run_plan
from skyspark.pipeline.run.options import RunOptions
from timing import report

SLOW_TABLES = 8
SLOW_SECONDS = 20.0
ROWS = 2_000_000
TURNS = 7


def slow(spark: SparkSession, seconds: float) -> DataFrame:
    def wait(part: Iterable[tuple[int]]) -> Iterable[tuple[int]]:
        time.sleep(seconds)
        return part

    return spark.createDataFrame(spark.sparkContext.parallelize([(1,)], 1).mapPartitions(wait), "id int")


def run(spark: SparkSession, folder: Path, tables: list[dict], threads: int) -> float:
    """Run tables and return the seconds it took."""
    pipeline = Pipeline(
        name="bench", schema="ours", storage=str(folder / "state"), tables=[Table(**t) for t in tables]
    )
    begun = time.perf_counter()
    results = run_plan(make_plan(pipeline, Selection()), spark, RunOptions(threads=threads))
    took = time.perf_counter() - begun
    if results.status != "succeeded":
        raise SystemExit([table.message for table in results.tables])
    return took


def slow_tables(folder: Path) -> bool:
    spark = get_spark("bench", warehouse=folder / "w", conf={"spark.master": f"local[{SLOW_TABLES}]"})

    def lasting(seconds: float) -> list[dict]:
        change = {"type": "python", "function": "bench_run.slow", "params": {"seconds": seconds}}
        return [{"name": f"slow_{i}", "transformation": change} for i in range(SLOW_TABLES)]

    for _ in range(5):  # Java compiles what it runs, and the tables are there, from the second run on.
        run(spark, folder, lasting(0.0), SLOW_TABLES)
    tables = lasting(SLOW_SECONDS)
    alone = statistics.median(run(spark, folder, tables[:1], 1) for _ in range(3))
    together = statistics.median(run(spark, folder, tables, SLOW_TABLES) for _ in range(3))
    spark.stop()
    ours, sum_of_all, path = (
        f"{SLOW_TABLES} tables at once",
        "one after the other",
        "the critical path: one table",
    )
    seconds = {ours: together, sum_of_all: alone * SLOW_TABLES, path: alone}
    return all(
        [
            report("Eight independent slow tables against their sum", ours, sum_of_all, seconds, 0.25),
            report("Eight independent slow tables against their critical path", ours, path, seconds, 1.2),
        ]
    )


def overhead(folder: Path) -> bool:
    spark = get_spark("bench", warehouse=folder / "w", conf={"spark.master": "local[2]"})
    source = str(folder / "source")
    spark.range(ROWS).selectExpr(
        "id",
        "id % 1000 AS customer",
        "rand(1) * 100 AS amount",
        "date_add(DATE '2026-01-01', int(id % 90)) AS day",
    ).write.parquet(source)
    cleaned = "SELECT id, customer, round(amount, 2) AS amount, day FROM {} WHERE amount > 1"
    daily = "SELECT day, customer, sum(amount) AS total, count(*) AS orders FROM {} GROUP BY day, customer"
    top = "SELECT customer, sum(total) AS total FROM {} GROUP BY customer ORDER BY total DESC LIMIT 100"

    def by_hand() -> None:
        spark.read.parquet(source).createOrReplaceTempView("raw")
        for query, reads, name in (
            (cleaned, "raw", "cleaned"),
            (daily, "theirs.cleaned", "daily"),
            (top, "theirs.daily", "top"),
        ):
            writer = spark.sql(query.format(reads)).write.format("delta").mode("overwrite")
            writer.option("overwriteSchema", "true").saveAsTable(f"theirs.{name}")

    def sql(query: str, reads: str) -> dict:
        return {"type": "sql", "query": query.format(reads)}

    files = {"format": "parquet", "path": source}
    tables = [
        {"name": "cleaned", "source": files, "transformation": sql(cleaned, "source")},
        {"name": "daily", "depends_on": "cleaned", "transformation": sql(daily, "cleaned")},
        {"name": "top", "depends_on": "daily", "transformation": sql(top, "daily")},
    ]
    ruled = [dict(table) for table in tables]
    ruled[0]["expectations"] = [
        {"type": "null_check", "columns": ["id", "customer"], "action": "drop"},
        {"type": "range_check", "column": "amount", "min": 0},
    ]
    spark.sql("CREATE SCHEMA theirs")
    ways: dict[str, Callable[[], object]] = {
        "PySpark by hand": by_hand,
        "the engine": lambda: run(spark, folder, tables, 1),
        "the engine with expectations": lambda: run(spark, folder, ruled, 1),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(TURNS + 3):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            if turn > 2:
                took[name].append(time.perf_counter() - begun)
    spark.stop()
    medians = {name: statistics.median(values) for name, values in took.items()}
    theirs, ours, judged = ways
    holds = report(f"Three tables from {ROWS:,} rows", ours, theirs, medians, 1.1)
    ratio = medians[judged] / medians[ours]
    print(f"    {judged:<44} {medians[judged] * 1000:8.0f} ms ({ratio:.2f} of without, for information)")
    return holds


def main() -> int:
    """Print the ratios; exit 1 when one does not hold."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        return not all([slow_tables(Path(one)), overhead(Path(other))])


if __name__ == "__main__":
    sys.exit(main())
