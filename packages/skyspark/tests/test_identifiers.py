"""Names of tables in SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyspark.errors import TableNameError
from skyspark.identifiers import TableName, quote, text

PART = st.text(
    st.characters(exclude_characters=" ./\x7f", exclude_categories=("Cc", "Cs")), min_size=1, max_size=255
)


@given(st.lists(PART, min_size=1, max_size=3))
def test_what_is_written_is_read_again(parts):
    name = TableName.of(*parts)
    assert TableName.parse(str(name)) == name
    assert TableName.parse(name.sql) == name


@given(st.text(max_size=30))
def test_any_text_is_a_name_or_refused(name):
    try:
        assert TableName.parse(TableName.parse(name).sql) == TableName.parse(name)
    except TableNameError as error:
        assert error.table is not None


@pytest.mark.parametrize(
    ("written", "shown", "sql"),
    [
        ("posts", "posts", "`posts`"),
        ("main.silver.posts", "main.silver.posts", "`main`.`silver`.`posts`"),
        ("my-catalog.silver.2024", "`my-catalog`.silver.`2024`", "`my-catalog`.`silver`.`2024`"),
        ("`a``b`.c", "`a``b`.c", "`a``b`.`c`"),
    ],
)
def test_quoted_only_where_needed(written, shown, sql):
    name = TableName.parse(written)
    assert (str(name), name.sql) == (shown, sql)


@pytest.mark.parametrize(
    "name",
    [
        *[".", "a.", ".a", "a..b", "a.b.c.d", "`a", "a`b`", "`a`b", "a/b", "`a.b`", "``"],
        "",
        "a b",
        "a\n",
        "x" * 256,
    ],
)
def test_what_is_no_name(name):
    with pytest.raises(TableNameError):
        TableName.parse(name)


@pytest.mark.parametrize("table", ["2024", "select", "_x"])
def test_names_that_need_quotes_work_in_spark(spark, warehouse, table):
    name = TableName.of(warehouse, table)
    spark.range(1).writeTo(name.sql).using("delta").create()
    assert spark.table(name.sql).count() == 1


@pytest.mark.parametrize("value", ["it's", 'a "b"', "back\\slash", "new\nline", "$x ${y}", "ü"])
def test_literals_mean_what_they_say(spark, value):
    assert spark.sql(f"SELECT {text(value)} AS {quote('c`d')}").first()[0] == value
