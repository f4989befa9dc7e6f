"""Finds the longest time between two runs of a schedule, by which reports tell whether a client is late."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count, pairwise
from zoneinfo import ZoneInfo

from syncd.settings.schedule import Cron, Every

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# After 28 years, each date has the same day of the week again.
_FIRST, _28_YEARS = date(2001, 1, 1), 28 * 1461 // 4


def longest_gap(schedule: Every | Cron, timezone: ZoneInfo) -> float:
    """Return the most seconds between two runs that follow one another. A cron line is one of this time zone.

    Where the clocks are set back, that may be as much more than there ever is. It counts on the changes of the coming two
    years.
    """
    if isinstance(schedule, Every):
        return schedule.seconds
    times = [timedelta(hours=hour, minutes=minute) for hour in schedule.hours for minute in schedule.minutes]
    days = _Days(schedule.days, schedule.months, schedule.weekdays, schedule.either_day)
    within = max((later - earlier for earlier, later in pairwise(times)), default=timedelta(0))
    by_the_clock = longest = max(within, _longest_between(days) - (times[-1] - times[0]))
    for shown, change in _changes(timezone, datetime.now(UTC).year):
        if change < timedelta(0):
            longest = max(longest, by_the_clock - change)
        elif schedule.any_time:
            # No run makes up for one in an hour that is skipped.
            runs = [day + time for day in days.around(shown) for time in times]
            last = max(run for run in runs if run < shown)
            longest = max(longest, min(run for run in runs if run >= shown + change) - last - change)
    return longest.total_seconds()


@dataclass(frozen=True, slots=True)
class _Days:
    """The days on which a cron line runs."""

    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[str, ...]
    either: bool

    def match(self, day: date) -> bool:
        both = (day.day in self.days, _WEEKDAYS[day.weekday()] in self.weekdays)
        return day.month in self.months and (any(both) if self.either else all(both))

    def around(self, moment: datetime) -> list[datetime]:
        """List the midnights of the last matching day before this one, of this one, and of the next one."""
        today = moment.replace(hour=0, minute=0)
        last = next(today - n * _DAY for n in count(1) if self.match(today - n * _DAY))
        following = next(today + n * _DAY for n in count(1) if self.match(today + n * _DAY))
        return [last, *([today] if self.match(today) else []), following]


# The clients of a configuration run on few different days.
@cache
def _longest_between(days: _Days) -> timedelta:
    found = [n for n in range(_28_YEARS) if days.match(_FIRST + n * _DAY)]
    return max(later - earlier for earlier, later in pairwise([*found, found[0] + _28_YEARS])) * _DAY


@cache
def _changes(timezone: ZoneInfo, year: int) -> list[tuple[datetime, timedelta]]:
    """List when the clocks change in two years: what they show before, as if in UTC, and how far they are set forward."""
    found = []
    for earlier, later in pairwise(datetime(year, 1, 1, tzinfo=UTC) + n * _DAY for n in range(2 * 366)):
        if _offset(earlier, timezone) != _offset(later, timezone):
            # Clocks change at a full minute.
            moment = next(
                earlier + n * _MINUTE
                for n in count(1)
                if _offset(earlier + n * _MINUTE, timezone) != _offset(earlier, timezone)
            )
            shown = moment + _offset(earlier, timezone)
            found.append((shown, _offset(moment, timezone) - _offset(earlier, timezone)))
    return found


def _offset(moment: datetime, timezone: ZoneInfo) -> timedelta:
    return moment.astimezone(timezone).utcoffset() or timedelta(0)
