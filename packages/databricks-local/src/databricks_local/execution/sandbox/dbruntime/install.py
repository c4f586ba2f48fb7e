"""Installs packages beside those of an interpreter; what these satisfy is left alone, as on a cluster."""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

# How uv tells of a step: " + name==1.0", " + name==1.0 (from file:///…)" or " + name @ file:///…".
_STEP = re.compile(r"^ \+ (\S+)(?: @ (\S+)| \(from (\S+)\))?$", re.MULTILINE)
_COUNT = re.compile(r"^Would install (\d+) package", re.MULTILINE)
_INTERPRETER = re.compile(r"^Using Python .*\n")


class InstallError(Exception):
    """uv could not install something; the text is its own."""


def install(
    uv: str,
    python: str,
    wanted: Sequence[str],
    target: Path,
    *,
    offline: bool,
) -> str:
    """Install into a folder what an interpreter lacks.

    Args:
        uv: The program.
        python: The interpreter.
        wanted: Requirements, paths of wheels and options, as ``uv pip install`` takes them.
        target: The folder.
        offline: Ask no package index.

    Returns:
        What uv did, one line a package.

    Raises:
        InstallError: Something cannot be had, or two things do not go together.
    """
    if not wanted:
        return ""
    shared = ["--python", python, *(["--offline", "--no-index"] if offline else [])]
    # Only a dry run on the environment itself says what it lacks; nothing in it is changed.
    plan = _uv([uv, "pip", "install", *shared, "--dry-run", "--break-system-packages", *wanted])
    missing = [source or from_ or name for name, source, from_ in _STEP.findall(plan)]
    count = _COUNT.search(plan)
    if len(missing) != (int(count[1]) if count else 0):
        raise InstallError(f"this version of uv tells of its steps in words that are not known: {plan}")
    if not missing:
        return ""
    index = _index_options(wanted)
    return _uv([uv, "pip", "install", *shared, *index, "--no-deps", "--target", str(target), *missing])


def _index_options(wanted: Sequence[str]) -> list[str]:
    """Return those options that say where packages come from."""
    kept: list[str] = []
    words = iter(wanted)
    for word in words:
        if word.split("=")[0] in ("--index-url", "--extra-index-url", "--find-links", "-i", "-f"):
            kept += [word] if "=" in word else [word, next(words, "")]
    return kept


def _uv(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(_INTERPRETER.sub("", done.stderr).strip())
    return _INTERPRETER.sub("", done.stderr)


def main() -> int:
    """Install what the standard input says, in a process that can be ended; return the exit code."""
    order = json.loads(sys.stdin.buffer.read())
    try:
        print(
            install(
                order["uv"],
                order["python"],
                order["wanted"],
                Path(order["target"]),
                offline=order["offline"],
            )
        )
    except InstallError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
