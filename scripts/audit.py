"""Asks which versions in the locks have known vulnerabilities: pip-audit, for all locks at once.

    scripts/audit.py                    what `make audit` runs
    scripts/audit.py --json             for programs
    scripts/audit.py requirements.lock  single locks
    scripts/audit.py lock               resolves pip-audit's own lock anew

What is accepted for a while stands in scripts/audit/ignored.toml.
Exit codes: 0 nothing was found, 1 something was, 2 nobody can tell, as when the service does not answer.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
UV = ROOT / ".venv/bin/uv"
ENVIRONMENT = ROOT / ".venvs/audit"
OWN_LOCK = ROOT / "scripts/audit/requirements.lock"
IGNORED = ROOT / "scripts/audit/ignored.toml"
# A lock of a template is one for any answers: what stands between conditions counts, too.
_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)

Pin = tuple[str, str]


class AuditError(Exception):
    """Nobody can tell whether there are vulnerabilities; the text says why."""


@dataclass(frozen=True)
class Ignored:
    """What is accepted for a while: a vulnerability, or all that only one lock has.

    Attributes:
        reason: Why.
        until: The last day.
        package: The package of the vulnerability.
        id: Its id, or one of its other names.
        lock: The lock, by its path in the repository.
    """

    reason: str
    until: date
    package: str | None = None
    id: str | None = None
    lock: str | None = None

    def covers(self, finding: "Finding") -> bool:
        """Return whether it is about a finding."""
        if self.lock:
            return finding.locks == (self.lock,)
        return self.package == finding.package and self.id in (finding.id, *finding.aliases)


@dataclass(frozen=True)
class Finding:
    """A known vulnerability of a version in a lock.

    Attributes:
        package: The package.
        version: The version.
        id: The vulnerability's id.
        aliases: Its other names, CVE numbers for instance.
        fixed_in: The versions that do not have it any more.
        locks: The locks that hold the version.
        ignored: Why it is accepted, and how long; None when it is not.
        expired: Whether it was accepted until a day that is over.
    """

    package: str
    version: str
    id: str
    aliases: tuple[str, ...]
    fixed_in: tuple[str, ...]
    locks: tuple[str, ...]
    ignored: str | None = None
    expired: bool = False


def locks() -> list[Path]:
    """Return all locks of the repository."""
    told = subprocess.run(
        ["git", "ls-files", "-z", "*.lock"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in told.stdout.split("\0") if name]


def pins(lock: Path) -> set[Pin]:
    """Return the names and versions that a lock holds, for any machine and any answers.

    Args:
        lock: The file.

    Raises:
        AuditError: It holds none, or cannot be read.
    """
    try:
        found = _PIN.findall(lock.read_text(encoding="utf-8"))
    except OSError as error:
        raise AuditError(f"{lock} cannot be read: {error.strerror}.") from None
    if not found:
        raise AuditError(f"{lock} holds no version: name a lock with lines such as 'click==8.5.1'.")
    return {(re.sub(r"[-_.]+", "-", name).lower(), version) for name, version in found}


def rounds(wanted: Iterable[Pin]) -> list[list[Pin]]:
    """Return the pins so that no round has a package twice, which pip-audit would refuse."""
    by_name: dict[str, list[Pin]] = defaultdict(list)
    for pin in sorted(wanted):
        by_name[pin[0]].append(pin)
    most = max(map(len, by_name.values()), default=0)
    return [[each[number] for each in by_name.values() if number < len(each)] for number in range(most)]


def ignored(file: Path = IGNORED) -> list[Ignored]:
    """Return what is accepted for a while.

    Raises:
        AuditError: The file does not say so as it should.
    """
    try:
        written = tomllib.loads(file.read_text(encoding="utf-8")).get("ignored", [])
        entries = [Ignored(**entry) for entry in written]
    except (OSError, tomllib.TOMLDecodeError, TypeError) as error:
        raise AuditError(
            f"{file}: each [[ignored]] takes reason, until, and either package and id or lock ({error})."
        ) from None
    for entry in entries:
        if type(entry.until) is not date or not entry.reason.strip():
            raise AuditError(f"{file}: an entry needs a reason, and a day such as until = 2027-01-31.")
        if bool(entry.lock) == bool(entry.package and entry.id):
            raise AuditError(f"{file}: '{entry.reason}' needs either package and id or lock.")
    return entries


def held(files: Iterable[Path]) -> dict[Pin, list[str]]:
    """Return the locks that hold a version, for each.

    Args:
        files: The locks.

    Raises:
        AuditError: One cannot be read.
    """
    where: dict[Pin, list[str]] = defaultdict(list)
    for file in files:
        name = str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else str(file)
        for pin in pins(file):
            where[pin].append(name)
    return where


def audit(
    where: Mapping[Pin, Sequence[str]], accepted: Sequence[Ignored], today: date, service: Sequence[str]
) -> list[Finding]:
    """Ask about all that some locks hold.

    Args:
        where: The locks of each version.
        accepted: What is accepted for a while.
        today: The day it is.
        service: Options of pip-audit that say whom to ask.

    Raises:
        AuditError: There was no answer for each version.
    """
    found: list[Finding] = []
    for number, wanted in enumerate(several := rounds(where), start=1):
        print(f"Asking about {len(wanted)} versions ({number} of {len(several)}) …", file=sys.stderr)
        found += (_judged(each, accepted, today) for each in _asked(wanted, where, service))
    return found


def _judged(finding: Finding, accepted: Sequence[Ignored], today: date) -> Finding:
    for entry in accepted:
        if entry.covers(finding):
            said = f"{entry.reason} (until {entry.until})"
            return replace(
                finding, ignored=said if entry.until >= today else None, expired=entry.until < today
            )
    return finding


def _asked(
    wanted: Sequence[Pin], where: Mapping[Pin, Sequence[str]], service: Sequence[str]
) -> Iterator[Finding]:
    """Ask pip-audit about versions of different packages."""
    with tempfile.TemporaryDirectory(prefix="audit-") as folder:
        listed = Path(folder, "requirements.txt")
        listed.write_text("".join(f"{name}=={version}\n" for name, version in wanted), encoding="utf-8")
        command: list[str | Path] = [
            ENVIRONMENT / "bin/pip-audit",
            "--requirement",
            listed,
            "--no-deps",
            "--disable-pip",
            "--strict",
        ]
        command += ["--progress-spinner", "off", "--format", "json", *service]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        told = {
            (each["name"], each["version"]): each["vulns"] for each in json.loads(done.stdout)["dependencies"]
        }
        missing = sorted(set(wanted) - told.keys())
    except (ValueError, KeyError):
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise AuditError(f"pip-audit did not answer: {said}") from None
    if missing:
        raise AuditError(
            f"nobody was asked about {missing[0][0]} {missing[0][1]} and {len(missing) - 1} more."
        )
    for (name, version), vulnerabilities in told.items():
        for each in vulnerabilities:
            yield Finding(
                *(name, version, each["id"], tuple(each["aliases"]), tuple(each["fix_versions"])),
                locks=tuple(sorted(where[name, version])),
            )


def _make_environment() -> None:
    made = ENVIRONMENT / ".done"
    if made.exists() and made.stat().st_mtime > OWN_LOCK.stat().st_mtime:
        return
    print(f"Making {ENVIRONMENT.relative_to(ROOT)} …", file=sys.stderr)
    commands: tuple[list[str | Path], ...] = (
        ["venv", "--clear", "--python", ROOT / ".venv/bin/python", ENVIRONMENT],
        ["pip", "install", "--python", ENVIRONMENT, "--require-hashes", "--requirement", OWN_LOCK],
    )
    for command in commands:
        done = subprocess.run([UV, "--quiet", *command], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AuditError(f"pip-audit cannot be installed: {done.stderr.strip()}")
    made.touch()


def _print(findings: Sequence[Finding]) -> None:
    for each in findings:
        known = f"{each.id} ({', '.join(each.aliases)})" if each.aliases else each.id
        mended = f"mended in {', '.join(each.fixed_in)}" if each.fixed_in else "not mended yet"
        print(f"{each.package} {each.version}: {known}, {mended}")
        print(f"    in {', '.join(each.locks)}")
        if each.ignored:
            print(f"    accepted: {each.ignored}")
        if each.expired:
            print(f"    was accepted for a while that is over: see {IGNORED.relative_to(ROOT)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the audit.

    Args:
        arguments: Those of the command line; those of the process when not given.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "locks", nargs="*", type=Path, help="locks to ask about, by default all of the repository"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--osv-url", help="ask another service than osv.dev that speaks its protocol")
    parser.add_argument("--ignored", type=Path, default=IGNORED, help="what is accepted for a while")
    given = parser.parse_args(arguments)
    if given.locks == [Path("lock")]:
        return _lock()
    service = ["--vulnerability-service", "osv", *(["--osv-url", given.osv_url] if given.osv_url else [])]
    try:
        accepted = ignored(given.ignored)
        files = given.locks or locks()
        where = held(files)
        _make_environment()
        findings = audit(where, accepted, datetime.now(UTC).date(), service)
    except AuditError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if given.json:
        print(json.dumps({"versions": len(where), "findings": [asdict(each) for each in findings]}, indent=2))
    else:
        _print(findings)
    bad = [each for each in findings if not each.ignored]
    accepted_ones = len(findings) - len(bad)
    print(
        f"{len(where)} versions in {len(files)} locks: {len(bad)} vulnerabilities, {accepted_ones} accepted.",
        file=sys.stderr,
    )
    return 1 if bad else 0


def _lock() -> int:
    command: list[str | Path] = [
        UV,
        "pip",
        "compile",
        "--quiet",
        "--upgrade",
        "--universal",
        "--python-version",
        "3.11",
    ]
    command += ["--generate-hashes", "--no-header", "--output-file", OWN_LOCK, OWN_LOCK.with_suffix(".in")]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
