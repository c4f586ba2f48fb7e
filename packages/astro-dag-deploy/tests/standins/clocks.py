"""What stands for the module `time` in modules of the function."""

import threading
import time


class Hurried:
    """A sleep takes no time, and the clock has moved on after it."""

    def __init__(self) -> None:
        self._slept = 0.0

    def sleep(self, seconds: float) -> None:
        self._slept += seconds

    def monotonic(self) -> float:
        return time.monotonic() + self._slept

    def time(self) -> float:
        # It stands in the table, where others compare it with theirs.
        return time.time()


class Shortened:
    """A sleep takes a twentieth of its time."""

    monotonic = staticmethod(time.monotonic)
    time = staticmethod(time.time)

    @staticmethod
    def sleep(seconds: float) -> None:
        time.sleep(seconds / 20)


class Ticking(Hurried):
    """Each time that it is read, some seconds have gone by."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def monotonic(self) -> float:
        self.sleep(self._seconds)
        return super().monotonic()


class Standing:
    """No time goes by but that of sleeps, whoever sleeps."""

    def __init__(self) -> None:
        self._now = time.time()
        self._lock = threading.Lock()

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds

    def monotonic(self) -> float:
        return self._now

    def time(self) -> float:
        return self._now
