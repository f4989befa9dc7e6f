"""Cron lines fire as cron(5) says, in UTC or by the clocks of a zone; APScheduler reads several things otherwise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.base import BaseTrigger
from hypothesis import given
from hypothesis import strategies as st

from syncd.cli.triggers import next_run_at, trigger_of
from syncd.settings import longest_gap
from syncd.settings.schedule import Cron, Every, parse_schedule

UTC_ZONE = ZoneInfo("UTC")
BERLIN = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 11, 30, 0, 0, 30, tzinfo=UTC)


def firings(line: str, count: int, after: datetime = MONDAY, zone: ZoneInfo = UTC_ZONE) -> list[datetime]:
    """The first `count` times at which the line fires after a moment, as the scheduler asks for them."""
    trigger: BaseTrigger = trigger_of(parse_schedule(line), zone)
    found: list[datetime] = []
    previous: datetime | None = None
    while len(found) < count:
        previous = trigger.get_next_fire_time(previous, previous or after)
        assert previous is not None
        found.append(previous)
    return found


def days(line: str, count: int, after: datetime = MONDAY) -> list[str]:
    return [f"{moment:%a %d.%m.}" for moment in firings(line, count, after)]


@pytest.mark.parametrize("sunday", ["0", "7", "sun", "SUN"])
def test_sunday_is_0_and_7_and_sun(sunday: str) -> None:
    assert days(f"0 3 * * {sunday}", 2) == ["Sun 06.12.", "Sun 13.12."]


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("1", ["Mon 07.12.", "Mon 14.12."]),
        ("1-5", ["Tue 01.12.", "Wed 02.12.", "Thu 03.12.", "Fri 04.12.", "Mon 07.12."]),
        ("mon-fri", ["Tue 01.12.", "Wed 02.12.", "Thu 03.12.", "Fri 04.12.", "Mon 07.12."]),
        ("6-7", ["Sat 05.12.", "Sun 06.12.", "Sat 12.12."]),
        ("sat-sun", ["Sat 05.12.", "Sun 06.12.", "Sat 12.12."]),
        ("0,6", ["Sat 05.12.", "Sun 06.12.", "Sat 12.12."]),
        ("*/2", ["Tue 01.12.", "Thu 03.12.", "Sat 05.12.", "Sun 06.12.", "Tue 08.12."]),
    ],
)
def test_weekdays_count_from_sunday(field: str, expected: list[str]) -> None:
    assert days(f"0 0 * * {field}", len(expected)) == expected


def test_with_both_day_fields_restricted_either_fires_and_a_day_that_is_both_fires_once() -> None:
    # 13.12. is a Sunday; December 2026 has its Fridays on the 4th, 11th, 18th and 25th.
    assert days("30 6 13 * fri", 4) == ["Fri 04.12.", "Fri 11.12.", "Sun 13.12.", "Fri 18.12."]
    assert days("30 6 11 * fri", 3) == ["Fri 04.12.", "Fri 11.12.", "Fri 18.12."]


def test_with_one_day_field_a_star_the_other_alone_decides() -> None:
    assert days("0 12 13 * *", 2) == ["Sun 13.12.", "Wed 13.01."]
    assert days("0 12 * * sun", 2) == ["Sun 06.12.", "Sun 13.12."]
    # A field that begins with a star does not count as restricted, so both must match: an odd day and a Sunday.
    assert days("0 12 */2 * sun", 2) == ["Sun 13.12.", "Sun 27.12."]


def test_steps_lists_and_names_of_months() -> None:
    minutes = [f"{moment:%H:%M}" for moment in firings("*/20 6,22 * * *", 5)]
    assert minutes == ["06:00", "06:20", "06:40", "22:00", "22:20"]
    assert days("0 0 1 jan,mar *", 3) == ["Fri 01.01.", "Mon 01.03.", "Sat 01.01."]
    assert days("0 0 29 2 *", 2, MONDAY) == ["Tue 29.02.", "Sun 29.02."]


@pytest.mark.parametrize("change", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_a_change_of_the_clocks_neither_skips_nor_doubles_a_run(change: datetime) -> None:
    assert ZoneInfo("Europe/Berlin").utcoffset(change.replace(tzinfo=None)) != ZoneInfo(
        "Europe/Berlin"
    ).utcoffset(change.replace(tzinfo=None) + timedelta(days=1))
    found = firings("30 * * * *", 48, change - timedelta(hours=12))
    assert {later - earlier for earlier, later in pairwise(found)} == {timedelta(hours=1)}
    assert all(moment.utcoffset() == timedelta(0) for moment in found)


@given(
    minute=st.integers(0, 59),
    hour=st.integers(0, 23),
    day=st.one_of(st.none(), st.integers(1, 28)),
    weekday=st.one_of(st.none(), st.integers(0, 7)),
)
def test_any_line_fires_exactly_when_its_fields_match(
    minute: int, hour: int, day: int | None, weekday: int | None
) -> None:
    fields = ["*" if field is None else str(field) for field in (day, weekday)]
    expected: list[datetime] = []
    moment = MONDAY.replace(hour=hour, minute=minute, second=0)
    while len(expected) < 5:
        on_day = day is not None and moment.day == day
        on_weekday = weekday is not None and moment.isoweekday() % 7 == weekday % 7
        if moment > MONDAY and (on_day or on_weekday or day is weekday is None):
            expected.append(moment)
        moment += timedelta(days=1)
    assert firings(f"{minute} {hour} {fields[0]} * {fields[1]}", 5) == expected


def test_an_interval_counts_from_the_last_start() -> None:
    every = parse_schedule("every 90s")
    assert isinstance(every, Every)
    assert next_run_at(every, UTC_ZONE, None, MONDAY) == MONDAY
    assert next_run_at(every, UTC_ZONE, MONDAY, MONDAY + timedelta(seconds=10)) == MONDAY + timedelta(
        seconds=90
    )
    trigger = trigger_of(every, UTC_ZONE)
    assert trigger.get_next_fire_time(MONDAY, MONDAY) == MONDAY + timedelta(seconds=90)


def test_the_next_run_of_a_cron_line_is_the_next_match_whenever_the_last_one_was() -> None:
    line = Cron("15 4 * * *")
    due = datetime(2026, 11, 30, 4, 15, tzinfo=UTC)
    assert next_run_at(line, UTC_ZONE, None, MONDAY) == due
    assert next_run_at(line, UTC_ZONE, MONDAY - timedelta(days=30), MONDAY) == due


SPRING, AUTUMN = datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)


def shown(line: str, after: datetime, count: int) -> list[str]:
    return [
        moment.astimezone(BERLIN).isoformat(" ", "minutes")[5:]
        for moment in firings(line, count, after, BERLIN)
    ]


def test_at_half_past_two_in_berlin_one_run_comes_each_day_also_when_that_hour_is_skipped_or_comes_twice() -> (
    None
):
    # On 29.03. the clocks go from 2 to 3 o'clock: it runs as late as after any other midnight.
    assert shown("30 2 * * *", SPRING, 3) == ["03-28 02:30+01:00", "03-29 03:30+02:00", "03-30 02:30+02:00"]
    assert shown("30 2 * * *", AUTUMN, 3) == ["10-24 02:30+02:00", "10-25 02:30+02:00", "10-26 02:30+01:00"]
    # Runs that fall together are one.
    assert shown("30 2,3 * * *", SPRING + timedelta(days=1), 3) == (
        ["03-29 03:30+02:00", "03-30 02:30+02:00", "03-30 03:30+02:00"]
    )
    assert shown("0 2-4 * * *", AUTUMN + timedelta(days=1), 3) == (
        ["10-25 02:00+02:00", "10-25 03:00+01:00", "10-25 04:00+01:00"]
    )
    # A daemon that starts in between, and `syncd status`, find the same runs.
    nightly = parse_schedule("30 2 * * *")
    for now, due in {
        "2026-03-29 03:10+02:00": "2026-03-29 03:30+02:00",
        "2026-03-29 03:31+02:00": "2026-03-30 02:30+02:00",
        "2026-10-25 02:29+02:00": "2026-10-25 02:30+02:00",
        "2026-10-25 02:10+01:00": "2026-10-26 02:30+01:00",
    }.items():
        assert next_run_at(nightly, BERLIN, None, datetime.fromisoformat(now)) == datetime.fromisoformat(due)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"])
@pytest.mark.parametrize("line", ["*/20 * * * *", "7 * * * *", "*/30 1-3 * * *"])
@pytest.mark.parametrize("month", [3, 4, 10, 11])
def test_a_line_with_a_star_fires_whenever_the_clocks_show_a_match(line: str, zone: str, month: int) -> None:
    """Compared with a look at the clocks in each minute of the days on which they change."""
    where, cron = ZoneInfo(zone), Cron(line)
    minutes, hours = set(cron.minutes), set(cron.hours)
    hour = datetime(2026, month, 1, tzinfo=UTC)
    offsets = [(hour + timedelta(hours=n)).astimezone(where).utcoffset() for n in range(24 * 30)]
    change = next((n for n in range(1, len(offsets)) if offsets[n] != offsets[n - 1]), 12)
    begin = hour + timedelta(hours=change - 12)
    looks = [(begin + timedelta(minutes=n)).astimezone(where) for n in range(60 * 24)]
    expected = [look.astimezone(UTC) for look in looks if look.minute in minutes and look.hour in hours]
    assert expected
    assert [moment.astimezone(UTC) for moment in firings(line, len(expected), begin, where)] == expected


@pytest.mark.parametrize(
    ("line", "gap"),
    [
        ("every 90s", timedelta(seconds=90)),
        ("* * * * *", timedelta(minutes=1)),
        ("*/25 * * * *", timedelta(minutes=25)),
        ("*/10 6-20 * * *", timedelta(hours=9, minutes=10)),
        ("*/10 6-20 * * mon-fri", timedelta(days=2, hours=9, minutes=10)),
        ("0 3 13 * fri", timedelta(days=7)),  # either of them
        ("30 2 31 * *", timedelta(days=61)),
        ("0 0 29 2 *", timedelta(days=4 * 365 + 1)),
        ("0 0 */29 2 mon", timedelta(days=11 * 365 + 3)),  # the 1st, if it is a Monday
    ],
)
def test_the_longest_gap_is_that_between_two_firings(line: str, gap: timedelta) -> None:
    assert longest_gap(parse_schedule(line), UTC_ZONE) == gap.total_seconds()
    if gap < timedelta(days=8):
        # After 09.11.2026, which is a Monday, three weeks have every gap of a week.
        times = firings(line, 5000, MONDAY - timedelta(weeks=3))
        assert max(later - earlier for earlier, later in pairwise(times)) == gap


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Australia/Lord_Howe", "Asia/Kolkata"])
@pytest.mark.parametrize(
    "line",
    ["*/30 * * * *", "20 6-20 * * *", "*/20 2 * * *", "*/20 2 * * sun", "30 2 * * *", "5 */12 * * sat,sun"],
)
def test_no_gap_is_longer_than_the_longest_one_when_the_clocks_change(line: str, zone: str) -> None:
    where = ZoneInfo(zone)
    this_year = datetime.now(UTC).year
    longest = longest_gap(Cron(line), where)
    gaps = [
        later - earlier
        for month in (3, 4, 10, 11)
        for earlier, later in pairwise(firings(line, 60, datetime(this_year, month, 18, tzinfo=UTC), where))
    ]
    # Where clocks change by an hour at night, a gap may be too long by that hour, if no run falls into that night.
    assert timedelta(0) <= timedelta(seconds=longest) - max(gaps) <= timedelta(hours=1)
