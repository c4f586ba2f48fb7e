"""``skyspark run``: what it checks before Spark starts, prints, writes and exits with."""

import json
import logging
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from skyspark import run_pipeline, session
from skyspark.cli.main import main
from skyspark.errors import RunFailedError, SkySparkError
from skyspark.pipeline.plan import Selection, make_plan
from skyspark.pipeline.read import load_pipeline
from skyspark.pipeline.run import engine
from skyspark.pipeline.run.foreground import run_in_foreground
from skyspark.pipeline.run.options import RunOptions
from skyspark.pipeline.run.results import RunResults

CONFIG = """
name: shop
schema: ${schema:-shop}
tables:
  - name: numbers
    layer: bronze
    tags: [daily]
    transformation: {type: sql, query: "SELECT 1 AS id"}
    expectations:
      - {name: small, expression: id < 1}
  - name: failing
    layer: silver
    depends_on: [numbers]
    transformation:
      {type: sql, query: "SELECT CAST(raise_error('no such <day>') AS STRING) AS id FROM numbers"}
    target: {mode: append}
  - name: after
    layer: gold
    depends_on: [failing]
    transformation: {type: sql, query: "SELECT * FROM failing"}
"""


# Nothing is written to Delta, which takes long in a session of its own.
FAILING = """
name: shop
spark: {spark.sql.session.timeZone: Asia/Tokyo}
tables:
  - name: numbers
    temporary: true
    transformation: {type: sql, query: "SELECT 1 AS id"}
  - name: failing
    depends_on: [numbers]
    transformation:
      type: sql
      query: >-
        SELECT CAST(raise_error(concat('no such <day> in ', current_timezone())) AS STRING) AS id FROM numbers
  - name: after
    depends_on: [failing]
    transformation: {type: sql, query: "SELECT * FROM failing"}
"""


@pytest.fixture
def folder(tmp_path, clean_env):
    (tmp_path / "config.yml").write_text(CONFIG)
    clean_env.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def no_session(monkeypatch):
    """Fail where a session is asked for."""

    def refuse(*args, **kwargs):
        pytest.fail("a session was made")

    monkeypatch.setattr(session, "get_spark", refuse)


def test_a_failing_run_as_a_process(folder):
    """The one test of the whole: a session of its own, results as JSON, files, exit code 1."""
    (folder / "config.yml").write_text(FAILING)
    done = subprocess.run(
        [sys.executable, "-m", "skyspark", "run", "config.yml", "--json"],
        cwd=folder,
        env=os.environ | {"SKYSPARK_LOCAL_CORES": "1"},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    results = RunResults.model_validate_json(done.stdout)
    assert [(t.name, t.status) for t in results.tables] == [
        ("numbers", "succeeded"),
        ("failing", "failed"),
        ("after", "skipped"),
    ]
    state = folder / ".skyspark" / "shop"
    assert json.loads(done.stdout) == json.loads((state / "run_results.json").read_text())
    # The session was made with the pipeline's settings.
    assert "no such &lt;day&gt; in Asia/Tokyo" in (state / "run.html").read_text()
    logged = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    told = [(line["dataset"], line["status"]) for line in logged if "dataset" in line]
    assert told == [
        ("numbers", "running"),
        ("numbers", "succeeded"),
        ("failing", "running"),
        ("failing", "failed"),
        ("after", "skipped"),
    ]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.yml"], "nowhere.yml"),
        (["config.yml", "--tags", "dayly"], "did you mean"),
        (["config.yml", "--select", "numbers and"], "numbers and"),
        (["config.yml", "--from-failure"], "there are no results of an earlier run"),
        (["config.yml", "--trigger", "sometimes"], "'sometimes' is no trigger"),
        (["config.yml", "--from-failure", "--full-refresh"], "choose one"),
        (["broken.yml"], "tabels"),
    ],
)
def test_what_is_wrong_is_said_before_spark_starts(folder, no_session, capsys, arguments, said):
    (folder / "broken.yml").write_text(CONFIG.replace("tables:", "tabels:"))
    with pytest.raises(SystemExit) as exit_:
        main(["run", *arguments])
    assert exit_.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert said in err
    assert not (folder / ".skyspark").exists()


def test_the_log_is_as_before_afterwards(folder, monkeypatch, capsys):
    before = list(logging.getLogger().handlers)

    def refuse(*args, **kwargs):
        assert len(logging.getLogger().handlers) == len(before) + 1
        raise SkySparkError("no session today.")

    monkeypatch.setattr(session, "get_spark", refuse)
    with pytest.raises(SystemExit):
        main(["run", "config.yml"])
    assert capsys.readouterr().err == "error: no session today.\n"
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize(
    ("variables", "stopped"),
    [({}, 1), ({"DATABRICKS_RUNTIME_VERSION": "17.3"}, 0), ({"SPARK_REMOTE": "sc://there"}, 0)],
)
def test_only_a_local_session_is_stopped(clean_env, monkeypatch, variables, stopped):
    stops = []

    class Session:
        def stop(self):
            stops.append(self)

    asked = {}
    monkeypatch.setattr(
        session, "get_spark", lambda name, conf: asked.update(name=name, conf=conf) or Session()
    )
    for name, value in variables.items():
        clean_env.setenv(name, value)
    with pytest.raises(ZeroDivisionError), session.program_session("app", conf={"a": "b"}):
        1 / 0  # noqa: B018
    assert len(stops) == stopped
    assert asked == {"name": "app", "conf": {"a": "b"}}


def test_a_report_for_people(spark, warehouse, folder, capsys):
    plan = make_plan(load_pipeline("config.yml", variables={"schema": warehouse}), Selection())
    results = run_in_foreground(plan, RunOptions(), spark=spark)
    out = capsys.readouterr().out.splitlines()
    assert results.status == "failed"
    assert out[-1] == "to go on where it ended: the same command with --from-failure"
    assert out[-2] == "report: .skyspark/shop/run.html"
    assert out[-3].startswith("shop failed in ")
    assert out[-3].endswith(": 1 failed, 1 skipped, 1 succeeded; 1 row written")
    assert "no such <day>" in out[-5]
    assert "  numbers: small (warn), by 1 of 1 row (100 %)" in out
    # The session that was given goes on.
    assert spark.range(1).count() == 1


def test_a_python_call_raises_what_failed_and_another_run_goes_on(spark, warehouse, folder, capsys):
    given = {"schema": warehouse}
    sentence = r"2 of 3 tables of shop were not made: failing: .*no such <day>"
    with pytest.raises(RunFailedError, match=sentence) as caught:
        run_pipeline(spark, "config.yml", variables=given)
    assert [t.status for t in caught.value.results.tables] == ["succeeded", "failed", "skipped"]
    assert "What failed" in (folder / ".skyspark" / "shop" / "run.html").read_text()
    text = CONFIG.replace("CAST(raise_error('no such <day>') AS STRING) AS id", "id")
    (folder / "config.yml").write_text(text)
    plan = make_plan(load_pipeline("config.yml", variables=given), Selection())
    results = run_in_foreground(plan, RunOptions(from_failure=True), spark=spark)
    assert [table.name for table in results.of_this_run] == ["failing", "after"]
    out = capsys.readouterr().out
    assert "3 succeeded; 2 rows written" in out
    made = (folder / ".skyspark" / "shop" / "run.html").read_text()
    assert "shop.numbers, of an earlier run" in made.replace(warehouse, "shop")
    assert made.count('<a class="bar') == 2


def test_a_python_call_selects_as_the_command_does(spark, warehouse, folder):
    seen = []

    class Watcher:
        def changed(self, result):
            seen.append((result.name, result.status))

    results = run_pipeline(
        spark,
        folder / "config.yml",
        variables={"schema": warehouse},
        tags=["daily"],
        results=folder / "results",
        observer=Watcher(),
    )
    assert [table.name for table in results.tables] == ["numbers"]
    assert seen[-1] == ("numbers", "succeeded")
    assert {path.name for path in (folder / "results").iterdir()} >= {"run.html", "run_results.json"}


SLOW = """
import os
import signal

def slow_{number}(spark, numbers):
    os.kill(os.getpid(), {number})
    return numbers.selectExpr("id", "java_method('java.lang.Thread', 'sleep', 600000L) AS slept")
"""


@pytest.mark.parametrize("number", [signal.SIGINT.value, signal.SIGTERM.value])
def test_a_run_that_is_told_to_stop_is_reported(spark, warehouse, folder, capsys, monkeypatch, number):
    # Nothing but the end of the slow job, cancelled or not, ends the run.
    monkeypatch.setattr(engine, "_PATIENCE", 3600.0)
    (folder / f"stopped_{number}.py").write_text(SLOW.format(number=number))
    (folder / "config.yml").write_text(
        CONFIG.partition("  - name: failing")[0] + f"  - name: slow\n    depends_on: [numbers]\n"
        f"    transformation: {{type: python, function: stopped_{number}.slow_{number}}}\n"
    )
    plan = make_plan(load_pipeline("config.yml", variables={"schema": warehouse}), Selection())
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        run_in_foreground(plan, RunOptions(), spark=spark)
    assert signal.getsignal(number) == before
    out = capsys.readouterr().out
    assert "shop cancelled in " in out
    assert "1 cancelled, 1 succeeded" in out
    assert (
        '<span class="pill cancelled">cancelled</span></h1>'
        in (folder / ".skyspark" / "shop" / "run.html").read_text()
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_spark_starts_ends_with_130_and_reports_no_earlier_run(
    folder, monkeypatch, capsys, number
):
    state = folder / ".skyspark" / "shop"
    state.mkdir(parents=True)
    old = RunResults(
        pipeline="shop", env="local", number=1, started_at=datetime(2020, 1, 1, tzinfo=UTC), tables=[]
    )
    (state / "run_results.json").write_text(old.model_dump_json())
    monkeypatch.setattr(session, "get_spark", lambda *args, **kwargs: os.kill(os.getpid(), number))
    with pytest.raises(SystemExit) as exit_:
        main(["run", "config.yml"])
    assert exit_.value.code == 130
    assert capsys.readouterr().out == ""
    assert not (state / "run.html").exists()
