"""The two Delta jars: where local sessions find them, and how they get there once."""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from skyspark.cache import cache_dir
from skyspark.errors import JarsFetchError, JarsNotFoundError
from skyspark.java import find_java
from skyspark.versions import Jar, SparkLine, spark_home

# Spark brings these itself; without the exclusion Ivy fetches 31 more jars (77 MB) that are never used.
_BROUGHT_BY_SPARK = (
    "com.*:*",
    "commons-*:*",
    "io.airlift:*",
    "io.delta:delta-kernel-*",
    "io.unitycatalog:*",
    "javax.*:*",
    "org.*:*",
)
_TIMEOUT = 600


def jar_dir(line: SparkLine) -> Path:
    """Return the cache folder of one Spark line's jars."""
    return cache_dir() / "jars" / f"delta-{line.delta}-spark-{line.name}"


def find_jars(line: SparkLine) -> tuple[Path, ...]:
    """Return the paths of the Delta jars for a Spark line.

    Args:
        line: The Spark line they are for.

    Raises:
        JarsNotFoundError: They were not fetched yet.
    """
    paths = tuple(jar_dir(line) / jar.file_name for jar in line.jars)
    if not all(path.is_file() for path in paths):
        raise JarsNotFoundError(
            f"the Delta jars for Spark {line.name} are not in {jar_dir(line)}: "
            "run 'skyspark jars fetch' once."
        )
    return paths


def verify(path: Path, jar: Jar) -> bool:
    """Say whether a file is there and is the pinned jar, byte by byte."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == jar.sha256


def fetch_jars(line: SparkLine) -> tuple[tuple[Path, ...], bool]:
    """Put the Delta jars of a Spark line into the cache, unless they are there.

    Spark's own resolver fetches them, so the mirrors that Spark and Ivy know hold: ``spark.jars.ivySettings``
    and ``spark.jars.repositories`` of spark-defaults.conf, and the variable ``DEFAULT_ARTIFACT_REPOSITORY``.

    Args:
        line: The Spark line they are for.

    Returns:
        The paths, and whether anything had to be fetched.

    Raises:
        JarsFetchError: The resolver failed, what it brought is not what is pinned, or the cache is read-only.
        JavaNotFoundError: The resolver needs Java and there is none.
    """
    target = jar_dir(line)
    paths = tuple(target / jar.file_name for jar in line.jars)
    if all(verify(path, jar) for path, jar in zip(paths, line.jars, strict=True)):
        return paths, False
    find_java()
    try:
        target.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".fetch-") as scratch:
            _resolve(line, Path(scratch))
            for path, jar in zip(paths, line.jars, strict=True):
                # Ivy names what it retrieves group_artifact-version.jar.
                fetched = Path(scratch) / "jars" / f"{jar.group}_{jar.file_name}"
                if not verify(fetched, jar):
                    raise JarsFetchError(
                        f"what the repository gave for {jar.coordinates} is not the pinned jar (SHA-256 "
                        f"{jar.sha256[:12]}…): ask who runs the mirror, nothing was kept."
                    )
                # On the same file system: readers see the whole jar or none.
                fetched.replace(path)
    except OSError as error:
        raise JarsFetchError(
            f"the cache folder {target} cannot be written ({error.strerror}): "
            "set SKYSPARK_CACHE_DIR to one that can."
        ) from error
    return paths, True


def _resolve(line: SparkLine, scratch: Path) -> None:
    script = scratch / "nothing.py"
    script.touch()
    home = spark_home()
    command: Iterable[str | Path] = (
        home / "bin" / "spark-submit",
        "--master=local[1]",
        f"--packages={line.jars[0].coordinates}",
        f"--exclude-packages={','.join(_BROUGHT_BY_SPARK)}",
        f"--conf=spark.jars.ivy={scratch}",
        "--conf=spark.ui.enabled=false",
        script,
    )
    environment = os.environ | {"SPARK_HOME": str(home), "PYSPARK_PYTHON": sys.executable}
    try:
        done = subprocess.run(
            list(command), env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise JarsFetchError(f"the repository did not answer within {_TIMEOUT} s: {_MIRROR_HINT}") from None
    if done.returncode:
        raise JarsFetchError(_explain(line, done.stdout + done.stderr))


_MIRROR_HINT = (
    "go online once, or name a mirror with DEFAULT_ARTIFACT_REPOSITORY or with spark.jars.ivySettings in "
    "$SPARK_CONF_DIR/spark-defaults.conf."
)


def _explain(line: SparkLine, log: str) -> str:
    coordinates = line.jars[0].coordinates
    if "unresolved dependency" in log or "UNRESOLVED DEPENDENCIES" in log or "UnknownHost" in log:
        # Of one that refuses, Ivy says no more than of one that has it not.
        return (
            f"{coordinates} could not be fetched because no repository with it was reached, or none that "
            f"lets it be read: {_MIRROR_HINT}"
        )
    reason = next((text.strip() for text in log.splitlines() if "Exception" in text), "no reason given")
    return f"{coordinates} could not be fetched: Spark's resolver stopped with {reason[:200]}"
