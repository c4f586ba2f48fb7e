"""`scripts/release.py`: what is missing for a release is said before its tag is out."""

from pathlib import Path

import pytest
import release
from scaffold import commit_all, git, write_tree

PACKAGE = """\
[project]
name = "orders"
[tool.hatch.version]
path = "src/orders/__init__.py"
[tool.hatch.build.targets.wheel]
packages = ["src/orders"]
[tool.hatch.build.targets.sdist]
only-include = ["src"]
"""
TOOL = """\
[project]
name = "tool"
[tool.hatch.version]
path = "mshell_cut/__init__.py"
[tool.hatch.build.targets.wheel]
packages = ["mshell_cut"]
"""
CHANGELOG = (
    "# Changelog\n\n## 0.2.0 - 2026-11-22\n\n### Added\n\n- More.\n\n## 0.1.0 - 2026-11-21\n\n- All.\n"
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository that is prepared for v0.2.0, after v0.1.0."""
    write_tree(
        tmp_path,
        {
            "pyproject.toml": TOOL,
            "mshell_cut/__init__.py": '__version__ = "0.1.0"\n',
            "packages/orders/pyproject.toml": PACKAGE,
            "packages/orders/src/orders/__init__.py": '__version__ = "0.1.0"\n',
            "packages/orders/tests/test_orders.py": "",
            "tests/scaffold.py": 'RELEASES = {"v0.1.0": ""}\n',
            "CHANGELOG.md": CHANGELOG,
        },
    )
    commit_all(tmp_path)
    git(tmp_path, "tag", "v0.1.0")
    write_tree(tmp_path, {"mshell_cut/__init__.py": '__version__ = "0.2.0"\n'})
    commit_all(tmp_path)
    return tmp_path


def missing(repository: Path, files: dict[str, str] | None = None) -> list[str]:
    write_tree(repository, files or {})
    if files:
        commit_all(repository)
    return release.problems(repository, "v0.2.0")


def test_a_release_that_is_prepared_misses_nothing(repository: Path) -> None:
    assert missing(repository) == []
    # What is not published may change.
    assert missing(repository, {"packages/orders/tests/test_orders.py": "# more\n"}) == []


def test_a_package_that_changed_under_its_version_is_named(repository: Path) -> None:
    source = {"packages/orders/src/orders/more.py": ""}
    assert missing(repository, source) == [
        "orders changed since v0.1.0 and still has version 0.1.0: raise it in "
        "packages/orders/src/orders/__init__.py."
    ]
    assert missing(repository, {"packages/orders/src/orders/__init__.py": '__version__ = "0.1.1"\n'}) == []


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"mshell_cut/__init__.py": '__version__ = "0.3.0"\n'}, "says 0.3.0, the tag 0.2.0"),
        ({"CHANGELOG.md": "## 0.1.0 - 2026-11-21\n\n- All.\n"}, "says nothing under a heading '## 0.2.0"),
        ({"CHANGELOG.md": CHANGELOG.replace("- More.\n", "").replace("### Added\n", "")}, "says nothing"),
        ({"CHANGELOG.md": CHANGELOG.replace(" - 2026-11-22", "")}, "gives 0.2.0 no date"),
        ({"CHANGELOG.md": f"## Unreleased\n\n- Late.\n\n{CHANGELOG}"}, "under '## Unreleased'"),
        ({"tests/scaffold.py": "RELEASES = {}\n"}, "lacks v0.1.0"),
    ],
)
def test_what_is_missing_is_said(repository: Path, files: dict[str, str], sentence: str) -> None:
    (told,) = missing(repository, files)
    assert sentence in told


def test_the_notes_are_the_changelog_s(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert release.main(["notes", "v0.2.0"], repository) == 0
    assert capsys.readouterr().out == "### Added\n\n- More.\n"
    assert release.main(["notes", "v0.9.0"], repository) == 1
    assert "## 0.9.0 - YYYY-MM-DD" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        release.main(["check", "0.2.0"], repository)


def test_the_exit_code_says_whether_it_is_prepared(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(["check", "v0.2.0"], repository) == 0
    assert release.main(["check", "v0.3.0"], repository) == 1
    assert "is not prepared" in capsys.readouterr().out
