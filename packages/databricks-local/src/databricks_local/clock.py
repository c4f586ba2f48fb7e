"""The workspace's time, which tests can move forward."""

import asyncio
import time

from databricks_local.store import Store

SCHEMA = (
    "CREATE TABLE IF NOT EXISTS clock (only INTEGER PRIMARY KEY CHECK (only = 1), ahead_ms INTEGER) STRICT"
)

# Timers stand still while a laptop sleeps, so no one waits longer than this without looking at the time.
_LONGEST_WAIT_S = 30.0


class Clock:
    """Time since the epoch in milliseconds, the real one plus what tests moved it forward."""

    def __init__(self, store: Store) -> None:
        """Start where the clock of the last server on this store was.

        Args:
            store: Keeps how far the clock is ahead: after a restart time must not go backwards.
        """
        self._store = store
        row = store.db.execute("SELECT ahead_ms FROM clock").fetchone()
        self._ahead_ms = int(row["ahead_ms"]) if row else 0
        self._moved = asyncio.Event()

    def now_ms(self) -> int:
        """Return the time in milliseconds since the epoch."""
        return time.time_ns() // 1_000_000 + self._ahead_ms

    async def sleep_until(self, moment_ms: int) -> None:
        """Wait until a moment; one that has passed costs nothing.

        Args:
            moment_ms: Milliseconds since the epoch, by this clock.
        """
        while (left_ms := moment_ms - self.now_ms()) > 0:
            moved = self._moved
            try:
                async with asyncio.timeout(min(left_ms / 1000, _LONGEST_WAIT_S)):
                    await moved.wait()
            except TimeoutError:
                continue

    def advance(self, milliseconds: int) -> int:
        """Move the clock forward and wake who waits for a moment that has come.

        Args:
            milliseconds: How far; not negative.

        Returns:
            The time after it.
        """
        self._ahead_ms += milliseconds
        self._store.db.execute(
            "INSERT INTO clock VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET ahead_ms = excluded.ahead_ms",
            (self._ahead_ms,),
        )
        self._moved.set()
        self._moved = asyncio.Event()
        return self.now_ms()
