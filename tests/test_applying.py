"""Writing a merge: what is none of its business is neither lost nor committed nor changed."""

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from scaffold import commit_all, git, write_tree

from mshell_cut import applying
from mshell_cut.applying import Change
from mshell_cut.errors import UpdateRefusedError
from mshell_cut.merge import Merged, merge
from mshell_cut.objects import quarantine
from mshell_cut.objects import write_tree as tree_of

Files = Mapping[str, str | bytes]
Three = Callable[[Files, Files, Files], tuple[Path, Merged]]
LINES = "".join(f"line {number}\n" for number in range(1, 13))
OURS, THEIRS = LINES.replace("line 6\n", "ours\n"), LINES.replace("line 6\n", "theirs\n")
IN_CONFLICT = ({"a": LINES}, {"a": OURS}, {"a": THEIRS})


@pytest.fixture
def three(tmp_path: Path) -> Three:
    def make(base: Files, ours: Files, theirs: Files) -> tuple[Path, Merged]:
        folders = [tmp_path / name for name in ("base", "ours", "theirs")]
        for folder, files in zip(folders, (base, ours, theirs), strict=True):
            folder.mkdir()
            write_tree(folder, files)
        commit_all(folders[1])
        return folders[1], remerged(folders[1])

    return make


def remerged(repository: Path) -> Merged:
    base, theirs = repository.parent / "base", repository.parent / "theirs"
    with quarantine(repository) as objects:
        ours = git(repository, "rev-parse", "HEAD^{tree}")
        found = merge(objects, tree_of(base, objects), ours, tree_of(theirs, objects), label="template-v2")
        objects.keep()
    return found


def status(repository: Path) -> list[str]:
    return git(repository, "status", "--porcelain").splitlines()


@pytest.mark.parametrize("kind", ["file", "symlink"])
def test_an_ignored_file_where_a_folder_comes_stops_the_update(three: Three, kind: str) -> None:
    repository, found = three({}, {".gitignore": "a\n"}, {"a/b": "new\n"})
    if kind == "file":
        (repository / "a").write_text("precious\n")
    else:
        (repository / "a").symlink_to("../base")
    before = (repository / "a").lstat().st_ino
    with pytest.raises(UpdateRefusedError, match="not committed: a\\."):
        applying.apply(Change(repository, "", found, "Update"))
    assert (repository / "a").lstat().st_ino == before
    assert applying.opened(repository) is None


def test_a_file_that_replaces_a_tracked_one_by_a_folder_is_no_obstacle(three: Three) -> None:
    repository, found = three({"a": "a\n"}, {"a": "a\n"}, {"a/b": "new\n"})
    applying.apply(Change(repository, "", found, "Update", commit=True))
    assert (repository / "a/b").read_text() == "new\n"
    assert status(repository) == []


def test_a_rename_on_both_sides_has_markers_that_must_be_resolved(three: Three) -> None:
    repository, found = three({"a.txt": LINES}, {"mine.txt": OURS}, {"theirs.txt": THEIRS})
    assert [(item.path, item.kind, item.marked) for item in found.conflicts] == [
        ("a.txt", "rename/rename", False),
        ("mine.txt", "rename/rename", True),
        ("theirs.txt", "rename/rename", True),
    ]
    applying.apply(Change(repository, "", found, "Update", commit=True))
    text = (repository / "mine.txt").read_text()
    assert "<<<<<<<< yours:mine.txt\nours\n" in text
    assert ">>>>>>>> template-v2:theirs.txt\n" in text
    with pytest.raises(UpdateRefusedError, match=r"markers: mine\.txt, theirs\.txt"):
        applying.resume(repository)
    (repository / "mine.txt").write_text("resolved\n")
    (repository / "theirs.txt").unlink()
    assert applying.resume(repository) == git(repository, "rev-parse", "HEAD")
    assert git(repository, "ls-tree", "--name-only", "HEAD") == "mine.txt"
    assert status(repository) == []


def test_markers_of_any_length_must_be_resolved(three: Three) -> None:
    attributes = {".gitattributes": "* conflict-marker-size=20\n"}
    repository, found = three(*(attributes | files for files in IN_CONFLICT))
    applying.apply(Change(repository, "", found, "Update", commit=True))
    with pytest.raises(UpdateRefusedError, match="markers: a\\."):
        applying.resume(repository)


def test_files_put_aside_are_named_after_their_side(three: Three) -> None:
    repository, found = three({"a": "a\n"}, {"a": "mine\n"}, {"a/b": "b\n"})
    assert [(item.path, item.kind) for item in found.conflicts] == [("a~yours", "file/directory")]
    assert {stage.path for stage in found.stages} == {"a~yours"}
    applying.apply(Change(repository, "", found, "Update"))
    assert (repository / "a~yours").read_text() == "mine\n"
    assert (repository / "a/b").read_text() == "b\n"
    applying.abort(repository)
    assert (repository / "a").read_text() == "mine\n"
    assert status(repository) == []


def test_a_submodule_where_the_template_has_a_file_is_a_conflict(tmp_path: Path, three: Three) -> None:
    inner = tmp_path / "inner"
    write_tree(inner, {"s": "s\n"})
    commit = commit_all(inner)
    repository, _ = three({"x": "x\n"}, {"x": "x\n"}, {"x": "x\n", "lib": "file\n"})
    git(repository, "update-index", "--add", "--cacheinfo", f"160000,{commit},lib")
    git(repository, "commit", "--quiet", "--message", "submodule")
    conflicts = remerged(repository).conflicts
    assert [(item.path, item.kind, item.marked) for item in conflicts] == [
        ("lib", "type/type", False),
        ("lib~template-v2", "type/type", False),
    ]


def test_what_the_user_untracked_is_not_committed_for_them(three: Three) -> None:
    repository, found = three({"env": "A=1\n"}, {".gitignore": "env\n"}, {"env": "A=2\n"})
    (repository / "env").write_text("secret\n")
    assert [item.kind for item in found.conflicts] == ["delete/edit"]
    applying.apply(Change(repository, "", found, "Update", commit=True))
    applying.resume(repository)
    assert git(repository, "ls-files") == ".gitignore"
    assert (repository / "env").read_text() == "secret\n"
    assert status(repository) == []


def test_what_the_template_deletes_stays_where_the_user_edited_it(three: Three) -> None:
    repository, found = three({"a": LINES}, {"a": OURS}, {})
    assert [item.kind for item in found.conflicts] == ["edit/delete"]
    applying.apply(Change(repository, "", found, "Update", commit=True))
    applying.resume(repository)
    assert git(repository, "show", "HEAD:a") == OURS.strip()
    assert status(repository) == []


def test_what_the_user_untracked_is_committed_when_they_stage_it(three: Three) -> None:
    repository, found = three({"env": "A=1\n"}, {".gitignore": "env\n"}, {"env": "A=2\n"})
    (repository / "env").write_text("mine\n")
    applying.apply(Change(repository, "", found, "Update", commit=True))
    git(repository, "add", "--force", "env")
    applying.resume(repository)
    assert git(repository, "show", "HEAD:env") == "mine"


def test_undoing_stays_in_its_repository_whatever_git_told_us(
    tmp_path: Path, three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository, found = three(*IN_CONFLICT)
    other = tmp_path / "other"
    write_tree(other, {"z": "z\n"})
    commit_all(other)
    applying.apply(Change(repository, "", found, "Update", branch="renew"))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git/index"))
    applying.abort(repository)
    monkeypatch.undo()
    assert (status(repository), git(repository, "branch", "--show-current")) == ([], "main")
    assert status(other) == []


def test_an_update_that_git_cannot_undo_now_is_undone_by_the_next_command(three: Three) -> None:
    repository, found = three(*IN_CONFLICT)
    applying.apply(Change(repository, "", found, "Update"))
    (repository / ".git/index.lock").touch()
    with pytest.raises(UpdateRefusedError, match=r"update-index failed: .*index\.lock"):
        applying.abort(repository)
    (repository / ".git/index.lock").unlink()
    assert applying.opened(repository) is None
    assert ((repository / "a").read_text(), status(repository)) == (OURS, [])


def test_undoing_in_a_copy_leaves_the_original_alone(tmp_path: Path, three: Three) -> None:
    repository, found = three(*IN_CONFLICT)
    applying.apply(Change(repository, "", found, "Update"))
    copy = tmp_path / "copy"
    shutil.copytree(repository, copy)
    (repository / "a").write_text("resolved in the original\n")
    applying.abort(copy)
    assert ((copy / "a").read_text(), status(copy)) == (OURS, [])
    assert (repository / "a").read_text() == "resolved in the original\n"
    assert applying.opened(repository) is not None


def test_undoing_works_where_the_project_was_moved_to(tmp_path: Path, three: Three) -> None:
    repository, found = three(*IN_CONFLICT)
    applying.apply(Change(repository, "", found, "Update"))
    moved = repository.rename(tmp_path / "moved")
    applying.abort(moved)
    assert ((moved / "a").read_text(), status(moved)) == (OURS, [])
    assert not repository.exists()


def test_undoing_keeps_a_branch_that_holds_commits_of_the_users(three: Three) -> None:
    repository, found = three(*IN_CONFLICT)
    applying.apply(Change(repository, "", found, "Update", branch="renew"))
    (repository / "a").write_text("resolved\n")
    git(repository, "commit", "--quiet", "--all", "--message", "mine")
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "checkout", "--quiet", "main")
    applying.abort(repository)
    assert git(repository, "rev-parse", "renew") == commit
    assert (git(repository, "branch", "--show-current"), status(repository)) == ("main", [])


def test_large_files_arrive_where_git_would_pack_them(three: Three) -> None:
    content = os.urandom(40_000)
    repository, _ = three({}, {"x": "x\n"}, {})
    git(repository, "config", "core.bigFileThreshold", "10k")
    write_tree(repository.parent / "theirs", {"large": content})
    applying.apply(Change(repository, "", remerged(repository), "Update", commit=True))
    assert (repository / "large").read_bytes() == content
    git(repository, "fsck", "--strict")


def test_other_folders_of_a_monorepo_stay_as_they_are(three: Three) -> None:
    repository, found = three(
        *(
            {f"project/{name}": text for name, text in files.items()} | {"other/x": "x\n"}
            for files in IN_CONFLICT
        )
    )
    write_tree(repository, {"other/x": "dirty\n", "other/staged": "staged\n"})
    git(repository, "add", "other/staged")
    before = status(repository)
    applying.apply(Change(repository, "project/", found, "Update"))
    write_tree(repository, {"other/later": "later\n"})
    git(repository, "add", "other/later")
    applying.abort(repository)
    assert sorted(status(repository)) == sorted([*before, "A  other/later"])
    applying.apply(Change(repository, "project/", found, "Update", commit=True))
    (repository / "project/a").write_text("resolved\n")
    applying.resume(repository)
    assert git(repository, "show", "--name-only", "--format=") == "project/a"
    assert sorted(status(repository)) == sorted([*before, "A  other/later"])


def test_a_linked_working_tree_has_updates_of_its_own(tmp_path: Path, three: Three) -> None:
    repository, found = three(*IN_CONFLICT)
    linked = tmp_path / "linked"
    git(repository, "worktree", "add", "--quiet", "-b", "second", str(linked))
    applying.apply(Change(linked, "", found, "Update"))
    assert applying.opened(repository) is None
    assert applying.opened(linked) is not None
    applying.abort(linked)
    assert status(linked) == []
