"""What is demanded of thirty days: each run when it is due and no other, and nothing that grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.proof.longrun_scene import CLIENTS, EVERY, Scene

HOUR = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)
AT_ONCE = timedelta(seconds=20)  # a thread that was woken may have to wait for a core
A_LEAP = timedelta(minutes=1)  # of the clock
SOON = timedelta(
    minutes=3
)  # after an outage, Postgres is looked for each half minute, and waited for as long
GROWTH = 1.05  # of memory, from the third day to the last
_LINES = {"cycle_finished": 24 + 16 + 1, "templates_synced": len(CLIENTS)}  # a day
_BYTES = 30_000  # a day
_SETTLED = 3  # days after which nothing may grow any more


@dataclass
class Outage:
    """When Postgres was away."""

    began: datetime
    ended: datetime = NEVER

    def holds(self, moment: datetime) -> bool:
        """Whether it was away at that moment."""
        return self.began <= moment < self.ended


def assert_on_time(machine: Scene, began: datetime, ended: datetime, outages: Sequence[Outage]) -> int:
    """Each cycle of the schedules began when it was due, once, and there was no other. Returns how many there were.

    Others are the first one of each client, and the one that makes up for those that an outage of Postgres prevented.
    """
    total = 0
    for client in CLIENTS:
        starts = machine.starts(client)
        total += len(starts)
        first, *rest = starts
        made_up = [_made_up(client, rest, outage, began) for outage in outages]
        rest = [each for each in rest if each not in made_up]
        due = _due(client, first, [each for each in made_up if each], ended)
        due = [
            each
            for each in due
            # What was due between the end of an outage and the run that made up for it, that run was.
            if not any(
                outage.began <= each <= (up or outage.ended)
                for outage, up in zip(outages, made_up, strict=True)
            )
        ]
        # An interval counts from a run that may itself have been late by a leap, which is not known here.
        spare = A_LEAP if client == "often" else timedelta(0)
        for moment, start in zip(due, rest, strict=False):
            assert moment - spare <= start <= moment + spare + AT_ONCE, (
                f"{client}: due at {moment}, begun at {start}"
            )
        assert len(due) == len(rest), f"{client}: {len(due)} runs were due, {len(rest)} were made"
    return total


def _made_up(client: str, starts: Sequence[datetime], outage: Outage, began: datetime) -> datetime | None:
    """The run soon after an outage, which there must be if one was due meanwhile."""
    found = [each for each in starts if outage.ended <= each <= outage.ended + SOON]
    expected = any(outage.holds(each) for each in _due(client, began, [], outage.ended))
    assert len(found) == expected, f"{client}: {len(found)} runs right after an outage"
    return found[0] if found else None


def _due(client: str, first: datetime, made_up: Sequence[datetime], ended: datetime) -> list[datetime]:
    """When the schedule wants runs, told without its trigger; an interval counts from the last one that was made up for."""
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    if client == "hourly":
        found = [midnight + number * HOUR for number in range((ended - midnight) // HOUR + 1)]
    elif client == "nightly":
        found = [midnight + number * DAY + 2.5 * HOUR for number in range((ended - midnight) // DAY + 1)]
    else:
        found = []
        for start, end in zip([first, *made_up], [*made_up, ended], strict=True):
            found += [start + number * EVERY for number in range(1, (end - start) // EVERY + 1)]
    return [each for each in found if first < each <= ended]


def assert_flat(sizes: Sequence[tuple[int, int, int]]) -> None:
    """Memory grows by less than 5 %; of open files and threads there are not more on the last days than on earlier ones."""
    settled = sizes[_SETTLED:]
    if len(settled) < 2 * _SETTLED:
        return  # a short run
    memory = [size for size, _, _ in settled]
    assert max(memory) < memory[0] * GROWTH, f"memory in bytes, day by day: {memory}"
    for what, counts in (
        ("files", [each[1] for each in settled]),
        ("threads", [each[2] for each in settled]),
    ):
        half = len(counts) // 2
        assert max(counts[half:]) <= max(counts[:half]), f"open {what}, day by day: {counts}"


def assert_log_bounded(machine: Scene, troubled: Collection[date]) -> None:
    """Each whole day without trouble has a line for each cycle and each look at the templates, and for each file given up."""
    days: dict[date, Counter[str]] = {}
    sizes: Counter[date] = Counter()
    for event in machine.daemon.events():
        day = datetime.fromisoformat(event["timestamp"]).date()
        days.setdefault(day, Counter())[event["event"]] += 1
        sizes[day] += len(str(event))
    for day in sorted(days)[1:-1]:
        if day not in troubled:
            for name, count in days[day].items() - {("media_gone", days[day]["media_gone"])}:
                assert abs(count - _LINES.get(name, 0)) <= 1, f"{day}: {count} times {name} in the log"
        assert sizes[day] < _BYTES, f"{day}: {sizes[day]:,} bytes of log"
