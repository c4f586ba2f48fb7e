"""What a check comes to."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Outcome:
    """The outcome of one check.

    Attributes:
        id: what programs know the check by.
        status: how bad it is.
        message: what was found, as one sentence without its full stop.
        remedy: what to do, likewise; empty where all is well.
    """

    id: str
    status: Status
    message: str
    remedy: str = ""


def ok(check: str, message: str) -> Outcome:
    """Make the outcome of a check that found all well."""
    return Outcome(check, Status.OK, message)


def warning(check: str, message: str, remedy: str) -> Outcome:
    """Make the outcome of a check that found something that will hinder some work."""
    return Outcome(check, Status.WARNING, message, remedy)


def error(check: str, message: str, remedy: str) -> Outcome:
    """Make the outcome of a check that found something that has to be mended."""
    return Outcome(check, Status.ERROR, message, remedy)
