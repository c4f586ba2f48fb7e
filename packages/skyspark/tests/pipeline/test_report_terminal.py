"""What a terminal and a log show of a run."""

import io
import logging
import re
import sys
import threading
from pathlib import Path

import pexpect
import pytest
from rich.console import Console
from skyspark.pipeline.run.progress import LiveProgress, LogProgress, watch
from skyspark.pipeline.run.report import print_report
from skyspark.pipeline.run.results import ExpectationResult

PAGE = Path("state/run.html")


def text_of(results):
    out = io.StringIO()
    print_report(results, PAGE, Console(file=out, width=1000, highlight=False))
    return out.getvalue()


def drawn(progress, width=120):
    out = io.StringIO()
    Console(file=out, width=width).print(progress)
    return out.getvalue()


def test_failures_and_how_to_go_on_come_last(table_result, run_results):
    broken = [ExpectationResult(name="positive", action="drop", broken=2, passed=6)]
    said = text_of(
        run_results(
            table_result("bad", 0, 100, status="failed", layer="bronze", message="no such day."),
            table_result("after", None, None, "bad", status="skipped", message="'bad' failed."),
            table_result("good", 0, 1500, rows_in=8, rows_out=6000, expectations=broken),
            end=2000,
            status="failed",
        )
    )
    lines = said.splitlines()
    assert re.split(r"\s{2,}", lines[0].strip()) == [
        "table", "layer", "mode", "status", "rows in", "rows out", "time", "expectations"
    ]  # fmt: skip
    assert re.split(r"\s{2,}", lines[3].strip()) == [
        "good", "batch", "succeeded", "8", "6,000", "1.50 s", "1 of 1 broken"
    ]  # fmt: skip
    assert "  good: positive (drop), by 2 of 8 rows (25 %)" in lines
    assert lines[-5:] == [
        "  bad: no such day.",
        "",
        "p failed in 2.00 s: 1 failed, 1 skipped, 1 succeeded; 6,000 rows written",
        "report: state/run.html",
        "to go on where it ended: the same command with --from-failure",
    ]


def test_a_run_that_succeeded_needs_no_advice(table_result, run_results):
    assert text_of(run_results(table_result("a", 0, 10), end=10)).splitlines()[-1] == "report: state/run.html"


def test_of_many_tables_only_what_went_wrong_is_listed(table_result, run_results):
    tables = [table_result(f"good{i}", 0, 10) for i in range(300)]
    bad = [table_result(f"bad{i}", 0, 10, status="failed", message=f"reason {i}.") for i in range(60)]
    said = text_of(run_results(*tables, *bad, end=10, status="failed"))
    assert "good0" not in said
    assert "and 320 more tables, see state/run.html" in said
    # Every failure has its reason, however many there are.
    assert all(f"bad{i}: reason {i}." in said for i in range(60))


def test_nothing_in_a_message_steers_the_terminal(table_result, run_results):
    said = text_of(
        run_results(
            table_result("[red]a\x1b[2J", 0, 10, status="failed", message="\x1b]0;x\x07[bold]b"),
            end=10,
            status="failed",
        )
    )
    assert "[red]a\N{REPLACEMENT CHARACTER}[2J" in said
    assert "\N{REPLACEMENT CHARACTER}]0;x\N{REPLACEMENT CHARACTER}[bold]b" in said
    assert "\x1b" not in said


def test_the_live_table_shows_all_tables_where_they_fit(table_result, run_results):
    progress = LiveProgress(run_results(table_result("a"), table_result("b"), status="running"), 24)
    assert "starting Spark" in drawn(progress)
    progress.changed(table_result("a", 0, 1000, status="failed"))
    said = drawn(progress)
    assert re.search(r"^a .*failed.*1.00 s", said, re.M)
    assert re.search(r"^b .*waiting", said, re.M)
    assert "1 of 2" in said
    assert "1 failed, 1 waiting" in said


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (140, "table layer mode status rows in rows out time expectations"),
        (100, "table layer status rows in rows out time expectations"),
        (80, "table status rows out time expectations"),
        (50, "table status time"),
    ],
)
def test_a_narrow_terminal_does_without_columns_but_never_without_figures_of_a_column(
    table_result, run_results, width, titles
):
    broken = [ExpectationResult(name="positive", action="drop", broken=2, passed=6)]
    one = table_result(
        "a_name_that_is_much_longer_than_any_other", 0, 7_200_000, rows_in=123_456_789, rows_out=12_345_678,
        layer="bronze", expectations=broken,
    )  # fmt: skip
    said = drawn(LiveProgress(run_results(one), 24), width).splitlines()
    assert " ".join(said[0].split()) == titles
    assert all(len(line) <= width for line in said)
    figures = {"rows in": "123,456,789", "rows out": "12,345,678", "time": "2 h 00 min"}
    for title, figure in figures.items():
        assert (figure in said[1]) == (title in titles)


def test_the_live_table_folds_what_is_done_and_never_grows_beyond_the_screen(table_result, run_results):
    names = [f"t{i}" for i in range(500)]
    progress = LiveProgress(run_results(*map(table_result, names), status="running"), 24)
    for i, name in enumerate(names):
        progress.changed(table_result(name, 0, status="running"))
        if i >= 3:
            progress.changed(
                table_result(names[i - 3], 0, 10, status="failed" if i % 9 == 0 else "succeeded")
            )
    said = drawn(progress)
    assert len(said.splitlines()) < 24
    assert all(re.search(rf"^t{i} .*running", said, re.M) for i in (497, 498, 499))
    assert "succeeded " not in said
    assert "failed" in said
    failed = sum(i % 9 == 0 for i in range(3, 500))
    assert f"{failed} failed, 3 running, {497 - failed} succeeded" in said
    assert "497 of 500" in said


def test_the_live_table_is_told_from_many_threads_while_it_is_drawn(table_result, run_results):
    names = [f"t{i}" for i in range(200)]
    progress = LiveProgress(run_results(*map(table_result, names), status="running"), 24)

    def tell(part):
        for name in part:
            for status in ("running", "succeeded"):
                progress.changed(table_result(name, 0, 10, status=status))

    threads = [threading.Thread(target=tell, args=(names[i::4],)) for i in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        drawn(progress)
    assert "200 succeeded" in drawn(progress)


def test_a_table_that_was_not_expected_is_counted_too(table_result, run_results):
    progress = LiveProgress(run_results(table_result("a")), 24)
    progress.changed(table_result("new", 0, 10))
    assert "1 succeeded, 1 waiting" in drawn(progress)


def test_log_lines_tell_begin_and_end_once(table_result, caplog):
    broken = [ExpectationResult(name="positive", action="warn", broken=1, passed=0)]
    caplog.set_level(logging.INFO)
    progress = LogProgress()
    progress.changed(table_result("a"))
    for rows in (None, 5):
        progress.changed(table_result("a", 0, status="running", rows_out=rows))
    progress.changed(table_result("a", 0, 2000, rows_out=5, layer="gold", expectations=broken))
    progress.changed(table_result("b", 0, 10, status="failed", message="no such day."))
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("INFO", "a begins"),
        ("INFO", "a succeeded in 2.00 s, 5 rows written"),
        ("WARNING", "a: positive (warn) broken by 1 of 1 row (100 %)"),
        ("ERROR", "b failed in 0.01 s: no such day."),
    ]
    assert (caplog.records[1].dataset, caplog.records[1].rows_out, caplog.records[1].layer) == (
        "a",
        5,
        "gold",
    )


def test_without_a_terminal_a_run_is_logged(table_result, run_results):
    with watch(run_results(table_result("a"))) as observer:
        assert isinstance(observer, LogProgress)


PROGRAM = """
import subprocess, sys, time
from datetime import UTC, datetime
from skyspark.pipeline.run.results import RunResults, TableResult
from skyspark.pipeline.run.progress import watch
now = datetime.now(UTC)
first, second = TableResult(name="first"), TableResult(name="second")
begun = RunResults(pipeline="p", env="dev", number=1, started_at=now, tables=[first, second])
# Java is a child like this one: it inherits standard error, and outlives the table.
entered = time.monotonic()
with watch(begun) as progress:
    child = subprocess.Popen([sys.executable, "-c", '''if True:
        import os, sys, time
        for n in range(20):
            os.write(2, b"warning %d of\\\\tchild \\\\x1b[5m\\\\n" % n)
            time.sleep(0.05)
        sys.stdin.read()
        os.write(2, b"late\\\\n")
    '''], stdin=subprocess.PIPE)
    progress.changed(first.model_copy(update={"status": "running", "started_at": now}))
    time.sleep(2)
    # Until whoever looks at the screen has seen enough.
    sys.stdin.readline()
    progress.changed(first.model_copy(update={"status": "succeeded"}))
lived = time.monotonic() - entered
child.stdin.close()
child.wait()
sys.stderr.write("own\\n")
print("report", lived, flush=True)
# What the child wrote last is on its way still.
sys.stdin.readline()
"""


# What comes when the table is gone, in any order.
LAST = ("late", "own", "report")

HASTY = """
import os
from datetime import UTC, datetime
from skyspark.pipeline.run import terminal
from skyspark.pipeline.run.progress import watch
from skyspark.pipeline.run.results import RunResults
# A slow machine draws so many lines for longer than one waits for somebody who writes without end.
terminal._PATIENCE = 600
with watch(RunResults(pipeline="p", env="dev", number=1, started_at=datetime.now(UTC), tables=[])):
    for n in range(400):
        os.write(2, b"line %d\\n" % n)
    os.write(2, b"unfinished")
os.write(1, b"report\\n")
os._exit(0)
"""


def test_what_was_written_last_comes_before_the_report():
    child = pexpect.spawn(sys.executable, ["-c", HASTY], dimensions=(24, 100), encoding="utf-8", timeout=600)
    child.expect(pexpect.EOF)
    assert (
        child.before.index("line 399\r\n")
        < child.before.index("unfinished\r\n")
        < child.before.index("report")
    )


@pytest.fixture
def screen():
    child = pexpect.spawn(
        sys.executable,
        ["-c", PROGRAM],
        cwd=Path(__file__).parent,
        env={"TERM": "xterm-256color", "PATH": "/usr/bin:/bin"},
        dimensions=(24, 100),
        encoding="utf-8",
        timeout=600,
        echo=False,
    )
    child.logfile_read = io.StringIO()
    yield child
    child.close(force=True)


def read_to_end(screen):
    """Let the program go on whenever what it waits for is on the screen; return all that was there."""
    screen.expect("warning 19 of")
    screen.expect(r"first[^\n]*running")
    screen.sendline()
    while not all(re.search(rf"{word}.*\r\n", screen.logfile_read.getvalue()) for word in LAST):
        screen.expect("\n")
    screen.sendline()
    screen.expect(pexpect.EOF)
    return screen.logfile_read.getvalue()


def test_what_others_write_appears_above_the_live_table_in_whole_lines(screen):
    said = read_to_end(screen)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    for n in range(20):
        assert len(re.findall(rf"warning {n} of +child \ufffd\[5m *\r\n", plain)) == 1
    assert "\x1b[5m" not in said
    # The table was drawn while they came, and is gone at the end.
    assert re.search(r"first +batch +running", plain)
    assert plain.index("warning 0 of") < plain.rindex("first ")
    after = plain[plain.rindex("waiting") :]
    assert re.search(r"report [\d.]+\r\n", after)
    assert "own\r\n" in after
    assert "late\r\n" in after
    # The cursor is shown again.
    assert said.rindex("\x1b[?25h") > said.rindex("\x1b[?25l")


def test_the_live_table_is_drawn_a_few_times_a_second_only(screen):
    said = read_to_end(screen)
    drawings = len(re.findall(r"of 2", said))
    lived = re.search(r"report ([\d.]+)\r\n", said)
    # Lines of others are drawn above: each of the 20 draws the table anew.
    assert drawings < 20 + 8 * float(lived[1])
