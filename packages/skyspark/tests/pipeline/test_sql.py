import re
from contextlib import suppress

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from skyspark.cli.main import main
from skyspark.errors import PipelineError, QueryError, StreamingError, TableNameError
from skyspark.identifiers import text
from skyspark.pipeline.expectations import ExpressionRule
from skyspark.pipeline.model import Pipeline, Source, Table, Target
from skyspark.pipeline.plan import Plan, Selection, make_plan
from skyspark.pipeline.sql import generate, header
from skyspark.pipeline.sql.dataset import interval, without_semicolon
from skyspark.pipeline.transformations import SqlQuery
from sqlglot import TokenType

FILE = Source(format="csv", path="in", schema="a INT")


def plan_of(*tables, **fields):
    return make_plan(Pipeline(**({"name": "p"} | fields), tables=tables), Selection())


def sql_of(*tables, dialect="databricks", **fields):
    return generate(plan_of(*tables, **fields), dialect)[0].text


# What may end a literal, a name or a comment early, or be replaced by an engine.
PARTS = ["'", '"', "`", "\\", "\n", "\r", ";", "--", "/*", "*/", "${", "}", "$", "(", ")", " ", "a", "é"]
HOSTILE = st.lists(st.sampled_from(PARTS), min_size=1, max_size=8).map("".join)


def _unescaped(token):
    return token.replace("\\u0024", "$")


@settings(max_examples=150)
@given(st.data())
def test_no_text_leaves_its_place(data):
    draw = lambda: data.draw(HOSTILE)  # noqa: E731
    names = {key: draw() for key in ("path", "option", "value", "about", "property", "set", "rule", "column")}
    names["rule"] = names["rule"].strip() or "a"
    table = Table(
        name="t",
        description=names["about"],
        source=Source(
            format="csv",
            path=names["path"],
            options={"header": "true", names["option"]: names["value"]},
            schema="a INT",
        ),
        expectations=(ExpressionRule(expression="a > 0", name=names["rule"], action="drop"),),
        target=Target(
            properties={names["property"]: names["set"]}, cluster_by=(names["column"],), quarantine=True
        ),
    )
    for dialect in ("databricks", "spark"):
        try:
            made = sql_of(table, dialect=dialect, description=names["about"])
        except PipelineError as error:
            # In names nothing can be escaped.
            assert any("${" in name or "\\`" in f"{name}`" for name in names.values()), error
            continue
        tokens = sqlglot.tokenize(made, read="databricks")
        literals = {_unescaped(t.text) for t in tokens if t.token_type == TokenType.STRING}
        quoted = {t.text for t in tokens if t.token_type == TokenType.IDENTIFIER}
        assert {names["value"], names["about"], names["property"], names["set"], names["rule"]} <= literals
        assert names["column"] in quoted
        if dialect == "databricks":
            assert names["path"] in literals
            assert names["rule"] in quoted
            assert names["option"] in quoted | {t.text for t in tokens}
        else:
            assert names["path"] in quoted
            assert names["option"] in literals
        assert sum(t.token_type == TokenType.SEMICOLON for t in tokens) == made.count("\n;\n")
        assert "${" not in made


@given(HOSTILE)
def test_a_literal_reads_back(value):
    (token,) = sqlglot.tokenize(text(value), read="databricks")
    assert _unescaped(token.text) == value


@given(HOSTILE)
def test_a_delay_is_an_interval_or_refused(value):
    with suppress(QueryError):
        assert re.fullmatch(r"INTERVAL( \d+ [A-Z]+S)+", interval(value))


@pytest.mark.parametrize(
    ("given_text", "made"),
    [
        ("10 minutes", "INTERVAL 10 MINUTES"),
        (" 1 hour 30 Minutes", "INTERVAL 1 HOURS 30 MINUTES"),
        ("5 seconds) x", None),
        ("minutes", None),
        ("", None),
    ],
)
def test_a_delay_in_words(given_text, made):
    if made is None:
        with pytest.raises(QueryError, match="no interval"):
            interval(given_text)
    else:
        assert interval(given_text) == made


def test_a_semicolon_goes_but_not_the_one_in_a_literal():
    assert without_semicolon("SELECT ';' AS a ; ") == "SELECT ';' AS a"
    assert without_semicolon("SELECT 1 -- ;\n") == "SELECT 1 -- ;"


def test_names_that_are_made_up_are_free():
    dropping = {
        "source": FILE,
        "expectations": (ExpressionRule(expression="a > 0", action="drop"),),
        "target": Target(quarantine=True),
    }
    made = sql_of(Table(name="t", **dropping), Table(name="t_rows", source=FILE))
    assert "CREATE TEMPORARY VIEW `t_rows_2`" in made
    assert "FROM `t_rows_2`" in made


def test_a_temporary_table_that_is_left_out_is_named():
    view = Table(name="view", source=FILE, temporary=True)
    pipeline = Pipeline(name="p", tables=(view, Table(name="t", depends_on=("view",))))
    with pytest.raises(PipelineError, match="'view', which is not selected"):
        generate(Plan(pipeline, (("t",),)), "spark")


def test_all_that_has_no_equal_is_said_at_once():
    tables = [Table(name=f"t{i}", source=FILE, target=Target(mode="append")) for i in range(2)]
    with pytest.raises(PipelineError) as refused:
        sql_of(*tables)
    assert len(refused.value.problems) == 2


def test_a_table_name_that_is_none_is_a_problem_and_no_traceback():
    with pytest.raises((PipelineError, TableNameError)):
        sql_of(Table(name="t", source=Source(table="a..b")))


def test_strict_refuses_what_would_be_rewritten():
    tables = (
        Table(name="rows", source=Source(table="a.b")),
        Table(
            name="n",
            depends_on=("rows",),
            transformation=SqlQuery(type="sql", query="SELECT count(*) AS n FROM rows"),
        ),
    )
    files = generate(plan_of(*tables, mode="streaming"), "databricks")
    assert "MATERIALIZED VIEW `n`" in files[0].text
    assert [note.split(":")[0] for note in files[0].notes] == ["table 'n'"]
    with pytest.raises(StreamingError, match="table 'n'"):
        generate(plan_of(*tables, mode="streaming"), "databricks", strict=True)


def test_each_table_has_a_file_of_its_own_where_asked():
    tables = [Table(name=name, source=FILE) for name in ("a", "A", "a-b")]
    plan = make_plan(Pipeline(name="p", tables=(*tables[:1], tables[2])), Selection())
    assert [f.path for f in generate(plan, "spark", per_table=True)] == ["a.sql", "a-b.sql"]
    assert [f.path for f in generate(plan, "spark")] == ["p.sql"]


def test_files_of_tables_are_apart_where_upper_case_is_not():
    tables = [
        Table(name=name, source=FILE, target=Target(schema=schema))
        for name, schema in (("a", "x"), ("A", "y"), ("é", "x"), ("ü", "x"))
    ]
    files = generate(plan_of(*tables), "spark", per_table=True)
    assert [f.path for f in files] == ["a.sql", "A_2.sql", "_.sql", "__2.sql"]


def test_a_name_that_ends_in_a_backslash_is_refused():
    for name in ("a\\", "a\\`b"):
        with pytest.raises(PipelineError, match="backslash"):
            sql_of(Table(name="t", source=FILE, target=Target(cluster_by=(name,))))


def test_what_is_read_whole_reads_whole_itself():
    views = [
        Table(name="first", source=Source(table="a.b"), temporary=True),
        Table(name="second", depends_on=("first",), temporary=True),
        Table(name="whole", depends_on=("second",), mode="batch"),
    ]
    assert "STREAM" not in sql_of(*views, mode="streaming", dialect="spark")
    both = sql_of(*views, Table(name="follows", depends_on=("second",)), mode="streaming", dialect="spark")
    assert "CREATE TEMPORARY VIEW `second_whole`\nAS\nSELECT *\nFROM `first_whole` " in both
    assert "CREATE TEMPORARY VIEW `second`\nAS\nSELECT *\nFROM STREAM `first` " in both


CONFIG = """
name: shop
mode: streaming
tables:
  - {name: a, source: {table: x.y}}
  - {name: b, depends_on: [a], transformation: {type: sql, query: SELECT count(*) AS n FROM a}}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yml"
    path.write_text(CONFIG)
    return path


def _exit(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(["sql", *map(str, arguments)])
    return ended.value.code


def test_the_command_prints_sql_and_notes_apart(config, capsys):
    main(["sql", str(config)])
    shown = capsys.readouterr()
    assert shown.out.startswith("-- Generated by skyspark sql from the pipeline shop.")
    assert "CREATE OR REFRESH STREAMING TABLE `a`" in shown.out
    assert shown.err.startswith("note: table 'b': ")
    assert _exit(config, "--strict") == 2
    assert capsys.readouterr().err.startswith("error: table 'b': ")


def test_the_command_keeps_a_folder_as_the_pipeline_is(config, tmp_path, capsys):
    folder = tmp_path / "sql"
    own = folder / "own.sql"
    folder.mkdir()
    own.write_text("-- Generated by me\nSELECT 1;\n")
    main(["sql", str(config), "-o", str(folder), "--per-table", "--dialect", "spark"])
    assert sorted(p.name for p in folder.iterdir()) == ["a.sql", "b.sql", "own.sql"]
    config.write_text(CONFIG.replace("{name: b,", "{name: c,"))
    main(["sql", str(config), "-o", str(folder), "--per-table"])
    assert sorted(p.name for p in folder.iterdir()) == ["a.sql", "c.sql", "own.sql"]
    assert "OR REFRESH" in (folder / "a.sql").read_text()
    assert own.read_text() == "-- Generated by me\nSELECT 1;\n"
    assert "removed" in capsys.readouterr().out


def test_the_command_overwrites_nothing_of_somebody_else(config, tmp_path, capsys):
    folder = tmp_path / "sql"
    folder.mkdir()
    (folder / "b.sql").write_text("SELECT 1;\n")
    assert _exit(config, "-o", folder, "--per-table") == 2
    assert "b.sql was not generated" in capsys.readouterr().err
    assert sorted(p.name for p in folder.iterdir()) == ["b.sql"]
    (folder / "b.sql").unlink()
    (folder / "b.sql").symlink_to(tmp_path / "elsewhere")
    elsewhere = f"{header('shop')}\nkept"
    (tmp_path / "elsewhere").write_text(elsewhere)
    assert _exit(config, "-o", folder, "--per-table") == 2
    assert (tmp_path / "elsewhere").read_text() == elsewhere


def test_an_output_that_is_no_folder_is_one_sentence(config, capsys):
    assert _exit(config, "-o", config) == 2
    assert capsys.readouterr().err.count("\n") <= 2
