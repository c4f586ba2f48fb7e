"""The report of a fleet: for people, for programs, and nothing for an attacker."""

from pathlib import Path

import click
import pytest
from fleet.projects import Fleet, Run
from scaffold import change_template, commit_all, git, write_tree

from mshell_cut.fleet import report
from mshell_cut.fleet.markdown import code, escaped
from mshell_cut.fleet.results import Result
from mshell_cut.merge import Conflict
from mshell_cut.upgrade import Change

EVIL = "<img src=x onerror=alert(1)>\n| [a](javascript:b) `c` @all \x1b[31m"


@pytest.fixture
def evil() -> list[Result]:
    return [
        Result(
            EVIL,
            "conflicts",
            folder=EVIL,
            template=EVIL,
            at=EVIL,
            newest="v2.0.0",
            changes=[Change(EVIL, "added")],
            conflicts=[Conflict(EVIL, "edit/edit", marked=True)],
            message=EVIL,
        )
    ]


def test_a_page_shows_markup_of_others_as_text(evil: list[Result]) -> None:
    page = report.page(EVIL, evil)
    assert "<img" not in page
    assert "\x1b" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;\\n| [a]") == 7
    assert "http" not in page.replace("http-equiv", "")
    assert "<script" not in page


def test_markdown_shows_markup_of_others_as_text(evil: list[Result]) -> None:
    text = report.markdown("Fleet", evil)
    row = next(line for line in text.splitlines() if "conflicts" in line and line.startswith("|"))
    assert row.replace("\\|", "").count("|") == 7
    assert "\\<img" in row
    assert "\\[a\\]" in row
    assert "\\@all" in row
    assert f"- added: {code(EVIL)}" in text
    assert "\x1b" not in text


def test_code_spans_hold_backticks() -> None:
    assert code("a") == "`a`"
    assert code("``a`") == "``` ``a` ```"
    assert code("a\nb") == "`a\\nb`"
    assert escaped("a_b*c") == "a\\_b\\*c"


def test_lines_fit_a_narrow_terminal(evil: list[Result]) -> None:
    results = [
        Result("orders", "behind", at="v1.0.0", newest="v2.0.0", changes=[Change("a", "added")] * 3),
        *evil,
    ]
    wide = [click.unstyle(line) for line in report.lines(results, None)]
    assert wide[0].split() == ["behind", "orders", "v1.0.0", "→", "v2.0.0", "3", "files"]
    for line in report.lines(results[:1], 24):
        assert len(click.unstyle(line)) <= 26
    assert not any("\n" in line for line in wide)
    assert "\x1b" not in "".join(wide)


def test_reports_are_written_beside_what_is_printed(plain: Path, fleet: Fleet, mshell_cut: Run) -> None:
    folder = fleet("orders", "<b>bold")
    write_tree(folder / "orders", {"other.txt": "ours\n"})
    commit_all(folder / "orders")
    change_template(plain, {"other.txt": "newer\n"})
    git(plain, "tag", "v1.0.0")
    page, text = folder.parent / "fleet.html", folder.parent / "fleet.md"
    done = mshell_cut("fleet", "update", "--dry-run", "--report", page, "--from", f"{folder}/*")
    assert done.returncode == 1
    assert "<b>bold" not in page.read_text()
    assert "&lt;b&gt;bold" in page.read_text()
    assert "edit/edit: other.txt" in page.read_text()
    mshell_cut("fleet", "check", "--report", text, "--from", f"{folder}/*")
    assert "2 behind." in text.read_text()
    assert sorted(path.name for path in folder.parent.iterdir() if path.name.startswith(".")) == []
    assert page.stat().st_mode & 0o777 == 0o644


def test_a_report_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "fleet.md").mkdir()
    with pytest.raises(Exception, match="cannot be written"):
        report.write(tmp_path / "fleet.md", "Fleet", [])
    assert [path.name for path in tmp_path.iterdir()] == ["fleet.md"]
