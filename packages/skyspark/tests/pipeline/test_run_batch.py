"""Batch tables: every way of writing, again and again."""

import pytest


def sql(query):
    return {"type": "sql", "query": query}


def values(*rows, columns="id, v"):
    listed = ", ".join(str(row) if len(row) > 1 else f"({row[0]!r})" for row in rows)
    return sql(f"SELECT * FROM VALUES {listed} AS t({columns})".replace("None", "NULL"))


def table(name, transformation=None, **fields):
    return {"name": name, "transformation": transformation, **fields}


def test_overwrite_replaces_all_rows_and_describes_the_table(spark, run_tables, rows):
    fields = {"description": "It's new", "target": {"properties": {"delta.appendOnly": "false"}}}
    run_tables(table("t", values((1, "a"), (2, "b")), **fields))
    done = run_tables(table("t", values((3, "c")), **fields))
    assert rows("t") == [(3, "c")]
    assert (done["t"].rows_out, done["t"].status) == (1, "succeeded")
    assert spark.catalog.getTable("t").description == "It's new"
    properties = dict(map(tuple, spark.sql("SHOW TBLPROPERTIES t").collect()))
    assert properties["delta.appendOnly"] == "false"


def test_append_adds_in_each_run(run_tables, rows):
    appended = {"target": {"mode": "append"}}
    run_tables(table("t", values((1, "a")), **appended))
    run_tables(table("t", values((1, "a"), (2, "b")), **appended))
    assert rows("t") == [(1, "a"), (1, "a"), (2, "b")]


def test_the_same_date_again_replaces_that_date_only(run_tables, rows):
    def day(date, *ids):
        return table(
            "t",
            values(*((i, date) for i in ids), columns="id, day"),
            target={"replace_where": f"day = '{date}'", "partition_by": ["day"]},
        )

    run_tables(day("2026-01-01", 1, 2))
    run_tables(day("2026-01-02", 3))
    run_tables(day("2026-01-02", 4))
    assert rows("t") == [(1, "2026-01-01"), (2, "2026-01-01"), (4, "2026-01-02")]
    outside = day("2026-01-03", 5) | {"transformation": values((5, "2026-01-04"), columns="id, day")}
    failed = run_tables(outside, status="failed")
    assert "does not meet replaceWhere" in failed["t"].message
    assert len(rows("t")) == 3


def test_overwrite_partitions(run_tables, rows):
    target = {"mode": "overwrite_partitions", "partition_by": ["v"]}
    run_tables(table("t", values((1, "a"), (2, "b")), target=target))
    run_tables(table("t", values((3, "b")), target=target))
    assert rows("t") == [(1, "a"), (3, "b")]


def test_merge_keeps_the_last_and_deletes_and_lays_out(spark, run_tables, rows):
    target = {
        "mode": "merge",
        "keys": "id",
        "sequence_by": "at",
        "delete_where": "op = 'D'",
        "exclude_columns": ["op"],
        "cluster_by": ["id"],
    }
    columns = "id, at, op"
    first = values((1, 1, "U"), (2, 1, "U"), (3, 1, "U"), columns=columns)
    second = values((1, 5, "U"), (2, 6, "D"), (3, 0, "U"), columns=columns)
    run_tables(table("t", first, target=target))
    for _ in range(2):
        done = run_tables(table("t", second, target=target))
        assert rows("t", "id", "at") == [(1, 5), (3, 1)]
    assert done["t"].rows_out == 3
    (detail,) = spark.sql("DESCRIBE DETAIL t").collect()
    assert detail.clusteringColumns == ["id"]


def test_merge_with_history(run_tables, rows):
    target = {"mode": "merge", "keys": "id", "sequence_by": "at", "scd_type": 2, "partition_by": ["v"]}
    run_tables(table("t", values((1, "a", 1), columns="id, v, at"), target=target))
    run_tables(table("t", values((1, "b", 2), columns="id, v, at"), target=target))
    assert rows("t", "id", "v", "__START_AT", "__END_AT") == [(1, "a", 1, 2), (1, "b", 2, None)]


def test_files_are_compacted(spark, run_tables):
    def partly(condition):
        target = {"mode": "append", "zorder": ["id"]}
        return table(
            "t", sql(f"SELECT * FROM VALUES (1), (2), (3) AS t(id) WHERE {condition}"), target=target
        )

    run_tables(partly("id > 1"))
    run_tables(partly("id = 1"))
    history = spark.sql("DESCRIBE HISTORY t").select("operation").collect()
    assert history[0].operation == "OPTIMIZE"
    assert len(spark.table("t").inputFiles()) == 1


@pytest.mark.parametrize(
    ("mode", "kept"), [("append", [(1, 10), (2, 20), (3, 30)]), ("merge", [(1, 10), (2, 21), (3, 30)])]
)
def test_incremental_reads_what_is_new(spark, run_tables, rows, mode, kept):
    target = {"mode": mode} | ({"keys": "id"} if mode == "merge" else {})
    tables = (
        table("raw", values((1, 10), (2, 20), columns="id, n")),
        table(
            "t",
            depends_on="raw",
            incremental={"column": "at"},
            target=target,
            transformation=sql("SELECT id, n, at FROM raw"),
        ),
    )

    def raw(*given):
        listed = ", ".join(f"({i}, {n}, TIMESTAMP '2026-01-0{day} 10:00:00.000001')" for i, n, day in given)
        return tables[0] | {"transformation": sql(f"SELECT * FROM VALUES {listed} AS t(id, n, at)")}

    run_tables(raw((1, 10, 1), (2, 20, 2)), tables[1])
    # Older than what is there, as new as what is there, and newer: only a merge may look at its newest again.
    again = raw((1, 11, 1), (2, 21, 2), (3, 30, 3))
    done = run_tables(again, tables[1])
    assert rows("t", "id", "n") == kept
    assert done["t"].rows_out == len(kept) - 1 if mode == "merge" else 1


def test_lookback_reads_again(run_tables, rows):
    def tables(*given):
        listed = ", ".join(f"({i}, {n}, DATE '2026-01-0{day}')" for i, n, day in given)
        incremental = {"column": "day", "input": "raw", "lookback": "1 day"}
        return (
            table("raw", sql(f"SELECT * FROM VALUES {listed} AS t(id, n, day)")),
            table("t", depends_on="raw", incremental=incremental, target={"mode": "merge", "keys": "id"}),
        )

    run_tables(*tables((1, 10, 1), (2, 20, 2), (3, 30, 3)))
    run_tables(*tables((1, 11, 1), (2, 21, 2), (3, 30, 3)))
    assert rows("t", "id", "n") == [(1, 10), (2, 21), (3, 30)]


def test_incremental_that_would_drop_the_rest_is_refused(run_tables):
    from skyspark.errors import PipelineError

    with pytest.raises(PipelineError, match="'t': incremental reads new rows only"):
        run_tables(table("raw", values((1, "a"))), table("t", depends_on="raw", incremental={"column": "id"}))


def test_inputs_of_all_kinds(spark, run_tables, rows, functions, tmp_path):
    (tmp_path / "in.csv").write_text("id,v\n1,a\n2,b\n")
    csv = {
        "format": "csv",
        "path": str(tmp_path / "in.csv"),
        "options": {"header": True},
        "schema": "id INT, v STRING",
    }
    functions.doubled = lambda spark, source, factor: source.selectExpr(f"id * {factor} AS id", "v")
    run_tables(
        table("read", source=csv),
        table("called", {"type": "python", "function": "made.doubled", "params": {"factor": 10}}, source=csv),
        table(
            "kept",
            {"type": "filter", "condition": "kept.id > 10", "input": "called"} | {"condition": "id > 10"},
            depends_on="called",
        ),
        table(
            "joined",
            {
                "type": "join",
                "left": "read",
                "right": "called",
                "on": "read.id * 10 = called.id",
                "columns": ["read.id", "called.v"],
            },
            depends_on=["read", "called"],
        ),
        table(
            "counted",
            {"type": "aggregate", "input": "joined", "aggregations": {"n": "count(*)"}},
            depends_on="joined",
        ),
        table(
            "in_sql",
            sql("WITH x AS (SELECT id FROM source) SELECT x.id FROM x JOIN read USING (id)"),
            source=csv,
            depends_on="read",
        ),
    )
    assert rows("kept") == [(20, "b")]
    assert rows("joined") == [(1, "a"), (2, "b")]
    assert rows("counted") == [(2,)]
    assert rows("in_sql") == [(1,), (2,)]
    # Nothing that a run makes for itself is left.
    assert not [view for view in spark.catalog.listTables() if view.isTemporary]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"format": "csv", "path": "/nowhere/a.csv"}, "the source path /nowhere/a.csv does not exist."),
        ({"format": "delta", "path": "/nowhere/a"}, "the source path /nowhere/a"),
        ({"table": "nobody.knows"}, "table nobody.knows: the source does not exist."),
    ],
)
def test_a_source_that_is_not_there(run_tables, source, said):
    failed = run_tables(table("t", source=source), status="failed")
    assert failed["t"].message.startswith(said)


class TestTemporary:
    def evaluations(self, spark, run_tables, functions, **fields):
        """Run a temporary table under two readers; return how often a row of it was computed."""
        counter = spark.sparkContext.accumulator(0)

        def counted(spark):
            def each(part):
                for row in part:
                    counter.add(1)
                    yield row

            return spark.createDataFrame(
                spark.sparkContext.parallelize([(1,), (2,)], 1).mapPartitions(each), "id int"
            )

        functions.counted = counted
        run_tables(
            table("shared", {"type": "python", "function": "made.counted"}, temporary=True, **fields),
            table("one", depends_on="shared"),
            table("two", sql("SELECT id + 1 AS id FROM shared"), depends_on="shared"),
        )
        assert not spark.catalog.tableExists("shared")
        # Nothing stays in memory after the run.
        assert spark._jsparkSession.sharedState().cacheManager().isEmpty()
        return counter.value / 2

    def test_is_computed_once_for_several_readers(self, spark, run_tables, rows, functions):
        assert self.evaluations(spark, run_tables, functions) == 1
        assert rows("two") == [(2,), (3,)]

    def test_is_computed_for_each_reader_if_told_so(self, spark, run_tables, functions):
        assert self.evaluations(spark, run_tables, functions, cache=False) == 2

    def test_a_mere_selection_of_columns_is_not_kept(self, spark, run_tables):
        from skyspark.pipeline.run.keeping import pays

        run_tables(table("t", values((1, "a"))))
        stored = spark.table("t")
        assert not pays(stored.where("id > 0").select("v"))
        assert pays(stored.groupBy("v").count())
        assert pays(stored.join(stored.select("id"), "id"))

    def test_that_breaks_a_fail_fails_itself(self, run_tables):
        done = run_tables(
            table(
                "shared",
                values((1, "a"), (2, "b")),
                temporary=True,
                expectations=[{"expression": "id > 1", "action": "fail", "name": "big"}],
            ),
            table("one", depends_on="shared"),
            status="failed",
        )
        assert done["shared"].message.startswith("broken expectations: 'big' (1 of 2 rows)")
        assert done["one"].status == "skipped"

    def test_has_its_rules_counted(self, run_tables, rows):
        done = run_tables(
            table(
                "shared",
                values((1, "a"), (2, "b")),
                temporary=True,
                expectations=[{"expression": "id > 1", "action": "drop", "name": "big"}],
            ),
            table("one", depends_on="shared"),
            table("two", depends_on="shared"),
        )
        assert rows("one") == rows("two") == [(2, "b")]
        assert [(e.broken, e.passed) for e in done["shared"].expectations] == [(1, 1)]
