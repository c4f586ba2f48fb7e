"""Runs all checks at once, and tells of each as soon as those before it are told."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mshell_cut.diagnosis import java, machine, project, template
from mshell_cut.diagnosis.outcome import Outcome, error, warning
from mshell_cut.diagnosis.programs import Programs
from mshell_cut.errors import FileUnreadableError
from mshell_cut.state import State

_Result = Outcome | Iterable[Outcome] | None


@dataclass(frozen=True)
class _Check:
    """One check, which may come to several outcomes, or to none where it has no meaning.

    Attributes:
        id: what to call it where it fails itself.
        what: what to call it while it runs.
        run: does it.
        limit: the longest it may take, in seconds.
    """

    id: str
    what: str
    run: Callable[[], _Result]
    limit: float = 30


def examine(
    folder: Path, *, offline: bool, waiting: Callable[[str], AbstractContextManager[None]]
) -> Iterator[Outcome]:
    """Check this machine, and the project that a folder lies in.

    Args:
        folder: where to look for a project, from there upward.
        offline: check nothing that needs a network.
        waiting: shows a text for as long as it is waited for.

    Yields:
        The outcomes, in an order that does not depend on which check is fastest.
    """
    with Programs() as programs:
        begun = time.monotonic()
        running = [(check, _start(check)) for check in _checks(programs, folder.absolute(), offline=offline)]
        for check, result in running:
            with nullcontext() if result.done() else waiting(f"Looking at {check.what} …"):
                outcomes = _result(check, result, begun)
            yield from outcomes


def _checks(programs: Programs, folder: Path, *, offline: bool) -> Iterator[_Check]:
    own = project.folder_of(folder)
    yield _Check("python", "Python", partial(machine.python, programs))
    yield _Check("git", "git", partial(machine.git_itself, programs))
    yield _Check("git-identity", "your name in git", partial(machine.identity, folder))
    if own is None or project.runs_spark(own):
        yield _Check("java", "Java", partial(java.java, programs))
    yield _Check("make", "make", machine.make)
    yield _Check("installer", "uv or pip", partial(machine.installer, programs))
    if not offline:
        package = project.wanted_package(own)
        yield _Check("index", "the package index", partial(machine.index, programs, folder, package))
    yield _Check("cache", "the cache", machine.cache)
    if own is None:
        yield _Check("template", "the template", template.bundled)
        return
    yield _Check("state", "what the project remembers", partial(project.memory, own))
    yield _Check("repository", "the project's repository", partial(project.repository, own))
    yield _Check("conflicts", "conflict markers", partial(project.markers, own))
    yield _Check("rejects", "rejected changes", partial(project.rejects, own))
    yield _Check("vendor", "vendor/", partial(project.vendor, own))
    yield _Check("environment", "the project's environment", partial(project.environment, own))
    try:
        state = State.read(own)
    except FileUnreadableError:
        return
    # The first look at a template clones it.
    against = partial(template.of_project, programs, own, state, offline=offline)
    yield _Check("template", "the template", against, 300)


def _start(check: _Check) -> Future[list[Outcome]]:
    result: Future[list[Outcome]] = Future()

    def run() -> None:
        try:
            found = check.run()
            listed = [] if found is None else [found] if isinstance(found, Outcome) else list(found)
            result.set_result(listed)
        except Exception as fault:  # noqa: BLE001 - whatever a check meets is for it to report
            result.set_exception(fault)

    # A daemon: one that hangs must not keep the process from ending.
    threading.Thread(target=run, daemon=True).start()
    return result


def _result(check: _Check, result: Future[list[Outcome]], begun: float) -> list[Outcome]:
    try:
        return result.result(max(0, begun + check.limit - time.monotonic()))
    except TimeoutError:
        return [error(check.id, f"{check.what}: no result within {check.limit:g} seconds", "try again")]
    except Exception as fault:  # noqa: BLE001 - as above
        reason = (str(fault).splitlines() or [type(fault).__name__])[0].rstrip(".")
        return [warning(check.id, f"{check.what} could not be looked at: {reason}", "mend that first")]
