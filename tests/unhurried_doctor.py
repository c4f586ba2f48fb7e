"""A doctor that gives a machine that has much else to do all the time it takes."""

from typing import Any, Protocol

from mshell_cut.diagnosis import examination, machine
from mshell_cut.diagnosis.programs import Answer, Programs

_TIMES = 60


class Set(Protocol):
    """`setattr`, or a monkeypatch's."""

    def __call__(self, target: Any, name: str, value: Any, /) -> None: ...


def wait_long(put: Set) -> None:
    """Lengthen all limits."""
    run = Programs.run

    def patient(self: Programs, *command: str, limit: float, **others: Any) -> Answer:
        return run(self, *command, limit=_TIMES * limit, **others)

    put(Programs, "run", patient)
    put(machine, "_SILENCE_S", _TIMES * machine._SILENCE_S)
    result = examination._result

    def unhurried(check: examination._Check, found: Any, begun: float) -> Any:
        return result(check, found, begun + (_TIMES - 1) * check.limit)

    put(examination, "_result", unhurried)
