"""Parses the time of an application, which PitchYou may write in many ways ([ADR 30](../../docs/adr/0030-times.md))."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

from syncd.moments import parse_moment

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Nobody applied over PitchYou before, or will apply tomorrow. A day is for clocks and time zones that are wrong.
_FIRST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(days=1)

_COUNT = re.compile(r"(\d{9,19})(?:\.\d{1,9})?", re.ASCII)
# Seconds, milliseconds, microseconds and nanoseconds since 1970. A plausible time is plausible in one of them only.
_PER_SECOND = (1, 10**3, 10**6, 10**9)
_YEAR_9999 = 253_370_764_800
_OF_DOTNET = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", re.ASCII)
_OF_MAIL = re.compile(r"[A-Z][a-z]{2}, \d.*", re.ASCII)


def applied_at(written: str | None, timezone: ZoneInfo, received: datetime) -> datetime | None:
    """Return the time that was written, or None if it is not a time, or not one from 2000 until a day after `received`.

    The caller also stores the raw text.

    Args:
        timezone: applies to times without an offset.
    """
    try:
        moments = _readings((written or "").strip(), timezone)
    except (ValueError, OverflowError):
        return None
    return next((moment for moment in moments if _FIRST <= moment <= received + _AHEAD), None)


def _readings(written: str, timezone: ZoneInfo) -> list[datetime]:
    """Return every time that the text may mean."""
    if _COUNT.fullmatch(written):
        counts = (Decimal(written) / unit for unit in _PER_SECOND)
        return [_since_1970(seconds) for seconds in counts if seconds < _YEAR_9999]
    if milliseconds := _OF_DOTNET.fullmatch(written):
        return [_since_1970(Decimal(milliseconds[1]) / 1000)]
    # `fromisoformat` would take the first digits of another number for a year.
    if written.isdigit() and len(written) != len("20260211"):
        return []
    if _OF_MAIL.fullmatch(written):
        moment = parsedate_to_datetime(written)
        return [(moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)]
    return [parse_moment(written, timezone)]


def _since_1970(seconds: Decimal) -> datetime:
    return _EPOCH + timedelta(microseconds=int(seconds * 10**6))
