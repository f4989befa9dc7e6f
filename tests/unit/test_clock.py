"""At the switches of daylight saving time, triggers fire as if there were none: schedules are in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from syncd.cli.triggers import next_run_at
from syncd.settings.schedule import parse_schedule
from tests.unit.test_triggers import UTC_ZONE, firings

# The moments at which the clocks of Berlin leap, each in the middle of the hour that is left out or comes twice.
SWITCHES = [datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)]
DAY = timedelta(days=1)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(
    ("line", "between"),
    [
        ("30 2 * * *", DAY),  # in spring, Berlin has no such time of day
        ("30 1 * * *", DAY),
        ("30 0 * * *", DAY),  # in autumn, Berlin has it twice
        ("0 * * * *", timedelta(hours=1)),
        ("*/15 * * * *", timedelta(minutes=15)),
        ("every 90m", timedelta(minutes=90)),
        ("every 1d", DAY),
    ],
)
def test_runs_are_as_far_apart_at_a_switch_as_ever(
    line: str, between: timedelta, switch: datetime, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    found = firings(line, 2 + 4 * DAY // between, switch - 2 * DAY)
    assert found[0] < switch < found[-1]
    assert {later - earlier for earlier, later in pairwise(found)} == {between}


@pytest.mark.parametrize("switch", SWITCHES)
def test_what_status_calls_the_next_run_is_right_at_a_switch(switch: datetime) -> None:
    nightly = parse_schedule("30 1 * * *")
    assert next_run_at(nightly, UTC_ZONE, None, switch) == switch + timedelta(minutes=30)
    assert next_run_at(nightly, UTC_ZONE, switch, switch + timedelta(hours=1)) == switch + DAY + timedelta(
        minutes=30
    )
