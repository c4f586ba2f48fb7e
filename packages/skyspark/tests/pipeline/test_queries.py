"""What a query reads, and the same query with other names in those places."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skyspark.errors import QueryError
from skyspark.identifiers import quote
from skyspark.pipeline import queries
from skyspark.pipeline.queries import tables_read, with_relations


def reads(query: str) -> list[str]:
    return [".".join(read.parts) for read in tables_read(query)]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("WITH a AS (SELECT * FROM a) SELECT * FROM a", ["a"]),
        ("WITH a AS (SELECT * FROM x), b AS (SELECT * FROM a) SELECT * FROM a JOIN b JOIN c", ["x", "c"]),
        ("WITH b AS (SELECT * FROM c), c AS (SELECT 1) SELECT * FROM b JOIN C", ["c"]),
        ("WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", []),
        ("SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) JOIN a", ["a"]),
        ("WITH a AS (SELECT 1) SELECT * FROM A JOIN db.a", ["db.a"]),
        ("SELECT * FROM x WHERE i IN (SELECT i FROM y) AND EXISTS (SELECT 1 FROM z)", ["x", "y", "z"]),
        ("SELECT (SELECT max(x) FROM m) FROM a", ["m", "a"]),
        ("SELECT * FROM a UNION ALL SELECT * FROM b EXCEPT SELECT * FROM c", ["a", "b", "c"]),
        ("(SELECT * FROM a) UNION (SELECT * FROM b)", ["a", "b"]),
        ("SELECT * FROM a LATERAL VIEW OUTER posexplode(a.xs) t AS p, x JOIN b ON true", ["a", "b"]),
        ("SELECT * FROM a, LATERAL explode(a.xs) AS t(x)", ["a"]),
        ("SELECT * FROM a, LATERAL (SELECT * FROM b WHERE b.i = a.i)", ["a", "b"]),
        ("SELECT * FROM range(10) JOIN a", ["a"]),
        ("SELECT * FROM read_files('/x', format => 'csv')", []),
        ("SELECT * FROM VALUES (1), (2) AS t(x)", []),
        ("SELECT * FROM f(TABLE(SELECT * FROM a))", ["a"]),
        ("SELECT * FROM `a` JOIN `we``ird na.me` JOIN `c`.`d`.e", ["a", "we`ird na.me", "c.d.e"]),
        ("SELECT * FROM c . d . e", ["c.d.e"]),
        ("SELECT /* FROM x */ * -- FROM y\nFROM a /* JOIN b */", ["a"]),
        ("SELECT 'FROM b' FROM a WHERE x RLIKE 'FROM c'", ["a"]),
        ("SELECT 'ä€😀' AS ü FROM a", ["a"]),
        ("SELECT * FROM a PIVOT (sum(x) FOR y IN ('p', 'q'))", ["a"]),
        ("SELECT * FROM a TABLESAMPLE (10 PERCENT) JOIN b VERSION AS OF 3", ["a", "b"]),
        ("SELECT * FROM ((a)) JOIN (b JOIN c ON true) ON true", ["a", "b", "c"]),
        ("FROM a |> WHERE x > 1 |> JOIN b USING (i)", ["a", "b"]),
        ("SELECT window(t, '1 h').start FROM a GROUP BY window(t, '1 h')", ["a"]),
        ("SELECT sum(x) OVER w FROM a WINDOW w AS (PARTITION BY y)", ["a"]),
        ("SELECT * FROM stream.a JOIN stream.b.c", ["stream.a", "stream.b.c"]),
        ("SELECT stream FROM stream", ["stream"]),
        ("SELECT * FROM parquet.`/x/y`", ["parquet./x/y"]),
        ("SELECT /*+ BROADCAST(b), MERGE(c) */ * FROM a JOIN b JOIN c", ["a", "b", "c"]),
        ("SELECT * FROM a;", ["a"]),
    ],
)
def test_reads_are_found(query: str, names: list[str]) -> None:
    assert reads(query) == names


SPARK = """\
SELECT a, count(*) FILTER (WHERE b) FROM t GROUP BY CUBE (a, b)
SELECT a FROM t GROUP BY GROUPING SETS ((a), ()) HAVING sum(a) > 1
SELECT stack(2, 'a', a, 'b', b) AS (k, v) FROM t
SELECT transform(xs, x -> x.a + 1), aggregate(xs, 0, (acc, x) -> acc + x) FROM t
SELECT a.b[0]['k'].c, a:x.y::int, from_json(a, 'x INT').x FROM t
SELECT a <=> b, a DIV b, a RLIKE 'x', X'1F', 1L, 1.5BD, INTERVAL '1' DAY, r'raw' FROM t
SELECT first_value(a) IGNORE NULLS OVER (ORDER BY c ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a), max_by(a, b), histogram_numeric(a, 5) FROM t
SELECT * FROM t LEFT ANTI JOIN t AS b ON t.id <=> b.id DISTRIBUTE BY a SORT BY b
SELECT session_window(t.at, '5 minutes').start FROM t GROUP BY session_window(t.at, '5 minutes')
SELECT * EXCEPT (a) FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY b DESC) = 1
SELECT * FROM t UNPIVOT INCLUDE NULLS (v FOR n IN (x AS 'X', y))
SELECT * FROM t PIVOT (sum(a) AS s, avg(b) FOR (c, d) IN ((1, 2) AS x, (3, 4)))
SELECT a FROM t WHERE (a, b) IN (SELECT c, d FROM t) AND b LIKE ALL ('x', 'y')
SELECT cube, rollup, date, timestamp, user, window, year, value, type, key FROM t
SELECT extract(YEAR FROM a), trim(BOTH 'x' FROM a), a COLLATE UTF8_LCASE FROM t GROUP BY ALL ORDER BY ALL
"""


@pytest.mark.parametrize("query", SPARK.splitlines())
def test_what_spark_understands_is_not_refused(query: str) -> None:
    assert set(reads(query)) == {"t"}


@pytest.mark.parametrize(
    ("query", "streamed"),
    [
        ("SELECT * FROM STREAM a", "STREAM a"),
        ("SELECT * FROM STREAM(a) AS s", "STREAM(a)"),
        ("SELECT * FROM stream ( `a` )", "stream ( `a` )"),
        ("SELECT * FROM STREAM /* of */ a", "STREAM /* of */ a"),
        ("SELECT * FROM STREAM a.b.c c", "STREAM a.b.c"),
        ("SELECT * FROM -- STREAM\na", None),
        ("SELECT * FROM /* STREAM */ a", None),
        ("SELECT stream FROM a", None),
    ],
)
def test_streams_are_told_from_comments(query: str, streamed: str | None) -> None:
    (read,) = tables_read(query)
    assert read.streamed == (streamed is not None)
    if streamed is not None:
        assert query[read.start : read.end] == streamed


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("SELECT a.x FROM a", "SELECT a.x FROM c.s.a AS `a`"),
        ("SELECT A.x FROM A", "SELECT A.x FROM c.s.a AS `A`"),
        ("SELECT t.x FROM a t", "SELECT t.x FROM c.s.a t"),
        ("SELECT * FROM a AS t (x)", "SELECT * FROM c.s.a AS t (x)"),
        ("SELECT * FROM (a) t", "SELECT * FROM (c.s.a) t"),
        ("SELECT * FROM STREAM(a)", "SELECT * FROM c.s.a AS `a`"),
        ("SELECT * FROM STREAM(a) t", "SELECT * FROM c.s.a t"),
        ("SELECT * FROM a JOIN b USING (i)", "SELECT * FROM c.s.a AS `a` JOIN STREAM c.s.b AS `b` USING (i)"),
        ("SELECT * FROM db.a JOIN x", "SELECT * FROM db.a JOIN x"),
        (
            "WITH a AS (SELECT * FROM a) SELECT * FROM a",
            "WITH a AS (SELECT * FROM c.s.a AS `a`) SELECT * FROM a",
        ),
        (
            "SELECT a.x FROM a LATERAL VIEW explode(xs) t",
            "SELECT a.x FROM c.s.a AS `a` LATERAL VIEW explode(xs) t",
        ),
        (
            "SELECT * FROM a PIVOT (sum(x) FOR y IN (1))",
            "SELECT * FROM c.s.a AS `a` PIVOT (sum(x) FOR y IN (1))",
        ),
        (
            "SELECT a.x FROM a TABLESAMPLE (5 PERCENT) REPEATABLE (3) WHERE a.x > 1",
            "SELECT a.x FROM c.s.a TABLESAMPLE (5 PERCENT) REPEATABLE (3) AS `a` WHERE a.x > 1",
        ),
        ("SELECT /*+ BROADCAST(a) */ * FROM a", "SELECT /*+ BROADCAST(a) */ * FROM c.s.a AS `a`"),
        ("SELECT * FROM a VERSION AS OF 3", "SELECT * FROM c.s.a VERSION AS OF 3"),
        ("SELECT 'ä€😀' FROM a -- a 😀", "SELECT 'ä€😀' FROM c.s.a AS `a` -- a 😀"),
    ],
)
def test_relations_take_the_places_of_names(query: str, written: str) -> None:
    assert with_relations(query, {"a": "c.s.a", "b": "STREAM c.s.b"}) == written


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "a transformation is one SELECT: no other statement, and no second one."),
        ("SELECT 1; SELECT 2", "a transformation is one SELECT: no other statement, and no second one."),
        ("DROP TABLE a", "a transformation is one SELECT: no other statement, and no second one."),
        (
            "CREATE TABLE x AS SELECT 1",
            "a transformation is one SELECT: no other statement, and no second one.",
        ),
        ("SELECT *\nFROM (a", "the query does not parse in line 2 at 'a': expecting )."),
        ("SELECT * FROM a WHERE", "the query does not parse in line 1 at 'WHERE'."),
        ("SELECT 'secret", "the query does not parse: a quote or a comment is not closed."),
        ("SELECT " + "(" * 5000, "the query does not parse."),
        (
            "SELECT * FROM IDENTIFIER('a')",
            "the name of a table is one to three names: no parameter and no IDENTIFIER().",
        ),
        ("SELECT * FROM :a", "the name of a table is one to three names: no parameter and no IDENTIFIER()."),
        (
            "SELECT * FROM a.b.c.d",
            "the name of a table is one to three names: no parameter and no IDENTIFIER().",
        ),
        ("SELECT * FROM a@v1", "write VERSION AS OF or TIMESTAMP AS OF in place of '@'."),
        ("SELECT * FROM table(f(TABLE(a)))", "write TABLE(SELECT * FROM name) in place of TABLE(name)."),
        ("SELECT * FROM STREAM(a x)", "STREAM(...) holds the name of a table and nothing else."),
    ],
)
def test_what_cannot_be_read_is_refused(query: str, sentence: str) -> None:
    with pytest.raises(QueryError) as caught:
        tables_read(query)
    assert str(caught.value) == sentence


def test_statements_half_understood_are_not_told_to_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(QueryError):
        tables_read("SHOW TABLES IN a LIKE 'x' SOMETHING")
    with pytest.raises(QueryError):
        tables_read("ALTER TABLE a SOMETHING ELSE")
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "condition",
    [
        "a > 1",
        "a -- really",
        "a IN (1, 2) OR b",
        "window(t, '1 h').start > x",
        "EXISTS (SELECT 1 FROM x)",
        "x = ')'",
    ],
)
def test_conditions_parse(condition: str) -> None:
    assert queries.parse_condition(condition)


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ("", "the condition is empty."),
        ("a >", "the condition does not parse: its end is missing."),
        ("a b c", "the condition does not parse at 'c'."),
        ("a /*", "the condition does not parse: a quote or a comment is not closed."),
        ("a) OR (b", "the condition is more than one expression."),
        ("a) GROUP BY (b", "the condition is more than one expression."),
        ("a) UNION SELECT (b", "the condition is more than one expression."),
        ("a); DROP TABLE (b", "the condition does not parse at '('."),
        ("a, b", "the condition is more than one expression."),
        ("a AS b", "the condition is more than one expression."),
        ("*", "the condition is more than one expression."),
    ],
)
def test_what_is_no_condition_is_refused(condition: str, sentence: str) -> None:
    with pytest.raises(QueryError) as caught:
        queries.parse_condition(condition)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "column", ["a", "a AS b", "*", "t.* EXCEPT (x)", "count(*) n", "CASE WHEN a THEN 1 END"]
)
def test_columns_parse(column: str) -> None:
    assert queries.parse_column(column)


@pytest.mark.parametrize("column", ["", "a, b", "a FROM b", "a FROM b --", "DISTINCT a", "1)", "a INTO b"])
def test_what_is_more_than_a_column_is_refused(column: str) -> None:
    with pytest.raises(QueryError):
        queries.parse_column(column)


@pytest.mark.parametrize(
    "columns",
    [
        "id INT, at TIMESTAMP NOT NULL COMMENT 'when'",
        "a STRUCT<b: INT, c: ARRAY<STRING>>, m MAP<STRING, DECIMAL(10, 2)>, v VARIANT",
        "`we ird` LONG, b BYTE, c SHORT, n TIMESTAMP_NTZ, i INTERVAL DAY TO SECOND, x BINARY, d DATE",
    ],
)
def test_lists_of_columns_parse(columns: str) -> None:
    queries.check_columns(columns)


@pytest.mark.parametrize(
    "columns", ["", "a", "a INTT", "a INT b INT", "a INT) AS SELECT (1", "PRIMARY KEY (a)"]
)
def test_what_is_no_list_of_columns_is_refused(columns: str) -> None:
    with pytest.raises(QueryError):
        queries.check_columns(columns)


NAMES = st.sampled_from(["a", "B", "we ird", "ö", "`", "select", "stream", "x.y"])
GAPS = st.sampled_from([" ", "\n", " /* FROM q */ ", " -- FROM q\n", "\t"])


@settings(max_examples=150)
@given(data=st.data())
def test_only_names_change_and_reads_are_replaced_one_by_one(data: st.DataObject) -> None:
    """Queries are put together from parts, so that what they read is known without parsing."""
    common = data.draw(st.none() | NAMES)
    gap = lambda: data.draw(GAPS)  # noqa: E731 - drawn anew in each place
    expected = []
    query = ""
    if common is not None:
        inner = data.draw(NAMES)
        query = f"WITH{gap()}{quote(common)} AS (SELECT * FROM{gap()}{quote(inner)}) "
        expected.append(inner)
    query += "SELECT 'FROM ö' AS x FROM"
    for i in range(data.draw(st.integers(1, 3))):
        name = data.draw(NAMES)
        query += f"{' JOIN' if i else ''}{gap()}{quote(name)}{gap()}t{i}"
        if common is None or name.casefold() != common.casefold():
            expected.append(name)
    assert reads(query) == expected
    replaced = with_relations(query, {name: f"c.s.{quote(name)}" for name in expected})
    assert reads(replaced) == [f"c.s.{name}" for name in expected]
    restored = replaced
    for name in expected:
        restored = restored.replace(f"c.s.{quote(name)}", quote(name), 1)
    # An inner name of WITH gets an alias; everything else is the author's text.
    alias = f" AS {quote(expected[0])}" if common is not None else ""
    assert restored.replace(f"{quote(expected[0])}{alias}", quote(expected[0]), 1) == query


@settings(max_examples=300)
@given(st.text(max_size=30) | st.text("()'`\"-/*;, SELECTFROMabWITH\n@:?$|>.", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (tables_read, queries.parse_condition, queries.parse_column, queries.check_columns):
        try:
            read(text)
        except QueryError as error:
            assert str(error).endswith(".")
