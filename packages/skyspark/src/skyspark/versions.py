"""The one place where versions are paired: Spark with Delta, Databricks runtimes with Spark and Python.

Sources: delta-spark 4.4.0 declares ``pyspark>=4.0.1,<=4.2.0`` and publishes one artifact for each Spark line;
Databricks' release notes name the Spark, Python and Ubuntu of each runtime.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

from skyspark.errors import SparkNotFoundError, WheelsError, suggest

SCALA = "2.13"
DELTA = "4.4.0"
MIN_JAVA = 17


@dataclass(frozen=True)
class Jar:
    """One jar of a Maven artifact, pinned by its SHA-256."""

    artifact: str
    version: str
    sha256: str
    group: str = "io.delta"

    @property
    def coordinates(self) -> str:
        """``group:artifact:version``, as Maven and ``--packages`` write it."""
        return f"{self.group}:{self.artifact}:{self.version}"

    @property
    def file_name(self) -> str:
        """The jar's file name in a Maven repository."""
        return f"{self.artifact}-{self.version}.jar"


_STORAGE = Jar("delta-storage", DELTA, "c46735481fa8e326b0957be02b4420cbcab4b325bb08009b7f2045a95133f1cc")


def _delta(line: str, sha256: str) -> tuple[Jar, Jar]:
    return Jar(f"delta-spark_{line}_{SCALA}", DELTA, sha256), _STORAGE


@dataclass(frozen=True)
class SparkLine:
    """A line of Spark releases (4.0, 4.1, …) with the exact versions tested together."""

    name: str
    pyspark: str
    jars: tuple[Jar, Jar]
    delta: str = DELTA

    @property
    def extra(self) -> str:
        """The extra of the ``skyspark`` distribution that installs this line."""
        return "spark" + self.name.replace(".", "")


SPARK_LINES = {
    line.name: line
    for line in (
        SparkLine(
            "4.0", "4.0.5", _delta("4.0", "49e899667168b9412f83cbe894ce264107d7b896d6c5e12edca4e216845c1104")
        ),
        SparkLine(
            "4.1", "4.1.4", _delta("4.1", "75a9400986853c061f5109f012547de2545a5759e5e752e5ef633dabe16a4f10")
        ),
        SparkLine(
            "4.2", "4.2.0", _delta("4.2", "27d4fd8b1f879535c573ed1c718177d6a27f24d3e626ba02e216369725721ead")
        ),
    )
}


@dataclass(frozen=True)
class Runtime:
    """A Databricks runtime a project can target."""

    name: str
    spark_line: str
    python: str
    glibc: str

    @property
    def described(self) -> str:
        """The runtime as messages name it."""
        return f"Databricks {self.name} (Python {self.python}, Linux x86_64)"

    @property
    def line(self) -> SparkLine:
        """The Spark line this runtime is built on."""
        return SPARK_LINES[self.spark_line]


RUNTIMES = {
    runtime.name: runtime
    for runtime in (
        Runtime("17.3", spark_line="4.0", python="3.12", glibc="2.39"),
        Runtime("18", spark_line="4.1", python="3.12", glibc="2.39"),
    )
}


def spark_line(version: str) -> SparkLine:
    """Return the line a PySpark version belongs to.

    Args:
        version: Such as ``4.0.5``.

    Raises:
        SparkNotFoundError: No Delta release is known for it.
    """
    name = ".".join(version.split(".")[:2])
    if name not in SPARK_LINES:
        known = ", ".join(SPARK_LINES)
        raise SparkNotFoundError(
            f"PySpark {version} is installed and SkySpark works with Spark {known}: install one of them, "
            f"such as pip install 'skyspark[{SPARK_LINES['4.0'].extra}]'."
        )
    return SPARK_LINES[name]


def installed_spark() -> SparkLine:
    """Return the line of the PySpark in this environment, without importing it.

    Raises:
        SparkNotFoundError: PySpark is missing or of an unknown line.
    """
    from importlib.metadata import PackageNotFoundError, version

    try:
        return spark_line(version("pyspark"))
    except PackageNotFoundError:
        raise _no_spark() from None


def spark_home() -> Path:
    """Return the folder of the installed PySpark, where its jars and scripts are.

    Raises:
        SparkNotFoundError: PySpark is missing.
    """
    from importlib.util import find_spec

    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise _no_spark()
    return Path(spec.origin).parent


def _no_spark() -> SparkNotFoundError:
    extras = ", ".join(f"{line.extra} for Spark {line.name}" for line in SPARK_LINES.values())
    return SparkNotFoundError(
        f"PySpark is not installed in {sys.prefix}: install skyspark with an extra ({extras}), "
        f"such as pip install 'skyspark[{SPARK_LINES['4.0'].extra}]'."
    )


def runtime(name: str) -> Runtime:
    """Return the Databricks runtime of that name.

    Args:
        name: ``17.3`` or ``18``; a spark_version key such as ``17.3.x-cpu-ml-scala2.13`` is understood too.

    Raises:
        WheelsError: It is not one SkySpark knows.
    """
    short = name.split(".x", maxsplit=1)[0]
    if short not in RUNTIMES:
        raise WheelsError(
            f"Databricks runtime '{name}' is unknown{suggest(name, RUNTIMES)}: "
            f"name one of {', '.join(RUNTIMES)}."
        )
    return RUNTIMES[short]
