"""The repository that a project's template lives in: its releases, and the template as it was at a commit."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from mshell_cut import git, source
from mshell_cut.errors import TemplateNotFoundError, UpdateImpossibleError
from mshell_cut.releases import Release, is_tag, release
from mshell_cut.source import Source
from mshell_cut.state import FILE, State

_QUESTIONS = "cookiecutter.json"
_ADDITIONS = "additions"
# What rendering reads beside the folder named after a cookiecutter variable, and what `add` does.
_PARTS = {_QUESTIONS, "hooks", _ADDITIONS}
# Holds what a template's files include: https://cookiecutter.readthedocs.io/en/stable/advanced/templates.html
# It may hold further templates as well, which are no part of this one.
_INCLUDED = "templates"


@dataclass(frozen=True)
class Version:
    """One state of a template.

    Attributes:
        commit: of the template's repository.
        name: how to call it: a release's tag, a branch and the commit, or the commit alone.
        checkout: what a project that is brought to it records, None for the repository's own default.
    """

    commit: str
    name: str
    checkout: str | None = None


@dataclass(frozen=True)
class Upstream:
    """A template's repository that lies on this machine.

    Attributes:
        repository: where to run git.
        address: what projects call it.
        directory: the template's folder in it, None for the top.
        temporary: a folder for copies of the template, which lasts as long as this object is of use.
    """

    repository: Path
    address: str
    directory: str | None
    temporary: Path
    _folders: dict[str, Path] = field(default_factory=dict, repr=False)
    _listed: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _parts: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)
    _questions: dict[str, str] = field(default_factory=dict, repr=False)
    _held: dict[str, Release | None] = field(default_factory=dict, repr=False)

    @cached_property
    def releases(self) -> list[Release]:
        """All releases, oldest first."""
        form = "%(refname:strip=2)%09%(objectname)%09%(*objectname)%09%(creatordate:short)"
        listed = git.run("for-each-ref", f"--format={form}", "refs/tags/v*", cwd=self.repository)
        rows = (line.split("\t") for line in listed.splitlines())
        found = (release(tag, peeled or direct, date) for tag, direct, peeled, date in rows)
        return sorted(item for item in found if item)

    def newest(self, state: State) -> Version:
        """Return what a project is to be brought to: its branch, the newest release, or the default.

        A project that was cut from a branch follows it. Any other follows the releases, where there are some
        and the project is not ahead of them.

        Raises:
            UpdateImpossibleError: the branch is gone.
            TemplateNotFoundError: the repository is empty.
        """
        followed = state.checkout
        if followed and not is_tag(followed) and not state.commit.startswith(followed):
            commit = self.commit(followed)
            if not commit:
                raise UpdateImpossibleError(
                    f"{self.address} has no branch '{followed}' any more, which the project was cut from: "
                    "name another with --to."
                )
            return Version(commit, f"{followed} ({commit[:10]})", followed)
        if self.releases:
            last = self.releases[-1]
            if last.commit != state.commit and self._is_ancestor(last.commit, state.commit):
                return Version(state.commit, self.name(state.commit), followed)
            return Version(last.commit, last.tag, last.tag if followed else None)
        head = self.commit("HEAD")
        if not head:
            raise TemplateNotFoundError(
                f"{self.address} has no commit at its HEAD: name a branch or tag with --to, if it has any."
            )
        return Version(head, head[:10], followed)

    def version(self, wanted: str) -> Version:
        """Return the version that a branch, tag or commit names.

        Raises:
            TemplateNotFoundError: there is none of that name.
        """
        commit = self.commit(wanted)
        if not commit:
            near = f" Its newest release is {self.releases[-1].tag}." if self.releases else ""
            raise TemplateNotFoundError(f"{self.address} has no branch, tag or commit '{wanted}'.{near}")
        if commit.startswith(wanted):
            return Version(commit, self.name(commit))
        return Version(commit, wanted if is_tag(wanted) else f"{wanted} ({commit[:10]})", wanted)

    def commit(self, name: str) -> str | None:
        """Return the commit that a branch, tag or commit names, None where there is none."""
        if name.startswith("-"):
            return None
        for full in (f"refs/tags/{name}", f"refs/heads/{name}", f"refs/remotes/origin/{name}", name):
            found = git.ask("rev-parse", "--verify", "--quiet", f"{full}^{{commit}}", cwd=self.repository)
            if found:
                return found
        return None

    def name(self, commit: str) -> str:
        """Return what to call a commit: the release it is, or the release it comes after."""
        for item in self.releases:
            if item.commit == commit:
                return item.tag
        base = self.release_of(commit)
        return f"{commit[:10]} (after {base.tag})" if base else commit[:10]

    def release_of(self, commit: str) -> Release | None:
        """Return the newest release that a commit holds."""
        if not self.releases:
            return None
        if commit not in self._held:
            merged = git.ask("tag", "--merged", commit, "--list", "v*", cwd=self.repository) or ""
            held = set(merged.split())
            self._held[commit] = max((item for item in self.releases if item.tag in held), default=None)
        return self._held[commit]

    def between(self, before: str, after: str) -> list[Release]:
        """Return the releases that come after one commit, up to another, oldest first."""
        first, last = self.release_of(before), self.release_of(after)
        return [
            item
            for item in self.releases
            if last and item <= last and (first is None or item > first) and item.commit != before
        ]

    def content(self, commit: str) -> str:
        """Return what names all that rendering reads at a commit: equal names, equal projects.

        Raises:
            UpdateImpossibleError: the commit is not in the repository.
            TemplateNotFoundError: the template's folder is not in the commit.
        """
        read = self._read(commit)
        wanted = read.keys() if self._reads_code(commit) else read.keys() - {_ADDITIONS}
        told = "\n".join(f"{path} {read[path]}" for path in sorted(wanted))
        return hashlib.sha256(told.encode()).hexdigest()[:20]

    def folder(self, commit: str) -> Path:
        """Return a copy of the template as it was at a commit. It goes with `temporary`.

        Raises:
            UpdateImpossibleError: the commit is not in the repository.
            TemplateNotFoundError: the template's folder is not in the commit.
        """
        if commit not in self._folders:
            wanted = self._read(commit)
            copy = Path(tempfile.mkdtemp(prefix="template-", dir=self.temporary))
            inner = f"{self.directory}/" if self.directory else ""
            git.run(
                # As cloned on a machine without settings: what is rendered must not depend on them.
                *("-c", "core.autocrlf=false", "-c", "core.symlinks=true", "--literal-pathspecs"),
                *(
                    f"--git-dir={self._git_folder}",
                    f"--work-tree={copy}",
                    "checkout",
                    "--quiet",
                    commit,
                    "--",
                ),
                *(f"{inner}{path}" for path in sorted(wanted)),
                env={"GIT_INDEX_FILE": str(copy.with_name(f"{copy.name}.index"))},
            )
            self._folders[commit] = copy / inner
        return self._folders[commit]

    def source(self, version: Version) -> Source:
        """Describe the template at a version for a renderer."""
        return Source(
            self.folder(version.commit),
            self.address,
            version.commit,
            version.checkout,
            self.directory,
            content=self.content(version.commit),
        )

    @cached_property
    def _git_folder(self) -> str:
        return git.run("rev-parse", "--absolute-git-dir", cwd=self.repository)

    def questions(self, commit: str) -> str:
        """Return what the template's `cookiecutter.json` holds at a commit.

        Raises:
            UpdateImpossibleError: the commit is not in the repository.
            TemplateNotFoundError: there is no such file in the commit.
        """
        if commit not in self._questions:
            about = self._entries(commit).get(_QUESTIONS)
            if about is None:
                raise TemplateNotFoundError(
                    f"{self.address} holds no cookiecutter.json at {commit[:10]}: it was no template then."
                )
            self._questions[commit] = git.content(about.split()[2], cwd=self.repository)
        return self._questions[commit]

    def has_additions(self, commit: str) -> bool:
        """Tell whether the template can add something to its projects at a commit.

        Raises:
            UpdateImpossibleError: the commit is not in the repository.
            TemplateNotFoundError: the template's folder is not in the commit.
        """
        return _ADDITIONS in self._entries(commit)

    def _read(self, commit: str) -> dict[str, str]:
        """Return what rendering and `add` read at a commit: mode, kind and object by path in the folder."""
        if commit not in self._parts:
            found = self._entries(commit)
            if not self._reads_code(commit):
                included = self._included(commit) if _INCLUDED in found else {}
                found = {name: about for name, about in found.items() if _is_part(name)} | included
            self._parts[commit] = found
        return self._parts[commit]

    def _included(self, commit: str) -> dict[str, str]:
        """Return the files that a template may include at a commit, without those of other templates."""
        inner = f"{self.directory}/" if self.directory else ""
        listed = self._rows(f"{commit}:{inner}{_INCLUDED}", "-r") or {}
        others = [path.removesuffix(_QUESTIONS) for path in listed if path.endswith(f"/{_QUESTIONS}")]
        return {
            f"{_INCLUDED}/{path}": about
            for path, about in listed.items()
            if not path.startswith(tuple(others))
        }

    def _entries(self, commit: str) -> dict[str, str]:
        """Return what lies in the template's folder at a commit: mode, kind and object by name."""
        if commit not in self._listed:
            self._listed[commit] = self._list(commit)
        return self._listed[commit]

    def _list(self, commit: str) -> dict[str, str]:
        found = self._rows(f"{commit}:{self.directory or ''}")
        if found is None:
            if self.commit(commit):
                raise TemplateNotFoundError(
                    f"{self.address} has no folder '{self.directory}' at {self.name(commit)}: "
                    "the template came later, or lies elsewhere."
                )
            raise UpdateImpossibleError(
                f"{self.address} has no commit {commit[:10]}, which {FILE} names: its history was "
                "rewritten, or it is another repository. Move the file away, and 'mshell-cut adopt' finds "
                "the commit that fits."
            )
        return found

    def _rows(self, tree: str, *options: str) -> dict[str, str] | None:
        listed = git.ask("ls-tree", "-z", *options, tree, cwd=self.repository)
        if listed is None:
            return None
        rows = (entry.split("\t", 1) for entry in listed.split("\0") if entry)
        return {path: about for about, path in rows}

    def _reads_code(self, commit: str) -> bool:
        """Tell whether a template brings Jinja extensions of its own, which may be any of its files."""
        text = self.questions(commit)
        if "_extensions" not in text:
            return False
        try:
            named = json.loads(text).get("_extensions") or []
        except (ValueError, AttributeError):
            return False
        return not all(str(name).startswith(("jinja2.", "cookiecutter.", "jinja2_")) for name in named)

    def _is_ancestor(self, older: str, newer: str) -> bool:
        return git.ask("merge-base", "--is-ancestor", older, newer, cwd=self.repository) is not None


@contextmanager
def opened(state: State, *, template: str | None = None, interactive: bool = False) -> Iterator[Upstream]:
    """Have the repository of a project's template at hand.

    Args:
        state: what the project remembers.
        template: another address of the same repository: one that moved, or a clone on this machine.
        interactive: let git ask for a password.

    Raises:
        TemplateNotFoundError: there is no repository at that address.
    """
    with tempfile.TemporaryDirectory(prefix="mshell-cut-") as folder:
        yield located(
            template or state.template, state.directory, Path(folder).resolve(), interactive=interactive
        )


def located(address: str, directory: str | None, temporary: Path, *, interactive: bool = False) -> Upstream:
    """Find a template's repository: in its place on this machine, else as a clone in the user's cache.

    Args:
        address: a folder, a git URL, or an abbreviation such as `gh:owner/name`.
        directory: the template's folder in there.
        temporary: a folder for copies of the template.
        interactive: let git ask for a password.

    Raises:
        TemplateNotFoundError: there is no repository at that address.
    """
    full = source.served(address)
    if full:
        return Upstream(source.mirror(full, interactive=interactive), full, directory, temporary)
    path = Path(address).expanduser()
    around = git.checkout(path) if path.is_dir() else None
    if not around:
        what = "is no git repository with a commit" if path.is_dir() else "is not there"
        raise TemplateNotFoundError(
            f"The template at {address} {what}: name where it is now with --template."
        )
    inner = f"{around.prefix}{directory or ''}".rstrip("/")
    return Upstream(around.top, address, inner or None, temporary)


def _is_part(name: str) -> bool:
    return name in _PARTS or "cookiecutter" in name
