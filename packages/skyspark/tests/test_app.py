"""The frame of an application, run as a process and in this one."""

import json
import os
import subprocess
import sys
import textwrap

import pytest
from skyspark import SparkApp
from skyspark.errors import SettingsError


class Count(SparkApp):
    """Counts things."""

    name = "count"

    def add_arguments(self, parser):
        parser.add_argument("--rows", type=int, default=1)

    def run(self, spark, settings, args):
        self.seen = (spark.range(args.rows).count(), settings.table("t"), args.env)


@pytest.fixture
def resources(tmp_path, clean_env):
    settings = tmp_path / "resources" / "settings"
    settings.mkdir(parents=True)
    (settings / "base.yaml").write_text("schema_name: s")
    (settings / "dev.yaml").write_text("catalog: c")
    clean_env.syspath_prepend(str(tmp_path))
    clean_env.delitem(sys.modules, "resources", raising=False)
    return tmp_path


def test_execute_in_a_given_session(spark, resources):
    app = Count()
    app.execute(["--env", "dev", "--rows", "3"], spark=spark)
    assert app.seen == (3, "c.s.t", "dev")
    assert spark.range(1).count() == 1


def test_the_environment_variable_names_the_environment(spark, resources, clean_env):
    clean_env.setenv("SKYSPARK_ENV", "dev")
    app = Count()
    app.execute([], spark=spark)
    assert app.seen[2] == "dev"


def test_execute_raises_what_is_wrong(spark, resources):
    with pytest.raises(SettingsError):
        Count().execute(["--env", "nowhere"], spark=spark)
    with pytest.raises(SystemExit):
        Count().execute(["--rows", "x"], spark=spark)


def run(folder, body, *arguments, method="run(self, spark, settings, args)", **environment):
    (folder / "app.py").write_text(
        f"from skyspark import SparkApp\nclass App(SparkApp):\n    name = 'app'\n    def {method}:\n"
        + textwrap.indent(textwrap.dedent(body), " " * 8)
        + "\nApp().main()\nprint('returned')\n"
    )
    return subprocess.run(
        [sys.executable, "app.py", *arguments],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


# Where only the way out of the process is of interest, no session is needed.
EXECUTE = "execute(self, argv=None, spark=None)"


def log_lines(done):
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


def test_a_process_that_succeeds_returns_and_its_tables_last(resources):
    body = """
    from skyspark.load import save_delta_table
    if spark.catalog.tableExists(settings.table("t")):
        print("found", spark.table(settings.table("t")).count())
    save_delta_table(spark.range(2), settings.table("t"), mode="append")
    """
    first, second = run(resources, body), run(resources, body)
    assert (first.returncode, first.stdout.split()) == (0, ["returned"]), first.stderr
    # Spark's in-memory catalog forgot the table; the warehouse folder did not.
    assert (second.returncode, second.stdout.split()) == (0, ["found", "2", "returned"]), second.stderr
    last = log_lines(second)[-1]
    assert (last["level"], last["app"]) == ("INFO", "app")
    assert last["message"].startswith("app succeeded in")


@pytest.mark.parametrize("databricks", [False, True])
def test_a_failure_is_one_line_and_a_trace(resources, databricks):
    environment = {"DATABRICKS_RUNTIME_VERSION": "17.3"} if databricks else {}
    done = run(resources, "raise ValueError('no such day\\nmore')", method=EXECUTE, **environment)
    assert done.returncode == 1
    failure = log_lines(done)[-1]
    assert failure["message"] == "app failed: ValueError: no such day"
    assert "in execute" in failure["traceback"]
    # On Databricks the exception itself goes up: the run's page shows it.
    assert ("\nValueError: no such day" in done.stderr) == databricks


def test_wrong_settings_and_arguments_exit_with_2(resources):
    done = run(resources, "pass", "--env", "nowhere")
    assert done.returncode == 2
    assert "traceback" not in log_lines(done)[-1]
    assert run(resources, "pass", "--bogus").returncode == 2


def test_ctrl_c_exits_with_130(resources):
    done = run(resources, "raise KeyboardInterrupt", method=EXECUTE)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
