"""What a pipeline's file is refused for, in the words that the user reads."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from skyspark.errors import PipelineError
from skyspark.pipeline.read import load_pipeline

A = "tables:\n  - {name: a, source: {path: /a}}\n"

Refuse = Callable[..., list[str]]


def b(keys: str) -> str:
    """A file with a table ``a`` and a table ``b`` that depends on it and has some more keys."""
    return A + "  - name: b\n    depends_on: a\n" + "".join(f"    {line}\n" for line in keys.splitlines())


def case(name: str, text: str, *problems: str, files: Mapping[str, str] | None = None) -> Any:
    """Problems are given without the name of the file."""
    return pytest.param(text, files or {}, problems, id=name.replace(" ", "-"))


@pytest.fixture
def refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Refuse:
    monkeypatch.chdir(tmp_path)

    def problems(content: str | bytes, files: Mapping[str, str] | None = None, **arguments: Any) -> list[str]:
        for name, text in {"config.yml": content, **(files or {})}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text if isinstance(text, bytes) else text.encode())
        with pytest.raises(PipelineError) as caught:
            load_pipeline("config.yml", **arguments)
        assert str(caught.value) == "\n".join(map(str, caught.value.problems))
        return [str(problem).removeprefix("config.yml") for problem in caught.value.problems]

    return problems


CASES = [
    case("empty", "", ":1: the file is empty: give tables, or sources and a target."),
    case("comment", "# x\n", ":1: the file is empty: give tables, or sources and a target."),
    case("list", "- a\n", ":1: the file holds no keys: give tables, or sources and a target."),
    case("scalar", "abc\n", ":1: the file holds no keys: give tables, or sources and a target."),
    case(
        "tab", ("tables:\n\t- a\n"), ":2: this is no valid YAML: the line is indented with a tab; use spaces."
    ),
    case("nul", "name: a\x00b\n", ":1: it holds a character that YAML does not allow."),
    case(
        "unclosed",
        "tables: [a\n",
        (":2: this is no valid YAML: while parsing a flow sequence, did not find expected ',' or ']'."),
    ),
    case(
        "colon", "name: a: b\n", ":1: this is no valid YAML: mapping values are not allowed in this context."
    ),
    case(
        "two docs",
        ("a: 1\n---\nb: 2\n"),
        (":2: this is no valid YAML: expected a single document in the stream, but found another document."),
    ),
    case("dup key", ("name: a\nname: b\n") + A, ":2: name: the key is given twice: the first is in line 1."),
    case("nullkey", "~: a\n" + A, ":1: a key is a text: this is none."),
    case("listkey", ("? [a]\n: b\n") + A, ":1: a key is a text: this is none."),
    case(
        "intkey",
        "1: a\n" + A,
        (
            ":1: 1: the key is unknown: use one of name, description, catalog, schema, storage, "
            "module_root, mode, spark, settings, variables, environments, tables."
        ),
    ),
    case(
        "unknown",
        "nmae: x\n" + A,
        (
            ":1: nmae: the key is unknown (did you mean 'name'?): use one of name, description, "
            "catalog, schema, storage, module_root, mode, spark, settings, variables, "
            "environments, tables."
        ),
    ),
    case(
        "no tables",
        "tabels: []\n",
        (":1: tabels: there are no tables (did you mean 'tables'?): give tables, or sources and a target."),
    ),
    case("tables empty", "tables: []\n", ":1: tables: it must be a list of at least one table."),
    case("tables null", "tables:\n", ":1: tables: it must be a list of at least one table."),
    case("tables map", "tables: {a: 1}\n", ":1: tables: it must be a list of at least one table."),
    case(
        "both",
        A + "sources: []\n",
        ":3: sources: a file has either tables, or sources, transformations and a target.",
    ),
    case(
        "table is text",
        "tables: [abc]\n",
        ":1: tables[0]: it must be a mapping of keys to values, and is 'abc'.",
    ),
    case(
        "table null",
        ("tables:\n  -\n"),
        ":2: tables[0]: it must be a mapping of keys to values, and is empty.",
    ),
    case("noname", ("tables:\n  - source: {path: /a}\n"), ":2: tables[0]: the key 'name' is missing."),
    case(
        "unknown key in table",
        b("dependson: a"),
        (
            ":5: tables[1].dependson: the key is unknown (did you mean 'depends_on'?): use one "
            "of name, layer, tags, depends_on, source, transformation, description, "
            "expectations, target, mode, dimension, temporary, cache, watermark, incremental."
        ),
    ),
    case(
        "tag type",
        b("tags: 5"),
        (":5: tables[1].tags: it must be a text or a list of texts, and is '5': put it in quotes."),
    ),
    case(
        "tags item",
        b("tags: [a, 5, [b], null]"),
        ":5: tables[1].tags[1]: it must be text, and is '5': put it in quotes.",
        ":5: tables[1].tags[2]: it must be text, and is a list.",
        ":5: tables[1].tags[3]: it must be text, and is empty.",
    ),
    case(
        "layer",
        b("layer: sliver"),
        (
            ":5: tables[1].layer: 'sliver' is unknown (did you mean 'silver'?): use one of "
            "bronze, silver, gold."
        ),
    ),
    case(
        "mode",
        b("mode: stream"),
        (":5: tables[1].mode: 'stream' is unknown (did you mean 'streaming'?): use one of batch, streaming."),
    ),
    case(
        "write mode",
        b("target: {mode: upsert}"),
        (
            ":5: tables[1].target.mode: 'upsert' is unknown: use one of append, overwrite, "
            "overwrite_partitions, merge."
        ),
    ),
    case(
        "target list",
        b("target: [a]"),
        ":5: tables[1].target: it must be a mapping of keys to values, and is a list.",
    ),
    case(
        "target null",
        b("target:"),
        ":5: tables[1].target: it must be a mapping of keys to values, and is empty.",
    ),
    case(
        "merge no keys",
        b("target: {mode: merge}"),
        ":5: tables[1].target.mode: merge needs keys: name the columns that identify a row.",
    ),
    case(
        "keys no merge",
        b("target: {sequence_by: a}"),
        ":5: tables[1].target.sequence_by: sequence_by goes with mode: merge only.",
    ),
    case(
        "scd 3",
        b("target: {mode: merge, keys: a, scd_type: 3}"),
        ":5: tables[1].target.scd_type: '3' is unknown: use one of 1, 2.",
    ),
    case(
        "five cluster",
        b("target: {cluster_by: [a,b,c,d,e]}"),
        ":5: tables[1].target.cluster_by: it names at most four columns.",
    ),
    case("bool", b("dimension: maybe"), ":5: tables[1].dimension: it must be true or false, and is 'maybe'."),
    case(
        "quarantine",
        b("target: {quarantine: [a]}"),
        ":5: tables[1].target.quarantine: it must be true or false or text, and is a list.",
    ),
    case(
        "src none",
        ("tables:\n  - {name: a, source: {format: csv}}\n"),
        ":2: tables[0].source: name either the path or the table to read.",
    ),
    case(
        "src both",
        ("tables:\n  - {name: a, source: {path: /a, table: b}}\n"),
        ":2: tables[0].source: name either the path or the table to read.",
    ),
    case(
        "src fmt table",
        ("tables:\n  - {name: a, source: {type: csv, table: b}}\n"),
        ":2: tables[0].source.format: a table is read as it is: leave out 'csv'.",
    ),
    case(
        "src format",
        ("tables:\n  - {name: a, source: {type: cvs, path: /a}}\n"),
        (
            ":2: tables[0].source.type: 'cvs' is unknown (did you mean 'csv'?): use one of "
            "delta, parquet, csv, json, xml."
        ),
    ),
    case(
        "src schema",
        ("tables:\n  - {name: a, source: {path: /a, schema: 'id INTT'}}\n"),
        ":2: tables[0].source.schema: the list of columns does not parse at 'INTT'.",
    ),
    case(
        "src table name",
        ("tables:\n  - {name: a, source: {table: a..b}}\n"),
        ":2: tables[0].source.table: a part of the name is empty or a backtick is not closed.",
    ),
    case(
        "options",
        ("tables:\n  - {name: a, source: {path: /a, options: {a: [1], b: null, c: {d: e}}}}\n"),
        ":2: tables[0].source.options.a: it must be text, and is a list.",
        ":2: tables[0].source.options.b: it must be text, and is empty.",
        ":2: tables[0].source.options.c: it must be text, and is a mapping of keys to values.",
    ),
    case(
        "src unknown",
        ("tables:\n  - {name: a, source: {pth: /a}}\n"),
        (
            ":2: tables[0].source.pth: the key is unknown (did you mean 'path'?): use one of "
            "format, path, table, options, schema, dimension."
        ),
    ),
    case(
        "path num",
        ("tables:\n  - {name: a, source: {path: 2024}}\n"),
        ":2: tables[0].source.path: it must be text, and is '2024': put it in quotes.",
    ),
    case(
        "trans no type",
        b("transformation: {query: SELECT 1}"),
        (
            ":5: tables[1].transformation.type: the key 'type' is missing: use one of sql, "
            "python, filter, join, aggregate."
        ),
    ),
    case(
        "trans type",
        b("transformation: {type: sqll, query: x}"),
        (
            ":5: tables[1].transformation.type: 'sqll' is unknown (did you mean 'sql'?): use one "
            "of sql, python, filter, join, aggregate."
        ),
    ),
    case(
        "trans type list",
        b("transformation: {type: [sql]}"),
        (":5: tables[1].transformation.type: it must be one of sql, python, filter, join, aggregate."),
    ),
    case(
        "trans text",
        b("transformation: abc"),
        ":5: tables[1].transformation: it must be a mapping of keys to values, and is 'abc'.",
    ),
    case(
        "sql nothing",
        b("transformation: {type: sql}"),
        ":5: tables[1].transformation: give the query or the file that holds it.",
    ),
    case(
        "sql both",
        b("transformation: {type: sql, query: SELECT * FROM a, file: x.sql}"),
        ":5: tables[1].transformation.file: give the query or its file, not both.",
    ),
    case(
        "sql no file",
        b("transformation: {type: sql, file: x.sql}"),
        ":5: tables[1].transformation.file: there is no file x.sql.",
    ),
    case(
        "sql outside",
        b("transformation: {type: sql, file: ../../../x.sql}"),
        (
            ":5: tables[1].transformation.file: the file is outside of the project: queries are "
            "read from within it."
        ),
    ),
    case(
        "sql extra",
        b("transformation: {type: sql, query: SELECT * FROM a, qurey: b}"),
        (
            ":5: tables[1].transformation.qurey: the key is unknown (did you mean 'query'?): use "
            "one of type, query, file."
        ),
    ),
    case(
        "sql parse",
        b("transformation:\n  type: sql\n  query: |\n    SELECT *\n    FROM a\n    WHERE (x\n"),
        (":7: tables[1].transformation.query: the query does not parse in line 3 at 'x': expecting )."),
    ),
    case(
        "sql undeclared",
        b("transformation: {type: sql, query: SELECT * FROM a JOIN c}"),
        (":5: tables[1].transformation.query: it reads 'c', which is no table of this pipeline."),
    ),
    case(
        "sql full name",
        b("transformation: {type: sql, query: SELECT * FROM default.a}"),
        ":4: tables[1].depends_on: its query does not read 'a': take it out.",
        (
            ":5: tables[1].transformation.query: it reads default.a, which this pipeline makes: "
            "name 'a' in depends_on and in the query."
        ),
    ),
    case(
        "sql outside table",
        b("transformation: {type: sql, query: SELECT * FROM a JOIN x.y.z}"),
        (
            ":5: tables[1].transformation.query: it reads x.y.z, which this pipeline does not "
            "make: name it as source.table and read source."
        ),
    ),
    case(
        "sql unused",
        b("transformation: {type: sql, query: SELECT 1}"),
        ":4: tables[1].depends_on: its query does not read 'a': take it out.",
    ),
    case(
        "py pattern",
        b("transformation: {type: python, function: abc}"),
        (
            ":5: tables[1].transformation.function: 'abc' is none: write names of letters, "
            "digits and '_', joined by dots."
        ),
    ),
    case(
        "py no module",
        b("transformation: {type: python, function: nomod.abc}"),
        (
            ":5: tables[1].transformation.function: there is no module nomod: it is looked for "
            "next to the file, in src, and where Python looks."
        ),
    ),
    case(
        "py no function",
        b("transformation: {type: python, function: mod.abd}"),
        (":5: tables[1].transformation.function: mod.py has no function 'abd' (did you mean 'abc'?)."),
        files={"mod.py": "def abc(a): pass\n"},
    ),
    case(
        "py param",
        b("transformation: {type: python, function: mod.abc, params: {z: 1, a: 2, y: 3}}"),
        (
            ":5: tables[1].transformation.function: mod.abc has a parameter 'b' that nothing is "
            "given for: name it in depends_on or in params."
        ),
        ":5: tables[1].transformation.params.z: mod.abc has no such parameter.",
        (
            ":5: tables[1].transformation.params.a: an input has that name: a parameter gets the "
            "one or the other."
        ),
        files={"mod.py": "def abc(a, b, spark, y=1): pass\n"},
    ),
    case(
        "py syntax",
        b("transformation: {type: python, function: mod.abc}"),
        (":5: tables[1].transformation.function: mod.py is no valid Python in line 1: '(' was never closed."),
        files={"mod.py": "def abc(a:\n"},
    ),
    case(
        "filter",
        b("transformation: {type: filter, condition: 'a >', columns: ['a, b', 'c d e']}"),
        (":5: tables[1].transformation.condition: the condition does not parse: its end is missing."),
        (
            ":5: tables[1].transformation.columns[0]: this is more than one column: write a list "
            "with one expression in each entry."
        ),
        ":5: tables[1].transformation.columns[1]: the column does not parse at 'e'.",
    ),
    case(
        "filter input",
        b("transformation: {type: filter, input: x, condition: a > 1}"),
        ":5: tables[1].transformation.input: 'x' is no input of the table: it has a.",
    ),
    case(
        "join",
        b("transformation: {type: join, left: a, right: a, on: 'x >', how: outer}"),
        (
            ":5: tables[1].transformation.how: 'outer' is unknown: use one of inner, left, "
            "right, full, left_semi, left_anti."
        ),
    ),
    case(
        "join2",
        b("transformation: {type: join, left: a, right: b, on: []}"),
        ":5: tables[1].transformation.on: it is empty: name at least one.",
    ),
    case(
        "join3",
        b("transformation: {type: join, left: a, right: a, on: 5}"),
        (
            ":5: tables[1].transformation.on: it must be a text or a list of texts, and is '5': "
            "put it in quotes."
        ),
    ),
    case(
        "agg",
        b(
            "transformation: {type: aggregate, group_by: 'a, b', aggregations: {n: 'count(', m: "
            "sum(x) AS y}, having: ''}"
        ),
        (
            ":5: tables[1].transformation.group_by: this is more than one column: write a "
            "list with one expression in each entry."
        ),
        (":5: tables[1].transformation.aggregations.n: the expression does not parse: its end is missing."),
        (":5: tables[1].transformation.aggregations.m: the expression is more than one expression."),
        ":5: tables[1].transformation.having: the condition is empty.",
    ),
    case(
        "agg none",
        b("transformation: {type: aggregate, aggregations: {}}"),
        ":5: tables[1].transformation.aggregations: it is empty: name at least one.",
    ),
    case(
        "exp",
        b(
            "expectations:\n"
            "  - {expression: 'a >'}\n"
            "  - {type: null_chek, columns: a}\n"
            "  - {columns: a}\n"
            "  - {type: range_check, column: a}\n"
            "  - {type: row_count, min: -1, action: drop}\n"
            "  - {type: accepted_values, column: a, values: []}\n"
            "  - {type: unique, columns: []}\n"
            "  - {type: null_check, columns: a, action: stop}\n"
            "  - abc"
        ),
        (
            ":7: tables[1].expectations[1].type: 'null_chek' is unknown (did you mean "
            "'null_check'?): use one of expression, null_check, range_check, accepted_values, "
            "unique, row_count."
        ),
        (
            ":8: tables[1].expectations[2].type: the key 'type' is missing: use one of "
            "expression, null_check, range_check, accepted_values, unique, row_count."
        ),
        ":9: tables[1].expectations[3]: give min, max or both.",
        ":10: tables[1].expectations[4].min: '-1' is too small: the least is 0.",
        ":11: tables[1].expectations[5].values: it is empty: name at least one.",
        ":12: tables[1].expectations[6].columns: it is empty: name at least one.",
        (":13: tables[1].expectations[7].action: 'stop' is unknown: use one of warn, drop, fail."),
        (":14: tables[1].expectations[8]: it must be a mapping of keys to values, and is 'abc'."),
    ),
    case(
        "exp agg",
        b("expectations: [{expression: count(*) > 1}, {expression: 'a > 1'}, {expression: 'A > 1'}]"),
        (
            ":5: tables[1].expectations[0].expression: a row is judged by itself, and the "
            "condition asks the whole table: use a rule on the table."
        ),
        (":5: tables[1].expectations[2]: the name 'A > 1' is given twice: name one of the two otherwise."),
    ),
    case(
        "exp range",
        b("expectations: [{type: range_check, column: a, min: [1], max: .inf}]"),
        (":5: tables[1].expectations[0].min: it must be a text, a number, true or false, and is a list."),
        ":5: tables[1].expectations[0].max: it must be a finite number, and is '.inf'.",
    ),
    case(
        "row_count",
        b("expectations: [{type: row_count, min: 1.5, max: abc}]"),
        ":5: tables[1].expectations[0].min: it must be a whole number, and is '1.5'.",
        ":5: tables[1].expectations[0].max: it must be a whole number, and is 'abc'.",
    ),
    case(
        "dup name",
        A + "  - {name: A, source: {path: /a}}\n",
        ":3: tables[1].name: the name 'A' is given twice: see line 2.",
    ),
    case(
        "dup stored",
        A + "  - {name: b, source: {path: /a}, target: {table: A}}\n",
        ":3: tables[1].target.table: it is stored as default.A, and so is 'a'.",
    ),
    case(
        "bad name",
        ("tables:\n  - {name: a.b/c, source: {path: /a}}\n"),
        ":2: tables[0].name: the part 'a.b/c' holds '.', which no name may hold.",
    ),
    case(
        "reserved",
        ("tables:\n  - {name: source, source: {path: /a}}\n  - {name: spark, source: {path: /b}}\n"),
        ":2: tables[0].name: the name is taken: it stands for the table's own source.",
        ":3: tables[1].name: the name is taken: it stands for the session.",
    ),
    case(
        "missing dep",
        A + ("  - name: b\n    depends_on: [aa, a, a]"),
        (
            ":3: tables[1]: how it is made is not said: name its layer, by which a module or "
            "query is found, or give a transformation."
        ),
        ":4: tables[1].depends_on[0]: there is no table 'aa' (did you mean 'a'?).",
        ":4: tables[1].depends_on[2]: 'a' is named twice.",
    ),
    case(
        "cycle",
        (
            "tables:\n"
            "  - {name: a, depends_on: c}\n"
            "  - {name: b, depends_on: a}\n"
            "  - {name: c, depends_on: b}\n"
        ),
        ":2: tables[0].depends_on: these tables wait for each other: a → b → c → a.",
    ),
    case(
        "self",
        ("tables:\n  - {name: a, depends_on: a}\n"),
        ":2: tables[0].depends_on: these tables wait for each other: a → a.",
    ),
    case(
        "no layer",
        ("tables:\n  - {name: a}\n"),
        (
            ":2: tables[0]: how it is made is not said: name its layer, by which a module or "
            "query is found, or give a transformation."
        ),
    ),
    case(
        "layer no file",
        b("layer: gold"),
        (
            ":3: tables[1]: how it is made is not said: there is no transformations/gold/b.py "
            "and no .sql; write one or give a transformation."
        ),
    ),
    case(
        "layer near",
        A + ("  - name: orders\n    depends_on: a\n    layer: gold\n"),
        (
            ":3: tables[1]: how it is made is not said: there is no "
            "transformations/gold/orders.py and no .sql (did you mean 'order'?); write one or "
            "give a transformation."
        ),
        files={"transformations/gold/order.py": ""},
    ),
    case(
        "layer both",
        b("layer: gold"),
        ":3: tables[1]: both b.py and b.sql are in transformations/gold.",
        files={"transformations/gold/b.py": "", "transformations/gold/b.sql": "SELECT * FROM a"},
    ),
    case(
        "module nofn",
        b("layer: gold"),
        (
            ":3: tables[1]: transformations/gold/b.py has no function named 'b' and none marked "
            "with @skyspark.table (did you mean 'bb'?)."
        ),
        files={"transformations/gold/b.py": "def bb(a): pass\n"},
    ),
    case(
        "two marks",
        b("layer: gold"),
        ":3: tables[1]: transformations/gold/b.py marks several functions for it: x, y.",
        files={
            "transformations/gold/b.py": (
                "import skyspark\n"
                "@skyspark.table\n"
                "def x(a): pass\n"
                "@skyspark.table(name='b')\n"
                "def y(a): pass\n"
            )
        },
    ),
    case(
        "found param",
        b("layer: gold"),
        (
            ":3: tables[1]: transformations.gold.b.b has a parameter 'aa' that nothing is given "
            "for (did you mean 'a'?): name it in depends_on or in params."
        ),
        files={"transformations/gold/b.py": "def b(aa): pass\n"},
    ),
    case(
        "sqlfile bad",
        b("layer: gold"),
        (":3: tables[1]: transformations/gold/b.sql: it reads 'c', which is no table of this pipeline."),
        ":4: tables[1].depends_on: its query does not read 'a': take it out.",
        files={"transformations/gold/b.sql": "SELECT * FROM c\n"},
    ),
    case(
        "sqlfile empty",
        b("layer: gold"),
        ":3: tables[1]: transformations/gold/b.sql is empty.",
        files={"transformations/gold/b.sql": "\n"},
    ),
    case(
        "sqlfile var",
        b("layer: gold"),
        (
            "transformations/gold/b.sql:2: the variable ${nope} has no value: give --var nope=…, "
            "set it in variables or in the environment, or write ${nope:-default}."
        ),
        files={"transformations/gold/b.sql": ("SELECT *\nFROM ${nope}\n")},
    ),
    case(
        "interval",
        b("watermark: {column: a, delay: 10 minuts}\nincremental: {column: a, lookback: 1d}"),
        (
            ":5: tables[1].watermark.delay: '10 minuts' is no interval: write it as in '10 "
            "minutes' or '1 day'."
        ),
        (":6: tables[1].incremental: what is read adds to the table: give the target mode append or merge."),
        (":6: tables[1].incremental.lookback: '1d' is no interval: write it as in '10 minutes' or '1 day'."),
        (
            ":6: tables[1].incremental.lookback: rows that are read again would be there twice: "
            "it goes with the target's mode merge."
        ),
    ),
    case(
        "incr",
        b("mode: streaming\nincremental: {column: a, input: x}\ntarget: {mode: append}"),
        (":6: tables[1].incremental: a streaming table reads what is new by itself: leave it out."),
        ":6: tables[1].incremental.input: 'x' is no input of the table: it has a.",
    ),
    case(
        "stream overwrite",
        b("mode: streaming\ntarget: {mode: overwrite}"),
        (
            ":6: tables[1].target.mode: a streaming table cannot overwrite: use append or merge, "
            "or mode: batch."
        ),
    ),
    case(
        "stream none",
        ("tables:\n  - {name: a, source: {path: /a, dimension: true}, mode: streaming}\n"),
        (
            ":2: tables[0].mode: it has no streaming input: none is a source or a streaming "
            "table that appends."
        ),
    ),
    case(
        "temp target",
        b("temporary: true\ntarget: {table: x}"),
        ":6: tables[1].target: a temporary table is not written: it has no target.",
    ),
    case(
        "var cycle",
        "variables: {a: '${b}', b: '${a}'}\n" + A,
        ":1: variables.a: these variables stand for each other: a → b → a.",
    ),
    case(
        "var unused",
        "variables: {a: '${NOPE_X}', env: x}\n" + A,
        (
            ":1: variables.a: the variable ${NOPE_X} has no value: give --var NOPE_X=…, set it "
            "in variables or in the environment, or write ${NOPE_X:-default}."
        ),
        ":1: variables.env: ${env} is built in: choose another name.",
    ),
    case(
        "catalog",
        ("catalog: a.b\nschema: ''\n") + A,
        ":1: catalog: the part 'a.b' holds '.', which no name may hold.",
    ),
    case("alias self", "a: &a [*a]\n" + A, ":1: an alias stands for what it is part of."),
    case(
        "tag",
        "name: !!python/object:os.system x\n" + A,
        ":1: name: the tag !!python/object:os.system is not known here: leave it out.",
    ),
    case(
        "merge",
        ("x: &x {layer: bronze}\ntables:\n  - {<<: *x, name: a, source: {path: /a}}\n"),
        (
            ":1: x: the key is unknown: use one of name, description, catalog, schema, storage, "
            "module_root, mode, spark, settings, variables, environments, tables."
        ),
    ),
    case(
        "merge bad",
        ("tables:\n  - {<<: abc, name: a, source: {path: /a}}\n"),
        ":2: tables[0].<<: '<<' takes over the keys of mappings: give it an alias of one.",
    ),
]


@pytest.mark.parametrize(("text", "files", "problems"), CASES)
def test_each_mistake_has_its_sentence(
    refuse: Refuse, text: str, files: Mapping[str, str], problems: tuple[str, ...]
) -> None:
    assert refuse(text, files) == list(problems)


def test_a_missing_file_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"nope\.yml: there is no such file\.$"):
        load_pipeline(tmp_path / "nope.yml")
    with pytest.raises(PipelineError, match="cannot be read"):
        load_pipeline(tmp_path)


def test_a_file_in_another_encoding_names_the_line(refuse: Refuse) -> None:
    assert refuse("name: x\ndescription: Müller\n".encode("latin-1")) == [
        ":2: the file is not in UTF-8: save it as UTF-8."
    ]


def test_an_unknown_environment_is_named_with_its_near_miss(refuse: Refuse) -> None:
    assert refuse("environments: {prod: {}, dev: {}}\n" + A, env="prd") == [
        ":1: environments: there is no environment 'prd' (did you mean 'prod'?): use one of prod, dev."
    ]


def test_all_problems_come_at_once_in_the_order_of_the_file(refuse: Refuse) -> None:
    text = """\
name: x
modus: batch
tables:
  - name: a
    source: {path: /a, format: cvs}
  - name: b
    depends_on: [aa, a]
    transformation: {type: sql, query: SELECT * FROM a JOIN c}
    target: {mode: upsert}
  - name: c
    depends_on: [a]
    transformation: {type: filter, condition: x >}
"""
    found = refuse(text)
    assert [problem.partition(" ")[0] for problem in found] == [":2:", ":5:", ":9:", ":12:"]


def test_a_table_with_a_mistake_is_still_known_to_others(refuse: Refuse) -> None:
    text = "tables:\n  - {name: a, source: {path: 5}}\n  - {name: b, depends_on: a}\n"
    assert refuse(text) == [":2: tables[0].source.path: it must be text, and is '5': put it in quotes."]


@pytest.mark.parametrize("opening", ["[", "- ", "{a: "])
def test_nesting_without_end_is_refused(refuse: Refuse, opening: str) -> None:
    assert refuse("tables: " * (opening != "- ") + opening * 200_000) == [
        ":1: more than 100 levels are nested."
    ]


def test_aliases_cannot_stand_for_a_billion_values(refuse: Refuse) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    assert refuse("\n".join(lines)) == [":7: its aliases stand for far too many values."]


def test_aliases_cannot_nest_without_end(refuse: Refuse) -> None:
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [*a{i - 1}]" for i in range(1, 3000)]
    assert refuse("\n".join(lines)) == [":101: more than 100 levels are nested."]


def test_merge_keys_cannot_stand_for_a_billion_values(refuse: Refuse) -> None:
    lines = ["a0: &a0 {x: 1}"] + [
        f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 12)
    ]
    assert refuse("\n".join(lines)) == [":7: its aliases stand for far too many values."]


def test_a_number_that_no_computer_holds_is_refused_once(refuse: Refuse) -> None:
    assert refuse(b("expectations: [{type: row_count, min: " + "9" * 5000 + "}]")) == [
        ":5: tables[1].expectations[0].min: this is no number that can be read: "
        "put it in quotes if it is text."
    ]


def test_what_was_found_is_cut_to_a_readable_length(refuse: Refuse) -> None:
    assert refuse(b("mode: " + "x" * 100)) == [
        f":5: tables[1].mode: '{'x' * 60}…' is unknown: use one of batch, streaming."
    ]


def test_a_missing_dependency_is_named_with_its_near_miss(refuse: Refuse) -> None:
    text = "tables:\n  - {name: orders, source: {path: /a}}\n  - name: b\n    depends_on: %s\n"
    sentence = "there is no table 'order' (did you mean 'orders'?)."
    assert refuse(text % "order") == [f":4: tables[1].depends_on: {sentence}"]
    assert refuse(text % "[order]") == [f":4: tables[1].depends_on[0]: {sentence}"]


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("filter", "input: a, condition: x"),
        ("aggregate", "input: a, aggregations: {n: count(*)}"),
        ("join", "left: a, right: c, on: i"),
        ("query", "query: SELECT * FROM a"),
    ],
)
def test_dependencies_that_nothing_reads_are_refused(refuse: Refuse, kind: str, keys: str) -> None:
    name = kind if kind != "query" else "sql"
    text = b(f"transformation: {{type: {name}, {keys}}}").replace("depends_on: a", "depends_on: [a, c, d]")
    others = "  - {name: c, source: {path: /c}}\n  - {name: d, source: {path: /d}}\n"
    unread = ["d"] if kind == "join" else ["c", "d"]
    assert refuse(text + others) == [
        f":4: tables[1].depends_on[{'acd'.index(one)}]: its {kind} does not read '{one}': take it out."
        for one in unread
    ]


def test_thousands_of_mistakes_are_all_found_in_linear_time(refuse: Refuse) -> None:
    row = "  - {{name: t{0}, depends_on: x{0}, layer: tin, transformation: {{type: filter, condition: a}}}}\n"
    assert len(refuse("tables:\n" + "".join(row.format(i) for i in range(2000)))) == 2000
    row = row.replace("tin", "gold")
    before = time.process_time()
    assert len(refuse("tables:\n" + "".join(row.format(i) for i in range(3500)))) == 3500
    # Near misses of each among all would take minutes.
    assert time.process_time() - before < 12
