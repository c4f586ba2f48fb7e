"""Streaming tables: what is new, once, and across restarts."""

import os
import shutil
import signal

import pytest
from skyspark.errors import StreamingError
from skyspark.pipeline.run.state import read_results


def sql(query):
    return {"type": "sql", "query": query}


@pytest.fixture
def events(tmp_path):
    """Files of events, and the table that follows them."""

    class Events:
        folder = tmp_path / "events"
        columns = "id INT, v STRING, at TIMESTAMP"

        def add(self, name, *rows):
            self.folder.mkdir(exist_ok=True)
            lines = [f"{i},{v},2026-01-01T10:0{i}:00Z" for i, v in rows]
            # A stream that goes on must not take the file before it is whole: Spark sees none with a dot.
            new = self.folder / f".{name}.csv"
            new.write_text("\n".join(["id,v,at", *lines]) + "\n")
            new.rename(self.folder / f"{name}.csv")

        def table(self, name="bronze", **fields):
            source = {
                "format": "csv",
                "path": str(self.folder),
                "options": {"header": True},
                "schema": self.columns,
            }
            return {"name": name, "mode": "streaming", "source": source, **fields}

    return Events()


def counts(result):
    return {e.name: (e.broken, e.passed) for e in result.expectations}


def test_only_what_is_new_is_read_and_passed_on(run_tables, rows, events):
    tables = (
        events.table(
            expectations=[{"expression": "v IS NOT NULL", "name": "named", "action": "drop"}],
            target={"quarantine": True},
        ),
        {
            "name": "silver",
            "mode": "streaming",
            "depends_on": "bronze",
            "transformation": sql("SELECT id, upper(v) AS v FROM STREAM bronze"),
            "expectations": [{"expression": "id > 1", "name": "big"}],
        },
        {
            "name": "latest",
            "mode": "streaming",
            "depends_on": "bronze",
            "transformation": sql("SELECT v, id FROM bronze"),
            "target": {"mode": "merge", "keys": "v", "sequence_by": "id"},
        },
        {"name": "gold", "depends_on": "silver", "transformation": sql("SELECT count(*) AS n FROM silver")},
    )
    events.add("1", (1, "a"), (2, "b"), (3, ""))
    first = run_tables(*tables)
    assert (first["bronze"].rows_in, first["bronze"].rows_out) == (3, 2)
    assert counts(first["bronze"]) == {"named": (1, 2)}
    assert rows("bronze_quarantine", "id", "_broken_rules") == [(3, ["named"])]
    assert counts(first["silver"]) == {"big": (1, 1)}
    assert rows("gold") == [(2,)]

    events.add("2", (4, "a"))
    second = run_tables(*tables)
    assert rows("silver") == [(1, "A"), (2, "B"), (4, "A")]
    assert rows("latest") == [("a", 4), ("b", 2)]
    assert (second["bronze"].rows_in, second["silver"].rows_in, second["latest"].rows_out) == (1, 1, 1)
    assert rows("gold") == [(3,)]

    third = run_tables(*tables)
    assert (third["silver"].rows_in, third["silver"].rows_out, counts(third["silver"])) == (
        0,
        0,
        {"big": (0, 0)},
    )
    assert rows("gold") == [(3,)]


def test_columns_of_files_are_found_and_a_dimension_is_read_whole(run_tables, rows, events, tmp_path):
    events.add("1", (1, "a"), (2, "b"))
    found = events.table()
    found["source"] |= {
        "options": {"header": True, "inferSchema": True},
        "schema": None,
        "path": str(events.folder / "1.csv"),
    }
    (tmp_path / "names.csv").write_text("v,name\na,Ann\nb,Bob\n")
    names = {
        "format": "csv",
        "path": str(tmp_path / "names.csv"),
        "options": {"header": True},
        "schema": "v STRING, name STRING",
    }
    run_tables(
        found,
        {"name": "names", "source": names, "dimension": True, "mode": "batch"},
        {
            "name": "named",
            "mode": "streaming",
            "depends_on": ["bronze", "names"],
            "transformation": {
                "type": "join",
                "left": "bronze",
                "right": "names",
                "on": "v",
                "columns": ["id", "name"],
            },
        },
    )
    assert rows("named") == [(1, "Ann"), (2, "Bob")]


def test_windows_close_by_the_watermark(run_tables, rows, events):
    windows = events.table(
        "windows",
        watermark={"column": "at", "delay": "1 minute"},
        transformation=sql(
            "SELECT window.start AS at, count(*) AS n FROM source GROUP BY window(at, '1 minute')"
        ),
    )
    events.add("1", (1, "a"), (1, "b"), (2, "c"), (5, "d"))
    run_tables(windows)
    assert [n for _, n in rows("windows")] == [2, 1]


def test_a_temporary_table_is_judged_as_it_streams(run_tables, rows, events):
    def tables(action):
        rule = {"expression": "id > 1", "name": "big", "action": action}
        return (
            events.table("seen", temporary=True, expectations=[rule]),
            {"name": "kept", "mode": "streaming", "depends_on": "seen"},
            {
                "name": "whole",
                "mode": "batch",
                "depends_on": ["seen", "kept"],
                "transformation": sql("SELECT id FROM seen"),
            },
        )

    events.add("1", (1, "a"), (2, "b"))
    run_tables(*tables("drop"))
    assert rows("kept", "id") == rows("whole") == [(2,)]
    failed = run_tables(*tables("fail"), status="failed", full_refresh=True)
    assert failed["seen"].message.startswith("broken expectations: 'big' (1 of 2 rows)")


def test_a_broken_fail_writes_nothing_of_its_batch_and_the_next_run_goes_on(run_tables, rows, events):
    def table(rule):
        return events.table(expectations=[{"expression": rule, "name": "ok", "action": "fail"}])

    events.add("1", (1, "a"))
    run_tables(table("id < 5"))
    events.add("2", (2, "b"), (7, "x"))
    failed = run_tables(table("id < 5"), status="failed")["bronze"]
    assert rows("bronze", "id") == [(1,)]
    assert failed.message == "broken expectations: 'ok' (1 of 2 rows); none of these rows was written."
    assert counts(failed) == {"ok": (1, 1)}
    run_tables(table("id < 9"))
    assert rows("bronze", "id") == [(1,), (2,), (7,)]


def test_a_batch_that_was_written_before_is_not_written_again(run_tables, rows, events, tmp_path):
    tables = (
        events.table(),
        {"name": "m", "mode": "streaming", "depends_on": "bronze", "target": {"mode": "merge", "keys": "id"}},
    )
    events.add("1", (1, "a"), (2, "b"))
    run_tables(*tables)
    # As after a kill between the write of a batch and the note that it is done.
    for commits in (tmp_path / "state" / "checkpoints").glob("*/commits"):
        shutil.rmtree(commits)
    done = run_tables(*tables)
    assert rows("bronze", "id") == rows("m", "id") == [(1,), (2,)]
    assert done["bronze"].rows_out == 0


def test_full_refresh_makes_table_and_checkpoint_anew(run_tables, rows, events):
    events.add("1", (1, "a"))
    rule = {"expression": "id > 1", "action": "drop", "name": "big"}
    table = events.table(expectations=[rule], target={"quarantine": True})
    run_tables(table)
    (events.folder / "1.csv").unlink()
    events.add("2", (1, "z"), (2, "b"))
    run_tables(table, full_refresh=True)
    assert rows("bronze", "id", "v") == [(2, "b")]
    assert rows("bronze_quarantine", "id", "v") == [(1, "z")]


def test_batch_and_streaming_are_changed_by_a_full_refresh_only(spark, run_tables, rows, events):
    events.add("1", (1, "a"))
    stream, batch = events.table(), events.table(mode="batch")
    run_tables(stream)
    failed = run_tables(batch, status="failed")
    assert "was made by a stream" in failed["bronze"].message
    run_tables(batch, full_refresh=True)
    failed = run_tables(stream, status="failed")
    assert "was made in batch" in failed["bronze"].message
    run_tables(stream, full_refresh=True)
    assert rows("bronze", "id") == [(1,)]
    spark.sql("DROP TABLE bronze")
    failed = run_tables(stream, status="failed")
    assert "was dropped and its checkpoint" in failed["bronze"].message


def test_an_endless_run_ends_when_it_is_told_to_and_goes_on_later(run_tables, rows, events, tmp_path):
    tables = (
        events.table(),
        {"name": "silver", "mode": "streaming", "depends_on": "bronze"},
        {"name": "gold", "depends_on": "silver", "transformation": sql("SELECT count(*) AS n FROM silver")},
    )

    class StopAt:
        """Adds a file when the first rows have come through, and stops the run when the second have."""

        def __init__(self, total):
            self.total = total
            self.more = True

        def changed(self, result):
            if result.name == "silver" and result.status == "running" and result.rows_out:
                if self.more:
                    self.more = False
                    events.add(f"{self.total}", (self.total, "x"))
                elif result.rows_out >= 2:
                    os.kill(os.getpid(), signal.SIGTERM)

    events.add("1", (1, "a"))
    with pytest.raises(KeyboardInterrupt):
        run_tables(*tables, trigger="0 seconds", threads=1, observer=StopAt(2))
    stored = {table.name: table for table in read_results(tmp_path / "state").tables}
    assert {name: table.status for name, table in stored.items()} == {
        "bronze": "cancelled",
        "silver": "cancelled",
        "gold": "skipped",
    }
    assert "is a stream that does not end" in stored["gold"].message
    assert rows("silver", "id") == [(1,), (2,)]
    events.add("3", (3, "c"))
    run_tables(*tables)
    assert rows("silver", "id") == [(1,), (2,), (3,)]
    assert rows("gold") == [(3,)]


def test_what_streams_cannot_do_is_made_whole_or_refused(run_tables, rows, events):
    counted = {
        "name": "counted",
        "depends_on": "bronze",
        "mode": "streaming",
        "transformation": sql("SELECT count(*) AS n FROM bronze"),
    }
    events.add("1", (1, "a"))
    done = run_tables(events.table(), counted)
    assert done["counted"].mode == "batch"
    assert rows("counted") == [(1,)]
    with pytest.raises(StreamingError, match="counted"):
        run_tables(events.table(), counted | {"target": {"mode": "merge", "keys": "n"}})
