"""A pipeline as an application, in a package with settings as projects have them."""

import logging
import sys
from pathlib import Path

import pytest
from skyspark import PipelineApp
from skyspark.errors import PipelineError, RunFailedError, SelectionError, SettingsError

CONFIG = """
name: shop
settings: ../settings
catalog: ${catalog:-}
schema: ${schema_name}
tables:
  - name: numbers
    tags: [daily]
    transformation: {type: sql, query: "SELECT id, '${env}' AS env, '${date}' AS day FROM range(${rows})"}
  - name: other
    tags: [weekly]
    transformation: {type: sql, query: "SELECT CAST(raise_error('no such day') AS STRING) AS id"}
"""


class Shop(PipelineApp):
    """Runs the shop."""

    name = "shop"
    config = "pipelines/shop.yml"
    resources = "shop_resources"


@pytest.fixture
def project(tmp_path, clean_env, warehouse):
    package = tmp_path / "shop_resources"
    (package / "settings").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "settings" / "base.yaml").write_text(f"schema_name: {warehouse}\nrows: 2\n")
    (package / "settings" / "dev.yaml").write_text("rows: 5\n")
    (package / "pipelines").mkdir()
    (package / "pipelines" / "shop.yml").write_text(CONFIG)
    clean_env.syspath_prepend(str(tmp_path))
    clean_env.delitem(sys.modules, "shop_resources", raising=False)
    clean_env.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def root_log():
    """Take away the handlers that an application adds to the root logger."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def test_the_arguments_of_the_documents_with_settings_of_the_environment(spark, project, rows):
    results = Shop().execute(
        ["--tags", "daily", "--mode", "batch", "--env", "dev", "--date", "2026-01-02"], spark=spark
    )
    assert (results.pipeline, results.env, results.status) == ("shop", "dev", "succeeded")
    assert rows("numbers") == [(i, "dev", "2026-01-02") for i in range(5)]
    Shop().execute(["--tags", "daily", "--var", "rows=1"], spark=spark)
    assert rows("numbers", "id", "env") == [(0, "local")]


def test_main_returns_on_success_and_exits_with_1_when_a_table_fails(spark, project, root_log, caplog):
    class Given(Shop):
        def execute(self, argv=None, spark=None):
            return super().execute(argv, spark or given)

    given = spark
    Given().main(["--tags", "daily"])
    assert caplog.messages[-1].startswith("shop succeeded in ")
    with pytest.raises(SystemExit) as exit_:
        Given().main(["--tags", "weekly"])
    assert exit_.value.code == 1
    last = caplog.records[-1]
    assert last.getMessage().startswith("shop failed: 1 of 1 tables of shop were not made: other: ")
    # The sentence is the table's; a trace of this process tells nothing about it.
    assert not last.exc_info


def test_on_databricks_the_clusters_session_is_used_and_a_failure_raised(spark, project, root_log, clean_env):
    clean_env.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    Shop().main(["--tags", "daily"])
    with pytest.raises(RunFailedError, match="no such day") as caught:
        Shop().main(["--tags", "weekly"])
    assert [table.status for table in caught.value.results.tables] == ["failed"]
    assert spark.range(1).count() == 1


@pytest.mark.parametrize(
    ("arguments", "error"),
    [(["--env", "nowhere"], PipelineError), (["--tags", "dayly"], SelectionError), (["--bogus"], SystemExit)],
)
def test_what_is_wrong_is_found_before_spark_starts(project, root_log, monkeypatch, arguments, error):
    monkeypatch.setattr("skyspark.session.get_spark", lambda *a, **k: pytest.fail("a session was made"))
    with pytest.raises(error):
        Shop().execute(arguments)
    with pytest.raises(SystemExit) as exit_:
        Shop().main(arguments)
    assert exit_.value.code == 2


def test_a_file_anywhere(spark, project, rows):
    class Anywhere(PipelineApp):
        name = "anywhere"
        config = Path("shop_resources/pipelines/shop.yml")

    Anywhere().execute(["--tags", "daily"], spark=spark)
    assert len(rows("numbers")) == 2


def test_a_package_that_is_not_there():
    class Nowhere(PipelineApp):
        name = "nowhere"
        resources = "no_such_package"

    with pytest.raises(SettingsError, match=r"there is no package 'no_such_package' to read"):
        Nowhere().execute([])


def test_help_names_the_arguments(capsys):
    with pytest.raises(SystemExit) as exit_:
        Shop().execute(["--help"])
    assert exit_.value.code == 0
    said = capsys.readouterr().out
    assert "Runs the shop." in said
    for argument in ("--tags", "--mode", "--env", "--select", "--from-failure", "--threads", "--var"):
        assert argument in said
    assert "CONFIG" not in said
