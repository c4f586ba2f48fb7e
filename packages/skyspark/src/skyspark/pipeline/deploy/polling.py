"""Asking again and again, less and less often."""

import time
from collections.abc import Iterator

# In seconds.
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 10.0


def looks() -> Iterator[None]:
    """Yield at once, and then after pauses that grow."""
    pause = FIRST_PAUSE
    while True:
        yield
        time.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE)
