"""The state of a run or of a task run, as the Jobs API has them.

A state is written once, in the words of the older of the API's two vocabularies (`life_cycle_state` and
`result_state`), and with the termination code of the newer one; shapes.py shows both.
"""

from __future__ import annotations

from dataclasses import dataclass

ENDED = frozenset({"TERMINATED", "SKIPPED", "INTERNAL_ERROR"})
"""Life cycle states that nothing follows."""

SUCCEEDED = frozenset({"SUCCESS", "SUCCESS_WITH_FAILURES"})

_PLATFORM_CODES = frozenset({"INTERNAL_ERROR", "DRIVER_ERROR"})
_CLOUD_CODES = frozenset({"CLOUD_FAILURE"})
_SUCCESS_CODES = frozenset({"SUCCESS", "SUCCESS_WITH_FAILURES"})


@dataclass(frozen=True)
class State:
    """What a run or a task run is doing, or how it ended.

    Attributes:
        life_cycle: A value of the API's `RunLifeCycleState`.
        result: A value of `RunResultState`; None until the run has ended.
        message: One sentence for people; empty while all is well.
        code: A value of `TerminationCodeCode`; None until the run has ended.
        canceled_or_timed_out: Whether a user or a timeout stopped it.
    """

    life_cycle: str
    result: str | None = None
    message: str = ""
    code: str | None = None
    canceled_or_timed_out: bool = False

    @property
    def ended(self) -> bool:
        """Whether nothing follows this state."""
        return self.life_cycle in ENDED

    @property
    def succeeded(self) -> bool:
        """Whether the run ended, and well."""
        return self.result in SUCCEEDED

    @property
    def termination_type(self) -> str | None:
        """Return the value of `TerminationTypeType` that goes with the code; None without a code."""
        if self.code is None:
            return None
        if self.code in _SUCCESS_CODES:
            return "SUCCESS"
        if self.code in _PLATFORM_CODES:
            return "INTERNAL_ERROR"
        return "CLOUD_FAILURE" if self.code in _CLOUD_CODES else "CLIENT_ERROR"


PENDING = State("PENDING")
BLOCKED = State("BLOCKED")
QUEUED = State("QUEUED")
RUNNING = State("RUNNING")
SUCCESS = State("TERMINATED", result="SUCCESS", code="SUCCESS")
