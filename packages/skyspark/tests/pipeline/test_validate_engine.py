"""Dry runs on a real engine: this environment's own."""

import json

import pytest
from skyspark.cli import main

pytestmark = pytest.mark.spark_matrix

PIPELINE = """\
name: shop
catalog: main
schema: silver
tables:
  - name: things
    source: {format: json, path: in, schema: "id INT, at TIMESTAMP, v DECIMAL(10,2)"}
  - name: wrong
    depends_on: [things]
    transformation: {type: sql, query: "SELECT nocol FROM things"}
  - name: after
    depends_on: [wrong]
    transformation: {type: filter, condition: nocol > 1}
  - name: rule
    depends_on: [things]
    expectations:
      - {expression: missing > 1, action: drop}
  - name: outside
    source: {table: raw.events}
  - name: nofile
    source: {format: csv, path: nothere, options: {header: true}}
"""
MERGED = """\
name: merged
tables:
  - name: changes
    mode: streaming
    source: {table: raw.changes}
  - name: current
    mode: streaming
    depends_on: [changes]
    target: {mode: merge, keys: [id], sequence_by: at, delete_where: gone, exclude_columns: [gone]}
  - name: counted
    mode: batch
    depends_on: [current]
    transformation: {type: sql, query: "SELECT count(*) AS n, max(v) AS v FROM current"}
"""


@pytest.fixture
def folder(clean_env, tmp_path):
    clean_env.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text('{"id": 1}\n')
    (tmp_path / "config.yml").write_text(PIPELINE)
    return tmp_path


@pytest.mark.parametrize("registered", [[], ["--registered"]])
def test_problems_are_told_with_table_and_line(folder, registered, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["validate", "config.yml", "--json", *registered])
    assert ended.value.code == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["spark"].startswith("4.2.")
    assert [(p["line"], p["key"]) for p in answer["problems"]] == [
        (7, "tables[1]"),
        (13, "tables[3]"),
        (17, "tables[4]"),
        (19, "tables[5]"),
    ]
    said = [p["sentence"] for p in answer["problems"]]
    assert said[0].startswith("table 'wrong': A column, variable, or function parameter with name `nocol`")
    assert "`missing`" in said[1]
    assert "`raw`.`events` cannot be found" in said[2]
    assert said[3] == f"table 'nofile': Path does not exist: file:{folder}/nothere."
    assert not any("SQLSTATE" in sentence for sentence in said)
    assert sorted(path.name for path in folder.iterdir()) == ["config.yml", "in"]


def test_what_local_runs_left_is_read_and_merges_are_looked_at(folder, spark, tmp_path, capsys):
    (folder / "config.yml").write_text(MERGED)
    table = spark.sql("SELECT 1 AS id, 'a' AS v, current_timestamp() AS at, false AS gone")
    table.write.format("delta").save(str(folder / "spark-warehouse" / "raw.db" / "changes"))
    main(["validate", "config.yml", "--registered"])
    assert capsys.readouterr().out == "merged: Spark 4.2.0 accepts 3 tables\n"
