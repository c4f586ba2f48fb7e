"""What is counted while a table is made."""

import threading
from dataclasses import dataclass, field, replace

from skyspark.pipeline.model import Table
from skyspark.pipeline.run.results import ExpectationResult


@dataclass(frozen=True)
class Counts:
    """What was counted of one writing, or of one batch of a stream.

    Attributes:
        rows_in: Rows read; ``None``: not known.
        rows_out: Rows written; ``None``: not known.
        judged: By the names of expectations: how often it was broken, and how often it was met.
    """

    rows_in: int | None = None
    rows_out: int | None = None
    judged: dict[str, tuple[int, int]] = field(default_factory=dict)

    def not_written(self) -> "Counts":
        """Return the same counts for rows that were not written."""
        return replace(self, rows_out=None)


@dataclass(frozen=True)
class Outcome:
    """What became of a table so far.

    Attributes:
        rows_in: Rows read.
        rows_out: Rows written.
        expectations: In the order of the pipeline's file.
        message: Why it failed.
        cancelled: Whether it ended because the run was told to stop.
    """

    rows_in: int | None = None
    rows_out: int | None = None
    expectations: tuple[ExpectationResult, ...] = ()
    message: str | None = None
    cancelled: bool = False


class Tally:
    """Adds up the counts of one table in one run; batches of a stream come from other threads.

    Args:
        table: The table.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._lock = threading.Lock()
        self._rows: dict[str, int | None] = {"in": None, "out": None}
        self._judged: dict[str, tuple[int, int]] = {}

    def add(self, counts: Counts) -> None:
        """Add what was counted; what is not known adds nothing.

        Args:
            counts: The counts.
        """
        with self._lock:
            for key, rows in (("in", counts.rows_in), ("out", counts.rows_out)):
                if rows is not None:
                    self._rows[key] = (self._rows[key] or 0) + rows
            for name, (broken, passed) in counts.judged.items():
                before = self._judged.get(name, (0, 0))
                self._judged[name] = (before[0] + broken, before[1] + passed)

    def outcome(self, message: str | None = None, *, cancelled: bool = False) -> Outcome:
        """Return the sums.

        Args:
            message: Why the table failed.
            cancelled: Whether it was told to stop.
        """
        with self._lock:
            judged = []
            for rule in self._table.expectations:
                broken, passed = self._judged.get(rule.name, (None, None))
                judged.append(
                    ExpectationResult(name=rule.name, action=rule.action, broken=broken, passed=passed)
                )
            return Outcome(self._rows["in"], self._rows["out"], tuple(judged), message, cancelled)
