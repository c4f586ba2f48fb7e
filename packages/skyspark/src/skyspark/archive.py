"""The class data archive: Java classes of Spark and Delta, parsed once and mapped into later sessions.

A dynamic archive (JEP 350) fits one Java build and one class path. The key says which; Java checks it again
when it starts and, with ``-Xshare:auto``, goes on without an archive that does not fit.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from skyspark.cache import cache_dir
from skyspark.java import Java

# Java writes its complaints about an archive to standard output, between the lines of the program.
_SILENT = "-Xlog:disable -Xlog:all=error:stderr"


@dataclass(frozen=True)
class ClassArchive:
    """The archive of one Java build, one Spark installation and one set of jars.

    Attributes:
        path: The archive file, which need not exist.
        about: What it is made for, as stored beside it.
    """

    path: Path
    about: dict[str, str]

    @property
    def note(self) -> Path:
        """The file beside the archive that says what it is for."""
        return self.path.with_suffix(".json")

    def is_made(self) -> bool:
        """Say whether the archive is there; a cache that cannot be read counts as no archive."""
        try:
            return self.path.stat().st_size > 0
        except OSError:
            return False


def archive_dir() -> Path:
    """Return the cache folder of all archives."""
    return cache_dir() / "archives"


def class_archive(java: Java, spark_home: Path, jars: Sequence[Path]) -> ClassArchive:
    """Return the archive that fits a session.

    Args:
        java: The Java that will run it.
        spark_home: The PySpark installation; its path is part of the class path.
        jars: The jars that come before Spark's own on the class path.
    """
    about = {"java": java.build, "spark_home": str(spark_home), "jars": ":".join(map(str, jars))}
    key = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
    return ClassArchive(archive_dir() / f"{key}.jsa", about)


def use_options(archive: ClassArchive) -> str:
    """Return the Java options that map the archive, or nothing when it is not there."""
    if not archive.is_made() or " " in str(archive.path):
        return ""
    return f"-XX:SharedArchiveFile={archive.path} -Xshare:auto {_SILENT}"


def make_options(path: Path) -> str:
    """Return the Java options that write an archive when the program ends."""
    return f"-XX:ArchiveClassesAtExit={path} {_SILENT}"
