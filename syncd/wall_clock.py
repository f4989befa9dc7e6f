"""Runs cron lines by the clocks of a time zone, which are set forward and back. APScheduler would skip and double runs."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger

# No clock was ever set by more than that for daylight saving time.
_LARGEST_CHANGE = timedelta(hours=3)
_TICK = timedelta(microseconds=1)


class WallClockTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires when the clocks of a time zone show what a cron line matches, by the rules of cron(5) of Debian.

    A line with a fixed time of day fires once for each match: in an hour that is skipped, as much later as the clocks
    were set forward; in an hour that comes twice, the first time. A line whose minute or hour begins with a star fires
    whenever the clocks show a match: never in an hour that is skipped, and both times in an hour that comes twice.

    Args:
        cron: finds the next match after a moment. Its UTC stands for what the clocks show.
        any_time: whether the minute or the hour begins with a star.
    """

    def __init__(self, cron: BaseTrigger, timezone: ZoneInfo, *, any_time: bool) -> None:
        self._cron, self._timezone, self._any_time = cron, timezone, any_time

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """Return the first moment after the previous run, or else from now on, in UTC."""
        # In UTC: arithmetic in a time zone is that of its clocks.
        start = now.astimezone(UTC)
        if previous_fire_time is not None:
            start = previous_fire_time.astimezone(UTC) + _TICK
        around = [start - _LARGEST_CHANGE, start, start + _LARGEST_CHANGE]
        is_near_a_change = len({each.astimezone(self._timezone).utcoffset() for each in around}) > 1
        shown = start.astimezone(self._timezone).replace(tzinfo=UTC, fold=0)
        if is_near_a_change:
            shown -= _LARGEST_CHANGE
        found: datetime | None = None
        while (match := self._cron.get_next_fire_time(None, shown)) is not None:
            moments = [moment for moment in self._moments(match) if moment >= start]
            found = min([*moments, *([found] if found else [])], default=None)
            # Close to a change, a later match may come at an earlier moment.
            if found and (not is_near_a_change or self._moment(match, fold=0) > found + _LARGEST_CHANGE):
                break
            shown = match + _TICK
        return found

    def _moments(self, shown: datetime) -> list[datetime]:
        """Return when the clocks show this, in UTC: as a rule once."""
        first, second = self._moment(shown, fold=0), self._moment(shown, fold=1)
        if not self._any_time or first == second:
            return [first]
        is_skipped = first.astimezone(self._timezone).replace(tzinfo=UTC, fold=0) != shown
        return [] if is_skipped else [first, second]

    def _moment(self, shown: datetime, *, fold: int) -> datetime:
        return shown.replace(tzinfo=self._timezone, fold=fold).astimezone(UTC)
