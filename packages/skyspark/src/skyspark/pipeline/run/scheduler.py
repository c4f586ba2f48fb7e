"""Starting each task the moment the tasks it needs are done, on a bounded number of threads.

Nothing here knows of Spark. Worker threads only do the work and send events; all decisions and all callbacks
are made in the thread that calls ``run``, one after the other.
"""

import heapq
import queue
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from skyspark.pipeline import graph

T = TypeVar("T")


@dataclass(frozen=True)
class Event(Generic[T]):
    """What a worker, or whoever wants the run to end, says.

    Attributes:
        kind: ``opened``: others may begin though this one goes on; ``progressed``: it has something to tell;
            ``succeeded`` and ``failed``: it ended; ``stop``: all shall end.
        name: The task; empty for ``stop``.
        value: What the work found out, or the error.
    """

    kind: Literal["opened", "progressed", "succeeded", "failed", "stop"]
    name: str = ""
    value: T | None = None


class Listener(Protocol[T]):
    """Who is told what becomes of the tasks, in the thread that calls ``run``."""

    def begun(self, name: str) -> None:
        """A task starts."""

    def told(self, event: Event[T]) -> None:
        """A worker said something about its task."""

    def skipped(self, name: str, cause: str) -> None:
        """A task will not start because ``cause``, which it needs directly, failed or was skipped."""

    def idle(self) -> float | None:
        """Do what is due; return in how many seconds to be asked again, ``None`` for after the next event."""


class Scheduler(Generic[T]):
    """Runs tasks that need one another.

    Args:
        needs: For each task, the tasks that must be done before; all are keys, and there is no cycle.
        threads: How many run at a time.
        weight: How long each task will take, where that is known: the longest way to the end goes first.
        start: Starts a task on a thread of its own, which sends its events to ``events``.
        listener: Who is told.
    """

    def __init__(
        self,
        needs: Mapping[str, tuple[str, ...]],
        threads: int,
        weight: Mapping[str, float],
        start: Callable[[str], None],
        listener: Listener[T],
    ) -> None:
        # Of the queues this one alone may be filled by a signal's handler, which can interrupt a `get`.
        self.events: queue.SimpleQueue[Event[T]] = queue.SimpleQueue()
        self._threads = threads
        self._start = start
        self._listener = listener
        self._readers = graph.readers(needs)
        self._missing = {name: len(set(needed)) for name, needed in needs.items()}
        place = {name: i for i, name in enumerate(graph.in_order(needs))}
        left = dict.fromkeys(needs, 0.0)
        for name in reversed(place):
            left[name] = weight.get(name, 1.0) + max((left[r] for r in self._readers[name]), default=0.0)
        self._urgency = {name: (-left[name], place[name], name) for name in needs}
        self._ready = [self._urgency[name] for name, missing in self._missing.items() if not missing]
        heapq.heapify(self._ready)
        self._running: set[str] = set()
        self._open: set[str] = set()
        self._begun: set[str] = set()
        self._refused: set[str] = set()
        self._halted = False

    @property
    def unfinished(self) -> frozenset[str]:
        """The tasks that have begun and not ended."""
        return frozenset(self._running | self._open)

    def halt(self) -> None:
        """Begin no further task."""
        self._halted = True

    def refuse(self, name: str, *, itself: bool = False) -> None:
        """Skip everything that needs a task, directly or not, and has not begun.

        Args:
            name: The task.
            itself: Do not begin the task either.
        """
        if itself:
            self._refused.add(name)
        waiting = [name]
        while waiting:
            cause = waiting.pop()
            for reader in self._readers[cause]:
                if reader not in self._refused and reader not in self._begun:
                    self._refused.add(reader)
                    self._listener.skipped(reader, cause)
                    waiting.append(reader)

    def run(self) -> bool:
        """Run until every task has ended or been skipped; ``False`` if told to stop before that."""
        while True:
            while self._ready and not self._halted and len(self._running) < self._threads:
                _, _, name = heapq.heappop(self._ready)
                if name not in self._refused:
                    self._begun.add(name)
                    self._running.add(name)
                    self._listener.begun(name)
                    self._start(name)
            if not self.unfinished and (self._halted or not self._ready):
                return True
            if not self.wait(None):
                return False

    def wait(self, seconds: float | None) -> bool:
        """Wait for one event and act on it; ``False`` for ``stop``.

        Args:
            seconds: The longest time to wait; ``None``: as the listener says.
        """
        try:
            event = self.events.get(timeout=self._listener.idle() if seconds is None else seconds)
        except queue.Empty:
            return True
        if event.kind == "stop":
            return False
        if event.kind in ("succeeded", "failed"):
            self._running.discard(event.name)
        self._listener.told(event)
        if event.kind == "failed":
            self._open.discard(event.name)
            self.refuse(event.name)
        elif event.kind == "opened":
            self._running.discard(event.name)
            self._open.add(event.name)
            self._release(event.name)
        elif event.kind == "succeeded":
            if event.name in self._open:
                self._open.discard(event.name)
            else:
                self._release(event.name)
        return True

    def rest(self) -> Iterator[Event[T]]:
        """Yield the events that nobody has acted on, but for ``stop``; wait for none."""
        while not self.events.empty():
            event = self.events.get()
            if event.kind != "stop":
                yield event

    def _release(self, name: str) -> None:
        for reader in self._readers[name]:
            self._missing[reader] -= 1
            if not self._missing[reader]:
                heapq.heappush(self._ready, self._urgency[reader])
