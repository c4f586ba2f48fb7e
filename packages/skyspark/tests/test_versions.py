"""The version pairs, and those who repeat them."""

import re
import tomllib
from pathlib import Path

import pytest
from skyspark.errors import SparkNotFoundError, WheelsError
from skyspark.versions import RUNTIMES, SPARK_LINES, installed_spark, runtime, spark_line

PROJECT = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]


@pytest.mark.parametrize("line", SPARK_LINES.values(), ids=lambda line: line.name)
def test_extras_install_the_pairs(line):
    extra = PROJECT["optional-dependencies"][line.extra]
    assert f"pyspark=={line.pyspark}" in extra
    assert f"delta-spark=={line.delta}" in extra
    assert any(requirement.startswith("pandas") and "<3" in requirement for requirement in extra)


def test_there_is_no_extra_without_a_pair():
    extras = {name for name in PROJECT["optional-dependencies"] if name.startswith("spark")}
    assert extras == {line.extra for line in SPARK_LINES.values()}


def test_a_cluster_gets_no_spark_from_us():
    assert not [name for name in PROJECT["dependencies"] if re.match(r"pyspark|delta|pandas", name)]


def test_the_installed_line_is_one_of_them():
    assert installed_spark() in SPARK_LINES.values()


def test_jars_are_named_for_their_line():
    for line in SPARK_LINES.values():
        assert line.jars[0].artifact == f"delta-spark_{line.name}_2.13"
        assert {jar.version for jar in line.jars} == {line.delta}
        assert all(re.fullmatch("[0-9a-f]{64}", jar.sha256) for jar in line.jars)


def test_an_unknown_spark_is_refused_in_words():
    with pytest.raises(
        SparkNotFoundError, match=r"PySpark 3.5.4 is installed and SkySpark works with Spark 4.0"
    ):
        spark_line("3.5.4")


@pytest.mark.parametrize("key", ["17.3", "17.3.x-scala2.13", "17.3.x-cpu-ml-scala2.13"])
def test_runtimes_are_found_by_their_keys(key):
    assert runtime(key) is RUNTIMES["17.3"]
    assert runtime(key).line.name == "4.0"


def test_an_unknown_runtime_is_refused_in_words():
    with pytest.raises(
        WheelsError, match=r"'17.4' is unknown \(did you mean '17.3'\?\): name one of 17.3, 18"
    ):
        runtime("17.4")
