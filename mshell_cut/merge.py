"""The three-way merge of trees, by git itself, and its conflicts by kind.

What git prints is described at https://git-scm.com/docs/git-merge-tree#OUTPUT.
"""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mshell_cut import git
from mshell_cut.objects import Quarantine

_SOMEBODY = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "mshell-cut"), ("EMAIL", "mshell-cut@localhost"), ("DATE", "@0 +0000"))
}
# By the stages that git leaves of a file: 1 is the base, 2 ours, 3 theirs.
_KINDS = {(1, 2, 3): "edit/edit", (1, 2): "edit/delete", (1, 3): "delete/edit", (2, 3): "add/add"}
# How git begins the type of a conflict that the stages do not tell.
_TYPES = {
    "CONFLICT (rename/rename)": "rename/rename",
    "CONFLICT (rename involved in collision)": "rename/add",
    "CONFLICT (rename/delete)": "rename/delete",
    "CONFLICT (file/directory)": "file/directory",
    # What git calls modes here are the types of files: it sees to executable bits by itself.
    "CONFLICT (distinct modes)": "type/type",
    "CONFLICT (directory rename suggested)": "folder renamed",
    "CONFLICT (directory rename unclear split)": "folder renamed",
    "CONFLICT (submodule)": "submodule",
}
# We deleted it, so it stays deleted.
_DELETED = {"delete/edit", "delete/rename"}
_YOURS = "yours"


@dataclass(frozen=True)
class Stage:
    """One of the versions of a file in conflict, as git's index keeps them.

    Attributes:
        mode: such as `100644`.
        object: the blob.
        stage: 1 for the base, 2 for ours, 3 for theirs.
        path: relative to the top of the repository.
    """

    mode: str
    object: str
    stage: int
    path: str


@dataclass(frozen=True)
class Conflict:
    """A file that a person has to look at.

    Attributes:
        path: relative to the top of the repository.
        kind: what we did and what they did: `edit/edit`, `edit/delete`, `delete/edit`, `add/add`, …
        marked: whether both sides stand in the file between conflict markers.
    """

    path: str
    kind: str
    marked: bool


@dataclass(frozen=True)
class Merged:
    """The outcome of a merge.

    Attributes:
        tree: what the working tree is to hold. A file that one side deleted and the other edited is there
            where we edited it, and absent where we deleted it.
        conflicts: sorted by path.
        stages: the same for git's index.
    """

    tree: str
    conflicts: Sequence[Conflict] = field(default_factory=tuple)
    stages: Sequence[Stage] = field(default_factory=tuple)


def merge(objects: Quarantine, base: str, ours: str, theirs: str, *, label: str) -> Merged:
    """Merge two trees with a common origin.

    Renames, attributes and settings count as in any merge in the repository.

    Args:
        objects: where the trees lie, and where the result goes.
        base: the tree that both come from.
        ours: the one tree.
        theirs: the other.
        label: how to call the other in conflict markers; ours is called `yours`.

    Raises:
        GitFailedError: git is older than 2.38, or cannot read a tree.
    """
    # From a common parent: `merge-tree --merge-base` only came with git 2.40.
    root = _commit(objects, base)
    mine, other = _commit(objects, ours, root), _commit(objects, theirs, root)
    clean, told = git.judge(
        *("merge-tree", "--write-tree", "-z", "--messages", mine, other),
        cwd=objects.repository,
        env=objects.env,
    )
    tree, _, rest = told.partition("\0")
    if clean:
        return Merged(tree)
    listed, _, messages = rest.partition("\0\0")
    stages = [_stage(line) for line in listed.split("\0")]
    types = dict(_types(messages))
    numbers: dict[str, tuple[int, ...]] = {}
    for stage in stages:
        numbers[stage.path] = (*numbers.get(stage.path, ()), stage.stage)
    names = {mine: _YOURS, other: label}
    paths = {path: _renamed(path, names, numbers) for path in numbers}
    conflicts, changes = [], []
    for path, found in numbers.items():
        kind = _kind(types.get(path), found)
        marked = False
        if kind in _DELETED:
            changes.append(_removal(tree, path))
        elif {2, 3} <= set(found) or kind == "rename/rename" or paths[path] != path:
            line, marked = _relabelled(objects, tree, path, paths[path], names)
            changes += line
        conflicts.append(Conflict(paths[path], kind, marked))
    conflicts.sort(key=lambda conflict: conflict.path)
    stages = [dataclasses.replace(stage, path=paths[stage.path]) for stage in stages]
    return Merged(_changed(objects, tree, changes), conflicts, stages)


def _commit(objects: Quarantine, tree: str, *parents: str) -> str:
    words = [word for parent in parents for word in ("-p", parent)]
    env = {**objects.env, **_SOMEBODY}
    return git.run("commit-tree", "-m", "merge", *words, tree, cwd=objects.repository, env=env)


def _stage(line: str) -> Stage:
    about, path = line.split("\t", 1)
    mode, blob, stage = about.split(" ")
    return Stage(mode, blob, int(stage), path)


def _types(messages: str) -> Iterator[tuple[str, str]]:
    """Yield each path with the kind of conflict that git names for it, where the stages do not tell."""
    words = iter(messages.split("\0"))
    for count in words:
        if not count.strip():
            continue
        paths = [next(words) for _ in range(int(count))]
        kind, _ = next(words), next(words)
        for begun, name in _TYPES.items():
            if kind.startswith(begun):
                yield from ((path, name) for path in paths)


def _kind(told: str | None, stages: tuple[int, ...]) -> str:
    if told == "rename/delete" and 2 not in stages:
        return "delete/rename"
    return told or _KINDS.get(stages, "other")


def _renamed(path: str, names: Mapping[str, str], taken: Mapping[str, object]) -> str:
    """Return a name that says something for a file that git put aside as `<path>~<commit>`."""
    for commit, name in names.items():
        begun, put_aside, end = path.rpartition(f"~{commit}")
        wanted = f"{begun}~{name.replace('/', '_')}{end}"
        if put_aside and wanted not in taken:
            return wanted
    return path


def _relabelled(
    objects: Quarantine, tree: str, path: str, new: str, names: Mapping[str, str]
) -> tuple[list[str], bool]:
    """Give a file its new path, and its conflict markers names that say something: git puts commits there.

    Returns:
        What changes, as lines for `git update-index --index-info`; and whether the file holds markers.
    """
    entry = git.run(
        *("--literal-pathspecs", "ls-tree", "-z", tree, "--", path), cwd=objects.repository, env=objects.env
    )
    if not entry:
        return [], False
    mode, kind, made = entry.split("\t", 1)[0].split(" ")
    # A submodule is a commit of another repository.
    text = git.content(made, cwd=objects.repository, env=objects.env) if kind == "blob" else ""
    marked = any(f" {commit}" in text for commit in names)
    if marked:
        for commit, name in names.items():
            text = text.replace(f" {commit}", f" {name}")
        made = git.run(
            *("hash-object", "-w", "--stdin", "--no-filters"),
            cwd=objects.repository,
            env=objects.env,
            given=text,
        )
    moved = [_removal(tree, path)] if new != path else []
    return ([*moved, f"{mode} {made}\t{new}"] if marked or moved else []), marked


def _removal(tree: str, path: str) -> str:
    return f"0 {'0' * len(tree)}\t{path}"


def _changed(objects: Quarantine, tree: str, lines: Sequence[str]) -> str:
    if not lines:
        return tree
    env = {**objects.env, **objects.temporary_index()}
    git.run("read-tree", tree, cwd=objects.repository, env=env)
    given = "".join(f"{line}\0" for line in lines)
    git.run("update-index", "-z", "--index-info", cwd=objects.repository, env=env, given=given)
    return git.run("write-tree", cwd=objects.repository, env=env)
