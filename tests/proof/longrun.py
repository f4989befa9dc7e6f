"""Runs a daemon for thirty simulated days, with a switch of daylight saving time; and sets the clock again and again.

The daemon (a separate process), Postgres, HTTP, the files, and the speed of all of them are real. The clock of the machine
is simulated, for the daemon and for Postgres: while all of them wait, it leaps by a minute at a time (see
`simulated_clock`). PitchYou's tokens expire by the same clock. syncd's schedules, timeouts and waits are unchanged, except
that the lease needs no renewal every 20 seconds.

syncd reads cron lines in UTC, so a switch must change nothing: in spring the day has 23 hours in Berlin, and 23 runs; in
autumn it has 25, two of them between 2 and 3 o'clock. Meanwhile applications arrive and change, files are late or gone,
Postgres restarts and is away for hours, and PitchYou refuses the client and forgets its tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from syncd.sandbox.faults import Fault
from tests.proof.longrun_checks import HOUR, Outage, assert_flat, assert_log_bounded, assert_on_time
from tests.proof.longrun_jumps import JUMPING, prove_jumps
from tests.proof.longrun_scene import A_MINUTE, CLIENTS, TOKEN_LIFETIME, Scene, scene
from tests.proof.simulated_clock import TOOLS, missing
from tests.proof.summary import total

__all__ = ["TOOLS", "missing", "points", "prove"]

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = 30
# Both begin two weeks before the Sunday of the switch. Because of the seconds, no run is due at the start.
STARTS = {
    "spring": datetime(2027, 3, 14, 0, 0, 20, tzinfo=UTC),
    "autumn": datetime(2027, 10, 17, 0, 0, 20, tzinfo=UTC),
}
SWITCHES = {
    "spring": (datetime(2027, 3, 28, tzinfo=BERLIN), 23),
    "autumn": (datetime(2027, 10, 31, tzinfo=BERLIN), 25),
}
WITHOUT_NEWS = (
    3  # days at the end, in which even a client with one cycle a night gives up the files that are gone
)
_EARLIEST = 0.8 * TOKEN_LIFETIME - 60  # seconds after which syncd may renew a token, with looks once a minute


def points() -> Iterator[str]:
    """Lists all points: two times thirty days, and the changes of the clock."""
    yield from (*STARTS, *JUMPING)


def summary(held: Mapping[str, str]) -> str:
    """Returns what was really done, for the report."""
    days, cycles = total(held, r"^(\d+) days"), total(held, r" ([\d,]+) cycles")
    return f"{days} days, {cycles:,} cycles; the clock in {len(held.keys() & set(JUMPING))} ways"


def prove(point: str) -> str:
    """Lets the time pass, and checks everything that happened in it. Returns how much that was."""
    return prove_jumps(point) if point in JUMPING else prove_days(point, DAYS)


def prove_days(season: str, days: int) -> str:
    """Runs this number of days, at least four. A full proof needs thirty; the troubles take the first seventeen."""
    with scene(STARTS[season], gone=0.05) as machine:
        began, troubles = machine.clock.now(), Troubles(machine)
        for hour in range(days * 24):
            machine.pass_minutes(20)
            troubles.at(hour)
            if hour % 24 == 0:
                machine.measure()
            if hour % 5 == 0 and hour < (days - WITHOUT_NEWS) * 24:
                _news(machine, hour)
            machine.pass_minutes(40)
        ended = machine.clock.now()
        assert machine.daemon.stop() == 0
        machine.here.assert_complete()
        assert machine.here.outstanding() == 0, "an application is not confirmed"
        cycles = assert_on_time(machine, began, ended, troubles.of_postgres)
        _assert_switch(machine, season, ended)
        _assert_tokens(machine, troubles.revoked_at)
        assert_log_bounded(machine, troubles.days)
        assert_flat(machine.sizes)
    return f"{days} days, {cycles:,} cycles, each on time"


def _news(machine: Scene, hour: int) -> None:
    """Adds an application, and sometimes a new version of an old one."""
    client = CLIENTS[hour // 5 % len(CLIENTS)]
    machine.here.sandbox.add_profiles(1, client)
    if hour % 15 == 0:
        changed = next(iter(machine.here.sandbox.expected(client)))
        machine.here.sandbox.change_profile(changed["profileId"], client=client, add_media=hour % 2)


class Troubles:
    """Plans what goes wrong, at 20 minutes past an hour, and when it ends."""

    def __init__(self, machine: Scene) -> None:
        self._machine = machine
        self.of_postgres: list[Outage] = []
        self.days: set[date] = set()
        self.revoked_at: list[datetime] = []
        self._plan: dict[int, Callable[[], None]] = {
            5 * 24 + 10: self._restart,
            # Twice: memory that the first outage takes permanently is not a leak, if the second takes no more.
            **{
                day * 24 + hour: act
                for day in (1, 8)
                for hour, act in (
                    (10, self._postgres_ends),
                    (14, self._postgres_is_back),
                    (15, self._minutes_again),
                )
            },
            11 * 24 + 10: self._refuse,
            11 * 24 + 14: machine.here.sandbox.clear_faults,
            14 * 24 + 1: self._fail,  # across the switch of daylight saving time
            14 * 24 + 4: machine.here.sandbox.clear_faults,
            16 * 24 + 10: self._revoke,
        }

    def at(self, hour: int) -> None:
        """Does what is planned for this hour."""
        if act := self._plan.get(hour):
            act()
            self.days.add(self._machine.clock.now().date())

    def _restart(self) -> None:
        self._machine.postgres.stop()
        self._machine.postgres.start()

    def _postgres_ends(self) -> None:
        self._machine.leap = 5  # so that a wait of a second or two for Postgres does not become a minute
        self._machine.postgres.stop("immediate")
        self.of_postgres.append(Outage(self._machine.clock.now()))

    def _postgres_is_back(self) -> None:
        self.of_postgres[-1].ended = self._machine.clock.now()
        self._machine.postgres.start()

    def _minutes_again(self) -> None:
        self._machine.leap = A_MINUTE

    def _refuse(self) -> None:
        self._machine.here.sandbox.inject(Fault("profiles", "status", status=403, times=None))

    def _fail(self) -> None:
        self._machine.here.sandbox.inject(Fault("any", "status", status=503, times=None))

    def _revoke(self) -> None:
        self._machine.here.sandbox.revoke_tokens()
        self.revoked_at.append(self._machine.clock.now())


def _assert_switch(machine: Scene, season: str, ended: datetime) -> None:
    """Checks that the day of the switch has as many runs as hours in Berlin."""
    day, hours = SWITCHES[season]
    midnight, next_midnight = (each.astimezone(UTC) for each in (day, day + timedelta(days=1)))
    if next_midnight > ended:
        return  # a short run
    runs = [each for each in machine.starts(CLIENTS[0]) if midnight <= each < next_midnight]
    assert next_midnight - midnight == hours * HOUR
    assert len(runs) == hours, f"{len(runs)} runs on a day of {hours} hours"


def _assert_tokens(machine: Scene, revoked_at: list[datetime]) -> None:
    """Checks that syncd requests a token only when the old one is about to expire, and never uses an expired one."""
    for client, moments in machine.asked_for_tokens.items():
        for earlier, later in pairwise(moments):
            assert later - earlier >= timedelta(seconds=_EARLIEST) or any(
                earlier <= each <= later for each in revoked_at
            ), f"{client} asked for a token at {earlier} and again at {later}"
    refused = sum(request.status == 401 for request in machine.here.sandbox.ledger.requests)
    assert refused <= len(revoked_at) * len(CLIENTS), (
        f"{refused} requests were sent with a token that was no good"
    )
