"""Killing a run for real, and running it again: the tables are those of a run that nobody disturbed."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest
from skyspark.pipeline.run.state import read_results

WAIT = 1800

# One run of a chain of batch tables and of streams. Where there is a file `halt`, both stop in their middle:
# the chain before its third table, a stream after it committed a batch that Spark does not know of yet.
PROGRAM = """
import sys, time
from pathlib import Path
from skyspark import get_spark
from skyspark.pipeline.model import Pipeline, Table
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.run import tables as module
from skyspark.pipeline.run.engine import run_plan
from skyspark.pipeline.run.options import RunOptions

here = Path(sys.argv[1])


def halt(where):
    if (here / "halt").exists():
        (here / f"halted-{where}").touch()
        time.sleep(36000)


def third(batch_1):
    halt("batch")
    return batch_1.select("id", "v")


wrote = module.write


def write(frame, name, table, mode, transaction):
    wrote(frame, name, table, mode, transaction)
    if transaction and table.name == "stream_2":
        halt("stream")


module.write = write


def sql(query):
    return {"type": "sql", "query": query}


def run(name, observer=None, select=(), **options):
    files = {
        "format": "csv", "path": str(here / "in"), "options": {"header": True}, "schema": "id INT, v STRING"
    }
    good = [{"expression": "v <> 'x'", "name": "good", "action": "drop"}]
    merged = {"mode": "merge", "keys": "v", "sequence_by": "id"}
    tables = [
        {"name": "batch_1", "source": files, "expectations": good,
         "target": {"mode": "append", "quarantine": True, "cluster_by": "id"}},
        {"name": "batch_2", "depends_on": "batch_1", "target": {"mode": "append"},
         "incremental": {"column": "id"}},
        {"name": "halting", "depends_on": ["batch_1", "batch_2"], "temporary": True,
         "transformation": {"type": "python", "function": "__main__.third"}},
        {"name": "batch_3", "depends_on": ["halting", "batch_2"], "target": {"mode": "append"},
         "transformation": sql("SELECT id, v FROM halting JOIN batch_2 USING (id, v)")},
        {"name": "batch_4", "depends_on": "batch_3", "target": merged},
        {"name": "stream_1", "mode": "streaming", "source": files, "expectations": good,
         "target": {"quarantine": True}},
        {"name": "stream_2", "mode": "streaming", "depends_on": "stream_1"},
        {"name": "stream_3", "mode": "streaming", "depends_on": "stream_1", "target": merged},
    ]
    pipeline = Pipeline(name=name, schema=name, storage=str(here / name), tables=[Table(**t) for t in tables])
    run_plan(make_plan(pipeline, Selection(select=select)), spark, RunOptions(threads=6, **options), observer)


def show(name):
    for table in sorted(t.name for t in spark.catalog.listTables(name)):
        columns = [c for c in spark.table(f"{name}.{table}").columns if c != "_quarantined_at"]
        print(name, table, sorted(map(str, spark.table(f"{name}.{table}").select(columns).collect())))


class Told:
    def changed(self, result):
        if result.name == "stream_2" and result.rows_out:
            (here / "running").touch()


if __name__ == "__main__":
    spark = get_spark("kill", warehouse=here / "warehouse", conf={
        "spark.master": "local[2]",
        "spark.sql.shuffle.partitions": "1",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.codegen.wholeStage": "false",
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    })
    run("killed")
    run("undisturbed")
    show("killed")
    show("undisturbed")
    (here / "in" / "2.csv").write_text("id,v\\n4,a\\n5,x\\n")
    try:
        run("killed", Told(), ["stream_1+"], trigger="0 seconds")
    except KeyboardInterrupt:
        show("killed")
        sys.exit(130)
"""


@pytest.fixture
def start(clean_env, tmp_path):
    """Start the program in a session of its own; whatever of it is left is killed in the end."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "1.csv").write_text("id,v\n1,a\n2,b\n3,x\n")
    (tmp_path / "program.py").write_text(PROGRAM)
    started = []

    def begin():
        process = subprocess.Popen(
            [sys.executable, "program.py", str(tmp_path)],
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=(tmp_path / "stderr").open("w"),
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


def wait_for(process, *files):
    deadline = time.monotonic() + WAIT
    while not all(file.exists() for file in files):
        assert process.poll() is None, (files[0].parent / "stderr").read_text()[-3000:]
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_killed_run_ends_as_an_undisturbed_one_and_a_stopped_one_says_so(start, tmp_path):
    (tmp_path / "halt").touch()
    killed = start()
    wait_for(killed, tmp_path / "halted-batch", tmp_path / "halted-stream")
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    left = read_results(tmp_path / "killed")
    assert (left.status, left.number, left.finished_at) == ("running", 1, None)
    (tmp_path / "halt").unlink()

    again = start()
    wait_for(again, tmp_path / "running")
    again.send_signal(signal.SIGTERM)
    shown = again.communicate(timeout=WAIT)[0].splitlines()
    assert again.returncode == 130, (tmp_path / "stderr").read_text()[-3000:]

    tables = len(shown) // 3
    resumed, undisturbed, stopped = shown[:tables], shown[tables : 2 * tables], shown[2 * tables :]
    assert tables == 9
    assert [line.replace("killed ", "undisturbed ", 1) for line in resumed] == undisturbed
    assert undisturbed[0] == "undisturbed batch_1 [\"Row(id=1, v='a')\", \"Row(id=2, v='b')\"]"
    assert resumed[5:7] == [
        "killed stream_1 [\"Row(id=1, v='a')\", \"Row(id=2, v='b')\"]",
        "killed stream_1_quarantine [\"Row(id=3, v='x', _broken_rules=['good'])\"]",
    ]
    # The endless run was stopped after it had written what was new.
    assert stopped[7] == "killed stream_2 [\"Row(id=1, v='a')\", \"Row(id=2, v='b')\", \"Row(id=4, v='a')\"]"
    results = read_results(tmp_path / "killed")
    assert (results.status, {table.status for table in results.tables}) == ("cancelled", {"cancelled"})
