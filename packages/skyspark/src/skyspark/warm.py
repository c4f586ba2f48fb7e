"""Making the class data archive: run a small workload once and let Java write down the classes it loaded."""

import json
import os
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

from skyspark.archive import ClassArchive, archive_dir, class_archive, make_options
from skyspark.errors import WarmError
from skyspark.jars import find_jars
from skyspark.java import find_java
from skyspark.local import local_conf
from skyspark.versions import installed_spark, spark_home

_TIMEOUT = 600
# Each thing is done once, so compiling it well costs more than it gives. Sessions with the second compiler
# and another collector map the archive too.
_QUICK = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC"


def warm(*, force: bool = False) -> tuple[ClassArchive, bool]:
    """Make the archive for this Java, this Spark and these jars, unless it is there.

    Args:
        force: Make it anew.

    Returns:
        The archive, and whether it had to be made.

    Raises:
        WarmError: Java wrote none, or the cache cannot be written.
        EnvironmentNotReadyError: Java, Spark or the Delta jars are missing.
    """
    archive = class_archive(find_java(), spark_home(), find_jars(installed_spark()))
    if archive.is_made() and not force:
        return archive, False
    folder = archive_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _remove_orphans(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".warm-") as scratch:
            written = Path(scratch) / archive.path.name
            log = _run(written, Path(scratch))
            if not written.is_file():
                raise WarmError(f"Java wrote no class data archive{_reason(log)}; sessions work without one.")
            archive.note.write_text(json.dumps(archive.about, indent=1), encoding="utf-8")
            # On the same file system: sessions that start now see the whole archive or none.
            written.replace(archive.path)
    except OSError as error:
        raise WarmError(
            f"the cache folder {folder} cannot be written ({error.strerror}): "
            "set SKYSPARK_CACHE_DIR to one that can; sessions work without an archive."
        ) from error
    return archive, True


def _run(written: Path, scratch: Path) -> str:
    home = spark_home()
    # The class path must be that of a session, or Java refuses the archive.
    conf = local_conf(scratch / "warehouse") | {
        "spark.master": "local[1]",
        "spark.driver.extraJavaOptions": f"{make_options(written)} {_QUICK}",
    }
    workload = scratch / "workload.py"
    workload.write_text((files("skyspark") / "workload.py").read_text(encoding="utf-8"), encoding="utf-8")
    command = [
        str(home / "bin" / "spark-submit"),
        *(f"--conf={key}={value}" for key, value in conf.items()),
        str(workload),
        str(scratch),
    ]
    environment = os.environ | {
        "SPARK_HOME": str(home),
        "PYSPARK_PYTHON": sys.executable,
        "SKYSPARK_WAREHOUSE": str(scratch / "warehouse"),
    }
    for name in ("SPARK_REMOTE", "DATABRICKS_RUNTIME_VERSION"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        raise WarmError(f"no class data archive was made within {_TIMEOUT} s.") from None
    return done.stdout + done.stderr


def _reason(log: str) -> str:
    lines = [line.strip() for line in log.splitlines()]
    said = [line for line in lines if "rror" in line or "unsupported" in line or "warning" in line]
    return f" ({said[-1][:200]})" if said else ""


def _remove_orphans(folder: Path) -> None:
    # Each is some 190 MB and fits one Spark installation only: when that is gone, so may the archive be.
    for note in folder.glob("*.json"):
        try:
            home = json.loads(note.read_text(encoding="utf-8"))["spark_home"]
        except (OSError, ValueError, KeyError):
            continue
        if not Path(home).exists():
            note.with_suffix(".jsa").unlink(missing_ok=True)
            note.unlink(missing_ok=True)
