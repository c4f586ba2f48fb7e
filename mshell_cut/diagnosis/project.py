"""Checks of a project: what it remembers, and what lies about in it."""

import os
import re
import zipfile
from pathlib import Path

from mshell_cut import git
from mshell_cut.credentials import without_credentials
from mshell_cut.diagnosis.outcome import Outcome, error, ok, warning
from mshell_cut.errors import FileUnreadableError
from mshell_cut.state import FILE, State

# Both must stand in a file, each at the start of a line: a row of '=' alone is a heading in many formats.
_MARKERS = ("^<<<<<<< ", "^>>>>>>> ")
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*([^\s;#\\]+)", re.MULTILINE)
# Either brings Spark.
_SPARK = {"pyspark", "skyspark"}
_SHOWN = 5


def folder_of(start: Path) -> Path | None:
    """Return the nearest folder from one upward that holds a `.cruft.json`, whatever the file holds."""
    start = start.absolute()
    return next((place for place in (start, *start.parents) if (place / FILE).is_file()), None)


def memory(project: Path) -> Outcome:
    """Check that `.cruft.json` can be read and holds what an update needs."""
    try:
        state = State.read(project)
    except FileUnreadableError as fault:
        return error(
            "state",
            str(fault).rstrip("."),
            f"mend it, bring it back with 'git checkout -- {FILE}', or move it away for 'mshell-cut adopt'",
        )
    inside = f", {state.directory}," if state.directory else ""
    return ok("state", f"{without_credentials(state.template)}{inside} at {state.commit[:10]}")


def repository(project: Path) -> Outcome:
    """Check that the project is under git, and that no update of it waits to be finished."""
    around = git.checkout(project)
    # A project may lie in a repository that does not know it yet.
    if not around or not around.holds(FILE):
        return warning(
            "repository",
            f"{project} is not committed to git, so no update could be undone",
            f"run '{'' if around else 'git init && '}git add --all && git commit -m start' there",
        )
    from mshell_cut import applying

    waiting = applying.opened(around.top)
    if waiting:
        count = len(waiting.conflicts)
        return warning(
            "repository",
            f"an update is not finished: it had {count} conflict{'' if count == 1 else 's'}",
            "resolve them and run 'mshell-cut update --continue', or '--abort' to undo it",
        )
    return ok("repository", "under git, and no update waits to be finished")


def rejects(project: Path) -> Outcome | None:
    """Check that no part of an update that stock cruft could not apply lies about; None without git."""
    listed = git.ask(
        *("ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.rej"), cwd=project
    )
    if listed is None:
        return None
    found = sorted({path for path in listed.split("\0") if path and (project / path).exists()})
    if found:
        return warning(
            "rejects",
            f"changes that an update could not apply lie in {_some(found)}",
            "carry them over by hand and delete the files",
        )
    return ok("rejects", "no .rej files")


def markers(project: Path) -> Outcome | None:
    """Check that no conflict markers are left in files that git knows; None without git."""
    patterns = [word for marker in _MARKERS for word in ("-e", marker)]
    if git.ask("rev-parse", "--show-toplevel", cwd=project) is None:
        return None
    found = git.ask("grep", "-z", "--files-with-matches", "-I", "--all-match", *patterns, cwd=project)
    if found:
        return error(
            "conflicts",
            f"conflict markers are left in {_some(sorted(filter(None, found.split(chr(0)))))}",
            "keep what you want of both sides and delete the lines with <<<<<<<, ======= and >>>>>>>",
        )
    return ok("conflicts", "no conflict markers")


def vendor(project: Path) -> Outcome | None:
    """Check that each wheel in `vendor/` is the version that a `requirements*.txt` pins; None without any."""
    if not (project / "vendor").is_dir():
        return None
    wheels = sorted((project / "vendor").glob("*.whl"))
    if not wheels:
        return warning("vendor", "vendor/ holds no wheel", "bring it back with 'git checkout -- vendor'")
    pins = _pins(project, "requirements*.txt")
    seen: dict[str, Path] = {}
    for wheel in wheels:
        name, version = _name(wheel), wheel.stem.split("-")[1]
        if not zipfile.is_zipfile(wheel):
            return error(
                "vendor",
                f"vendor/{wheel.name} is damaged: it is no wheel",
                f"bring it back with 'git checkout -- vendor/{wheel.name}'",
            )
        if name in seen:
            return error(
                "vendor",
                f"vendor/ holds two wheels of {name}: {seen[name].name} and {wheel.name}",
                f"delete the one that {pins[name][1] if name in pins else 'requirements.txt'} does not name",
            )
        seen[name] = wheel
        if name in pins and pins[name][0] != version:
            pinned, file = pins[name]
            return error(
                "vendor",
                f"{file} pins {name}=={pinned} and vendor/ holds {wheel.name}",
                "make the two agree: 'mshell-cut diff' shows what the template gave",
            )
        if name not in pins:
            return warning(
                "vendor",
                f"vendor/ holds {wheel.name}, which no requirements*.txt pins",
                f"add {name}=={version} to the one that needs it, or delete the wheel",
            )
    return ok("vendor", ", ".join(wheel.name for wheel in wheels))


def environment(project: Path) -> Outcome | None:
    """Check that `.venv` works and is not older than what it is made of; None where there is no lock."""
    lock, venv = project / "requirements.lock", project / ".venv"
    if not lock.is_file():
        return None
    again = "run 'make build-dev'" if "\nbuild-dev:" in _text(project / "Makefile") else "make it anew"
    if not venv.is_dir():
        return warning("environment", "there is no .venv", again)
    if not os.access(venv / "bin" / "python", os.X_OK):
        return error("environment", "the Python that .venv was made with is gone", again)
    # The stamp that the Makefile sets last; without it, an environment that was made by hand.
    made = next((path for path in (venv / ".installed", venv / "pyvenv.cfg") if path.is_file()), None)
    if made is None:
        return warning("environment", ".venv was never finished", again)
    # Other wheels are for other environments.
    pins = _pins(project, "requirements.txt")
    wheels = [wheel for wheel in sorted((project / "vendor").glob("*.whl")) if _name(wheel) in pins]
    for source in (lock, *wheels):
        if source.stat().st_mtime_ns > made.stat().st_mtime_ns:
            return warning("environment", f".venv is older than {source.relative_to(project)}", again)
    return ok("environment", ".venv is newer than requirements.lock")


def runs_spark(project: Path) -> bool:
    """Tell whether a project needs Spark, by what its `requirements*` pin."""
    return not _SPARK.isdisjoint(_pins(project, "requirements*"))


def wanted_package(project: Path | None) -> str:
    """Return the name of a package that an index should know: the first that the project's lock pins."""
    pinned = _PIN.search(_text(project / "requirements.lock")) if project else None
    return pinned[1] if pinned else "pip"


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:_SHOWN]) + (f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _pins(project: Path, pattern: str) -> dict[str, tuple[str, str]]:
    """Return the versions that files of requirements pin, with the name of the file, by package."""
    return {
        _normalised(name): (version, file.name)
        for file in sorted(project.glob(pattern))
        for name, version in _PIN.findall(_text(file))
    }


def _name(wheel: Path) -> str:
    """Return the package that a wheel's file name begins with.

    https://packaging.python.org/en/latest/specifications/binary-distribution-format/#file-name-convention
    """
    return _normalised(wheel.name.partition("-")[0])


def _normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).casefold()
