"""Ending a run by a signal: the first one is a request, a second one ends it at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def on_signal(stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` on SIGINT or SIGTERM inside the block; a second signal raises KeyboardInterrupt.

    PySpark's own handler cancels all jobs at once, which would abort what streams are writing. Outside the
    main thread Python allows no handlers, and signals stay as they are.

    Args:
        stop: Must be safe at any place of the program, as ``SimpleQueue.put`` is.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
