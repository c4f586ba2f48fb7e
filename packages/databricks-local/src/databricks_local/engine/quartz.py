"""Cron expressions of Quartz, the dialect of job schedules.

https://www.quartz-scheduler.org/documentation/quartz-2.3.0/tutorials/crontrigger.html describes it: seconds,
minutes, hours, day of month, month, day of week and perhaps years. No kept library on PyPI reads all of it.
"""

import calendar
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import partial
from zoneinfo import ZoneInfo

FIRST_YEAR, LAST_YEAR = 1970, 2099

_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if name}
_DAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}

_LONGEST_OVERLAP = timedelta(hours=3)
"""No zone has ever put its clocks back by more."""

# What `java.util.TimeZone` takes beside the names of the time zone database.
_JAVA_ZONES = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa",
    "ECT": "Europe/Paris",
    "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MIT": "Pacific/Apia",
    "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi",
    "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh",
}
_OFFSET_ZONE = re.compile(r"(?:GMT|UTC)([+-])(\d{1,2})(?::?([0-5]\d))?")


class QuartzError(ValueError):
    """An expression or a time zone that cannot be read; the text says what is wrong with it."""


@dataclass(frozen=True)
class _Field:
    name: str
    first: int
    last: int
    names: Mapping[str, int]
    wraps: bool = True


_SECOND = _Field("second", 0, 59, {})
_MINUTE = _Field("minute", 0, 59, {})
_HOUR = _Field("hour", 0, 23, {})
_DAY_OF_MONTH = _Field("day of month", 1, 31, {})
_MONTH = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK = _Field("day of week", 1, 7, _DAYS)
_YEAR = _Field("year", FIRST_YEAR, LAST_YEAR, {}, wraps=False)

_Days = Callable[[int, int], frozenset[int]]
"""The days of a month of a year on which an expression fires."""


@dataclass(frozen=True)
class QuartzExpression:
    """When a schedule fires, in local time.

    Attributes:
        text: The expression.
        seconds: The seconds, in order.
        minutes: The minutes, in order.
        hours: The hours, in order.
        months: The months, in order.
        years: The years, in order.
        days: Gives the days of a month of a year.
    """

    text: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...]
    days: _Days

    def next_after(self, moment: datetime, zone: tzinfo) -> datetime | None:
        """Return the first time to fire after a moment.

        As in Quartz, what is skipped where clocks are put forward does not fire, and of two equal times where
        they are put back the second does.

        Args:
            moment: A time with a zone.
            zone: The schedule's zone.

        Returns:
            The time, in UTC; None when the expression never fires again.
        """
        local = moment.astimezone(zone)
        start = local.replace(tzinfo=None)
        if local.utcoffset() != local.replace(fold=1).utcoffset():
            start -= _LONGEST_OVERLAP
        for candidate in self._local_times(start):
            fires = candidate.replace(tzinfo=zone, fold=1).astimezone(UTC)
            if fires > moment and fires.astimezone(zone).replace(tzinfo=None) == candidate:
                return fires
        return None

    def _local_times(self, start: datetime) -> Iterator[datetime]:
        for year in self.years[bisect_left(self.years, start.year) :]:
            for month in self.months:
                if (year, month) < (start.year, start.month):
                    continue
                for day in sorted(self.days(year, month)):
                    that_day = date(year, month, day)
                    if that_day > start.date():
                        yield from self._times_of(that_day, (0, 0, 0))
                    elif that_day == start.date():
                        yield from self._times_of(that_day, (start.hour, start.minute, start.second))

    def _times_of(self, day: date, start: tuple[int, int, int]) -> Iterator[datetime]:
        for hour in self.hours[bisect_left(self.hours, start[0]) :]:
            first_minute = start[1] if hour == start[0] else 0
            for minute in self.minutes[bisect_left(self.minutes, first_minute) :]:
                first_second = start[2] if (hour, minute) == start[:2] else 0
                for second in self.seconds[bisect_left(self.seconds, first_second) :]:
                    yield datetime(day.year, day.month, day.day, hour, minute, second)


def parse(text: str) -> QuartzExpression:
    """Read an expression.

    Args:
        text: Six or seven fields with spaces between.

    Raises:
        QuartzError: It is none.
    """
    fields = text.upper().split()
    if len(fields) not in (6, 7):
        raise QuartzError(
            f"it has {len(fields)} fields, not six or seven: second, minute, hour, day of month, month, "
            "day of week and perhaps year"
        )
    second, minute, hour, day_of_month, month, day_of_week, *year = fields
    return QuartzExpression(
        text,
        _numbers(_SECOND, second),
        _numbers(_MINUTE, minute),
        _numbers(_HOUR, hour),
        _numbers(_MONTH, month),
        _numbers(_YEAR, year[0] if year else "*"),
        _days(day_of_month, day_of_week),
    )


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its Java name: one of the time zone database, ``PST``, ``GMT+2``, ….

    Args:
        name: The name.

    Raises:
        QuartzError: There is none of this name.
    """
    if offset := _OFFSET_ZONE.fullmatch(name):
        sign, hours, minutes = offset.groups()
        if int(hours) < 24:
            distance = timedelta(hours=int(hours), minutes=int(minutes or 0))
            return timezone(-distance if sign == "-" else distance)
    try:
        return ZoneInfo(_JAVA_ZONES.get(name, name))
    except (KeyError, ValueError, OSError):
        # A name such as "Europe" is a folder of the database, and an absolute path is no name.
        raise QuartzError(f"'{name}' is no time zone") from None


def _numbers(field: _Field, text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_part(field, part))
    return tuple(sorted(found))


def _part(field: _Field, text: str) -> Iterator[int]:
    span, slash, step_text = text.partition("/")
    step = _step(field, step_text) if slash else 1
    if span in ("*", ""):
        if not span and not slash:
            raise QuartzError(f"a {field.name} is empty")
        return iter(range(field.first, field.last + 1, step))
    start_text, dash, end_text = span.partition("-")
    start = _number(field, start_text)
    single = field.last if slash else start
    end = _number(field, end_text) if dash else single
    if start <= end:
        return iter(range(start, end + 1, step))
    if not field.wraps:
        raise QuartzError(f"the {field.name}s '{text}' end before they start")
    size = field.last - field.first + 1
    return ((number - field.first) % size + field.first for number in range(start, end + size + 1, step))


def _step(field: _Field, text: str) -> int:
    limit = field.last - field.first + 1 if field is _YEAR else field.last
    if not text.isdecimal() or not 1 <= int(text) <= limit:
        raise QuartzError(f"'/{text}' is no step of a {field.name}: 1 to {limit}")
    return int(text)


def _number(field: _Field, text: str) -> int:
    if text in field.names:
        return field.names[text]
    if not text.isdecimal() or not field.first <= int(text) <= field.last:
        raise QuartzError(f"'{text}' is no {field.name}: {field.first} to {field.last}")
    return int(text)


def _days(day_of_month: str, day_of_week: str) -> _Days:
    if (day_of_month == "?") == (day_of_week == "?"):
        raise QuartzError("one of day of month and day of week must be '?', the other not")
    if day_of_week == "?":
        return _days_of_month(day_of_month)
    return _days_of_week(day_of_week)


def _days_of_month(text: str) -> _Days:
    if match := re.fullmatch(r"L(?:-(\d+))?(W)?", text):
        before = int(match[1] or 0)
        if before > 30:
            raise QuartzError(f"'{text}' is more than a month before the month's last day")
        return partial(_last_day, before, bool(match[2]))
    if match := re.fullmatch(r"(\d+)W", text):
        return partial(_nearest_weekday, _number(_DAY_OF_MONTH, match[1]))
    if re.search("[LW]", text):
        raise QuartzError(f"'{text}': L and W stand for one day and go with no others")
    return partial(_plain_days, frozenset(_numbers(_DAY_OF_MONTH, text)))


def _days_of_week(text: str) -> _Days:
    if text == "L":
        text = "7"
    if match := re.fullmatch(r"(\w+)#(\d)", text):
        if not 1 <= int(match[2]) <= 5:
            raise QuartzError(f"'{text}': a month has a first to a fifth of each day of the week")
        return partial(_nth_of_weekday, _number(_DAY_OF_WEEK, match[1]), int(match[2]))
    if match := re.fullmatch(r"(\w+)L", text):
        return partial(_last_of_weekday, _number(_DAY_OF_WEEK, match[1]))
    if "#" in text:
        raise QuartzError(f"'{text}': # stands for one day and goes with no others")
    return partial(_weekdays, frozenset(_numbers(_DAY_OF_WEEK, text)))


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _plain_days(days: frozenset[int], year: int, month: int) -> frozenset[int]:
    return frozenset(day for day in days if day <= _length(year, month))


def _last_day(before: int, weekday: bool, year: int, month: int) -> frozenset[int]:
    day = _length(year, month) - before
    if day < 1:
        return frozenset()
    return _nearest_weekday(day, year, month) if weekday else frozenset({day})


def _nearest_weekday(day: int, year: int, month: int) -> frozenset[int]:
    last = _length(year, month)
    if day > last:
        return frozenset()
    # It never leaves the month: a Saturday the 1st moves to Monday the 3rd.
    match date(year, month, day).isoweekday():
        case 6:
            day += -1 if day > 1 else 2
        case 7:
            day += 1 if day < last else -2
    return frozenset({day})


def _weekdays(wanted: frozenset[int], year: int, month: int) -> frozenset[int]:
    days = range(1, _length(year, month) + 1)
    return frozenset(day for day in days if _quartz_weekday(year, month, day) in wanted)


def _nth_of_weekday(wanted: int, nth: int, year: int, month: int) -> frozenset[int]:
    return frozenset(sorted(_weekdays(frozenset({wanted}), year, month))[nth - 1 : nth])


def _last_of_weekday(wanted: int, year: int, month: int) -> frozenset[int]:
    return frozenset({max(_weekdays(frozenset({wanted}), year, month))})


def _quartz_weekday(year: int, month: int, day: int) -> int:
    return date(year, month, day).isoweekday() % 7 + 1
