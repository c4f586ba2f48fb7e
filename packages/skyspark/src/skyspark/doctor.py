"""Is this machine ready for local Spark with Delta? A check for each part, the last one a real write."""

import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from skyspark.archive import class_archive
from skyspark.errors import EnvironmentNotReadyError, JarsNotFoundError, SkySparkError
from skyspark.jars import find_jars, verify
from skyspark.java import find_java
from skyspark.versions import installed_spark, spark_home

_MIN_PYTHON = (3, 11)


@dataclass(frozen=True)
class Check:
    """The outcome of one check.

    Attributes:
        name: What was checked.
        ok: Whether it works.
        detail: What was found, or what is wrong and what to do.
    """

    name: str
    ok: bool
    detail: str


def examine() -> Iterator[Check]:
    """Run the checks, each as the caller asks for it."""
    failed = False
    for name, check in (
        ("Java", _java),
        ("Python", _python),
        ("Spark", _spark),
        ("Delta jars", _jars),
        ("class data archive", _archive),
    ):
        outcome = _outcome(name, check)
        failed |= not outcome.ok
        yield outcome
    if failed:
        yield Check("write to Delta", ok=False, detail="not tried, because of the above")
    else:
        yield _outcome("write to Delta", _write)


def _outcome(name: str, check: Callable[[], str]) -> Check:
    try:
        return Check(name, ok=True, detail=check())
    except SkySparkError as error:
        return Check(name, ok=False, detail=str(error))
    except Exception as error:  # noqa: BLE001 - a check-up reports what it meets, whatever that is
        reason = (str(error).splitlines() or [""])[0]
        return Check(name, ok=False, detail=f"{type(error).__name__}: {reason}")


def _java() -> str:
    java = find_java()
    return f"{java.version} at {java.executable}"


def _python() -> str:
    found = platform.python_version()
    if sys.version_info < _MIN_PYTHON:
        wanted = ".".join(map(str, _MIN_PYTHON))
        raise EnvironmentNotReadyError(f"Python {wanted} or newer is needed and this is {found}.")
    return f"{found} at {sys.executable}"


def _spark() -> str:
    line = installed_spark()
    found = version("pyspark")
    own = os.environ.get("SPARK_HOME")
    if own and Path(own).resolve() != spark_home().resolve():
        raise EnvironmentNotReadyError(
            f"SPARK_HOME names {own} and PySpark {found} is at {spark_home()}: unset SPARK_HOME."
        )
    try:
        delta = version("delta-spark")
    except PackageNotFoundError:
        delta = "none"
    if delta != line.delta:
        raise EnvironmentNotReadyError(
            f"PySpark {found} goes with delta-spark {line.delta} and {delta} is installed: "
            f"pip install 'skyspark[{line.extra}]'."
        )
    return f"PySpark {found} with delta-spark {delta}"


def _jars() -> str:
    line = installed_spark()
    paths = find_jars(line)
    for path, jar in zip(paths, line.jars, strict=True):
        if not verify(path, jar):
            raise JarsNotFoundError(f"{path} is not the pinned jar: run 'skyspark jars fetch' to replace it.")
    return f"{', '.join(path.name for path in paths)} in {paths[0].parent}"


def _archive() -> str:
    archive = class_archive(find_java(), spark_home(), find_jars(installed_spark()))
    if not archive.is_made():
        return "none; 'skyspark warm' makes one, sessions then start in half the time"
    return str(archive.path)


def _write() -> str:
    from skyspark.load import save_delta_table
    from skyspark.session import get_spark

    with tempfile.TemporaryDirectory(prefix="skyspark-doctor-") as folder:
        spark = get_spark("skyspark doctor", warehouse=folder)
        try:
            save_delta_table(spark.range(3), "doctor.numbers")
            count = spark.table("doctor.numbers").count()
        finally:
            spark.stop()
    if count != 3:
        raise EnvironmentNotReadyError(f"3 rows were written to a Delta table and {count} were read.")
    return "3 rows written and read"
