"""The clock is set, or leaps with daylight saving time: no run is missed, none comes twice, and no token is trusted too long."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from syncd.sandbox import SandboxConfig
from tests.system.clock import Clock
from tests.system.processes import Running, Site, eventually, site

DAY = 86_400
# The moments at which the clocks of Berlin leap: from 2 to 3 o'clock, and from 3 back to 2.
SWITCHES = {
    "to summer time": datetime(2026, 3, 29, 1, tzinfo=UTC),
    "to winter time": datetime(2026, 10, 25, 1, tzinfo=UTC),
}


@contextmanager
def daemon_with(
    clock: Clock, database_url: str, folder: Path, config: SandboxConfig, *, schedule: str
) -> Iterator[tuple[Site, Running]]:
    """A daemon that goes by this clock and lives where summer time is known."""
    with site(database_url, folder, config, schedule=schedule) as here:
        here.environ = {**here.environ, **clock.environ, "TZ": "Europe/Berlin"}
        with here.start("run") as daemon:
            daemon.wait_for("cycle_finished", outcome="ok")
            yield here, daemon


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    return Clock(tmp_path)


def moment_of(event: dict[str, str]) -> datetime:
    return datetime.fromisoformat(event["timestamp"])


@pytest.mark.parametrize("switch", SWITCHES)
def test_at_a_switch_of_daylight_saving_time_a_daily_run_comes_once(
    switch: str, clock: Clock, database_url: str, tmp_path: Path
) -> None:
    due = SWITCHES[switch]
    daily = f"0 {due.hour} * * *"
    clock.show(due - timedelta(minutes=30))
    with daemon_with(clock, database_url, tmp_path, SandboxConfig(profiles=2), schedule=daily) as (_, daemon):
        clock.show(due - timedelta(seconds=2))
        _, run = daemon.wait_for("cycle_finished", 2)
        assert due <= moment_of(run) < due + timedelta(minutes=1)  # seconds, unless the machine is busy
        clock.show(due + timedelta(minutes=59, seconds=58))  # in autumn the same hour comes again
        time.sleep(4)
        assert len(daemon.events("cycle_finished")) == 2
        assert daemon.stop() == 0


@pytest.mark.long
@pytest.mark.parametrize("seconds", [DAY, pytest.param(-DAY, marks=pytest.mark.thorough)])
def test_a_clock_that_is_set_by_a_day_neither_stops_nor_doubles_the_runs(
    seconds: int, clock: Clock, database_url: str, tmp_path: Path
) -> None:
    """Neither does it let a token be used for longer than it is valid, nor ask for one with each call."""
    config = SandboxConfig(profiles=2, token_lifetime=300)
    with daemon_with(clock, database_url, tmp_path, config, schedule="every 1s") as (here, daemon):
        daemon.wait_for("cycle_finished", 2)
        clock.jump(seconds)
        time.sleep(6)  # the daemon looks at the clock every five seconds
        before, began = len(daemon.events("cycle_finished")), time.monotonic()
        here.sandbox.add_profiles(5)
        while (runs := len(daemon.events("cycle_finished")) - before) < 3 and time.monotonic() < began + 30:
            time.sleep(0.2)
        assert 2 <= runs <= time.monotonic() - began + 2
        eventually(lambda: not here.outstanding(), "what came since is brought over")
        assert daemon.stop() == 0
        answers = [request.status for request in here.sandbox.ledger.requests]
        assert set(answers) == {200}
        assert sum(request.path == "/token" for request in here.sandbox.ledger.requests) == 1
        here.assert_complete()


@pytest.mark.long
def test_a_daily_run_that_a_clock_set_forward_has_passed_is_made_up_for(
    clock: Clock, database_url: str, tmp_path: Path
) -> None:
    """So is one that came due while the machine was suspended: the clock that counts seconds stands still then."""
    clock.show(datetime(2026, 12, 1, 3, 0, tzinfo=UTC))
    config = SandboxConfig(profiles=2)
    with daemon_with(clock, database_url, tmp_path, config, schedule="0 4 * * *") as (_, daemon):
        clock.show(datetime(2026, 12, 1, 4, 30, tzinfo=UTC))
        daemon.wait_for("cycle_finished", 2)
        time.sleep(6)
        assert len(daemon.events("cycle_finished")) == 2
        assert daemon.stop() == 0
