"""What an answer rules out is deleted, and nothing else."""

from pathlib import Path

import pytest
from scaffold import read_tree, write_tree

from mshell_cut.prune import PruneError, prune

FILES = {"a/one": "", "a/b/two": "", "c/three": "", "four": ""}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_tree(tmp_path / "p", FILES)
    return tmp_path / "p"


def test_files_folders_and_what_is_empty_then_go(project: Path) -> None:
    (project / "void" / "deep").mkdir(parents=True)
    prune(project, {"kind": {"x": ["a/b", "a/one", "four"], "y": ["c"]}}, {"kind": "x"})
    assert list(read_tree(project)) == ["c/three"]
    assert [path.name for path in project.iterdir()] == ["c"]


def test_a_folder_and_a_file_in_it_may_both_be_listed(project: Path) -> None:
    prune(project, {"kind": {"x": ["a"]}, "other": {"1": ["a/b/two"]}}, {"kind": "x", "other": 1})
    assert list(read_tree(project)) == ["c/three", "four"]


@pytest.mark.parametrize("listed", ["nothing", "a/nothing", "../outside", "/etc/hosts", "", "."])
def test_a_list_that_does_not_fit_is_loud_and_deletes_nothing(project: Path, listed: str) -> None:
    with pytest.raises(PruneError, match="_prune lists"):
        prune(project, {"kind": {"x": ["four", listed]}}, {"kind": "x"})
    assert set(read_tree(project)) == set(FILES)


def test_a_link_goes_and_what_it_points_at_stays(project: Path) -> None:
    (project / "link").symlink_to("a")
    prune(project, {"kind": {"x": ["link"]}}, {"kind": "x"})
    assert set(read_tree(project)) == set(FILES)
