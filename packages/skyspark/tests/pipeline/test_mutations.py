"""Whatever happens to a pipeline's file: a pipeline, or sentences with lines."""

import copy
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from skyspark.errors import PipelineError
from skyspark.pipeline.model import Pipeline
from skyspark.pipeline.read import load_pipeline

TABLES = """\
name: sales
description: "Orders, ${env}"
catalog: main
schema: ${SCHEMA:-sales}
mode: batch
spark: {spark.sql.shuffle.partitions: 4}
variables: {root: /data, raw: "${root}/raw"}
environments:
  dev: {catalog: dev, variables: {root: /dev}}
tables:
  - name: orders
    layer: bronze
    tags: [daily, critical]
    source:
      type: csv
      path: "${raw}/orders"
      options: {header: true, maxFilesPerTrigger: 10}
      schema: id INT, at TIMESTAMP, amount DOUBLE
    mode: streaming
    watermark: {column: at, delay: 10 minutes}
    target: {cluster_by: [id], properties: {delta.enableChangeDataFeed: true}}
  - name: customers
    layer: bronze
    source: {format: json, path: "${raw}/customers"}
    dimension: true
  - name: clean
    layer: silver
    depends_on: [orders, customers]
    transformation:
      type: sql
      query: |
        WITH latest AS (SELECT * FROM orders WHERE day = '${date}')
        SELECT l.*, c.name FROM latest l LEFT JOIN customers c USING (id)
    expectations:
      - {type: null_check, columns: [id], action: drop}
      - {type: range_check, column: amount, min: 0, max: 1e6}
      - {type: accepted_values, column: kind, values: [a, 1, true]}
      - {expression: amount > 0, name: positive}
      - {type: row_count, min: 1, action: fail}
      - {type: unique, columns: id}
    target: {mode: merge, keys: id, sequence_by: at, delete_where: kind = 'd', scd_type: 2, quarantine: true}
    incremental: {column: at, input: orders, lookback: 1 day}
  - name: report
    layer: gold
    depends_on: clean
    transformation: {type: python, function: reports.report, params: {top: 10}}
    target: {mode: overwrite, partition_by: [day], replace_where: "day = '${date}'"}
"""

STEPS = """\
pipeline:
  name: users
  mode: batch
  tags: [daily]
spark: {spark.sql.ansi.enabled: true}
sources:
  - name: events
    type: json
    path: ${ROOT:-/data}/events
    options: {multiLine: false}
  - {name: profiles, type: delta, table: main.raw.profiles}
transformations:
  - {name: recent, type: filter, input: events, condition: "at > '2026-01-01'", columns: [id, at]}
  - {name: known, type: join, left: recent, right: profiles, on: id, how: left}
  - {name: named, type: sql, query: "SELECT *, upper(name) AS big FROM known"}
  - {name: scored, type: python, function: reports.score, params: {top: 3}}
  - name: counts
    type: aggregate
    group_by: [id]
    aggregations: {n: count(*), last: max(at)}
    having: count(*) > 1
validation:
  - {type: null_check, columns: id, action: fail}
  - {type: row_count, min: 1}
target: {table: user_counts, mode: overwrite, partition_by: id, zorder: n}
"""

MODULE = "def report(clean, top): ...\n\n\ndef score(named, spark, top=5): ...\n"

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.dates(),
    st.text(max_size=8),
    st.sampled_from(
        ["${", "${NOPE_X}", "$$", "clean", "a.b", "sql", "merge", "SELECT 1", "x)", "../x.sql", "="]
    ),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=4), st.integers(), max_size=3),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "reports.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loads_or_says_why(project: Path, content: bytes) -> None:
    file = project / "config.yml"
    file.write_bytes(content)
    lines = max(1, len(re.split(rb"\r\n|[\n\r]", content)))
    try:
        assert isinstance(load_pipeline("config.yml", env="dev"), Pipeline)
    except PipelineError as error:
        assert error.problems
        for problem in error.problems:
            assert problem.file == "config.yml"
            assert 1 <= problem.line <= lines, problem
            assert problem.column >= 1
            assert problem.sentence.endswith(".")
            assert not re.search(r"Input should|pydantic|Traceback|valid (string|dictionary)", str(problem))


many = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("text", [TABLES, STEPS])
def test_the_documents_themselves_are_right(project: Path, text: str) -> None:
    (project / "config.yml").write_text(text)
    assert load_pipeline("config.yml", env="local").tables


@pytest.mark.parametrize("text", [TABLES, STEPS])
@many
@given(data=st.data())
def test_values_and_keys_can_be_anything(project: Path, text: str, data: st.DataObject) -> None:
    document = yaml.safe_load(text)
    for _ in range(data.draw(st.integers(1, 3))):
        mutate(document, data)
    loads_or_says_why(project, yaml.safe_dump(document, sort_keys=False, allow_unicode=True).encode())


def mutate(document: object, data: st.DataObject) -> None:
    """Change one place: descend at random, then delete, repeat, rename or replace what is there."""
    node = document
    while True:
        if isinstance(node, dict) and node:
            key: object = data.draw(st.sampled_from(sorted(node, key=str)))
        elif isinstance(node, list) and node:
            key = data.draw(st.integers(0, len(node) - 1))
        else:
            return
        inner = node[key]
        if isinstance(inner, dict | list) and inner and data.draw(st.integers(0, 3)):
            node = inner
            continue
        change = data.draw(st.sampled_from(["delete", "repeat", "rename", "replace", "move"]))
        if change == "delete":
            del node[key]
        elif change == "replace":
            node[key] = data.draw(VALUES)
        elif isinstance(node, list):
            node.append(copy.deepcopy(inner))
        elif change == "rename":
            node[
                data.draw(st.one_of(st.text(max_size=6), st.sampled_from([*node, "name", "type", "mode"])))
            ] = inner
            del node[key]
        else:
            node[f"{key}{'_' if change == 'repeat' else ''}"] = [inner]
        return


@pytest.mark.parametrize("text", [TABLES, STEPS])
@many
@given(data=st.data())
def test_lines_can_be_torn(project: Path, text: str, data: st.DataObject) -> None:
    lines = text.splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        i = data.draw(st.integers(0, len(lines) - 1))
        change = data.draw(st.sampled_from(["delete", "repeat", "indent", "outdent", "tab", "insert", "cut"]))
        if change == "delete" and len(lines) > 1:
            del lines[i]
        elif change == "repeat":
            lines.insert(i, lines[i])
        elif change == "indent":
            lines[i] = " " * data.draw(st.integers(1, 4)) + lines[i]
        elif change == "outdent":
            lines[i] = lines[i].lstrip()
        elif change == "tab":
            lines[i] = "\t" + lines[i]
        elif change == "insert":
            at = data.draw(st.integers(0, len(lines[i])))
            lines[i] = lines[i][:at] + data.draw(st.text(max_size=4)) + lines[i][at:]
        else:
            lines[i] = lines[i][: data.draw(st.integers(0, len(lines[i])))]
    loads_or_says_why(project, "\n".join(lines).encode(errors="surrogatepass"))


@pytest.mark.parametrize("text", [TABLES, STEPS])
@many
@given(data=st.data())
def test_bytes_can_be_anything(project: Path, text: str, data: st.DataObject) -> None:
    content = text.encode()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content)))
        signs = st.one_of(
            st.binary(max_size=3),
            st.sampled_from(
                [b"&a ", b"*a ", b"!!x ", b"? ", b"- ", b"{", b"]", b"'", b'"', b"|", b"%", b"@", b"<<: "]
            ),
        )
        content = content[:at] + data.draw(signs) + content[at + data.draw(st.integers(0, 2)) :]
    loads_or_says_why(project, content)


@many
@given(content=st.binary(max_size=60))
def test_files_can_be_anything(project: Path, content: bytes) -> None:
    loads_or_says_why(project, content)
