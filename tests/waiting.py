"""Waiting for what is so: at once where it is, and long where a machine is busy."""

import time
from collections.abc import Callable

import psutil  # type: ignore[import-untyped]


def until(holds: Callable[[], object], otherwise: str, *, seconds: float = 600) -> None:
    """Wait until something holds, and fail with a sentence when it has not in so many seconds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, otherwise
        time.sleep(0.02)


def has_ended(process: int) -> bool:
    """Tell whether a process is gone, or a zombie of which nobody has taken note yet."""
    try:
        return bool(psutil.Process(process).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
