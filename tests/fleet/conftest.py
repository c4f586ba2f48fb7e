"""Fleets of small projects, made by copying one that was cut."""

import shutil
from pathlib import Path

import pytest
from fleet.projects import LINES, Fleet, Run
from scaffold import MakeTemplate


@pytest.fixture
def plain(make_template: MakeTemplate) -> Path:
    """A template with a few files."""
    return make_template(
        {"repo_name": "orders", "kind": ["docker", "dab"]},
        {"text.txt": LINES, "other.txt": "other\n", "kind.txt": "<< cookiecutter.kind >>\n"},
    )


@pytest.fixture
def fleet(plain: Path, mshell_cut: Run, tmp_path: Path) -> Fleet:
    """Make projects of the template, each a repository of its own, and return the folder they lie in."""

    def make(*names: str) -> Path:
        first, folder = tmp_path / "first", tmp_path / "fleet"
        if not first.exists():
            done = mshell_cut("cut", "--template", plain, "--no-input", "--output-dir", first)
            assert done.returncode == 0, done.stderr
        for name in names:
            shutil.copytree(first / "orders", folder / name)
        return folder

    return make
