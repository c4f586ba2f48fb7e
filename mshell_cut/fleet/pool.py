"""Worker processes, and what gives them their projects.

Each worker has a thread here that hands it one project at a time and opens for all workers what only one
of them may fetch: the template's repository, and the clone of a repository with several projects in it.
"""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

from mshell_cut import upstream
from mshell_cut.errors import MshellCutError
from mshell_cut.fleet.listing import Entry
from mshell_cut.fleet.request import Request
from mshell_cut.fleet.results import FAILED, NOT_DONE, Result
from mshell_cut.fleet.worker import Needs
from mshell_cut.upstream import Upstream

# Tells whether a project that came from an address may have its template run here.
Trusts = Callable[[str], bool]


def processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Serves the projects of a fleet, each to its own result.

    Args:
        request: what is asked of every project.
        trusts: tells by its address whether the template of a cloned project may run its hooks here.
        jobs: how many projects to work on at a time.
    """

    def __init__(self, request: Request, trusts: Trusts, jobs: int) -> None:
        self._request = request
        self._trusts = trusts
        self._jobs = jobs
        self._stopping = threading.Event()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._templates = _Once()
        self._clones = _Once()

    @property
    def is_stopping(self) -> bool:
        """Whether the user asked to stop."""
        return self._stopping.is_set()

    def run(self, entries: Sequence[Entry], told: Callable[[Result], object]) -> list[Result]:
        """Work on all projects.

        At the first interrupt no project is begun any more and those at work come to their end; at the second
        the workers are ended.

        Args:
            entries: the projects.
            told: called in this thread with each result as it comes.

        Returns:
            One result for each project, in their order.
        """
        waiting: queue.SimpleQueue[tuple[int, Entry]] = queue.SimpleQueue()
        for item in enumerate(entries):
            waiting.put(item)
        done: queue.SimpleQueue[tuple[int, Result] | None] = queue.SimpleQueue()
        threads = [
            threading.Thread(target=self._serve, args=(waiting, done))
            for _ in range(min(self._jobs, len(entries)))
        ]
        results = [Result(entry.name, NOT_DONE) for entry in entries]
        with self._interruptible():
            for thread in threads:
                thread.start()
            left = len(threads)
            while left:
                found = done.get()
                if found is None:
                    left -= 1
                    continue
                place, results[place] = found
                told(results[place])
        return results

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        def interrupted(_number: int, _frame: FrameType | None) -> None:
            if self.is_stopping:
                for process in self._processes:
                    # To its git processes too, which then take their lock files with them.
                    with suppress(ProcessLookupError):
                        os.killpg(process.pid, signal.SIGTERM)
            self._stopping.set()

        before = signal.signal(signal.SIGINT, interrupted)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _serve(
        self,
        waiting: "queue.SimpleQueue[tuple[int, Entry]]",
        done: "queue.SimpleQueue[tuple[int, Result] | None]",
    ) -> None:
        worker: _Connection | None = None
        try:
            while not self.is_stopping:
                try:
                    place, entry = waiting.get_nowait()
                except queue.Empty:
                    break
                try:
                    worker = worker or self._started()
                    done.put((place, self._result(entry, worker)))
                except Exception as error:  # noqa: BLE001 - no project may stop the others
                    # It died. The next project has a new one.
                    if worker:
                        worker.close()
                    worker = None
                    if not self.is_stopping:
                        sentence = f"The process that worked on it died: {error or 'it was killed'}."
                        done.put((place, Result(entry.name, FAILED, message=sentence)))
        finally:
            if worker:
                worker.close()
            done.put(None)

    def _result(self, entry: Entry, worker: "_Connection") -> Result:
        if entry.url:
            url = entry.url
            top = self._clones.get(url, lambda: worker.ask("clone", url, self._request.clones))
        else:
            top = entry.folder
        if isinstance(top, str):
            return Result(entry.name, FAILED, message=top)
        found: Needs | Result = worker.ask("begin", entry, top, self._request)
        if isinstance(found, Result):
            return found
        address, directory = found.address, found.directory
        if entry.url and not self._trusts(address):
            sentence = (
                f"Its template {address} is none that you named, and templates run programs: allow this one "
                "with --trust."
            )
            return Result(entry.name, FAILED, str(top), address, directory or "", message=sentence)
        key = address, directory
        opened = self._templates.get(key, lambda: _opened(*key))
        if isinstance(opened, str):
            return Result(entry.name, FAILED, str(top), address, directory or "", message=opened)
        result: Result = worker.ask("finish", opened)
        return result

    def _started(self) -> "_Connection":
        process = subprocess.Popen(
            # -P: a folder that happens to be the current one must not lend it modules.
            [sys.executable, "-P", "-c", "from mshell_cut.fleet import worker; worker.main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # The Ctrl-C of the terminal reaches neither it nor its git processes: they come to their end.
            start_new_session=True,
        )
        self._processes.append(process)
        return _Connection(process)


class _Connection:
    """This side of a worker process."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def ask(self, method: str, *arguments: object) -> Any:
        """Have the worker do something and return its answer.

        Raises:
            EOFError: it died.
            OSError: likewise.
        """
        assert self._process.stdin and self._process.stdout  # noqa: S101 - pipes were asked for
        pickle.dump((method, arguments), self._process.stdin)
        self._process.stdin.flush()
        return pickle.load(self._process.stdout)  # noqa: S301 - from our own child process

    def close(self) -> None:
        """Have the worker end."""
        with suppress(OSError):
            self._process.communicate()


class _Once:
    """Finds out each thing once, however many threads ask for it at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[object, threading.Lock] = {}
        self._found: dict[object, Any] = {}

    def get(self, key: object, find: Callable[[], Any]) -> Any:
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:
            if key not in self._found:
                self._found[key] = find()
            return self._found[key]


def _opened(address: str, directory: str | None) -> Upstream | str:
    try:
        # No copy of the template is made here, so no folder is needed for one.
        return upstream.located(address, directory, Path())
    except MshellCutError as error:
        return " ".join(str(error).splitlines())
