"""What is said of a query's streams, beside what Spark does with them in append mode."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from skyspark.errors import QueryError
from skyspark.pipeline.streaming_rules import approximated, breaches, event_times

# Without a watermark `s` and `t`, with one on `ts` `sw` and `tw`; `d` does not stream.
STREAMS = ("s", "t", "sw", "tw")
WATERMARKS = {"sw": ["ts"], "tw": ["TS"]}
HOUR = "INTERVAL 1 HOUR"

WORKS = {
    "filter": "SELECT id, upper(k) AS k FROM s WHERE v > 1",
    "explode": "SELECT id, e FROM s LATERAL VIEW explode(array(1, 2)) l AS e",
    "limit": "SELECT * FROM s LIMIT 2",
    "unpivot": "SELECT * FROM (SELECT id, v AS a, v AS b FROM s) UNPIVOT (n FOR c IN (a, b))",
    "window": "SELECT window(ts, '1 hour').start AS w, count(*) AS n FROM sw GROUP BY window(ts, '1 hour')",
    "window by position": "SELECT window(ts, '1 hour') AS w, k, sum(v) AS n FROM sw GROUP BY 1, 2",
    "window by alias": "SELECT window(ts, '1 hour') AS w, sum(v) AS n FROM sw GROUP BY w HAVING sum(v) > 1",
    "group by all": "SELECT session_window(ts, '1 hour') AS w, k, max(v) AS n FROM sw GROUP BY ALL",
    "event time itself": "SELECT ts, count(*) AS n FROM sw GROUP BY ts",
    "renamed event time": "SELECT at, count(*) AS n FROM (SELECT ts AS at FROM sw) GROUP BY at",
    "approx_count_distinct": "SELECT ts, approx_count_distinct(v) AS n FROM sw GROUP BY ts",
    "aggregate of aggregate": "SELECT window(window_time(w), '2 hours') AS w2, sum(n) AS n FROM "
    "(SELECT window(ts, '1 hour') AS w, k, count(*) AS n FROM sw GROUP BY window(ts, '1 hour'), k) "
    "GROUP BY window(window_time(w), '2 hours')",
    "distinct with event time": "SELECT DISTINCT ts, k FROM sw",
    "stream join static": "SELECT s.id, d.n FROM s JOIN d ON s.k = d.k",
    "stream left join static": "WITH x AS (SELECT * FROM s) SELECT x.id, d.n FROM x LEFT JOIN d USING (k)",
    "static right join stream": "SELECT s.id, d.n FROM d RIGHT JOIN s ON s.k = d.k",
    "stream semi join static": "SELECT id FROM s LEFT SEMI JOIN d ON s.k = d.k",
    "stream anti join static": "SELECT id FROM s LEFT ANTI JOIN d ON s.k = d.k",
    "in static": "SELECT id FROM s WHERE k IN (SELECT k FROM d)",
    "scalar of static": "SELECT id, (SELECT max(n) FROM d) AS n FROM s",
    "aggregate of static inside": "SELECT s.id, x.n FROM s "
    "JOIN (SELECT k, count(DISTINCT n) AS n FROM d GROUP BY k) x ON s.k = x.k",
    "stream join stream": "SELECT s.id FROM s JOIN t ON s.id = t.id",
    "stream left join stream": "SELECT a.id FROM sw AS a LEFT JOIN tw AS b ON a.id = b.id "
    f"AND b.ts >= a.ts AND b.ts <= a.ts + {HOUR}",
    "left join on event time": "SELECT a.id FROM sw AS a LEFT JOIN tw AS b ON a.ts = b.ts",
    "full join of streams": f"SELECT a.id FROM sw AS a FULL JOIN tw AS b ON a.id = b.id "
    f"AND b.ts >= a.ts AND b.ts <= a.ts + {HOUR}",
    "semi join of streams": f"SELECT a.id FROM sw AS a LEFT SEMI JOIN tw AS b ON a.id = b.id "
    f"AND b.ts BETWEEN a.ts AND a.ts + {HOUR}",
    "union all": "SELECT id FROM s UNION ALL SELECT id FROM t",
}

FAILS = {
    "group by": "SELECT k, count(*) AS n FROM s GROUP BY k",
    "count of all": "SELECT count(*) AS n FROM s",
    "no event time in the groups": "SELECT k, count(*) AS n FROM sw GROUP BY k",
    "field of a window": "SELECT k, count(*) AS n FROM (SELECT k, window(ts, '1 hour').start AS b FROM sw) "
    "GROUP BY k, b",
    "date of event time": "SELECT to_date(ts) AS ts, count(*) AS n FROM sw GROUP BY to_date(ts)",
    "having": "SELECT 1 AS one FROM s HAVING max(v) > 1",
    "untyped aggregate": "SELECT try_sum(v) AS n FROM s",
    "event time of the other side": "SELECT t.ts, count(*) AS n FROM sw JOIN t ON sw.id = t.id GROUP BY t.ts",
    "distinct": "SELECT DISTINCT k FROM s",
    "distinct without event time": "SELECT DISTINCT k FROM sw",
    "count distinct": "SELECT ts, count(DISTINCT v) AS n FROM sw GROUP BY ts",
    "sum distinct": "SELECT ts, sum(DISTINCT v) AS n FROM sw GROUP BY ts",
    "order by": "SELECT id FROM s ORDER BY id",
    "sort by": "SELECT id FROM s SORT BY id",
    "offset": "SELECT id FROM s OFFSET 1",
    "row_number": "SELECT id, row_number() OVER (PARTITION BY k ORDER BY v) AS r FROM s",
    "qualify": "SELECT id FROM (SELECT id, rank() OVER (PARTITION BY k ORDER BY v) AS r FROM s) WHERE r = 1",
    "sum over": "SELECT id, sum(v) OVER (PARTITION BY k) AS r FROM s",
    "sample": "SELECT id FROM s TABLESAMPLE (50 PERCENT)",
    "pivot": "SELECT * FROM (SELECT k, v FROM s) PIVOT (sum(v) FOR k IN ('a', 'b'))",
    "numbering": "SELECT monotonically_increasing_id() AS n FROM s",
    "static left join stream": "SELECT d.k, s.id FROM d LEFT JOIN s ON s.k = d.k",
    "stream right join static": "SELECT d.k, s.id FROM s RIGHT JOIN d ON s.k = d.k",
    "stream full join static": "SELECT d.k, s.id FROM s FULL JOIN d ON s.k = d.k",
    "static semi join stream": "SELECT k FROM d LEFT SEMI JOIN s ON s.k = d.k",
    "static in stream": "SELECT k FROM d WHERE k IN (SELECT k FROM s)",
    "scalar of stream": "SELECT id, (SELECT max(v) FROM t) AS n FROM s",
    "cross join of streams": "SELECT s.id FROM s CROSS JOIN t",
    "left join of streams": "SELECT s.id FROM s LEFT JOIN t ON s.id = t.id",
    "left join of streams, no bound": "SELECT a.id FROM sw AS a LEFT JOIN tw AS b ON a.id = b.id",
    "anti join of streams": "SELECT a.id FROM sw AS a LEFT ANTI JOIN tw AS b ON a.id = b.id "
    f"AND b.ts >= a.ts AND b.ts <= a.ts + {HOUR}",
    "union with static": "SELECT k FROM s UNION ALL SELECT k FROM d",
    "union without all": "SELECT id FROM s UNION SELECT id FROM t",
    "except": "SELECT k FROM s EXCEPT SELECT k FROM d",
    "intersect": "SELECT k FROM s INTERSECT SELECT k FROM t",
}


@pytest.fixture(scope="module")
def streams(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("streams")
    (folder / "in").mkdir()
    (folder / "in" / "1.json").write_text(
        '{"id": 1, "k": "a", "v": 1, "ts": "2024-01-01 00:00:00"}\n'
        '{"id": 2, "k": "b", "v": 2, "ts": "2024-01-01 05:00:00"}\n'
    )
    rows = spark.readStream.schema("id INT, k STRING, v INT, ts TIMESTAMP").json(str(folder / "in"))
    for name in STREAMS:
        frame = rows.withWatermark("ts", "10 minutes") if name in WATERMARKS else rows
        frame.createOrReplaceTempView(name)
    spark.createDataFrame([("a", 1)], "k STRING, n INT").createOrReplaceTempView("d")
    yield folder
    for name in (*STREAMS, "d"):
        spark.catalog.dropTempView(name)


def _start(spark: Any, query: str, checkpoint: Path) -> Any:
    writer = spark.sql(query).writeStream.format("noop").outputMode("append").trigger(availableNow=True)
    return writer.option("checkpointLocation", str(checkpoint)).start()


@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, query in WORKS.items()])
def test_nothing_is_found_in_what_works(query: str) -> None:
    assert breaches(query, STREAMS, WATERMARKS) == ()


@pytest.mark.spark_matrix
def test_what_passes_runs_in_spark(spark: Any, streams: Path, tmp_path: Path) -> None:
    running = {name: _start(spark, query, tmp_path / name) for name, query in WORKS.items()}
    for name, query in running.items():
        query.awaitTermination()
        assert query.exception() is None, name


@pytest.mark.spark_matrix
@pytest.mark.parametrize("query", [pytest.param(query, id=name) for name, query in FAILS.items()])
def test_what_is_found_fails_in_spark(spark: Any, streams: Path, tmp_path: Path, query: str) -> None:
    assert breaches(query, STREAMS, WATERMARKS) != ()
    with pytest.raises(PySparkException):
        _start(spark, query, tmp_path).awaitTermination()


@pytest.mark.spark_matrix
def test_every_aggregate_of_spark_is_known_as_one(spark: Any) -> None:
    entries = spark._jvm.org.apache.spark.sql.catalyst.analysis.FunctionRegistry.expressions().iterator()
    aggregates = []
    while entries.hasNext():
        entry = entries.next()
        if entry._2()._1().getGroup() == "agg_funcs":
            aggregates.append(entry._1())
    assert "count" in aggregates
    assert [name for name in aggregates if not _seen(name)] == []


def _seen(name: str) -> bool:
    for arguments in ("", "v", "v, v", "v, v, v"):
        try:
            if breaches(f"SELECT {name}({arguments}) FROM s", ["s"], {}):
                return True
        except QueryError:
            continue
    return False


def test_only_single_counts_of_distinct_values_can_be_approximated(
    spark: Any, streams: Path, tmp_path: Path
) -> None:
    query = (
        "SELECT ts, COUNT ( DISTINCT v) AS n, `count`(DISTINCT k) AS m, 'count(DISTINCT k)' AS c "
        "-- count(DISTINCT v)\nFROM sw GROUP BY ts"
    )
    found = breaches(query, STREAMS, WATERMARKS)
    assert found
    assert all(breach.approximable for breach in found)
    rewritten = approximated(query)
    assert "'count(DISTINCT k)' AS c -- count(DISTINCT v)" in rewritten
    assert breaches(rewritten, STREAMS, WATERMARKS) == ()
    _start(spark, rewritten, tmp_path).awaitTermination()
    pair = breaches("SELECT ts, count(DISTINCT k, v) AS n FROM sw GROUP BY ts", STREAMS, WATERMARKS)
    assert [breach.approximable for breach in pair] == [False]


def test_a_watermark_is_followed_to_the_result() -> None:
    query = "SELECT k, ts AS at, window(ts, '1 hour'), window(ts, '1 hour').end AS e FROM sw JOIN d USING (k)"
    assert event_times(query, STREAMS, WATERMARKS) == {"at", "window"}
    assert event_times("SELECT * EXCEPT (ts) FROM sw", STREAMS, WATERMARKS) == frozenset()
    assert event_times("SELECT x.* FROM sw AS x JOIN d USING (k)", STREAMS, WATERMARKS) == {"ts"}
    assert event_times("SELECT d.* FROM sw JOIN d USING (k)", STREAMS, WATERMARKS) == frozenset()
    assert event_times("SELECT * FROM d", STREAMS, WATERMARKS) == frozenset()


def test_a_name_of_with_hides_a_stream_of_that_name() -> None:
    query = "WITH s AS (SELECT * FROM d) SELECT k, count(*) AS n FROM s GROUP BY k"
    assert breaches(query, STREAMS, WATERMARKS) == ()
    assert breaches("SELECT k, count(*) AS n FROM `S` AS d GROUP BY k", STREAMS, WATERMARKS)
    assert breaches("SELECT k, count(*) AS n FROM other.s GROUP BY k", STREAMS, WATERMARKS) == ()


def test_totals_of_a_stream_are_found_though_spark_drops_them_in_silence() -> None:
    for groups in ("ROLLUP (ts, k)", "CUBE (ts, k)", "GROUPING SETS ((ts), (k))"):
        found = breaches(f"SELECT ts, k, count(*) AS n FROM sw GROUP BY {groups}", STREAMS, WATERMARKS)
        assert len(found) == 1
        assert "several ways" in found[0].reason


def test_like_any_is_no_aggregate() -> None:
    assert breaches("SELECT id FROM s WHERE k LIKE ANY ('a%', 'b%')", STREAMS, WATERMARKS) == ()
    assert breaches("SELECT any(v > 1) AND true AS b FROM s", STREAMS, WATERMARKS)
