from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from databricks_local.engine.quartz import QuartzError, parse, zone_of
from hypothesis import given, settings
from hypothesis import strategies as st

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

Matches = Callable[[int], bool]
"""An independent reading of one field: whether it holds a number."""

MatchesDay = Callable[[date], bool]


def next_of(text: str, after: str, zone: str = "UTC") -> str | None:
    found = parse(text).next_after(datetime.fromisoformat(after).astimezone(UTC), zone_of(zone))
    return found and found.astimezone(zone_of(zone)).isoformat(" ")


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        ("0 0 2 * * ?", "2026-01-01T02:00:00+00:00", "2026-01-02 02:00:00+00:00"),
        ("0 0 12 ? * WED", "2026-11-21T00:00:00+00:00", "2026-11-25 12:00:00+00:00"),
        ("0 0/5 14,18 * * ?", "2026-01-01T14:55:00+00:00", "2026-01-01 18:00:00+00:00"),
        ("0 0 22-2/2 * * ?", "2026-01-01T22:00:00+00:00", "2026-01-02 00:00:00+00:00"),
        ("0 15 10 L * ?", "2028-02-01T00:00:00+00:00", "2028-02-29 10:15:00+00:00"),
        ("0 15 10 L-2 * ?", "2026-02-01T00:00:00+00:00", "2026-02-26 10:15:00+00:00"),
        ("0 15 10 LW * ?", "2026-05-01T00:00:00+00:00", "2026-05-29 10:15:00+00:00"),
        ("0 0 0 1W * ?", "2026-08-01T00:00:00+00:00", "2026-08-03 00:00:00+00:00"),
        ("0 0 0 15W * ?", "2026-08-01T00:00:00+00:00", "2026-08-14 00:00:00+00:00"),
        ("0 0 0 31W * ?", "2026-05-01T00:00:00+00:00", "2026-05-29 00:00:00+00:00"),
        ("0 15 10 ? * 6L", "2026-11-01T00:00:00+00:00", "2026-11-27 10:15:00+00:00"),
        ("0 15 10 ? * friL", "2026-11-01T00:00:00+00:00", "2026-11-27 10:15:00+00:00"),
        ("0 15 10 ? * L", "2026-11-22T00:00:00+00:00", "2026-11-28 10:15:00+00:00"),
        ("0 15 10 ? * 6#3", "2026-11-01T00:00:00+00:00", "2026-11-20 10:15:00+00:00"),
        ("0 0 0 ? * SUN#5", "2026-11-01T00:00:00+00:00", "2026-11-29 00:00:00+00:00"),
        ("0 0 0 ? * FRI-MON", "2026-11-23T00:00:00+00:00", "2026-11-27 00:00:00+00:00"),
        ("0 0 0 1 JAN ? 2030", "2026-11-01T00:00:00+00:00", "2030-01-01 00:00:00+00:00"),
        ("0 0 0 1 1 ? 2031/2", "2026-11-01T00:00:00+00:00", "2031-01-01 00:00:00+00:00"),
        ("30 0 0 29 2 ?", "2096-02-29T00:00:30+00:00", None),
        ("0 0 0 30 2 ?", "2026-01-01T00:00:00+00:00", None),
        ("0 0 0 1 1 ? 2020", "2026-01-01T00:00:00+00:00", None),
    ],
)
def test_next_fire(text: str, after: str, expected: str | None) -> None:
    assert next_of(text, after) == expected


def test_a_time_that_clocks_skip_does_not_fire() -> None:
    assert (
        next_of("0 30 2 * * ?", "2026-03-28T12:00:00+00:00", "Europe/Berlin") == "2026-03-30 02:30:00+02:00"
    )


def test_a_time_that_comes_twice_fires_once_at_its_second_coming() -> None:
    first = next_of("0 30 2 * * ?", "2026-10-24T22:00:00+00:00", "Europe/Berlin")
    assert first == "2026-10-25 02:30:00+01:00"
    assert (
        next_of("0 30 2 * * ?", "2026-10-25T01:30:00+00:00", "Europe/Berlin") == "2026-10-26 02:30:00+01:00"
    )


@pytest.mark.parametrize(
    ("name", "same_as"),
    [
        ("PST", "America/Los_Angeles"),
        ("GMT+2", "Etc/GMT-2"),
        ("UTC-05:00", "Etc/GMT+5"),
        ("GMT+0530", "Asia/Kolkata"),
    ],
)
def test_java_names_of_zones(name: str, same_as: str) -> None:
    moment = datetime(2026, 7, 1, tzinfo=UTC)
    assert moment.astimezone(zone_of(name)).utcoffset() == moment.astimezone(ZoneInfo(same_as)).utcoffset()


@pytest.mark.parametrize("name", ["", "Europe", "Mars/Olympus", "/etc/passwd", "../UTC", "GMT+25"])
def test_no_zone(name: str) -> None:
    with pytest.raises(QuartzError, match="is no time zone"):
        zone_of(name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 0 2 * *", "5 fields"),
        ("0 0 2 * * ? * *", "8 fields"),
        ("0 0 2 * * *", "must be '\\?'"),
        ("0 0 2 ? * ?", "must be '\\?'"),
        ("? 0 2 * * ?", "no second"),
        ("60 0 2 * * ?", "no second: 0 to 59"),
        ("0 0 24 * * ?", "no hour"),
        ("0 0 2 0 * ?", "no day of month"),
        ("0 0 2 32W * ?", "no day of month"),
        ("0 0 2 * FOO ?", "no month"),
        ("0 0 2 ? * 8", "no day of week"),
        ("0 0 2 ? * MON#6", "first to a fifth"),
        ("0 0 2 ? * MON,WED#2", "goes with no others"),
        ("0 0 2 1,L * ?", "go with no others"),
        ("0 0 2 1-5W * ?", "go with no others"),
        ("0 0 2 L-31 * ?", "more than a month"),
        ("0 */0 2 * * ?", "no step"),
        ("0 */60 2 * * ?", "no step"),
        ("0 1, 2 * * ?", "empty"),
        ("0 0 2 * * ? 2030-2029", "end before"),
        ("0 0 2 * * ? 1969", "no year"),
        ("0 ² 2 * * ?", "no minute"),
    ],
)
def test_what_is_no_expression(text: str, reason: str) -> None:
    with pytest.raises(QuartzError, match=reason):
        parse(text)


@st.composite
def fields(draw: st.DrawFn, first: int, last: int, names: tuple[str, ...] = ()) -> tuple[str, Matches]:
    def shown(number: int) -> str:
        return names[number - first] if names and draw(st.booleans()) else str(number)

    parts: list[str] = []
    readings: list[Matches] = []
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(first, last))
        end = draw(st.integers(first, last))
        step = draw(st.integers(1, last))
        match draw(st.sampled_from(["one", "range", "from", "every", "stepped range"])):
            case "one":
                parts.append(shown(start))
                readings.append(lambda number, start=start: number == start)
            case "range":
                parts.append(f"{shown(start)}-{shown(end)}")
                readings.append(
                    lambda number, start=start, end=end: (
                        start <= number <= end if start <= end else number >= start or number <= end
                    )
                )
            case "from":
                parts.append(f"{shown(start)}/{step}")
                readings.append(
                    lambda number, start=start, step=step: number >= start and (number - start) % step == 0
                )
            case "every":
                parts.append(f"*/{step}")
                readings.append(lambda number, step=step: (number - first) % step == 0)
            case "stepped range":
                low, high = sorted((start, end))
                parts.append(f"{low}-{high}/{step}")
                readings.append(
                    lambda number, low=low, high=high, step=step: (
                        low <= number <= high and (number - low) % step == 0
                    )
                )
    return ",".join(parts), lambda number: any(reading(number) for reading in readings)


def last_day(day: date) -> date:
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def nearest_weekday(target: date) -> date:
    # Looks around itself, instead of computing: nearest first, Friday before Monday at the same distance.
    around = sorted(
        (target + timedelta(days=distance) for distance in range(-3, 4)),
        key=lambda each: (abs(each - target), each),
    )
    return next(each for each in around if each.weekday() < 5 and each.month == target.month)


def is_nearest_weekday_to(number: int) -> MatchesDay:
    def matches(day: date) -> bool:
        if number > last_day(day).day:
            return False
        return nearest_weekday(day.replace(day=number)) == day

    return matches


@st.composite
def day_fields(draw: st.DrawFn) -> tuple[str, str, MatchesDay]:
    number = draw(st.integers(1, 31))
    weekday = draw(st.integers(0, 6))
    quartz_number = str((weekday + 1) % 7 + 1)
    shown = draw(st.sampled_from([DAYS[weekday], quartz_number]))
    match draw(st.sampled_from(["numbers", "weekdays", "L", "L-n", "LW", "nW", "dL", "d#n"])):
        case "numbers":
            text, reading = draw(fields(1, 31))
            return text, "?", lambda day: reading(day.day)
        case "weekdays":
            text, reading = draw(fields(1, 7, ("SUN", *DAYS[:6])))
            return "?", text, lambda day: reading(day.isoweekday() % 7 + 1)
        case "L":
            return "L", "?", lambda day: day == last_day(day)
        case "L-n":
            back = draw(st.integers(1, 30))
            return f"L-{back}", "?", lambda day: day.day == last_day(day).day - back
        case "LW":
            return "LW", "?", lambda day: day == nearest_weekday(last_day(day))
        case "nW":
            return f"{number}W", "?", is_nearest_weekday_to(number)
        case "dL":
            return (
                "?",
                f"{shown}L",
                lambda day: day.weekday() == weekday and (day + timedelta(days=7)).month != day.month,
            )
    nth = draw(st.integers(1, 5))
    return "?", f"{shown}#{nth}", lambda day: day.weekday() == weekday and (day.day - 1) // 7 + 1 == nth


@settings(max_examples=150)
@given(day_fields(), fields(1, 12, MONTHS), st.dates(date(2020, 1, 1), date(2032, 12, 31)))
def test_days_agree_with_a_reading_of_each_day(
    days: tuple[str, str, MatchesDay], months: tuple[str, Matches], start: date
) -> None:
    day_of_month, day_of_week, day_matches = days
    month_text, month_matches = months
    expression = parse(f"0 0 0 {day_of_month} {month_text} {day_of_week}")
    end = start + timedelta(days=800)

    moment = datetime(start.year, start.month, start.day, tzinfo=UTC) - timedelta(seconds=1)
    fired = []
    while (found := expression.next_after(moment, UTC)) and found.date() < end:
        fired.append(found.date())
        moment = found

    every_day = [start + timedelta(days=distance) for distance in range(800)]
    assert fired == [day for day in every_day if month_matches(day.month) and day_matches(day)]


@settings(max_examples=60)
@given(
    fields(0, 59),
    fields(0, 23),
    st.integers(0, 59),
    st.sampled_from(
        [
            ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
            ("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)),
            ("America/New_York", datetime(2026, 11, 1, tzinfo=UTC)),
            ("Australia/Lord_Howe", datetime(2026, 4, 4, tzinfo=UTC)),
            ("America/St_Johns", datetime(2006, 10, 29, tzinfo=UTC)),
            ("Pacific/Apia", datetime(2011, 12, 30, tzinfo=UTC)),
            ("Asia/Kathmandu", datetime(2026, 1, 1, tzinfo=UTC)),
        ]
    ),
    st.integers(-12 * 3600, 24 * 3600),
)
def test_times_agree_with_a_reading_of_each_minute(
    minutes: tuple[str, Matches],
    hours: tuple[str, Matches],
    second: int,
    change: tuple[str, datetime],
    offset: int,
) -> None:
    zone = ZoneInfo(change[0])
    start = change[1] + timedelta(seconds=offset)
    end = start + timedelta(hours=30)
    expression = parse(f"{second} {minutes[0]} {hours[0]} * * ?")

    fired = []
    moment = start
    while (found := expression.next_after(moment, zone)) and found <= end:
        fired.append(found)
        moment = found

    expected = []
    instant = start.replace(second=0) - timedelta(minutes=1) + timedelta(seconds=second)
    while instant <= end:
        local = instant.astimezone(zone)
        comes_again = local.replace(fold=1).astimezone(UTC) != instant
        if instant > start and hours[1](local.hour) and minutes[1](local.minute) and not comes_again:
            expected.append(instant)
        instant += timedelta(minutes=1)
    assert fired == expected


def test_all_seconds_of_a_minute_fire() -> None:
    expression = parse("* 0 12 ? * MON 2026")
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    count = 0
    while found := expression.next_after(moment, UTC):
        moment = found
        count += 1
    assert count == 60 * 52
