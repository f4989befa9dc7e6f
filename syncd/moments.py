"""Parses times and months as people and programs write them: ISO 8601, German dates, and months as spreadsheets show them."""

import re
from datetime import UTC, date, datetime, tzinfo

_GERMAN = re.compile(r"(\d\d?)\.(\d\d?)\.(\d{4})(?:,?\s+(\d\d?):(\d\d)(?::(\d\d))?)?", re.ASCII)

# A whole month, or its first day at midnight.
_MONTHS = (
    re.compile(r"(?P<year>\d{4})-(?P<month>\d\d?)(?:-0?1(?:[ T]00:00(?::00)?)?)?", re.ASCII),
    re.compile(r"(?:0?1[./])?(?P<month>\d\d?)[./](?P<year>\d{4})(?: 00:00(?::00)?)?", re.ASCII),
    # A spreadsheet makes "Nov 26" of 2026-11.
    re.compile(r"(?P<name>[^\W\d_]+)\.?[ -](?P<year>\d{4}|\d\d)"),
)
_NAMES = {
    name: number
    for number, names in enumerate(
        (
            "jan januar january jän jänner",
            "feb februar february",
            "mär mar mrz märz march",
            "apr april",
            "mai may",
            "jun juni june",
            "jul juli july",
            "aug august",
            "sep sept september",
            "okt oct oktober october",
            "nov november",
            "dez dec dezember december",
        ),
        1,
    )
    for name in names.split()
}
_CENTURY = 2000


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


def parse_month(written: str) -> date:
    """Parse a month such as `2026-11`, `11.2026`, `01.11.2026`, `November 2026` or `Nov 26`, and return its first day.

    Raises:
        ValueError: it is not a valid month, or it is a day in the middle of one.
    """
    for form in _MONTHS:
        if found := form.fullmatch(written):
            parts = found.groupdict()
            month = parts.get("month") or _NAMES.get(parts.get("name", "").lower(), 0)
            century = _CENTURY if len(parts["year"]) == 2 else 0
            return date(century + int(parts["year"]), int(month), 1)
    raise ValueError
