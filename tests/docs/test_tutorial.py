"""The tutorial, followed: its commands are run in their order, and print what it says."""

import os
from pathlib import Path

import pytest
from docs.walkthrough import walk
from scaffold import BIN, REPOSITORY, clone_with_releases, git
from template.projects import MACHINE, path_without_uv

pytestmark = pytest.mark.slow

JARS = Path(os.environ.get("SKYSPARK_CACHE_DIR", Path.home() / ".cache" / "skyspark")) / "jars"


def test_a_newcomer_gets_from_nothing_to_rows_in_a_delta_table(tmp_path: Path) -> None:
    folder, programs, cache = tmp_path / "folder", tmp_path / "bin", tmp_path / "cache"
    for made in (folder, programs, cache):
        made.mkdir()
    # What is committed, and without an address that a check would ask for releases.
    clone = clone_with_releases(tmp_path / "mshell-cut")
    git(clone, "remote", "remove", "origin")
    program = programs / "mshell-cut"
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{clone}" exec "{BIN}/python" -P -m mshell_cut "$@"\n')
    program.chmod(0o755)
    (programs / "uv").symlink_to(BIN / "uv")
    # The jars are there from `make build-dev` of this repository. A file where a folder has to be keeps the
    # class data archive from being made, which takes a minute and which sessions work without.
    (cache / "jars").symlink_to(JARS)
    (cache / "archives").touch()
    environment = {
        **MACHINE,
        "PATH": os.pathsep.join([str(programs), path_without_uv()]),
        "SKYSPARK_CACHE_DIR": str(cache),
        # What runs once is not worth compiling well.
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "PYTEST_ADDOPTS": "--verbosity=0 --color=no",
        **{
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", "Ada"), ("EMAIL", "ada@example.com"))
        },
    }
    done = walk(REPOSITORY / "docs" / "tutorial.md", folder, environment)
    assert len(done) > 25
