"""What of a pipeline is made whole because streams cannot do it, and who is told."""

import pytest
from skyspark.errors import StreamingError
from skyspark.pipeline.model import Pipeline, Source, Table, Target, Watermark
from skyspark.pipeline.streaming import streamable
from skyspark.pipeline.transformations import Aggregate, SqlQuery

ROWS = Table(name="rows", source=Source(format="json", path="in", schema="k STRING, v INT, ts TIMESTAMP"))


def sql(query):
    return SqlQuery(type="sql", query=query)


def streams(*tables, **options):
    return streamable(Pipeline(name="p", tables=tables), "streaming", **options)


def test_what_works_is_left_as_it_is():
    counts = Table(
        name="counts",
        depends_on=("rows",),
        watermark=Watermark(column="ts", delay="10 minutes"),
        transformation=sql("SELECT window(ts, '1 hour') AS w, count(*) AS n FROM rows GROUP BY 1"),
    )
    pipeline, findings = streams(ROWS, counts)
    assert findings == ()
    assert pipeline.tables == (ROWS, counts)


def test_an_aggregate_is_made_whole_and_so_is_what_follows_it():
    total = Aggregate(type="aggregate", input="rows", group_by=("k",), aggregations={"n": "count(*)"})
    counts = Table(name="counts", depends_on=("rows",), transformation=total, target=Target(mode="append"))
    big = Table(name="big", depends_on=("counts",), transformation=sql("SELECT * FROM counts WHERE n > 9"))
    both = Table(
        name="both",
        depends_on=("counts", "rows"),
        transformation=sql("SELECT r.k, c.n FROM rows r LEFT JOIN counts c ON c.k = r.k"),
    )
    pipeline, findings = streams(ROWS, counts, big, both)
    assert [(f.table, f.remedy) for f in findings] == [
        ("counts", "materialized view"),
        ("big", "materialized view"),
        ("both", "read whole"),
    ]
    assert {t.name: t.mode for t in pipeline.tables} == {
        "rows": None,
        "counts": "batch",
        "big": "batch",
        "both": None,
    }
    assert pipeline.by_name["counts"].target.mode is None
    assert "without a watermark" in findings[0].note
    assert "'counts'" in findings[1].note
    with pytest.raises(StreamingError) as refused:
        streams(ROWS, counts, big, both, strict=True)
    assert len(str(refused.value).splitlines()) == 3
    assert str(refused.value).startswith("table 'counts': it aggregates a stream without a watermark: ")


def test_only_what_is_asked_for_is_reported_but_all_is_rewritten():
    total = Aggregate(type="aggregate", input="rows", aggregations={"n": "count(*)"})
    counts = Table(name="counts", depends_on=("rows",), transformation=total)
    pipeline, findings = streams(ROWS, counts, strict=True, only=frozenset({"rows"}))
    assert findings == ()
    assert pipeline.by_name["counts"].mode == "batch"


def test_counts_of_distinct_values_are_approximated_where_nothing_else_is_in_the_way():
    counts = Table(
        name="counts",
        depends_on=("rows",),
        watermark=Watermark(column="ts", delay="10 minutes"),
        transformation=Aggregate(
            type="aggregate", input="rows", group_by=("ts",), aggregations={"n": "count(DISTINCT k)"}
        ),
    )
    pipeline, findings = streams(ROWS, counts)
    assert [f.remedy for f in findings] == ["approx_count_distinct"]
    rewritten = pipeline.by_name["counts"]
    assert rewritten.mode is None
    assert "approx_count_distinct(k) AS `n`" in rewritten.transformation.as_sql()
    exact = counts.model_copy(update={"watermark": None})
    pipeline, findings = streams(ROWS, exact)
    assert [f.remedy for f in findings] == ["materialized view"]
    assert pipeline.by_name["counts"].transformation == exact.transformation


def test_a_merge_cannot_be_made_whole():
    counts = Table(
        name="counts",
        depends_on=("rows",),
        transformation=sql("SELECT k, count(*) AS n FROM rows GROUP BY k"),
        target=Target(mode="merge", keys=("k",), sequence_by="n"),
    )
    with pytest.raises(StreamingError, match="table 'counts': it aggregates"):
        streams(ROWS, counts)


def test_a_watermark_lives_on_in_views_but_not_in_tables():
    marked = {"depends_on": ("rows",), "watermark": Watermark(column="ts", delay="1 hour")}
    query = "SELECT ts, count(*) AS n FROM {} GROUP BY ts"
    tables = [
        ROWS,
        Table(name="view", temporary=True, **marked),
        Table(name="table", **marked),
        Table(
            name="renamed",
            depends_on=("view",),
            temporary=True,
            transformation=sql("SELECT ts AS t FROM view"),
        ),
        Table(name="a", depends_on=("view",), transformation=sql(query.format("view"))),
        Table(name="b", depends_on=("table",), transformation=sql(query.format("`table`"))),
        Table(name="c", depends_on=("renamed",), transformation=sql("SELECT t FROM renamed GROUP BY t")),
    ]
    assert [f.table for f in streams(*tables)[1]] == ["b"]


def test_a_watermark_is_on_every_stream_that_may_have_the_column():
    joined = Table(
        name="joined",
        source=Source(format="json", path="in", schema="k STRING, struct STRUCT<ts: INT>"),
        depends_on=("rows",),
        watermark=Watermark(column="ts", delay="1 hour"),
        transformation=sql("SELECT r.ts, count(*) AS n FROM source s JOIN rows r ON r.k = s.k GROUP BY r.ts"),
    )
    assert streams(ROWS, joined)[1] == ()
    elsewhere = joined.model_copy(
        update={"watermark": Watermark(column="ts", delay="1 hour", input="source")}
    )
    assert [f.table for f in streams(ROWS, elsewhere)[1]] == ["joined"]


def test_the_word_stream_on_what_does_not_stream_is_found():
    whole = Table(name="whole", source=Source(path="in"), mode="batch")
    reads = Table(
        name="reads",
        depends_on=("rows", "whole"),
        transformation=sql("SELECT * FROM STREAM rows JOIN STREAM(whole) USING (k)"),
    )
    _, findings = streams(ROWS, whole, reads)
    assert [(f.table, f.remedy) for f in findings] == [("reads", "read whole")]
    assert "'whole'" in findings[0].note


def test_paths_that_no_stream_can_follow_are_read_whole():
    after = Table(name="after", depends_on=("rows",))
    tables = Table(name="tables", source=Source(table="a.b"))
    pipeline, findings = streams(ROWS, after, tables, follows_paths=False)
    assert [f.table for f in findings] == ["rows", "after"]
    assert "the path 'in'" in findings[0].note
    assert pipeline.by_name["tables"].mode is None
