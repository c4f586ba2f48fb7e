"""Schedules: what Unix cron says and what its translation to Quartz says are the same moments."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from skyspark.errors import DeployError
from skyspark.pipeline.deploy.schedule import parse_schedule

DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def values(text, low, high, names=(), names_from=0):
    """What a field of cron matches, the slow way."""

    def number(word):
        return names.index(word) + names_from if word in names else int(word)

    found = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        if first == "*":
            start, end = low, high
        else:
            start = number(first)
            end = number(last) if last else (high if step else start)
        found |= set(range(start, end + 1, int(step or 1)))
    return found


def unix_fires(expression, moment):
    minute, hour, _, month, weekday = expression.split()
    weekdays = {day % 7 for day in values(weekday, 0, 6, DAYS)}
    return (
        moment.minute in values(minute, 0, 59)
        and moment.hour in values(hour, 0, 23)
        and moment.month in values(month, 1, 12, MONTHS, 1)
        and days_match(expression.split()[2], moment)
        and (weekday == "*" or moment.isoweekday() % 7 in weekdays)
    )


def days_match(text, moment):
    return text == "?" or moment.day in values(text, 1, 31)


def quartz_fires(expression, moment):
    second, minute, hour, day, month, weekday = expression.split()
    return (
        second == "0"
        and moment.minute in values(minute, 0, 59)
        and moment.hour in values(hour, 0, 23)
        and moment.month in values(month, 1, 12, MONTHS, 1)
        and days_match(day, moment)
        and (weekday == "?" or moment.isoweekday() % 7 + 1 in values(weekday, 1, 7, DAYS, 1))
    )


def field(low, high, names=(), names_from=0):
    number = st.integers(low, high)
    word = number.map(lambda n: names[n - names_from] if names and n - names_from < len(names) else str(n))
    span = st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}")
    step = st.integers(1, high)
    item = st.one_of(
        number.map(str),
        word,
        span,
        st.tuples(span, step).map("{0[0]}/{0[1]}".format),
        step.map("*/{}".format),
    )
    return st.one_of(st.just("*"), st.lists(item, min_size=1, max_size=3).map(",".join))


MOMENT = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1)).map(
    lambda m: m.replace(second=0, microsecond=0)
)


@given(
    field(0, 59),
    field(0, 23),
    field(1, 12, MONTHS, 1),
    st.one_of(st.tuples(field(1, 31), st.just("*")), st.tuples(st.just("*"), field(0, 7, DAYS))),
    st.lists(MOMENT, min_size=20, max_size=20),
)
def test_a_translation_fires_at_the_same_moments(minute, hours, month, days, moments):
    expression = f"{minute} {hours} {days[0]} {month} {days[1]}"
    quartz = parse_schedule(expression).quartz
    assert parse_schedule(quartz).quartz == quartz
    for moment in moments:
        # Near the moment something fires more often than at it.
        for near in (
            moment,
            moment.replace(minute=0),
            moment.replace(hour=0, minute=0),
            moment + timedelta(days=1),
        ):
            assert quartz_fires(quartz, near) == unix_fires(expression, near), (quartz, near)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("0 2 * *", "'0 2 * *' is none: Unix cron has 5 fields"),
        ("60 2 * * *", "minute '60' is wrong: use 0 to 59."),
        ("0 2 * * MONDAY", "weekday 'MONDAY' is wrong"),
        ("0 2 * * XYZ", "weekday 'XYZ' is wrong: use 0 to 7 or SUN to SAT."),
        ("0 2 * * 5-1", "weekday '5-1' runs backwards: write two ranges."),
        ("0 22-2 * * *", "hour '22-2' runs backwards: write two ranges."),
        ("0 */0 * * *", "hour has a step of 0: use 1 to 23."),
        ("0 2 1 * MON", "names days of the month (1) and weekdays (MON)"),
        ("0 2 */2 * MON", "a step of days (*/2) and weekdays (MON)"),
        ("0 0 2 * * *", "exactly one of them is '?'"),
        ("0 0 25 * * ?", "hour '25' is wrong: use 0 to 23."),
        ("0 0 2 ? * 8", "weekday '8' is wrong: use 1 to 7 or SUN to SAT."),
    ],
)
def test_what_is_wrong_is_named(expression, sentence):
    with pytest.raises(DeployError) as refused:
        parse_schedule(expression)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    "expression", ["0 0 2 L * ?", "0 0 2 15W * ?", "0 0 2 ? * MON#1", "0 0 2 ? * 6L", "0 0 2 1 1 ? 2027"]
)
def test_what_only_quartz_has_passes(expression):
    assert parse_schedule(expression).quartz == expression


def test_a_time_zone_that_is_none_is_refused():
    with pytest.raises(DeployError, match=r"'Europe/Berln' \(did you mean 'Europe/Berlin'\?\)"):
        parse_schedule("0 2 * * *", "Europe/Berln")
