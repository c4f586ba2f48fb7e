"""The course of a run: who starts when, what a failure stops, what is taken over from the run before."""

import os
import signal
import threading
import time

import pytest
from skyspark.errors import PipelineError, RunStateError
from skyspark.pipeline.run import engine
from skyspark.pipeline.run.scheduler import Event, Scheduler
from skyspark.pipeline.run.state import locked, read_results, storage_folder

WAIT = 600


def sql(query="SELECT 1 AS id"):
    return {"type": "sql", "query": query}


def python(name):
    return {"type": "python", "function": f"made.{name}"}


def table(name, *depends_on, transformation=None, **fields):
    change = transformation or sql(f"SELECT * FROM {depends_on[0]}" if depends_on else "SELECT 1 AS id")
    return {"name": name, "depends_on": depends_on, "transformation": change, **fields}


class Course:
    """Runs tasks that end at once, and writes down what happens."""

    def __init__(self, needs, *, threads=1, weight=None, failing=(), opening=()):
        self.log = []
        self.failing = failing
        self.opening = opening
        self.scheduler = Scheduler(needs, threads, weight or {}, self.start, self)

    def start(self, name):
        kind = "failed" if name in self.failing else "opened" if name in self.opening else "succeeded"
        self.scheduler.events.put(Event(kind, name))

    def begun(self, name):
        self.log.append(name)

    def told(self, event):
        self.log.append(f"{event.name} {event.kind}")

    def skipped(self, name, cause):
        self.log.append(f"{name} skipped for {cause}")

    def idle(self):
        return None


def test_the_longest_way_to_the_end_goes_first():
    needs = {"short": (), "long": (), "next": ("long",), "last": ("next",)}
    course = Course(needs)
    assert course.scheduler.run()
    assert [entry for entry in course.log if " " not in entry] == ["long", "next", "short", "last"]
    course = Course(needs, weight={"short": 10.0})
    course.scheduler.run()
    assert course.log[0] == "short"


def test_a_failure_skips_what_needs_it_and_nothing_else():
    course = Course({"a": (), "b": ("a",), "c": ("b", "d"), "d": ()}, failing={"a"})
    assert course.scheduler.run()
    assert course.log == ["a", "a failed", "b skipped for a", "c skipped for b", "d", "d succeeded"]


def test_what_goes_on_lets_others_begin_and_holds_no_thread():
    class Stopped(Course):
        """Is told to stop when all has happened that happens by itself."""

        def idle(self):
            if self.scheduler.events.empty():
                self.scheduler.events.put(Event("stop"))

    course = Stopped({"stream": (), "reader": ("stream",), "other": ()}, opening={"stream"})
    assert not course.scheduler.run()
    assert course.log[:4] == ["stream", "stream opened", "other", "other succeeded"] or "reader" in course.log
    assert {"reader succeeded", "other succeeded"} <= set(course.log)
    assert course.scheduler.unfinished == {"stream"}


def test_thousands_of_tasks():
    needs = {str(i): (str(i // 2),) if i else () for i in range(20_000)}
    course = Course(needs, threads=8)
    assert course.scheduler.run()
    assert len(course.log) == 40_000


def test_independent_tables_run_at_once_and_a_dependent_one_waits_for_its_inputs_only(run_tables, functions):
    together = threading.Barrier(2, timeout=WAIT)
    below = threading.Event()
    order = []

    def meeting(spark):
        together.wait()
        return spark.range(1)

    def slow(spark):
        # Ends only when the table below its neighbour runs: a barrier between stages would never let it.
        together.wait()
        assert below.wait(WAIT)
        return spark.range(1)

    def reader(quick):
        order.append("reader")
        below.set()
        return quick

    functions.quick, functions.slow, functions.reader = meeting, slow, reader
    done = run_tables(
        table("quick", transformation=python("quick")),
        table("slow", transformation=python("slow")),
        table("reader", "quick", transformation=python("reader")),
        threads=2,
    )
    assert done["reader"].started_at >= done["quick"].finished_at
    assert done["slow"].finished_at > done["reader"].started_at


def test_a_failed_table_is_reported_with_its_place_and_all_else_goes_on(
    spark, run_tables, rows, monkeypatch, tmp_path
):
    (tmp_path / "mine.py").write_text(
        "def broken(spark):\n    return {}['key']\n\n\ndef number(spark):\n    return 5\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    done = run_tables(
        table("a", transformation={"type": "python", "function": "mine.broken"}),
        table("b", "a"),
        table("c", "b", "fine"),
        table("fine"),
        table("number", transformation={"type": "python", "function": "mine.number"}),
        table("query", transformation=sql("SELECT idd FROM (SELECT 1 AS id)")),
        table(
            "user_code", "fine", transformation=sql("SELECT id + raise_error('no such luck') AS id FROM fine")
        ),
        status="failed",
    )
    assert {name: result.status for name, result in done.items()} == {
        "a": "failed",
        "b": "skipped",
        "c": "skipped",
        "fine": "succeeded",
        "number": "failed",
        "query": "failed",
        "user_code": "failed",
    }
    assert done["a"].message == f"{tmp_path}/mine.py:2: KeyError: 'key'"
    assert done["b"].message == done["c"].message == "'a', which it needs, failed."
    assert "mine.number returned int and must return a DataFrame" in done["number"].message
    assert done["query"].message.startswith("[UNRESOLVED_COLUMN")
    assert "no such luck" in done["user_code"].message
    assert "\n" not in done["user_code"].message
    assert rows("fine") == [(1,)]
    # Neither views nor the group of a table's jobs outlive it.
    assert not [view for view in spark.catalog.listTables() if view.isTemporary]
    assert spark.sparkContext.getLocalProperty("spark.jobGroup.id") is None


def test_from_failure_runs_what_did_not_succeed(run_tables, functions, pipeline_of, spark):
    calls = []
    broken = True

    def flaky(good):
        calls.append("flaky")
        if broken:
            raise ValueError("not yet")
        return good

    def good(spark):
        calls.append("good")
        return spark.range(1)

    functions.flaky, functions.good = flaky, good
    tables = (
        table("good", transformation=python("good"), target={"mode": "append"}),
        table("flaky", "good", transformation=python("flaky")),
        table("last", "flaky"),
    )
    first = run_tables(*tables, status="failed")
    broken = False
    second = run_tables(*tables, from_failure=True)
    assert calls == ["good", "flaky", "flaky"]
    assert [result.status for result in second.values()] == ["succeeded"] * 3
    assert second["good"] == first["good"]
    assert spark.table("good").count() == 1
    # With all succeeded there is nothing to do, and a run of its own begins anew.
    run_tables(*tables, from_failure=True)
    assert calls == ["good", "flaky", "flaky"]
    run_tables(*tables)
    assert spark.table("good").count() == 2


def test_from_failure_needs_results_of_these_tables(run_tables):
    with pytest.raises(RunStateError, match="no results of an earlier run"):
        run_tables(table("a"), from_failure=True)
    run_tables(table("a"))
    with pytest.raises(RunStateError, match="one of other tables \\('a' is not in the pipeline\\)"):
        run_tables(table("b"), from_failure=True)
    with pytest.raises(RunStateError, match="in environment 'local'"):
        run_tables(table("a"), from_failure=True, env="prod")
    with pytest.raises(RunStateError, match="choose one"):
        run_tables(table("a"), from_failure=True, full_refresh=True)


def test_fail_fast_begins_nothing_more(run_tables, functions):
    def broken(spark):
        raise ValueError("no")

    functions.broken = broken
    done = run_tables(
        table("a", transformation=python("broken")),
        table("b"),
        table("c", "a"),
        threads=1,
        fail_fast=True,
        status="failed",
    )
    assert [result.status for result in done.values()] == ["failed", "skipped", "skipped"]
    assert done["b"].message == "an earlier failure ended the run."


def test_each_change_is_told_in_the_thread_that_called(run_tables, tmp_path):
    told = []

    class Told:
        def changed(self, result):
            told.append((threading.current_thread(), result.name, result.status))

    run_tables(table("a"), observer=Told())
    assert told == [(threading.current_thread(), "a", status) for status in ("running", "succeeded")]
    stored = read_results(tmp_path / "state")
    assert (stored.status, stored.number, stored.tables[0].status) == ("succeeded", 1, "succeeded")


def test_a_signal_ends_the_run_and_the_results_say_so(run_tables, functions, monkeypatch, tmp_path):
    # Nothing but the end of the job, cancelled or not, ends the run.
    monkeypatch.setattr(engine, "_PATIENCE", 3600.0)

    class Told:
        def changed(self, result):
            if result.status == "running" and result.name == "slow":
                os.kill(os.getpid(), signal.SIGTERM)

    def slow(spark):
        # A job that would succeed and that only its cancelling ends before.
        slept = spark.sparkContext.parallelize([1], 1).map(lambda x: (time.sleep(600), x)[1:])
        return spark.createDataFrame(slept, "id int")

    functions.slow = slow
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        run_tables(table("slow", transformation=python("slow")), table("after", "slow"), observer=Told())
    assert signal.getsignal(signal.SIGTERM) is before
    stored = read_results(tmp_path / "state")
    assert (stored.status, [t.status for t in stored.tables]) == ("cancelled", ["cancelled", "cancelled"])


def test_one_run_at_a_time(run_tables, tmp_path):
    with locked(tmp_path / "state"), pytest.raises(RunStateError, match="another run is going on"):
        run_tables(table("a"))


def test_results_that_are_none_are_named(run_tables, tmp_path):
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "run_results.json").write_text('{"pipeline": 1}')
    with pytest.raises(RunStateError, match=r"run_results\.json cannot be read"):
        run_tables(table("a"))


def test_storage_is_a_folder(pipeline_of, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (
        storage_folder(pipeline_of(table("a"), storage=None, name="../x y")) == tmp_path / ".skyspark/_._x_y"
    )
    with pytest.raises(RunStateError, match="is an address"):
        storage_folder(pipeline_of(table("a"), storage="s3://bucket/state"))


def test_what_no_stream_can_do_is_refused_before_anything_is_made(run_tables, tmp_path):
    source = {"format": "csv", "path": str(tmp_path), "schema": "id INT"}
    with pytest.raises(PipelineError) as refused:
        run_tables(
            {"name": "a", "source": source, "target": {"mode": "overwrite"}},
            table("b", mode="streaming"),
            mode="streaming",
        )
    assert "table 'a': a stream cannot overwrite" in str(refused.value)
    assert "table 'b' is streaming and none of its inputs is a stream" in str(refused.value)
    with pytest.raises(RunStateError, match="'often' is no trigger"):
        run_tables(table("a"), trigger="often")
