"""When a job runs: Quartz, or Unix cron that is translated to it.

Sources: the Quartz CronTrigger tutorial (six or seven fields, weekdays 1 = SUN to 7 = SAT, ``?`` in one of
the two fields for days) and POSIX crontab (five fields, weekdays 0 = Sunday; a day matches when either field
for days does, if both are given).
"""

import re
from dataclasses import dataclass
from zoneinfo import available_timezones

from skyspark.errors import DeployError, suggest

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_ITEM = re.compile(r"(?P<first>\*|[A-Z]{3}|\d+)(?:-(?P<last>[A-Z]{3}|\d+))?(?:/(?P<step>\d+))?")
# What only Quartz has: L, W and # in the fields for days.
_QUARTZ_DAY = re.compile(r"L(?:-\d{1,2})?|LW|\d{1,2}W")
_QUARTZ_WEEKDAY = re.compile(r"(?:[1-7]|[A-Z]{3})(?:L|#[1-5])|L")


@dataclass(frozen=True)
class Schedule:
    """When a job runs.

    Attributes:
        quartz: A Quartz expression: second, minute, hour, day of the month, month, weekday, and maybe year.
        timezone: A name of the IANA time zone database.
    """

    quartz: str
    timezone: str


@dataclass(frozen=True)
class _Field:
    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    names_from: int = 0

    def number(self, text: str) -> int:
        """Return the number that a name or a number of this field stands for."""
        if text in self.names:
            return self.names.index(text) + self.names_from
        if not text.isdecimal() or len(text) > 4 or not self.low <= int(text) <= self.high:
            allowed = f"{self.low} to {self.high}" + (
                f" or {self.names[0]} to {self.names[-1]}" if self.names else ""
            )
            raise DeployError(f"the schedule's {self.name} '{text}' is wrong: use {allowed}.")
        return int(text)

    def items(self, text: str) -> list[tuple[int | None, int | None, int | None]]:
        """Return the parts of the field as first, last and step; a first of ``None`` stands for ``*``."""
        found = []
        for part in text.split(","):
            item = _ITEM.fullmatch(part)
            if item is None or (item["first"] == "*" and item["last"]):
                raise DeployError(
                    f"the schedule's {self.name} '{text}' is wrong: use numbers, lists (1,2), ranges (1-5) "
                    "and steps (*/15)."
                )
            first = None if item["first"] == "*" else self.number(item["first"])
            last = self.number(item["last"]) if item["last"] else None
            step = int(item["step"]) if item["step"] else None
            if step == 0 or (step is not None and step > self.high):
                raise DeployError(f"the schedule's {self.name} has a step of {step}: use 1 to {self.high}.")
            found.append((first, last, step))
        return found


_SECOND = _Field("second", 0, 59)
_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY = _Field("day of the month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS, 1)
_UNIX_WEEKDAY = _Field("weekday", 0, 7, _DAYS, 0)
_QUARTZ_WEEKDAYS = _Field("weekday", 1, 7, _DAYS, 1)
_YEAR = _Field("year", 1970, 2199)


def parse_schedule(expression: str, timezone: str = "UTC") -> Schedule:
    """Return a schedule.

    Args:
        expression: Five fields are Unix cron and are translated, six or seven are Quartz and are checked.
        timezone: A name of the IANA time zone database.

    Raises:
        DeployError: It is neither, or says what Quartz cannot; or there is no such time zone.
    """
    zones = available_timezones()
    if timezone not in zones:
        raise DeployError(
            f"there is no time zone '{timezone}'{suggest(timezone, zones)}: use one such as UTC."
        )
    fields = expression.upper().split()
    if len(fields) == 5:
        return Schedule(_from_unix(fields), timezone)
    if len(fields) in (6, 7):
        return Schedule(_checked(fields), timezone)
    raise DeployError(
        f"the schedule '{expression}' is none: Unix cron has 5 fields (0 2 * * *), Quartz 6 (0 0 2 * * ?)."
    )


def _from_unix(fields: list[str]) -> str:
    minute, hour, day, month, weekday = fields
    plain = [_written(field, text) for field, text in ((_MINUTE, minute), (_HOUR, hour), (_MONTH, month))]
    days = _written(_DAY, day)
    weekdays = _weekdays(weekday)
    if weekdays is None:
        return f"0 {plain[0]} {plain[1]} {days} {plain[2]} ?"
    if not day.startswith("*"):
        raise DeployError(
            f"the schedule names days of the month ({day}) and weekdays ({weekday}): Unix cron runs on "
            "either, which Quartz cannot say. Use one of them, or two jobs."
        )
    if day != "*":
        raise DeployError(
            f"the schedule has a step of days ({day}) and weekdays ({weekday}): Quartz knows one of them."
        )
    return f"0 {plain[0]} {plain[1]} ? {plain[2]} {weekdays}"


def _written(field: _Field, text: str) -> str:
    """Return a field in Quartz' way: ranges that run backwards are refused, which Unix does as well."""
    parts = []
    for first, last, step in field.items(text):
        if first is not None and last is not None and last < first:
            raise DeployError(f"the schedule's {field.name} '{text}' runs backwards: write two ranges.")
        if first is None:
            parts.append("*" if step is None else f"{field.low}/{step}")
        elif step is not None:
            # In Unix 5/10 without a range means just 5 to some and the whole range to others.
            parts.append(f"{first}-{last if last is not None else field.high}/{step}")
        else:
            parts.append(str(first) if last is None else f"{first}-{last}")
    return ",".join(parts)


def _weekdays(text: str) -> str | None:
    """Return Unix weekdays by their names, in the order of the week; ``None`` for all of them."""
    chosen: set[int] = set()
    for first, last, step in _UNIX_WEEKDAY.items(text):
        if first is None:
            chosen |= set(range(0, 7, step or 1))
            continue
        end = last if last is not None else (6 if step else first)
        if end < first:
            raise DeployError(f"the schedule's weekday '{text}' runs backwards: write two ranges.")
        chosen |= {day % 7 for day in range(first, end + 1, step or 1)}
    return None if text == "*" else ",".join(_DAYS[day] for day in sorted(chosen))


def _checked(fields: list[str]) -> str:
    second, minute, hour, day, month, weekday, *year = fields
    for field, text in ((_SECOND, second), (_MINUTE, minute), (_HOUR, hour), (_MONTH, month)):
        _check(field, text)
    for text in year:
        _check(_YEAR, text)
    if (day == "?") == (weekday == "?"):
        raise DeployError(
            f"the schedule has '{day}' for the day of the month and '{weekday}' for the weekday: exactly one "
            "of them is '?'."
        )
    if day != "?" and not _QUARTZ_DAY.fullmatch(day):
        _check(_DAY, day)
    if weekday != "?" and not _QUARTZ_WEEKDAY.fullmatch(weekday):
        _check(_QUARTZ_WEEKDAYS, weekday)
    return " ".join(fields)


def _check(field: _Field, text: str) -> None:
    field.items(text)
