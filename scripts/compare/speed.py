"""The rows that are figures: times of whole commands, and what an installation brings."""

# Each scenario is given the tool and a machine, whether it needs them or not.

import resource
import subprocess
from pathlib import Path

from compare.cutting import mini
from compare.environments import packages
from compare.findings import NOT_APPLICABLE, Finding, row
from compare.machine import BIN, REPOSITORY, Machine, expect, reset
from compare.mini import NEWER
from compare.tools import Cutter, Tool, emptied

TABLE = "speed"
_RUNS = 5
_HOW = (
    f"Processor seconds of the command and the programs that it waits for, the least of {_RUNS} runs after "
    "one that warms up."
)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _best(durations: list[float]) -> Finding:
    return Finding(f"{min(durations):.2f} s")


@row(
    "cut-time",
    TABLE,
    "A cut of the mini template",
    f"The whole command, the best of {_RUNS} runs after one that warms up. mshell-cut's time holds "
    "the first commit, "
    "the others make none.",
)
def cut_time(tool: Cutter, machine: Machine) -> Finding:
    template, durations = mini(tool, machine), []
    for _ in range(_RUNS + 1):
        words = tool.cut_words(template, emptied(machine.place / "out"), {}, machine.place)
        begun = _processor()
        done = machine.run(*words, env=tool.variables)
        durations.append(_processor() - begun)
        expect(done.code == 0, done.said)
    return _best(durations[1:])


@row(
    "update-time",
    TABLE,
    "An upgrade of three files of the mini template",
    _HOW,
)
def update_time(tool: Cutter, machine: Machine) -> Finding:
    if not tool.updates:
        return NOT_APPLICABLE
    project, durations = tool.project(machine, mini(tool, machine)), []
    newer = NEWER.edited("docs/notes.md", "Third.", "Newer.")
    newer.edited("README.md", "Kept", "Owned").written(tool.dialect, machine.place / "template", "v2.0.0")
    for _ in range(_RUNS + 1):
        reset(project)
        begun = _processor()
        done = tool.update(machine, project)
        durations.append(_processor() - begun)
        expect(done.code == 0, done.said)
    return _best(durations[1:])


@row(
    "installed",
    TABLE,
    "What an installation brings",
    "Python packages and their megabytes in an environment of the tool's own, without pip, "
    "compiled modules left out; "
    "of a program its file.",
)
def installed(tool: Tool, machine: Machine) -> Finding:
    if tool.name == "databricks":
        return Finding(f"1 program, {tool.program.stat().st_size / 1e6:.0f} MB, no Python")
    if tool.name in ("cookiecutter", "mshell-cut"):
        alone = machine.place / "alone"
        what = REPOSITORY if tool.name == "mshell-cut" else f"{tool.name}=={tool.version}"
        for words in (
            ["venv", "-q", "-p", BIN / "python", alone],
            ["pip", "install", "-q", "-p", alone, what],
        ):
            subprocess.run([BIN / "uv", *words], check=True, capture_output=True)
        folder = next(alone.glob("lib/python*/site-packages"))
    else:
        folder = packages(tool.name)
    count = len(list(folder.glob("*.dist-info")))
    return Finding(f"{count} packages, {_megabytes(folder):.0f} MB")


def _megabytes(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return sum(path.stat().st_size for path in files) / 1e6
