"""Parses times as people and programs write them: ISO 8601, and German dates."""

import re
from datetime import UTC, datetime, tzinfo

_GERMAN = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(?:,?\s+(\d\d?):(\d\d)(?::(\d\d))?)?", re.ASCII)


def parse_moment(written: str, timezone: tzinfo) -> datetime:
    """Parse a time such as `2026-11-01T08:00` or `01.11.2026 08:00`, and convert it to UTC. A date means midnight.

    Args:
        timezone: applies to times without an offset.

    Raises:
        ValueError, OverflowError: it is not a valid time.
    """
    if german := _GERMAN.fullmatch(written):
        day, month, year, hour, minute, second = (int(part or 0) for part in german.groups())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone)
    else:
        moment = datetime.fromisoformat(written)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone)
    return moment.astimezone(UTC)
