"""Intervals of time as people write them, such as ``10 minutes`` or ``1 day 6 hours``."""

import re

_UNITS = "microsecond|millisecond|second|minute|hour|day|week|month|year"
_INTERVAL = re.compile(rf"\s*\d+\s+(?:{_UNITS})s?(?:\s+\d+\s+(?:{_UNITS})s?)*\s*", re.IGNORECASE)


def is_interval(text: str) -> bool:
    """Say whether a text is an interval that Spark reads too: whole numbers, each with a unit.

    Args:
        text: Such as ``10 minutes``; Spark SQL reference, "Interval literal", without the keyword.
    """
    return _INTERVAL.fullmatch(text) is not None
