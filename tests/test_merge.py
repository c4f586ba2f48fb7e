"""The merge of trees: as git merges, with every line of the user's kept."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from scaffold import commit_all, git, read_tree, write_tree

from mshell_cut import applying
from mshell_cut.merge import Merged, merge
from mshell_cut.objects import quarantine, with_folder
from mshell_cut.objects import write_tree as tree_of

Files = dict[str, bytes]
LINES = b"".join(b"line %d\n" % number for number in range(1, 13))


def merged_in(repository: Path, base: Path, theirs: Path) -> Merged:
    """Merge what lies in two folders into what a repository holds at HEAD."""
    with quarantine(repository) as objects:
        ours = git(repository, "rev-parse", "HEAD^{tree}")
        found = merge(objects, tree_of(base, objects), ours, tree_of(theirs, objects), label="template-v2")
        objects.keep()
    return found


@pytest.fixture
def three(tmp_path: Path) -> Callable[[Files, Files, Files], tuple[Path, Merged]]:
    def make(base: Files, ours: Files, theirs: Files) -> tuple[Path, Merged]:
        for name, files in (("base", base), ("ours", ours), ("theirs", theirs)):
            (tmp_path / name).mkdir()
            write_tree(tmp_path / name, files)
        commit_all(tmp_path / "ours")
        return tmp_path / "ours", merged_in(tmp_path / "ours", tmp_path / "base", tmp_path / "theirs")

    return make


Three = Callable[[Files, Files, Files], tuple[Path, Merged]]


def shown(repository: Path, tree: str, path: str) -> bytes:
    return subprocess.run(
        ["git", "cat-file", "blob", f"{tree}:{path}"], cwd=repository, capture_output=True, check=True
    ).stdout


def test_kinds_are_named_and_markers_say_whose_lines_are_whose(three: Three) -> None:
    base = dict.fromkeys(("a.txt", "b.txt", "c.txt", "d.txt"), LINES)
    ours = {
        "a.txt": LINES.replace(b"line 6", b"ours"),
        "b.txt": LINES + b"ours\n",
        "new.txt": b"o\n",
        "d.txt": LINES,
    }
    theirs = {"a.txt": LINES.replace(b"line 6", b"theirs"), "c.txt": LINES + b"theirs\n", "new.txt": b"t\n"}
    repository, found = three(base, ours, theirs)
    assert [(item.path, item.kind, item.marked) for item in found.conflicts] == [
        ("a.txt", "edit/edit", True),
        ("b.txt", "edit/delete", False),
        ("c.txt", "delete/edit", False),
        ("new.txt", "add/add", True),
    ]
    expected = b"<<<<<<< yours\nours\n=======\ntheirs\n>>>>>>> template-v2\n"
    assert shown(repository, found.tree, "a.txt") == LINES.replace(b"line 6\n", expected)
    assert git(repository, "ls-tree", "--name-only", found.tree).split() == ["a.txt", "b.txt", "new.txt"]


def test_binaries_in_conflict_stay_ours_and_theirs_can_be_had(three: Three) -> None:
    repository, found = three({"b": b"\x00base"}, {"b": b"\x00ours"}, {"b": b"\x00theirs"})
    (conflict,) = found.conflicts
    assert (conflict.kind, conflict.marked) == ("edit/edit", False)
    assert shown(repository, found.tree, "b") == b"\x00ours"
    applying.apply(applying.Change(repository, "", found, "Update"))
    git(repository, "checkout", "--theirs", "b")
    assert (repository / "b").read_bytes() == b"\x00theirs"


def test_what_we_renamed_and_they_deleted_or_the_other_way_is_told(three: Three) -> None:
    base = {"a.txt": LINES, "b.txt": LINES.upper(), "c.txt": b"c\n"}
    ours = {"mine.txt": LINES + b"ours\n", "c.txt": b"c\n"}
    theirs = {"renamed.txt": LINES.upper() + b"theirs\n", "c.txt": b"c\n"}
    repository, found = three(base, ours, theirs)
    assert {item.path: item.kind for item in found.conflicts} == {
        "mine.txt": "rename/delete",
        "renamed.txt": "delete/rename",
    }
    assert git(repository, "ls-tree", "--name-only", found.tree).split() == ["c.txt", "mine.txt"]


@pytest.mark.parametrize("style", ["merge", "diff3", "zdiff3"])
def test_the_users_settings_and_attributes_count(three: Three, style: str, machine: Path) -> None:
    with (machine / ".gitconfig").open("a") as file:
        file.write(f"[merge]\n\tconflictStyle = {style}\n")
    attributes = {".gitattributes": b"union.txt merge=union\n"}
    base = attributes | {"union.txt": LINES, "text.txt": LINES}
    ours, theirs = ({k: v.replace(b"line 6", w) for k, v in base.items()} for w in (b"ours", b"theirs"))
    repository, found = three(base, ours, theirs)
    assert [item.path for item in found.conflicts] == ["text.txt"]
    assert shown(repository, found.tree, "union.txt") == LINES.replace(b"line 6\n", b"ours\ntheirs\n")
    text = shown(repository, found.tree, "text.txt")
    assert b"<<<<<<< yours\n" in text
    assert (b"|||||||" in text) == (style != "merge")


def test_a_project_in_a_monorepo_is_merged_in_its_place(tmp_path: Path) -> None:
    repository = tmp_path / "mono"
    write_tree(repository, {"other/a.txt": "a\n", "some/deep/b.txt": "b\n"})
    commit_all(repository)
    write_tree(tmp_path / "folder", {"c.txt": "c\n"})
    with quarantine(repository) as objects:
        subtree = tree_of(tmp_path / "folder", objects)
        for prefix, expected in (
            ("some/deep/", ["other/a.txt", "some/deep/c.txt"]),
            ("some/new", ["other/a.txt", "some/deep/b.txt", "some/new/c.txt"]),
            ("", ["c.txt"]),
        ):
            tree = with_folder(objects, git(repository, "rev-parse", "HEAD^{tree}"), prefix, subtree)
            listed = applying.git.run("ls-tree", "-r", "--name-only", tree, cwd=repository, env=objects.env)
            assert listed.split() == expected
        # Nothing is in the repository until it is wanted.
        assert applying.git.ask("cat-file", "-e", subtree, cwd=repository) is None
        objects.keep()
    assert applying.git.ask("cat-file", "-e", subtree, cwd=repository) is not None


def test_a_folder_becomes_the_same_tree_on_every_machine(tmp_path: Path, machine: Path) -> None:
    repository = tmp_path / "repository"
    write_tree(repository, {"a": "a\n"})
    commit_all(repository)
    with (machine / ".gitconfig").open("a") as file:
        file.write("[core]\n\tautocrlf = true\n\tfileMode = false\n\tsafecrlf = true\n")
    folder = tmp_path / "folder"
    names = ["plain", "with space", "-dash", "new\nline", 'quo"te', "ünïcode", "tab\t", "sub/deep"]
    write_tree(folder, dict.fromkeys(names, b"a\r\nb\n") | {".gitignore": "*\n"})
    (folder / "plain").chmod(0o755)
    (folder / "link").symlink_to("nowhere")
    with quarantine(repository) as objects:
        tree = tree_of(folder, objects, leave_out=lambda path: path == "sub/deep")
        listed = applying.git.run("ls-tree", "-r", "-z", tree, cwd=repository, env=objects.env)
        rows = dict(reversed(row.split("\t", 1)) for row in listed.split("\0") if row)
        assert rows.keys() == {*names, ".gitignore", "link"} - {"sub/deep"}
        assert rows["plain"].split()[0] == "100755"
        assert rows["link"].split()[0] == "120000"
        assert applying.git.content(rows["-dash"].split()[2], cwd=repository, env=objects.env) == "a\r\nb\n"


# Contents with many lines in common, so that git sees renames and edits of the same place.
TEXTS = st.lists(st.integers(0, 30), min_size=4, max_size=9).map(
    lambda numbers: b"".join(b"text of line %d \xc3\xa4\n" % number for number in numbers)
)
CONTENTS = st.one_of(TEXTS, TEXTS.map(lambda text: text.replace(b"\n", b"\r\n")), st.binary(max_size=8))
NAMES = st.sampled_from(["a.txt", "b.txt", "dir/c.txt", "dir/sub/d.txt", "ü e.txt", "f"])
TREES = st.dictionaries(NAMES, CONTENTS, min_size=2, max_size=6)
KINDS = ["insert", "change", "delete lines", "remove", "rename", "add", "binary", "mode", "folder"]
# What a file begins with that can be run; the others cannot.
RUNS = b"#!/bin/sh\n"
EDITS = st.lists(
    st.tuples(
        st.sampled_from(KINDS),
        st.integers(0, 99),
        st.integers(0, 99),
    ),
    max_size=5,
)


def edited(files: Files, edits: list[tuple[str, int, int]], who: bytes) -> Files:
    """Carry out edits; every line that one inserts says who did, and is like no other."""
    found = dict(files)
    for number, (what, which, where) in enumerate(edits):
        mark = b"%s wrote this as %d-%d-%d\n" % (who, number, which, where)
        if what == "add" or not found:
            found = put(found, f"added-{which % 3}.txt", mark)
            continue
        path = sorted(found)[which % len(found)]
        lines = found[path].splitlines(keepends=True)
        place = where % (len(lines) + 1)
        if what == "insert":
            found[path] = b"".join([*lines[:place], mark, *lines[place:]])
        elif what == "change":
            found[path] = b"".join([*lines[:place], mark, *lines[place + 1 :]])
        elif what == "delete lines":
            found[path] = b"".join([*lines[:place], *lines[place + 2 :]])
        elif what == "binary":
            found[path] = b"\x00" + mark
        elif what == "mode":
            found[path] = text.removeprefix(RUNS) if (text := found[path]).startswith(RUNS) else RUNS + text
        elif what == "folder":
            found[f"{path}/inside.txt"] = found.pop(path)
        elif what == "remove":
            del found[path]
        else:
            found = put(found, f"renamed-{where % 4}.txt", found.pop(path))
    return found


def put(files: Files, path: str, text: bytes) -> Files:
    """Return the files with one more, which takes the place of a folder of that name."""
    return {name: its for name, its in files.items() if not name.startswith(f"{path}/")} | {path: text}


def lay_out(folder: Path, files: Files) -> None:
    """Have a folder hold these files, and nothing else but its repository."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        if path.name != ".git":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_tree(folder, files)
    for path, text in files.items():
        (folder / path).chmod(0o755 if text.startswith(RUNS) else 0o644)


# Shrinking would run thousands of merges before it tells of a failure.
@settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(first=TREES, releases=st.lists(st.tuples(EDITS, EDITS), min_size=1, max_size=3))
def test_any_edits_on_both_sides_merge_as_git_does_and_lose_no_line(
    first: Files, releases: list[tuple[list[tuple[str, int, int]], list[tuple[str, int, int]]]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = folder / "project"
        lay_out(project, first)
        commit_all(project)
        template = first
        for number, (mine, upstream) in enumerate(releases):
            ours = edited(read_tree(project), mine, b"user %d" % number)
            lay_out(project, ours)
            if git(project, "status", "--porcelain"):
                commit_all(project)
            newer = edited(template, upstream, b"template %d" % number)
            lay_out(folder / f"base{number}", template)
            lay_out(folder / f"theirs{number}", newer)
            found = merged_in(project, folder / f"base{number}", folder / f"theirs{number}")
            compare_with_git(folder / f"git{number}", template, ours, newer, project, found)
            applying.apply(applying.Change(project, "", found, "Update", commit=True))
            everything = b"".join(read_tree(project).values())
            for text in ours.values():
                for line in text.splitlines():
                    if line.startswith(b"user"):
                        assert line in everything, f"lost: {line!r}"
            for conflict in found.conflicts:
                if conflict.marked:
                    path = project / conflict.path
                    text = path.read_bytes().replace(b"<<<<<<< yours", b"yours")
                    path.write_bytes(text.replace(b">>>>>>> template-", b"template-"))
            if found.conflicts:
                applying.resume(project)
            assert git(project, "status", "--porcelain") == ""
            template = newer


def named(path: str) -> str:
    """Call what `git merge` has put aside as we do."""
    return path.replace("~HEAD", "~yours")


def compare_with_git(
    folder: Path, base: Files, ours: Files, theirs: Files, project: Path, found: Merged
) -> None:
    """Do the same with `git merge` in an ordinary repository and compare all but what we decide ourselves."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=base")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "empty")

    def commit(branch: str, files: Files) -> None:
        git(folder, "checkout", "--quiet", "-B", branch, "base")
        lay_out(folder, files)
        git(folder, "add", "--all", "--force")
        git(folder, "commit", "--quiet", "--allow-empty", "--message", branch)

    commit("base", base)
    commit("template-v2", theirs)
    commit("yours", ours)
    done = subprocess.run(
        ["git", "merge", "--no-commit", "--no-ff", "template-v2"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert bool(done.returncode) == bool(found.conflicts)
    staged = git(folder, "ls-files", "--unmerged", "-z")
    assert {named(row.split("\t", 1)[1]) for row in staged.split("\0") if row} == {
        item.path for item in found.conflicts
    }
    deleted = {item.path for item in found.conflicts if item.kind in ("delete/edit", "delete/rename")}
    expected = {
        named(path): text.replace(b"<<<<<<< HEAD", b"<<<<<<< yours")
        for path, text in read_tree(folder).items()
        if named(path) not in deleted
    }
    listed = git(project, "ls-tree", "-r", "-z", found.tree)
    modes = {path: about.split()[0] for about, path in (row.split("\t") for row in listed.split("\0") if row)}
    assert {path: shown(project, found.tree, path) for path in modes} == expected
    settled = git(folder, "ls-files", "--stage", "-z")
    for row in settled.split("\0"):
        about, path = row.split("\t") if row else ("", "")
        if about.endswith(" 0"):
            assert modes[path] == about.split()[0]
