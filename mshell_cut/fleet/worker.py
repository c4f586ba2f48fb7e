"""A process that works on one project of a fleet after another.

Cookiecutter changes the working directory while it renders, so a process renders one template at a time. This
one is started by `pool.py`, reads requests from its standard input and writes answers to its standard output,
pickled; it ends with its input, hence also when the other side was killed.
"""

import os
import pickle
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from mshell_cut import git
from mshell_cut.errors import HookFailedError, MshellCutError, NotAProjectError, UpdateImpossibleError
from mshell_cut.fleet import clones, pulls
from mshell_cut.fleet.checking import check
from mshell_cut.fleet.committed import Committed
from mshell_cut.fleet.listing import Entry
from mshell_cut.fleet.request import Request
from mshell_cut.fleet.results import DONE_ALREADY, FAILED, NO_PROJECT, UPDATED, Result
from mshell_cut.fleet.updating import update
from mshell_cut.project import Project
from mshell_cut.renders import Renders
from mshell_cut.state import FILE, State
from mshell_cut.upstream import Upstream

# Renders of that many projects are kept, for others with the same answers: each is a few hundred kilobytes.
_KEPT = 25


@dataclass(frozen=True)
class Needs:
    """A worker's answer: which template it needs to go on.

    Attributes:
        address: of the template's repository.
        directory: the template's folder in there, None for the top.
    """

    address: str
    directory: str | None


class Worker:
    """Does what is asked of a project, in two steps: `begin` reads it, `finish` has its template.

    Args:
        temporary: a folder for copies.
        said: what others' programs print goes there.
    """

    def __init__(self, temporary: Path, said: IO[bytes]) -> None:
        self._temporary = temporary
        self._said = said
        self._renders: dict[tuple[Path, str | None], Renders] = {}
        self._copies = temporary
        self._served_since = 0

    def clone(self, url: str, folder: Path) -> Path | str:
        """Return where a clone lies, or a sentence on why there is none."""
        try:
            return clones.clone(url, folder)
        except MshellCutError as error:
            return str(error)

    def begin(self, entry: Entry, top: Path, request: Request) -> Needs | Result:
        """Read a project.

        Args:
            entry: the project.
            top: the folder that was listed, or its clone.
            request: what is asked of it.
        """
        self._entry, self._request, self._begun = entry, request, time.monotonic()
        self._folder = top / entry.inside
        self._project: Project | None = None
        self._said.seek(0)
        self._said.truncate()
        return self._sheltered(self._read)

    def finish(self, upstream: Upstream) -> Result:
        """Do what is asked of the project.

        Args:
            upstream: the repository of its template.
        """
        found = self._sheltered(lambda: self._serve(upstream))
        assert isinstance(found, Result)  # noqa: S101 - `begin` alone needs more
        return found

    def _read(self) -> Needs | Result:
        entry, folder = self._entry, self._folder
        if not folder.is_dir() and not entry.url:
            return self._result(FAILED, f"{folder} is not there.")
        if entry.url or entry.branch or self._request.update:
            start = (
                clones.start(entry.branch)
                if entry.url
                else f"refs/heads/{entry.branch}"
                if entry.branch
                else "HEAD"
            )
            try:
                self._project = Committed.at(folder, start, self._temporary)
            except NotAProjectError:
                if (folder / FILE).exists() and not entry.url:
                    return self._result(FAILED, f"{folder / FILE} is not committed to git: commit it first.")
                return self._result(NO_PROJECT, "")
        elif (folder / FILE).is_file():
            self._project = Project(folder, State.read(folder))
        else:
            return self._result(NO_PROJECT, "")
        return Needs(self._project.state.template, self._project.state.directory)

    def _renders_of(self, upstream: Upstream) -> Renders:
        if self._served_since % _KEPT == 0:
            if self._renders:
                shutil.rmtree(self._copies, ignore_errors=True)
            self._renders = {}
            self._copies = Path(tempfile.mkdtemp(prefix="renders-", dir=self._temporary))
        self._served_since += 1
        key = upstream.repository, upstream.directory
        if key not in self._renders:
            self._renders[key] = Renders(replace(upstream, temporary=self._copies, _folders={}))
        return self._renders[key]

    def _serve(self, upstream: Upstream) -> Result:
        project = self._project
        assert project  # noqa: S101 - `begin` found it
        if self._entry.url:
            _require_published(upstream, project.state.commit)
        renders = self._renders_of(upstream)
        request = self._request.update
        if request is None:
            return self._finished(check(self._entry.name, project, renders))
        assert isinstance(project, Committed)  # noqa: S101 - `_read` saw to it
        found = update(self._entry.name, project, renders, request)
        if request.pull_requests and found.status in (UPDATED, DONE_ALREADY) and not request.dry_run:
            try:
                address = pulls.open_one(found, project.checkout.top, self._entry.branch)
            except MshellCutError as error:
                sentence = f"The branch is made, but there is no pull request: {error}"
                return self._finished(replace(found, status=FAILED, message=sentence))
            found = replace(found, pull_request=address)
        return self._finished(found)

    def _sheltered(self, work: Callable[[], Needs | Result]) -> Needs | Result:
        """Turn whatever goes wrong with one project into its result: the others are to go on."""
        try:
            return work()
        except MshellCutError as error:
            said = f" It said: {self._last_words()}" if isinstance(error, HookFailedError) else ""
            return self._result(FAILED, " ".join(str(error).splitlines()) + said)
        except Exception as error:  # noqa: BLE001 - see above
            return self._result(FAILED, f"{type(error).__name__}: {error}")

    def _last_words(self) -> str:
        self._said.seek(0)
        lines = self._said.read().decode("utf-8", "replace").split("\n")
        return " ".join(line.strip() for line in lines if line.strip())[-500:]

    def _result(self, status: str, message: str) -> Result:
        return self._finished(Result(self._entry.name, status, message=message))

    def _finished(self, result: Result) -> Result:
        if self._project:
            state = self._project.state
            result = replace(result, template=state.template, directory=state.directory or "")
        return replace(result, folder=str(self._folder), seconds=time.monotonic() - self._begun)


def _require_published(upstream: Upstream, commit: str) -> None:
    """Refuse a commit that no branch or tag of a template holds.

    A clone of a template may hold what strangers propose, as GitHub's `refs/pull/*`, and a cloned project may
    name any commit: its hooks would run here.
    """
    published = ("refs/heads", "refs/tags", "refs/remotes")
    wanted = upstream.commit(commit)
    words = ("for-each-ref", "--count=1", f"--contains={wanted}", *published)
    if wanted and not git.ask(*words, cwd=upstream.repository):
        raise UpdateImpossibleError(
            f"No branch or tag of {upstream.address} holds the commit {commit[:10]}, which .cruft.json names."
        )


def main() -> None:
    """Answer requests until there are no more."""
    # As an exception, so that temporary folders go with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with tempfile.TemporaryFile() as said, tempfile.TemporaryDirectory(prefix="mshell-cut-") as folder:
        # Hooks print and may ask: neither is for the program on the other side.
        with Path(os.devnull).open("rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(said.fileno(), 1)
        os.dup2(said.fileno(), 2)
        worker = Worker(Path(folder).resolve(), said)
        while True:
            try:
                method, arguments = pickle.load(requests)  # noqa: S301 - from our own parent process
                pickle.dump(getattr(worker, method)(*arguments), answers)
                answers.flush()
            except (EOFError, BrokenPipeError):
                return
