"""Finds the Java that Spark would start, and its version, without starting it where that can be avoided."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from skyspark.errors import JavaNotFoundError
from skyspark.versions import MIN_JAVA

_INSTALL = (
    f"install a JDK {MIN_JAVA} (Debian: openjdk-{MIN_JAVA}-jre-headless, "
    f"macOS: brew install openjdk@{MIN_JAVA}) or set JAVA_HOME."
)


@dataclass(frozen=True)
class Java:
    """A Java that can run Spark.

    Attributes:
        executable: The program Spark starts.
        version: Such as ``17.0.15``.
        build: Vendor and exact build: what a class data archive is made for.
    """

    executable: Path
    version: str
    build: str

    @property
    def major(self) -> int:
        """``17`` of ``17.0.15``."""
        return int(self.version.split(".", maxsplit=1)[0])


def find_java() -> Java:
    """Return the Java that Spark starts: ``$JAVA_HOME/bin/java``, else ``java`` on PATH.

    Raises:
        JavaNotFoundError: There is none, it does not run, or it is too old for Spark 4.
    """
    executable = _executable()
    java = _from_release_file(executable) or _from_running(executable)
    if java.major < MIN_JAVA:
        raise JavaNotFoundError(
            f"Java {MIN_JAVA} or newer is needed by Spark and {executable} is {java.version}: {_INSTALL}"
        )
    return java


def _executable() -> Path:
    home = os.environ.get("JAVA_HOME")
    if home:
        executable = Path(home) / "bin" / "java"
        if not executable.is_file():
            raise JavaNotFoundError(
                f"Java is needed by Spark and JAVA_HOME names {home}, which has no bin/java: {_INSTALL}"
            )
        return executable
    found = shutil.which("java")
    if not found:
        raise JavaNotFoundError(f"Java is needed by Spark and there is no 'java' on PATH: {_INSTALL}")
    return Path(found)


def _from_release_file(executable: Path) -> Java | None:
    # Starting Java to ask its version costs each session 0.1-0.3 s; every JDK says it in a file.
    release = executable.resolve().parent.parent / "release"
    try:
        fields = dict(re.findall(r'^(\w+)="([^"]*)"', release.read_text(encoding="utf-8"), re.MULTILINE))
    except (OSError, UnicodeDecodeError):
        return None
    version = fields.get("JAVA_VERSION", "")
    if not re.match(r"\d+", version):
        return None
    build = " ".join(
        fields.get(key, "") for key in ("IMPLEMENTOR", "JAVA_RUNTIME_VERSION", "JAVA_VERSION", "OS_ARCH")
    )
    return Java(executable, version, build)


def _from_running(executable: Path) -> Java:
    try:
        answer = subprocess.run(
            [executable, "-version"], capture_output=True, text=True, timeout=30, check=False
        ).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        raise JavaNotFoundError(
            f"Java is needed by Spark and {executable} does not run ({error}): {_INSTALL}"
        ) from error
    match = re.search(r'version "(?:1\.)?(\d+[\d.]*)', answer)
    if not match:
        raise JavaNotFoundError(
            f"Java is needed by Spark and {executable} does not say its version: {_INSTALL}"
        )
    return Java(executable, match[1], " ".join(answer.split()))
