"""Checks thirty days: each due run happens on time, no other run happens, and nothing grows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from tests.proof.longrun_scene import CLIENTS, EVERY, Scene

HOUR = timedelta(hours=1)
NEVER = datetime.max.replace(tzinfo=UTC)
DAY = timedelta(days=1)
AT_ONCE = timedelta(seconds=20)  # a thread that wakes up may have to wait for a core
A_LEAP = timedelta(minutes=1)  # of the clock
SOON = timedelta(
    minutes=3
)  # after an outage, syncd tries Postgres every 30 seconds, and waits as long for it
GROWTH = 1.05  # of memory, from the third day to the last
_CYCLES = 24 + 16 + 1  # a day
_LINES = {"cycle_finished": _CYCLES, "cycles_summary": _CYCLES, "templates_synced": len(CLIENTS)}  # a day
_BYTES = 40_000  # a day
_SETTLED = 3  # days after which nothing may grow


@dataclass
class Outage:
    """A period in which Postgres was away."""

    began: datetime
    ended: datetime = NEVER

    def holds(self, moment: datetime) -> bool:
        """Says whether Postgres was away at this moment."""
        return self.began <= moment < self.ended


def assert_on_time(machine: Scene, began: datetime, ended: datetime, outages: Sequence[Outage]) -> int:
    """Checks that each scheduled cycle began once, when it was due, and that there was no other. Returns their number.

    Not scheduled are each client's first cycle, and the cycle that makes up for those that an outage of Postgres prevented.
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
            # The run after an outage also counts for runs that were due between the outage and that run.
            if not any(
                outage.began <= each <= (up or outage.ended)
                for outage, up in zip(outages, made_up, strict=True)
            )
        ]
        # An interval starts at a run that may have been late by a leap; how late is unknown here.
        spare = A_LEAP if client == "often" else timedelta(0)
        for moment, start in zip(due, rest, strict=False):
            assert moment - spare <= start <= moment + spare + AT_ONCE, (
                f"{client}: due at {moment}, begun at {start}"
            )
        assert len(due) == len(rest), f"{client}: {len(due)} runs were due, {len(rest)} were made"
    return total


def _made_up(client: str, starts: Sequence[datetime], outage: Outage, began: datetime) -> datetime | None:
    """Returns the run soon after an outage; there must be one if a run was due during the outage."""
    found = [each for each in starts if outage.ended <= each <= outage.ended + SOON]
    expected = any(outage.holds(each) for each in _due(client, began, [], outage.ended))
    assert len(found) == expected, f"{client}: {len(found)} runs right after an outage"
    return found[0] if found else None


def _due(client: str, first: datetime, made_up: Sequence[datetime], ended: datetime) -> list[datetime]:
    """Computes when runs are due, without syncd's own trigger. An interval starts at the last run that made up for others."""
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
    """Checks that memory grows by less than 5 %, and that the number of open files and threads does not grow."""
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
    """Checks that each full day without trouble logs one line per cycle, per look at the templates and per file given up."""
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
