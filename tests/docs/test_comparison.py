"""The comparison says what was recorded, and what was recorded of the tools at hand still holds."""

from dataclasses import asdict
from pathlib import Path

import pytest
from compare import page
from compare.environments import version_of
from compare.findings import ROWS, recorded
from compare.machine import Machine
from compare.scenarios import TOOLS, tools_of

# A few that take about a second each, and would tell if a tool were another one than was compared.
_CHEAP = [
    ("cookiecutter", "failed-hook"),
    ("cookiecutter", "broken-template"),
    ("cruft", "monorepo"),
    ("cruft", "nothing-new"),
    ("mshell-cut", "broken-template"),
    ("mshell-cut", "rename"),
    ("mshell-cut", "monorepo"),
    ("mshell-cut", "nothing-new"),
]


def test_the_page_is_made_from_the_results() -> None:
    text = page.PAGE.read_text(encoding="utf-8")
    assert text == page.filled(text), "run: .venv/bin/python scripts/compare --write, or compare.page.write()"


def test_each_row_has_a_result_for_each_of_its_tools() -> None:
    found = recorded()["rows"]
    assert {name: sorted(by) for name, by in found.items()} == {
        row.name: sorted(tools_of(row)) for row in ROWS.values()
    }


def test_the_versions_are_those_that_are_installed() -> None:
    versions = recorded()["versions"]
    assert sorted(versions) == sorted(TOOLS)
    assert {tool: versions[tool] for tool in ("cookiecutter", "cruft")} == {
        tool: version_of(tool) for tool in ("cookiecutter", "cruft")
    }


@pytest.mark.parametrize(("tool", "name"), _CHEAP)
def test_a_row_still_holds(tool: str, name: str, tmp_path: Path) -> None:
    assert asdict(ROWS[name].find(TOOLS[tool], Machine(tmp_path))) == recorded()["rows"][name][tool]
