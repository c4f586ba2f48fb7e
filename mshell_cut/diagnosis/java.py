"""Which Java Spark would start: `$JAVA_HOME/bin/java`, else `java` on PATH. Spark 4 needs 17 or newer."""

import os
import re
import shutil
from pathlib import Path

from mshell_cut.diagnosis.outcome import Outcome, error, ok
from mshell_cut.diagnosis.programs import Programs

_NEEDED = 17
_INSTALL = (
    f"install a JDK {_NEEDED} (Debian: openjdk-{_NEEDED}-jre-headless, "
    f"macOS: brew install openjdk@{_NEEDED}) or set JAVA_HOME to one"
)


def java(programs: Programs) -> Outcome:
    """Check that there is a Java that Spark can start."""
    home = os.environ.get("JAVA_HOME")
    if home:
        executable = Path(home, "bin", "java")
        if not executable.is_file():
            return error("java", f"JAVA_HOME names {home}, which has no bin/java", _INSTALL)
    else:
        found = shutil.which("java")
        if not found:
            return error("java", "there is no 'java' on PATH, which Spark needs", _INSTALL)
        executable = Path(found)
    version = _stated(executable)
    if not version:
        answer = programs.run(str(executable), "-version", limit=10)
        if not answer.finished:
            return error("java", f"{executable} {answer.text}", _INSTALL)
        told = re.search(r'version "(?:1\.)?(\d+[\d.]*)', answer.text)
        if not told:
            return error("java", f"{executable} does not say its version", _INSTALL)
        version = told[1]
    if int(version.split(".")[0]) < _NEEDED:
        return error("java", f"{executable} is Java {version}, Spark needs {_NEEDED} or newer", _INSTALL)
    return ok("java", f"{version} at {executable}")


def _stated(executable: Path) -> str | None:
    # Every JDK says its version in a file, which spares starting it.
    release = executable.resolve().parent.parent / "release"
    try:
        text = release.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    told = re.search(r'^JAVA_VERSION="(?:1\.)?(\d[\d.]*)', text, re.MULTILINE)
    return told[1] if told else None
