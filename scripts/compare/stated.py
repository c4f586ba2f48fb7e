"""The rows that say what a tool is: read from its installation, its help or its index entry."""

# Each scenario is given the tool and a machine, whether it needs them or not.
# ruff: noqa: ARG001

import json
import re
import subprocess
from pathlib import Path

from compare.environments import environment, metadata
from compare.findings import Finding, row, yes_or_no
from compare.machine import BIN, REPOSITORY, Machine, expect
from compare.tools import Tool

TABLE = "stated"


@row(
    "releases",
    TABLE,
    "Releases on the Python package index",
    "What `pip index versions` counts; pre-releases are left out.",
)
def releases(tool: Tool, machine: Machine) -> Finding:
    if tool.name == "databricks":
        return Finding(
            "n/a", "Its releases are those of its repository, where the 1.13.0 of this page is a tag."
        )
    if tool.name == "mshell-cut":
        return Finding("none yet", "The repository has the tags v0.1.0 and v0.2.0, both of November 2026.")
    said = subprocess.run(
        [BIN / "python", "-m", "pip", "index", "versions", tool.name],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    versions = re.search(r"Available versions: (.*)", said)
    expect(versions, said)
    return Finding(str(len(versions[1].split(","))))


@row(
    "own-templates",
    TABLE,
    "Templates that come with it",
    "What its help or its list of templates names. Of public templates elsewhere cookiecutter has "
    "by far the most, and "
    "cruft and mshell-cut cut those too.",
)
def own_templates(tool: Tool, machine: Machine) -> Finding:
    if tool.name == "databricks":
        said = machine.run(tool.program, "bundle", "init", "--help").said
        return Finding(str(len(re.findall(r"^- [a-z-]+\s*:", said, re.MULTILINE))))
    if tool.name == "mshell-cut":
        listed = machine.run(tool.program, "templates", "list", "--json").said
        return Finding(str(len(json.loads(listed)["templates"])))
    return Finding("none")


@row(
    "windows",
    TABLE,
    "Windows",
    "Read, not run: the classifiers of its distribution; of databricks its documentation, which names "
    "winget; of mshell-cut its README. Nothing was run on Windows.",
)
def windows(tool: Tool, machine: Machine) -> Finding:
    if tool.name == "databricks":
        return Finding("yes", "Stated in its documentation.")
    if tool.name == "mshell-cut":
        expect("use WSL there" in (REPOSITORY / "README.md").read_text(encoding="utf-8"))
        return Finding("no", "Its templates' file names hold `<` and `>`: WSL.")
    said = metadata(tool.name)
    if "OS Independent" in said or "Operating System :: Microsoft" in said:
        return Finding("yes", "By its classifiers.")
    return Finding("not stated", "Its classifiers name no operating system.")


@row(
    "python-api",
    TABLE,
    "A Python function that cuts",
    "The function is imported in the tool's environment.",
)
def python_api(tool: Tool, machine: Machine) -> Finding:
    functions = {
        "cookiecutter": "from cookiecutter.main import cookiecutter",
        "cruft": "from cruft import create",
        "copier": "from copier import run_copy",
    }
    if tool.name not in functions:
        return Finding(
            "no", "`--json` for programs." if tool.name == "mshell-cut" else "`--output json` for programs."
        )
    python = environment(tool.name) / "bin" / "python"
    return yes_or_no(machine.run(python, "-c", functions[tool.name]).code == 0)


@row(
    "deploys",
    TABLE,
    "It deploys what it cuts, as part of the same program",
    "The program's help: a command named deploy.",
)
def deploys(tool: Tool, machine: Machine) -> Finding:
    words: list[str | Path] = [tool.program, *(["bundle"] if tool.name == "databricks" else []), "--help"]
    said = machine.run(*words).said
    found = re.search(r"^\W*deploy\s", said, re.MULTILINE)
    return yes_or_no(
        bool(found), "With all resources that bundles know; made by Databricks." if found else ""
    )
