"""Converts a configured schedule to APScheduler triggers, and finds the next run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from syncd.settings import Cron, Every

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from apscheduler.triggers.base import BaseTrigger


def trigger_of(schedule: Every | Cron, timezone: ZoneInfo) -> BaseTrigger:
    """Return the trigger for a schedule. A cron line is one of this time zone.

    Weekdays are passed by name, because APScheduler counts from Monday and cron from Sunday. If both day fields are
    restricted, cron runs on days that match either of them; APScheduler would run only on days that match both.
    """
    # Imported here, because `syncd status` does not need APScheduler for a schedule such as `every 60s`.
    from apscheduler.triggers.combining import OrTrigger
    from apscheduler.triggers.cron import CronTrigger
    from apscheduler.triggers.interval import IntervalTrigger

    from syncd.wall_clock import WallClockTrigger

    if isinstance(schedule, Every):
        return IntervalTrigger(seconds=schedule.seconds, timezone=UTC)
    time = {
        "minute": _listed(schedule.minutes),
        "hour": _listed(schedule.hours),
        "month": _listed(schedule.months),
        "timezone": UTC,
    }
    days, weekdays = _listed(schedule.days), _listed(schedule.weekdays)
    if schedule.either_day:
        cron = OrTrigger([CronTrigger(day=days, **time), CronTrigger(day_of_week=weekdays, **time)])
    else:
        cron = CronTrigger(day=days, day_of_week=weekdays, **time)
    return cron if timezone.key == "UTC" else WallClockTrigger(cron, timezone, any_time=schedule.any_time)


def next_run_at(
    schedule: Every | Cron, timezone: ZoneInfo, last_started_at: datetime | None, now: datetime
) -> datetime:
    """Return when the next cycle is due. The time is in the past if a cycle is overdue."""
    if isinstance(schedule, Every):
        return now if last_started_at is None else last_started_at + timedelta(seconds=schedule.seconds)
    due: datetime | None = trigger_of(schedule, timezone).get_next_fire_time(None, now)
    if due is None:
        raise AssertionError("the settings reject a cron schedule that never fires")
    return due


def _listed(values: tuple[int, ...] | tuple[str, ...]) -> str:
    return ",".join(map(str, values))
